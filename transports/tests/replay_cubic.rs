//! Round by round against s2n-quic-core 0.91.0: its CUBIC controller, always
//! limited by the window, with one loss after the seventh round.

use std::path::PathBuf;

use weaknet_core::packet::Ecn;
use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, Bytes, Plugin as _, Span, Streams, Time};
use weaknet_transports::cc::cubic::{Cubic, RenoEstimate};
use weaknet_transports::cc::window::{SlowStart, WindowConfig};
use weaknet_transports::cc::{
    CongestionController, Feedback, FeedbackKind, PacketResult, SentKind, SentPacket,
};
use weaknet_transports::transport::SendHistory;

const PACKET: Bytes = Bytes::new(1_200);
const ROUND: Span = Span::from_millis(50);
const LAST_LOSSLESS_ROUND: usize = 6;

fn oracle() -> Option<Vec<[u64; 3]>> {
    let shared = std::env::var_os("WEAKNET_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let path = shared.join("oracles/congestion-control/s2n-quic-core_cubic_rounds.csv");
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(
            text.lines()
                .skip(1)
                .map(|line| {
                    let mut fields = line.split(',').map(|field| field.parse().unwrap());
                    [(); 3].map(|()| fields.next().unwrap())
                })
                .collect(),
        ),
        Err(error) => {
            assert!(
                std::env::var_os("CI").is_none(),
                "no oracle at {}: {error}",
                path.display()
            );
            eprintln!("skipped: no oracle at {}: {error}", path.display());
            None
        }
    }
}

/// What s2n-quic does on a path without a change of round trip.
fn s2n() -> Cubic {
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
    fn new(config: &Cubic) -> Self {
        let (streams, assets) = (Streams::new(1), Assets::default());
        let context = BuildContext {
            path: "call",
            streams: &streams,
            assets: &assets,
        };
        Self {
            controller: config.build(&context).expect("a valid profile"),
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
        let arrival = weaknet_core::packet::Arrival {
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
}

#[test]
fn every_round_is_that_of_s2n_quic() {
    let Some(expected) = oracle() else {
        return;
    };
    assert_eq!(expected.len(), 20, "the oracle itself");
    let mut flow = Flow::new(&s2n());
    let (mut now, mut rounds) = (Time::ZERO, Vec::new());
    for round in 0..expected.len() {
        let count = flow.cwnd() / PACKET.get();
        let numbers: Vec<u64> = (0..count).map(|_| flow.send(now)).collect();
        now += ROUND;
        for number in numbers {
            flow.report(now, number, true);
        }
        rounds.push([round as u64, count, flow.cwnd()]);
        if round == LAST_LOSSLESS_ROUND {
            let lost = flow.send(now);
            flow.report(now, lost, false);
        }
    }
    assert_eq!(rounds, expected);
}
