//! The receiver's half: asks while an answer would come in time.

use weaknet_core::{Span, Time};

use super::super::holes::{Change, Holes};
use super::super::{Requester, UsablePacket, Wish};
use super::clock::PlayoutClock;
use crate::transport::RttEstimator;

/// Most packets that are asked for at a time (libwebrtc's `kMaxNackPackets`).
const MOST: usize = 1_000;
/// Key frames are not asked for more often (libwebrtc's wait for a key frame).
const KEY_FRAME_WAIT: Span = Span::from_millis(200);

/// What can be configured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) ahead: Span,
    pub(super) grace: Span,
    pub(super) deviations: f64,
    pub(super) max_retries: u32,
    pub(super) key_frames: bool,
}

/// Asks for what can come before its play-out.
#[derive(Debug)]
pub(super) struct DeadlineRequester {
    rules: Rules,
    holes: Holes,
    clock: PlayoutClock,
    /// Round trips as RTCP measures them, and times from a first request to its
    /// answer.
    rtt: RttEstimator,
    last_wish: Option<Time>,
    /// Sequence number and timestamp of the first packet that was given up and has
    /// not come until it was due: nothing behind it can be decoded without a key
    /// frame.
    broken: Option<(u64, u64)>,
    /// Timestamp of the newest key frame.
    key: Option<u64>,
    forgone: u32,
    /// Latest instant seen.
    seen: Time,
}

impl DeadlineRequester {
    pub(super) fn new(rules: Rules, default_rtt: Span) -> Self {
        Self {
            rules,
            holes: Holes::new(MOST),
            clock: PlayoutClock::default(),
            rtt: RttEstimator::new(default_rtt),
            last_wish: None,
            broken: None,
            key: None,
            forgone: 0,
            seen: Time::ZERO,
        }
    }

    /// How long an answer takes, as predicted.
    fn answer_time(&self) -> Span {
        let deviations = self.rtt.variation().mul_f64(self.rules.deviations);
        self.rtt.smoothed() + deviations
    }

    /// Gives up what is due, then asks for what can still come in time. A wish
    /// for a key frame takes the place of requests of the same moment; they are
    /// due at once.
    fn run(&mut self, now: Time, nack: &mut Vec<u64>) -> Wish {
        let mut gone = 0;
        let broken = &mut self.broken;
        self.holes.retain(|hole| {
            let over = hole.until.is_some_and(|until| until <= now);
            if over {
                gone += 1;
                broken.get_or_insert((hole.seq, hole.latest));
            }
            !over
        });
        if gone > 0 && self.rules.key_frames {
            let wait = KEY_FRAME_WAIT.max(self.answer_time());
            if self.last_wish.is_none_or(|last| now.since(last) >= wait) {
                self.last_wish = Some(now);
                return Wish { key_frame: true };
            }
        }
        let (rules, clock) = (self.rules, self.clock);
        let answer_time = self.answer_time();
        let mut forgone = 0;
        let mut broken = self.broken.map(|(_, timestamp)| timestamp);
        let key = self.key;
        self.holes.retain(|hole| {
            if hole.until.is_some() {
                broken.get_or_insert(hole.latest);
            }
            if hole.until.is_some() || hole.again(answer_time) > now {
                return true;
            }
            let due = clock.due(hole.latest) + rules.grace;
            let in_time = now + answer_time + rules.ahead <= due;
            let decodable = broken
                .is_none_or(|broken| key.is_some_and(|key| key > broken && hole.latest >= key));
            if in_time && decodable && hole.times < rules.max_retries {
                hole.request(now, nack);
            } else {
                forgone += u32::from(!in_time);
                // An answer that is under way may be late.
                hole.until = Some(due.max(now).max(hole.again(answer_time)));
                broken.get_or_insert(hole.latest);
            }
            true
        });
        self.forgone = self.forgone.saturating_add(forgone);
        Wish::default()
    }
}

impl Requester for DeadlineRequester {
    fn on_packet(&mut self, now: Time, packet: &UsablePacket, nack: &mut Vec<u64>) -> Wish {
        self.seen = self.seen.max(now);
        if !packet.repaired {
            self.clock.on_arrival(now, packet.timestamp);
        }
        if packet.key {
            self.key = self.key.max(Some(packet.timestamp));
            self.broken = self.broken.filter(|broken| broken.1 >= packet.timestamp);
        }
        match self.holes.on_packet(packet) {
            Change::Overflow => Wish { key_frame: true },
            Change::Opened => self.run(now, nack),
            Change::Filled(hole) => {
                // With several requests it is not known which was answered (Karn).
                if let (true, 1, Some(requested)) = (packet.repaired, hole.times, hole.requested) {
                    self.rtt.on_sample(now, now.since(requested), Span::ZERO);
                }
                Wish::default()
            }
            Change::None => Wish::default(),
        }
    }

    fn clear_up_to(&mut self, now: Time, seq: u64) {
        self.seen = self.seen.max(now);
        self.holes.clear_below(seq);
        self.broken = self.broken.filter(|broken| broken.0 >= seq);
    }

    fn on_rtt(&mut self, rtt: Span) {
        self.rtt.on_sample(self.seen, rtt, Span::ZERO);
    }

    fn on_playout_delay(&mut self, delay: Span) {
        self.clock.set_delay(delay);
    }

    fn wake(&mut self, now: Time, nack: &mut Vec<u64>) -> Wish {
        self.seen = self.seen.max(now);
        self.run(now, nack)
    }

    fn next_wake(&self) -> Option<Time> {
        let answer_time = self.answer_time();
        let next = self.holes.iter();
        next.map(|hole| hole.until.unwrap_or_else(|| hole.again(answer_time)))
            .min()
    }

    fn times_requested(&self, seq: u64) -> u32 {
        self.holes.times_requested(seq)
    }

    fn tells_playout_delay(&self) -> bool {
        true
    }

    fn take_forgone(&mut self) -> u32 {
        std::mem::take(&mut self.forgone)
    }
}

#[cfg(test)]
#[path = "requester_tests.rs"]
mod tests;
