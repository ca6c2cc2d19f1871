//! The replay itself: order of calls, what the controller is told, when a
//! decision is written, and what is wrong with a trace.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use weaknet_core::plugin::Assets;
use weaknet_core::{Bitrate, BuildContext, Plugin as _, Streams, Time};
use weaknet_transports::cc::fixed::Fixed;
use weaknet_transports::cc::gcc::Gcc;
use weaknet_transports::cc::replay::{PACKETS_HEADER, ReplayConfig, replay};
use weaknet_transports::cc::{CcEvent, CcOutput, CongestionController, Feedback, SentPacket};

/// Writes down every call. Its target is 100 kbps from the first report on, its
/// timer is always due.
#[derive(Clone, Default)]
struct Recorder {
    calls: Arc<Mutex<Vec<String>>>,
    target: Option<Bitrate>,
}

impl Recorder {
    fn note(&mut self, call: String) {
        self.calls.lock().unwrap().push(call);
    }
}

impl CongestionController for Recorder {
    fn on_sent(&mut self, packet: &SentPacket) {
        let probe = packet
            .probe
            .map(|probe| (probe.id, probe.min_packets, probe.min_bytes.get()));
        self.note(format!(
            "{} sent {} {probe:?} {}",
            packet.at.as_micros(),
            packet.number,
            packet.in_flight
        ));
    }

    fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        let packets: Vec<_> = feedback
            .packets
            .iter()
            .map(|packet| (packet.sent.number, packet.received.map(Time::as_micros)))
            .collect();
        let made = feedback.made.map(Time::as_micros);
        self.note(format!(
            "{} report {made:?} {packets:?} {}",
            feedback.now.as_micros(),
            feedback.in_flight
        ));
        self.target = Some(Bitrate::from_kbps(100));
    }

    fn on_timer(&mut self, now: Time) {
        self.note(format!("{} tick", now.as_micros()));
    }

    fn next_timer(&self) -> Option<Time> {
        Some(Time::ZERO)
    }

    fn on_event(&mut self, now: Time, event: &CcEvent) {
        let text = match event {
            CcEvent::Start(constraints) => format!("start {}", constraints.start),
            CcEvent::Allocated { max, .. } => format!("allocated {max}"),
            CcEvent::Rtt(rtt) => format!("rtt {rtt}"),
            CcEvent::LossReport {
                lost,
                received,
                interval,
            } => {
                format!("lost {lost} received {received} in {interval}")
            }
            other => format!("{other:?}"),
        };
        self.note(format!("{} {text}", now.as_micros()));
    }

    fn output(&self) -> CcOutput {
        CcOutput {
            target: self.target,
            ..CcOutput::default()
        }
    }

    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(self.clone())
    }
}

fn trace(rows: &[&str]) -> String {
    format!("{PACKETS_HEADER}\n{}\n", rows.join("\n"))
}

