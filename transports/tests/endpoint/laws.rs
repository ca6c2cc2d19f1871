//! Laws over random wires. The laws themselves are checked after every call:
//! see `Record::check`.

use proptest::prelude::*;
use weaknet_core::packet::Packet;
use weaknet_core::rng::Draws;
use weaknet_core::{Bitrate, Span, Time};
use weaknet_transports::arq::NoArq;
use weaknet_transports::cc::gcc::Gcc;
use weaknet_transports::jitter::Fixed;
use weaknet_transports::media::Rfc8593;
use weaknet_transports::pacing::PacketPacing;

use super::support::{Call, Record, Wire, at, build};

/// A wire and the parts of a call, at random.
#[derive(Debug, Clone)]
struct Case {
    seed: u64,
    loss: f64,
    duplicates: f64,
    jitter_ms: u64,
    /// Time without a single packet, in ms.
    outage: Option<(u64, u64)>,
    gcc: bool,
    nack: bool,
    adaptive: bool,
    packet_pacer: bool,
    real_encoder: bool,
    stop_ms: u64,
}

fn case() -> impl Strategy<Value = Case> {
    let wire = (
        any::<u64>(),
        0.0..0.5f64,
        0.0..0.2f64,
        0u64..120,
        prop::option::of((500u64..4_000, 0u64..2_500)),
    );
    let parts = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        1u64..7_000,
    );
    (wire, parts).prop_map(
        |(
            (seed, loss, duplicates, jitter_ms, outage),
            (gcc, nack, adaptive, packet_pacer, real_encoder, stop_ms),
        )| Case {
            seed,
            loss,
            duplicates,
            jitter_ms,
            outage,
            gcc,
            nack,
            adaptive,
            packet_pacer,
            real_encoder,
            stop_ms,
        },
    )
}

impl Case {
    fn wire(&self, key: u64) -> Wire {
        let (case, draws) = (self.clone(), Draws::from_key(self.seed ^ key));
        let mut n = 0;
        Box::new(move |now: Time, _: &Packet| {
            n += 4;
            let dark = case
                .outage
                .is_some_and(|(from, length)| (at(from)..at(from + length)).contains(&now));
            if dark || draws.unit(n) < case.loss {
                return vec![];
            }
            let delay = |k| {
                Span::from_micros(25_000 + (draws.unit(k) * case.jitter_ms as f64 * 1e3) as u64)
            };
            let mut copies = vec![delay(n + 1)];
            if draws.unit(n + 2) < case.duplicates {
                copies.push(delay(n + 3));
            }
            copies
        })
    }

    fn run(&self) -> Record {
        let mut call = Call {
            stop: at(self.stop_ms),
            max: Bitrate::from_kbps(1_500),
            ..Call::default()
        };
        if self.gcc {
            call.controller = build(&Gcc::default());
        }
        if !self.nack {
            call.arq = build(&NoArq {});
        }
        if !self.adaptive {
            call.jitter = build(&Fixed::default());
        }
        if self.packet_pacer {
            call.pacer = build(&PacketPacing::default());
        }
        if self.real_encoder {
            call.video = Some(build(&Rfc8593::default()));
        }
        call.over(self.wire(1), self.wire(2))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_call_keeps_the_laws(case in case()) {
        case.run();
    }

    #[test]
    fn the_same_wires_make_the_same_call(case in case()) {
        let (once, twice) = (case.run(), case.run());
        prop_assert_eq!(once.events, twice.events);
        prop_assert_eq!(once.sent, twice.sent);
    }
}
