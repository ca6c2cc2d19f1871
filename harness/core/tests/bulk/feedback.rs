//! The feedback formats of calls.

use weaknet_core::packet::{Class, Leg};
use weaknet_core::{Event, Time};
use weaknet_harness::world;

use super::support::{case, events, metric, outcome};

fn scenario(flow: &str) -> String {
    format!(
        "
duration: 60s
seeds: [1]
measure: {{from: 20s}}
network:
  forward: {{rate: 2Mbps, delay: 25ms, queue: {{drop_tail: {{limit: 200ms}}}}}}
  backward: {{delay: 25ms}}
flows:
  - {{name: call, media: {{video: {{}}, audio: {{}}}}, {flow}}}
"
    )
}

/// Packets back to the sender from 30 to 40 s, with their sizes.
fn answers(text: &str) -> Vec<u32> {
    let window = Time::from_secs(30)..Time::from_secs(40);
    let events = events(text).into_iter();
    events
        .filter(|(at, _)| window.contains(at))
        .filter_map(|(_, event)| match event {
            Event::Sent { packet, .. } if packet.leg == Leg::Return => Some(packet.size),
            _ => None,
        })
        .collect()
}

#[test]
fn receiver_reports_alone_carry_a_call() {
    let text = scenario("congestion_control: gcc, feedback: rr, arq: none");
    // Besides reports of 94 B each 850 ms only consent checks (RFC 7675), 92 and
    // 124 B, and requests for key frames, 54 B: nothing that names packets.
    let found = answers(&text);
    let reports = found.iter().filter(|size| **size == 94).count();
    assert!((11..=12).contains(&reports), "{reports}");
    assert!(
        found.iter().all(|size| [54, 92, 94, 124].contains(size)),
        "{found:?}"
    );
    let outcome = outcome(&text);
    let (rate, loss) = (
        metric(&outcome, "call", "receive_rate_kbps"),
        metric(&outcome, "call", "loss_ratio"),
    );
    // Losses below a tenth do not slow it down (draft-ietf-rmcat-gcc-02, section
    // 6), and it knows nothing of delay: it fills the queue.
    assert!(rate > 1_700.0, "{rate}");
    assert!((0.005..0.15).contains(&loss), "{loss}");
    assert!(metric(&outcome, "call", "queue_delay_p95_ms") > 150.0);
    let rtt = metric(&outcome, "call", "rtt_p50_ms");
    assert!((100.0..300.0).contains(&rtt), "by LSR and DLSR: {rtt}");
}

#[test]
fn receiver_reports_come_as_often_as_asked_for() {
    let text = scenario("congestion_control: gcc, feedback: {format: rr, every: 200ms}");
    let reports = answers(&text).iter().filter(|size| **size == 94).count();
    assert_eq!(reports, 50);
    // Also where there is no other RTCP, of which they need sender reports.
    // 5 % more each second report, 24 times until 40 s, are 970 kbit/s for the draft.
    for (controller, least) in [("gcc", 1_500.0), ("gcc_draft02", 800.0)] {
        let flow = format!("congestion_control: {controller}, feedback: rr, signalling: none");
        let rate = metric(&outcome(&scenario(&flow)), "call", "receive_rate_kbps");
        assert!(rate > least, "{controller}: {rate}");
    }
}

#[test]
fn who_needs_to_know_of_packets_says_so() {
    for controller in ["scream", "nada", "cubic", "bbr3", "prague"] {
        let text = scenario(&format!("congestion_control: {controller}, feedback: rr"));
        let case = case(&text);
        let built = world::build(&case.scenario, case.seed, &case.assets);
        let error = built.map(|_| ()).unwrap_err().to_string();
        let expected = format!(
            "call/feedback: receiver reports count packets and name none, on which \
             `{controller}` cannot decide: expected twcc, ccfb or ack"
        );
        assert_eq!(error, expected);
    }
}