fn context<T>(build: impl FnOnce(&BuildContext<'_>) -> T) -> T {
    let (streams, assets) = (Streams::new(1), Assets::default());
    build(&BuildContext {
        path: "call",
        streams: &streams,
        assets: &assets,
    })
}

fn gcc() -> Box<dyn CongestionController> {
    context(|context| Gcc::default().build(context)).expect("defaults are valid")
}

#[test]
fn calls_come_in_the_order_of_the_trace() {
    let packets = trace(&[
        "0,600,0,30000,50000,75003,-1,-1,-1,0,600",
        "1,700,10000,-1,50000,75003,3,5,1688,900000,1300",
        "2,800,25007,55000,50000,75003,-1,-1,-1,0,2100",
        "3,900,60000,90000,-1,-1,-1,-1,-1,0,3000",
        "5,1000,75007,100000,120000,150000,-1,-1,-1,0,1900",
    ]);
    let mut recorder = Recorder::default();
    let decisions = replay(&packets, &mut recorder, &ReplayConfig::default()).unwrap();
    let expected = [
        "0 allocated 5Mbps",
        "0 start 300kbps",
        "0 tick",
        "0 sent 0 None 600B",
        "10000 sent 1 Some((3, 5, 1688)) 1.3kB",
        "25007 sent 2 None 2.1kB",
        "25007 tick",
        "50007 tick",
        "60000 sent 3 None 3kB",
        "75003 rtt 49.996ms",
        "75003 lost 1 received 2 in 1s",
        "75003 report Some(50000) [(0, Some(30000)), (1, None), (2, Some(55000))] 900B",
        "75007 sent 5 None 1.9kB",
    ];
    assert_eq!(*recorder.calls.lock().unwrap(), expected);
    // The target changed once; what the controller does not give is filled in.
    assert_eq!(
        decisions,
        "t_us,target_bps,pacing_bps,padding_bps,cwnd_bytes,probes\n75003,100000,750000,0,-1\n"
    );
}

#[test]
fn round_trip_and_loss_are_reported_once_a_second() {
    let rows: Vec<_> = (0..60_u64)
        .map(|k| {
            let sent = k * 50_000;
            let received = if k % 4 == 3 {
                -1
            } else {
                (sent + 20_000) as i64
            };
            format!(
                "{k},600,{sent},{received},{},{},-1,-1,-1,0,600",
                sent + 25_000,
                sent + 45_000
            )
        })
        .collect();
    let mut recorder = Recorder::default();
    let packets = trace(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    replay(&packets, &mut recorder, &ReplayConfig::default()).unwrap();
    let calls = recorder.calls.lock().unwrap();
    let losses: Vec<_> = calls.iter().filter(|call| call.contains("lost ")).collect();
    assert_eq!(
        losses,
        [
            "45000 lost 0 received 1 in 1s",
            "1045000 lost 5 received 15 in 1s",
            "2045000 lost 5 received 15 in 1s"
        ]
    );
}

#[test]
fn controller_that_decides_nothing_writes_nothing() {
    let mut fixed = context(|context| Fixed::default().build(context)).unwrap();
    let packets = trace(&[
        "0,600,0,30000,50000,75003,-1,-1,-1,0,600",
        "1,600,90000,-1,-1,-1,-1,-1,-1,0,600",
    ]);
    let decisions = replay(&packets, fixed.as_mut(), &ReplayConfig::default()).unwrap();
    assert_eq!(decisions.lines().count(), 1);
}

#[test]
fn empty_trace_has_the_decisions_of_the_start() {
    let decisions = replay(&trace(&[]), gcc().as_mut(), &ReplayConfig::default()).unwrap();
    let rows: Vec<_> = decisions.lines().skip(1).collect();
    assert_eq!(
        rows,
        ["0,300000,750000,0,-1,probe:1:900000:15:5,probe:2:1800000:15:5"]
    );
}

#[test]
fn errors_name_line_and_field() {
    let good = "0,600,0,30000,50000,75003,-1,-1,-1,0,600";
    let message = |rows: &[&str]| {
        replay(&trace(rows), gcc().as_mut(), &ReplayConfig::default())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        message(&[good, "1,x,0,0,0,0,-1,-1,-1,0,0"]),
        "line 3: `size` is `x`, expected a whole number up to 1000000000000"
    );
    assert_eq!(message(&["0,600,0"]), "line 2: `recv_us` is missing");
    assert_eq!(
        message(&[&format!("{good},7")]),
        "line 2: more fields than the header names"
    );
    assert_eq!(message(&[good, "", good]), "line 4: `seq` does not rise");
    assert_eq!(
        message(&["0,1,9,-1,-1,-1,-1,-1,-1,0,0", "1,1,8,-1,-1,-1,-1,-1,-1,0,0"]),
        "line 3: `send_us` falls"
    );
    assert_eq!(
        message(&["0,1,9,-1,3,5,-1,-1,-1,0,0"]),
        "line 2: `fb_recv_us` is before `send_us`"
    );
    assert_eq!(
        message(&["0,1,9,-1,5,-1,-1,-1,-1,0,0"]),
        "line 2: only one of `fb_sent_us` and `fb_recv_us` is given"
    );
    assert_eq!(
        message(&["0,1,9,-1,-1,-1,4,-1,-1,0,0"]),
        "line 2: a probe needs `probe_min_packets` and `probe_min_bytes`"
    );
    let error = replay("t_us\n", gcc().as_mut(), &ReplayConfig::default()).unwrap_err();
    assert_eq!(
        (
            error.line,
            error.message.starts_with("expected the header `seq,size")
        ),
        (1, true)
    );
}

#[test]
fn two_runs_give_the_same_bytes() {
    let rows: Vec<_> = (0..2_000_u64)
        .map(|k| {
            let (sent, report) = (k * 3_000, (k / 20 + 1) * 60_000);
            let received = if k % 17 == 5 {
                -1
            } else {
                (sent + 30_000 + k * k % 7_000) as i64
            };
            format!(
                "{k},1100,{sent},{received},{report},{},-1,-1,-1,0,9000",
                report + 25_000
            )
        })
        .collect();
    let packets = trace(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let run = || replay(&packets, gcc().as_mut(), &ReplayConfig::default()).unwrap();
    let first = run();
    assert!(first.lines().count() > 20);
    assert_eq!(first, run());
}

proptest! {
    #[test]
    fn any_text_is_refused_or_replayed(text in "(seq,size[,\n0-9-]{0,40}|[ -~\n]{0,80})") {
        let _ = replay(&text, gcc().as_mut(), &ReplayConfig::default());
    }

    #[test]
    fn any_numbers_are_refused_or_replayed(rows in proptest::collection::vec(
        (0..4_u64, 0..3_000_u64, 0..100_000_u64, -1..9_000_000_i64, -1..9_000_000_i64, -1..9_000_000_i64,
         -1..3_i64, -1..9_i64, -1..9_000_i64, 0..9_000_000_u64, 0..90_000_u64), 0..40,
    )) {
        let (mut number, mut sent, mut text) = (0, 0, format!("{PACKETS_HEADER}\n"));
        for (gap, size, wait, received, made, report, id, packets, bytes, rate, in_flight) in rows {
            number += gap;
            sent += wait;
            text += &format!(
                "{number},{size},{sent},{received},{made},{report},{id},{packets},{bytes},{rate},{in_flight}\n"
            );
        }
        match replay(&text, gcc().as_mut(), &ReplayConfig::default()) {
            Ok(decisions) => prop_assert!(decisions.lines().count() >= 2),
            Err(error) => prop_assert!(error.line >= 2 && error.line <= text.lines().count()),
        }
    }
}
