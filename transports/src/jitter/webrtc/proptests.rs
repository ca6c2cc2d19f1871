//! Laws that hold whatever arrives.

use std::collections::BTreeSet;

use proptest::prelude::*;
use weaknet_core::{Span, Time};

use super::super::{CompleteFrame, JitterAction, JitterBuffer};
use super::Webrtc;
use super::tests::build;
use crate::version::LibwebrtcVersion;

#[derive(Debug, Clone)]
enum Step {
    Frame {
        number: u64,
        back: Option<u64>,
        timestamp: u64,
        retransmitted: bool,
    },
    Packet {
        key: bool,
    },
    Decoded,
    Rtt(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let number = prop_oneof![9 => 0u64..60, 1 => any::<u64>()];
    let back = prop_oneof![1 => Just(None), 8 => Just(Some(1)), 1 => (0u64..5).prop_map(Some)];
    let timestamp = prop_oneof![9 => (0u64..60).prop_map(|n| n * 3000), 1 => any::<u64>()];
    prop_oneof![
        8 => (number, back, timestamp, any::<bool>()).prop_map(|(number, back, timestamp, retransmitted)| {
            Step::Frame { number, back, timestamp, retransmitted }
        }),
        2 => any::<bool>().prop_map(|key| Step::Packet { key }),
        4 => Just(Step::Decoded),
        1 => any::<u64>().prop_map(Step::Rtt),
    ]
}

fn config() -> impl Strategy<Value = Webrtc> {
    (any::<bool>(), prop_oneof![Just(0), Just(500), Just(10_000)]).prop_map(|(old, max)| Webrtc {
        version: if old {
            LibwebrtcVersion::October2024
        } else {
            LibwebrtcVersion::January2026
        },
        max_playout_delay: Span::from_millis(max),
        ..Webrtc::default()
    })
}

/// What has been seen of the buffer's decisions.
#[derive(Default)]
struct Witness {
    decoded: BTreeSet<u64>,
    dropped: BTreeSet<u64>,
    busy: bool,
    last: Option<u64>,
}

impl Witness {
    fn drain(&mut self, buffer: &mut dyn JitterBuffer, now: Time) -> Result<(), TestCaseError> {
        for _ in 0..10_000 {
            let Some(action) = buffer.poll(now) else {
                prop_assert!(
                    buffer.next_wake().is_none_or(|wake| wake > now),
                    "busy loop"
                );
                return Ok(());
            };
            match action {
                JitterAction::Decode(release) => {
                    let frame = release.frame;
                    prop_assert!(!self.busy && !self.dropped.contains(&frame.frame));
                    prop_assert!(self.last < Some(frame.frame), "decode order");
                    prop_assert!(
                        frame.reference.is_none_or(|r| self.decoded.contains(&r)),
                        "reference"
                    );
                    self.decoded.insert(frame.frame);
                    self.last = Some(frame.frame);
                    self.busy = true;
                }
                JitterAction::Drop { frame, .. } => {
                    prop_assert!(
                        !self.decoded.contains(&frame) && self.dropped.insert(frame),
                        "once"
                    );
                }
                JitterAction::RequestKeyFrame => {}
            }
        }
        Err(TestCaseError::fail("the buffer never stops"))
    }
}

proptest! {
    #[test]
    fn any_sequence_of_calls_keeps_the_laws(
        config in config(),
        steps in proptest::collection::vec((step(), prop_oneof![8 => 0u64..100, 1 => 0u64..100_000_000]), 1..300),
    ) {
        let mut buffer = build(&config);
        let mut witness = Witness::default();
        let mut now = Time::from_millis(5);
        buffer.start(now);
        for (step, pause_ms) in steps {
            let until = now + Span::from_millis(pause_ms);
            let mut wakes = 0;
            while let Some(wake) = buffer.next_wake().filter(|wake| *wake <= until) && wakes < 100 {
                now = now.max(wake);
                witness.drain(&mut *buffer, now)?;
                wakes += 1;
            }
            now = until;
            match step {
                Step::Frame { number, back, timestamp, retransmitted } => {
                    let first_arrived = now.saturating_sub(Span::from_millis(number % 40));
                    buffer.on_frame(now, CompleteFrame {
                        frame: number,
                        reference: back.map(|back| number.wrapping_sub(back)),
                        timestamp,
                        size: (number % 20_000) as u32,
                        first_arrived,
                        complete: now,
                        retransmitted,
                        picture: weaknet_core::packet::Picture::default(),
                        seqs: (number, number),
                    });
                }
                Step::Packet { key } => buffer.on_packet(now, key),
                Step::Decoded if witness.busy => {
                    witness.busy = false;
                    buffer.on_decoded(now, Span::from_millis(pause_ms));
                }
                Step::Decoded => {}
                Step::Rtt(nanos) => buffer.on_rtt(now, Span::from_nanos(nanos)),
            }
            witness.drain(&mut *buffer, now)?;
        }
    }

    #[test]
    fn time_may_run_backwards(times in proptest::collection::vec(any::<u64>(), 1..100)) {
        let mut buffer = build(&Webrtc::default());
        buffer.start(Time::ZERO);
        for (n, nanos) in times.into_iter().enumerate() {
            let at = Time::from_nanos(nanos);
            let number = n as u64;
            buffer.on_packet(at, n == 0);
            buffer.on_frame(at, CompleteFrame {
                frame: number,
                reference: number.checked_sub(1),
                timestamp: nanos,
                size: 1000,
                first_arrived: at,
                complete: at,
                retransmitted: false,
                picture: weaknet_core::packet::Picture::default(),
                seqs: (number, number),
            });
            for _ in 0..10 {
                if let Some(JitterAction::Decode(_)) = buffer.poll(at) {
                    buffer.on_decoded(at, Span::from_nanos(nanos));
                }
            }
        }
    }
}
