//! s2n-quic's CUBIC and ours with the settings of s2n-quic, fed with the same
//! script: the same windows, round by round.

use weaknet_adapters::s2n::S2nCubic;
use weaknet_core::packet::{Arrival, Ecn};
use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, Bytes, Plugin, Span, Streams, Time};
use weaknet_transports::cc::cubic::{Cubic, RenoEstimate};
use weaknet_transports::cc::window::{SlowStart, WindowConfig};
use weaknet_transports::cc::{
    CongestionControl, CongestionController, Feedback, FeedbackKind, PacketResult, SentKind,
    SentPacket,
};
use weaknet_transports::transport::SendHistory;

const PACKET: Bytes = Bytes::new(1_200);
const ROUND: Span = Span::from_millis(50);

/// What s2n-quic does on a path without a change of round trip.
fn ours() -> Cubic {
    Cubic {
        window: WindowConfig {
            single_precision: true,
            ..WindowConfig::default()
        },
        slow_start: SlowStart::Standard,
        reno_estimate: RenoEstimate::Elapsed,
        ..Cubic::default()
    }
}

struct Flow {
    controller: Box<dyn CongestionController>,
    history: SendHistory,
    results: Vec<PacketResult>,
}

impl Flow {
    fn new<P: Plugin<Kind = CongestionControl>>(config: &P) -> Self {
        let (streams, assets) = (Streams::new(1), Assets::default());
        let context = BuildContext {
            path: "flow",
            streams: &streams,
            assets: &assets,
        };
        Self {
            controller: config.build(&context).unwrap(),
            history: SendHistory::new(),
            results: Vec::new(),
        }
    }

    fn cwnd(&self) -> u64 {
        self.controller.output().cwnd.map_or(0, Bytes::get)
    }

    fn send(&mut self, at: Time) -> u64 {
        let sent = self.history.on_sent(SentPacket {
            number: self.history.next_number(),
            at,
            size: PACKET,
            kind: SentKind::Data,
            probe: None,
            in_flight: Bytes::ZERO,
            app_limited: false,
        });
        self.controller.on_sent(&sent);
        sent.number
    }

    fn report(&mut self, now: Time, number: u64, received: bool) {
        let arrival = Arrival {
            seq: number,
            at: received.then_some(now),
            ecn: Ecn::NotEct,
        };
        let told = self
            .history
            .on_report(now, now, &[arrival], &mut self.results);
        self.controller.on_feedback(&Feedback {
            now,
            made: None,
            packets: &self.results,
            in_flight: self.history.in_flight(),
            prior_in_flight: told.prior_in_flight,
            kind: FeedbackKind::AckRanges,
        });
    }

    /// The window after each round, limited by nothing else, with one loss after
    /// each of the rounds in `losses`.
    fn windows(mut self, rounds: usize, losses: &[usize]) -> Vec<u64> {
        let (mut now, mut windows) = (Time::ZERO, Vec::new());
        for round in 0..rounds {
            let count = self.cwnd() / PACKET.get();
            let numbers: Vec<u64> = (0..count).map(|_| self.send(now)).collect();
            now += ROUND;
            for number in numbers {
                self.report(now, number, true);
            }
            windows.push(self.cwnd());
            if losses.contains(&round) {
                let lost = self.send(now);
                self.report(now, lost, false);
            }
        }
        windows
    }
}

#[test]
fn windows_are_equal_to_the_byte() {
    // The script of the recorded rounds of s2n-quic in `replay_cubic`, here
    // with the library itself.
    let (theirs, ours) = (Flow::new(&S2nCubic::default()), Flow::new(&ours()));
    assert_eq!(theirs.windows(20, &[6]), ours.windows(20, &[6]));
}

#[test]
fn windows_stay_within_a_byte_of_each_other_through_further_losses() {
    // Never in two rounds in a row: the packets of the next round leave at the
    // instant of the reduction, and s2n-quic stays in recovery, deaf to losses,
    // until one that left later is acknowledged. Ours looks at when the lost
    // packet left (RFC 9002, section 7.3.2).
    let losses = [6, 11, 19, 44];
    let (theirs, ours) = (Flow::new(&S2nCubic::default()), Flow::new(&ours()));
    let (theirs, ours) = (theirs.windows(60, &losses), ours.windows(60, &losses));
    // s2n-quic computes the curve in single precision; ours keeps only the window
    // in it. A window of half a megabyte has a grain of 1/32 byte there, and is
    // told in whole bytes.
    for (round, (theirs, ours)) in theirs.iter().zip(&ours).enumerate() {
        assert!(
            theirs.abs_diff(*ours) <= 1,
            "round {round}: {theirs}, {ours}"
        );
    }
    let equal = theirs.iter().zip(&ours).filter(|(a, b)| a == b).count();
    assert!(equal >= 55, "only {equal} of 60 windows are equal");
}