#[test]
fn acknowledgements_answer_every_second_datagram() {
    let text = scenario(
        "congestion_control: {fixed: {rate: 1Mbps}}, feedback: ack, rtp_overhead: quic, signalling: none",
    );
    let window = Time::from_secs(30)..Time::from_secs(40);
    let (mut data, mut acks) = (0, 0);
    for (at, event) in events(&text) {
        match event {
            _ if !window.contains(&at) => {}
            Event::Received { packet, .. } if packet.leg == Leg::Outward => {
                // Sender reports are no part of what is acknowledged.
                data += u32::from(packet.class != Class::Rtcp);
            }
            Event::Sent { packet, .. } if packet.leg == Leg::Return => {
                // An ACK frame of one range is 67 B with all headers; with the
                // times of the 32 newest arrivals, since `fixed` gives a target.
                assert_eq!(packet.size, 67 + 32 * 2);
                acks += 1;
            }
            _ => {}
        }
    }
    // The last packet of a frame may be alone until the timer of 25 ms.
    assert!(acks * 2 >= data && acks * 3 < data * 2, "{data} {acks}");
}

#[test]
fn acknowledgements_with_arrival_times_serve_controllers_made_for_media() {
    for (controller, least) in [("gcc", 0.75), ("scream", 0.6), ("nada", 0.6)] {
        let text = scenario(&format!("congestion_control: {controller}, feedback: ack"));
        let outcome = outcome(&text);
        let used = metric(&outcome, "call", "utilisation");
        let delay = metric(&outcome, "call", "queue_delay_p95_ms");
        assert!(used > least, "{controller}: {used}");
        assert!(delay < 150.0, "{controller}: {delay}");
    }
}

#[test]
fn marks_reach_a_window_by_acknowledgements() {
    let text = |feedback: &str| {
        format!(
            "
duration: 30s
seeds: [1]
measure: {{from: 10s}}
network:
  forward: {{rate: 4Mbps, delay: 25ms, queue: {{dualpi2: {{}}}}}}
  backward: {{delay: 25ms}}
flows:
  - {{name: call, media: {{video: {{max_bitrate: 10Mbps}}}}, congestion_control: prague, feedback: {feedback}}}
"
        )
    };
    for (feedback, marked) in [("ack", true), ("ccfb", true), ("twcc", false)] {
        let events = events(&text(feedback));
        let marks = events
            .iter()
            .filter(|(_, event)| matches!(event, Event::LinkMark { .. }));
        assert_eq!(marks.count() > 20, marked, "{feedback}");
    }
    let scalable = outcome(&text("ack"));
    let delay = metric(&scalable, "call", "queue_delay_p95_ms");
    assert!(delay < 25.0, "{delay}");
    assert_eq!(metric(&scalable, "call", "loss_ratio"), 0.0);
}

#[test]
fn lost_feedback_does_not_shut_the_window_for_good() {
    // Nothing comes back from 20 to 25 s; the window fills and media stop.
    for feedback in ["ack", "ccfb", "twcc"] {
        for pacer in ["webrtc", "packet"] {
            let text = format!(
                "
duration: 40s
seeds: [1]
network:
  forward: {{rate: 2Mbps, delay: 25ms}}
  backward: {{delay: 25ms, loss: {{windows: [{{from: 20s, to: 25s}}]}}}}
flows:
  - {{name: call, media: {{video: {{}}}}, congestion_control: cubic, feedback: {feedback}, pacer: {pacer}}}
"
            );
            let sent = |from, to| {
                let window = Time::from_secs(from)..Time::from_secs(to);
                let count = |(at, event): &&(Time, Event)| {
                    let outward =
                        matches!(event, Event::Sent { packet, .. } if packet.leg == Leg::Outward);
                    outward && window.contains(at)
                };
                events(&text).iter().filter(count).count()
            };
            let (blind, after) = (sent(21, 25), sent(30, 40));
            assert!((1..60).contains(&blind), "{feedback}, {pacer}: {blind}");
            assert!(after > 1_000, "{feedback}, {pacer}: {after}");
        }
    }
}
