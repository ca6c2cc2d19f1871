//! What the schemes of retransmission are good for, at round trips short and long.

use weaknet_core::packet::{Class, Leg};
use weaknet_core::{Event, Time};

use super::support::{events, metric, outcome};

/// A call whose frames are due 120 ms after they arrive, 4 % lost.
fn call(arq: &str, one_way: u32) -> String {
    format!(
        "
duration: 30s
seeds: [2]
network:
  forward: {{rate: 5Mbps, delay: {one_way}ms, loss: 4%}}
  backward: {{delay: {one_way}ms}}
flows:
  - name: call
    media: {{video: {{max_bitrate: 1Mbps}}}}
    constraints: {{start_bitrate: 1Mbps, max_bitrate: 1.2Mbps}}
    arq: {arq}
    jitter_buffer: {{fixed: {{delay: 120ms}}}}
"
    )
}

/// How many retransmissions came for nothing, or late.
fn in_vain(arq: &str, one_way: u32) -> f64 {
    let text = call(arq, one_way);
    let run = outcome(&text);
    let share = |name| run.result.metric("call", name).unwrap_or(0.0);
    let came = |(_, event): &(Time, Event)| matches!(event, Event::Retransmitted { .. });
    let all = events(&text).iter().filter(|event| came(event)).count() as f64;
    (share("rtx_wasted_ratio") + share("rtx_late_ratio")) * all
}

const DEADLINE: &str = "{deadline: {grace: 0ms}}";

#[test]
fn deadlines_send_less_in_vain_when_the_round_trip_is_near_them() {
    // 120 ms less what decoding and screen take are 105.
    for one_way in [50, 55, 60] {
        let (much, little) = (in_vain("nack", one_way), in_vain(DEADLINE, one_way));
        assert!(little < much / 2.0, "{one_way} ms: {little} {much}");
        let [nack, deadline] = ["nack", DEADLINE].map(|arq| {
            let run = outcome(&call(arq, one_way));
            metric(&run, "call", "rtx_predicted_late")
        });
        assert!(
            deadline > 50.0 && nack == 0.0,
            "{one_way} ms: {deadline} {nack}"
        );
    }
}

#[test]
fn the_grace_ends_freezes_that_a_deadline_makes() {
    // Frames that refer to each other need what is late, too.
    let frozen = |arq| metric(&outcome(&call(arq, 55)), "call", "freeze_ratio");
    let (hard, soft) = (frozen(DEADLINE), frozen("deadline"));
    assert!(hard > 0.3 && soft < 0.1, "{hard} {soft}");
}

#[test]
fn nothing_is_sent_again_that_would_come_after_its_play_out() {
    // 300 ms for 120: nobody asks, and nobody answers.
    let sent_again = |arq| {
        let events = events(&call(arq, 150));
        let again = |(at, event): &(Time, Event)| {
            // Before 5 s probes are filled with old packets.
            matches!(event, Event::Sent { packet, .. }
                if packet.class == Class::Rtx && packet.leg == Leg::Outward
                    && *at > Time::from_secs(5))
        };
        events.iter().filter(|event| again(event)).count()
    };
    assert!(sent_again("nack") > 50);
    assert_eq!(sent_again(DEADLINE), 0);
}

#[test]
fn with_time_enough_all_schemes_repair() {
    let schemes = [
        "nack",
        "{rtx_fixed: {interval: 50ms}}",
        "deadline",
        "hybrid",
    ];
    for arq in schemes {
        let run = outcome(&call(arq, 10));
        let left = metric(&run, "call", "residual_loss_ratio");
        assert!(left < 0.002, "{arq}: {left}");
        assert_eq!(metric(&run, "call", "freeze_ratio"), 0.0, "{arq}");
    }
    let none = outcome(&call("none", 10));
    assert!(metric(&none, "call", "freeze_ratio") > 0.3);
}

#[test]
fn copies_pay_when_one_round_is_left() {
    // One round of 80 ms fits into 120: three copies of 4 % loss.
    let [nack, hybrid] = ["nack", "hybrid"].map(|arq| outcome(&call(arq, 40)));
    let late = |run: &_| metric(run, "call", "rtx_late_ratio");
    let wasted = |run: &_| metric(run, "call", "rtx_wasted_ratio");
    let delay = |run: &_| metric(run, "call", "frame_delay_p99_ms");
    // No later than with one copy, to the microsecond.
    assert!(
        delay(&hybrid) < delay(&nack) + 0.001,
        "{} {}",
        delay(&hybrid),
        delay(&nack)
    );
    assert!(wasted(&hybrid) > wasted(&nack), "what they cost");
    assert!(late(&hybrid) <= late(&nack));
}

#[test]
fn a_budget_bounds_what_is_sent_again() {
    let arq = "{nack: {sender: {budget: 2%}}}";
    let (free, bound) = (outcome(&call("nack", 20)), outcome(&call(arq, 20)));
    let share = |run: &_| metric(run, "call", "rtx_overhead_ratio");
    assert!(
        share(&bound) < 0.035 && share(&bound) < share(&free),
        "{}",
        share(&bound)
    );
}

#[test]
fn the_rules_of_2024_give_up_after_ten_requests() {
    // In the dark for 3 s, with a round trip of 40 ms: 2024 stops asking for what
    // was missing before, 2026 goes on.
    let text = |version: &str| {
        call(&format!("{{nack: {{version: {version}}}}}"), 20).replace(
            "loss: 4%",
            "loss: {windows: [{from: 10s, to: 13s, loss: 97%}]}",
        )
    };
    let nacks = |version| {
        let asked = |(_, event): &(Time, Event)| match event {
            Event::NackSent { count, .. } => *count,
            _ => 0,
        };
        events(&text(version)).iter().map(asked).sum::<u32>()
    };
    let (old, new) = (nacks("libwebrtc_2024_10"), nacks("libwebrtc_2026_01"));
    assert!(old < new, "{old} {new}");
}
