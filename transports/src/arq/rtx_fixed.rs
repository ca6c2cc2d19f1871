//! Retransmission by the clock: a missing packet is asked for at once, then so
//! many times at a fixed interval, whatever the round-trip time is.
//!
//! Implements: the rule of Jitsi Videobridge's retransmission requester (August
//! 2026): every 150 ms, at most 10 times, with more than 100 packets missing all
//! are forgotten. The sender's half is that of `nack`.
//! Differs: when all are forgotten a key frame is asked for; a packet is given
//! up with its last request.
//! Not modelled: one request for several streams.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Span, Time};

use super::history::PacketHistory;
use super::holes::{Change, Holes};
use super::{Arq, ArqPair, Requester, SenderRules, UsablePacket, Wish};

/// Requests at a fixed interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RtxFixed {
    /// Time between two requests for a packet. Default 150 ms (Jitsi
    /// Videobridge), 1 ms to 10 s.
    pub interval: Span,
    /// How often a packet is asked for, the first time included. Default 10
    /// (Jitsi Videobridge), 1 to 1000.
    pub times: u32,
    /// Most packets that are asked for at a time; with more missing all are
    /// forgotten and a key frame is asked for. Default 100 (Jitsi Videobridge), 1
    /// to 10000.
    pub most: u32,
    /// What the sender keeps, and how much of it may be sent again.
    pub sender: SenderRules,
}

impl Default for RtxFixed {
    fn default() -> Self {
        Self {
            interval: Span::from_millis(150),
            times: 10,
            most: 100,
            sender: SenderRules::default(),
        }
    }
}

impl Plugin for RtxFixed {
    type Kind = Arq;
    const NAME: &'static str = "rtx_fixed";
    const SUMMARY: &'static str = "asks for missing packets at a fixed interval, so many times";
    const REFERENCES: &'static [&'static str] = &[
        "RFC 4585 section 6.2.1, RFC 4588",
        "Jitsi Videobridge, RetransmissionRequester, 2026-08",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<ArqPair, BuildError> {
        if self.interval < Span::from_millis(1) || self.interval > Span::from_secs(10) {
            return Err(BuildError::field("interval", "expected 1ms to 10s"));
        }
        if !(1..=1_000).contains(&self.times) {
            return Err(BuildError::field("times", "expected 1 to 1000"));
        }
        if !(1..=10_000).contains(&self.most) {
            return Err(BuildError::field("most", "expected 1 to 10000 packets"));
        }
        self.sender.check()?;
        Ok(ArqPair {
            requester: Box::new(ByTheClock {
                interval: self.interval,
                times: self.times,
                holes: Holes::new(self.most as usize),
            }),
            responder: Box::new(PacketHistory::new(self.sender.clone())),
        })
    }
}

/// Asks at a fixed interval.
#[derive(Debug)]
struct ByTheClock {
    interval: Span,
    times: u32,
    holes: Holes,
}

impl ByTheClock {
    fn request(&mut self, now: Time, nack: &mut Vec<u64>) {
        let (interval, times) = (self.interval, self.times);
        self.holes.retain(|hole| {
            if hole.again(interval) <= now {
                hole.request(now, nack);
            }
            hole.times < times
        });
    }
}

impl Requester for ByTheClock {
    fn on_packet(&mut self, now: Time, packet: &UsablePacket, nack: &mut Vec<u64>) -> Wish {
        let change = self.holes.on_packet(packet);
        if change == Change::Opened {
            self.request(now, nack);
        }
        Wish {
            key_frame: change == Change::Overflow,
        }
    }

    fn clear_up_to(&mut self, _: Time, seq: u64) {
        self.holes.clear_below(seq);
    }

    fn on_rtt(&mut self, _: Span) {}

    fn wake(&mut self, now: Time, nack: &mut Vec<u64>) -> Wish {
        self.request(now, nack);
        Wish::default()
    }

    fn next_wake(&self) -> Option<Time> {
        self.holes
            .iter()
            .map(|hole| hole.again(self.interval))
            .min()
    }

    fn times_requested(&self, seq: u64) -> u32 {
        self.holes.times_requested(seq)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn requester(times: u32) -> ByTheClock {
        ByTheClock {
            interval: Span::from_millis(50),
            times,
            holes: Holes::new(100),
        }
    }

    fn packet(seq: u64) -> UsablePacket {
        UsablePacket {
            seq,
            timestamp: 0,
            key: false,
            repaired: false,
        }
    }

    fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    #[test]
    fn asks_at_once_and_then_at_the_interval_so_many_times() {
        let (mut r, mut nack) = (requester(3), Vec::new());
        r.on_packet(at(0), &packet(1), &mut nack);
        r.on_packet(at(7), &packet(4), &mut nack);
        r.on_rtt(Span::from_secs(1));
        let mut asked = vec![(at(7), std::mem::take(&mut nack))];
        while let Some(now) = r.next_wake() {
            if now > at(60) {
                r.on_packet(at(60), &packet(2), &mut nack);
            }
            r.wake(now, &mut nack);
            asked.push((now, std::mem::take(&mut nack)));
        }
        let expected = [
            (at(7), vec![2, 3]),
            (at(57), vec![2, 3]),
            (at(107), vec![3]),
        ];
        assert_eq!(asked, expected);
        assert_eq!([2, 3].map(|n| r.times_requested(n)), [2, 3]);
    }

    #[test]
    fn too_many_missing_want_a_key_frame() {
        let (mut r, mut nack) = (requester(3), Vec::new());
        r.on_packet(at(0), &packet(0), &mut nack);
        let wish = r.on_packet(at(1), &packet(102), &mut nack);
        assert!(wish.key_frame && nack.is_empty() && r.next_wake().is_none());
    }

    proptest! {
        #[test]
        fn never_for_what_is_there_nor_more_often_than_allowed(
            steps in prop::collection::vec((0u64..150, 0u64..40), 1..200),
        ) {
            let (mut r, mut now) = (requester(4), at(0));
            let mut have = BTreeSet::new();
            let mut times: BTreeMap<u64, Vec<Time>> = BTreeMap::new();
            for (seq, pause) in steps {
                let until = now + Span::from_millis(pause);
                let mut nack = Vec::new();
                while let Some(wake) = r.next_wake().filter(|wake| *wake <= until) {
                    now = now.max(wake);
                    r.wake(now, &mut nack);
                    prop_assert!(nack.iter().all(|n| !have.contains(n)));
                    nack.drain(..).for_each(|n| times.entry(n).or_default().push(now));
                }
                now = until;
                have.insert(seq);
                r.on_packet(now, &packet(seq), &mut nack);
                prop_assert!(nack.iter().all(|n| !have.contains(n)));
                nack.drain(..).for_each(|n| times.entry(n).or_default().push(now));
                prop_assert!(r.holes.iter().count() <= 100);
            }
            for (n, asked) in times {
                prop_assert!(asked.len() <= 4, "{} {:?}", n, asked);
                prop_assert!(asked.windows(2).all(|w| w[1].since(w[0]) >= Span::from_millis(50)));
            }
        }
    }
}
