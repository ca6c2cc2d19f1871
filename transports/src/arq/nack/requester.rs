//! The receiver's half: a list of missing sequence numbers.
//!
//! Implements: `modules/video_coding/nack_requester.cc` of libwebrtc
//! (2026-07). A number enters the list when a newer one arrives and is asked
//! for at once, then at every process tick from one round-trip time after the
//! last request on. Numbers 10 000 behind leave; more than 1000 at a time fill
//! the list. Packets that repair brought before the gap was seen are never
//! asked for.
//! Differs: ticks at which nothing is due are skipped, which changes nothing;
//! their phase is that of the first packet. Sequence numbers are extended.
//! Not modelled: the reordering histogram, which libwebrtc never feeds.

use std::collections::{BTreeSet, VecDeque};

use weaknet_core::{Span, Time};

use super::super::asked::Asked;
use super::super::{Requester, UsablePacket, Wish};

/// Numbers further behind the newest are given up (`kMaxPacketAge`).
const MAX_AGE: u64 = 10_000;
/// Most numbers on the list (`kMaxNackPackets`).
const MAX_LISTED: usize = 1_000;

/// What happens when more packets are missing than the list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListFull {
    /// Forget all and ask for a key frame.
    Clear,
    /// Forget what is older than a key frame that arrived; if that is not
    /// enough, forget all and ask for a key frame.
    CutAtKeyFrames,
}

/// What varies between versions and configurations.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) max_retries: u32,
    pub(super) list_full: ListFull,
    pub(super) process_interval: Span,
    pub(super) send_delay: Span,
}

#[derive(Debug, Clone, Copy)]
struct Missing {
    seq: u64,
    listed: Time,
    requested: Option<Time>,
    times: u32,
}

#[derive(Debug, Clone, Copy)]
enum Trigger {
    Packet,
    Tick,
}

/// Asks for missing packets.
#[derive(Debug)]
pub(in crate::arq) struct NackRequester {
    rules: Rules,
    tells_playout_delay: bool,
    rtt: Span,
    newest: Option<u64>,
    /// By sequence number.
    missing: VecDeque<Missing>,
    /// How many of them were never asked for.
    fresh: usize,
    repaired: BTreeSet<u64>,
    key_packets: BTreeSet<u64>,
    /// Of those that are no longer missing.
    asked: Asked,
    /// First packet; ticks are whole intervals after it.
    epoch: Time,
    /// Latest instant seen, and the first tick not yet processed.
    seen: Time,
    next_tick: Time,
}

impl NackRequester {
    pub(super) fn new(rules: Rules, default_rtt: Span) -> Self {
        Self {
            rules,
            tells_playout_delay: false,
            rtt: default_rtt,
            newest: None,
            missing: VecDeque::new(),
            fresh: 0,
            repaired: BTreeSet::new(),
            key_packets: BTreeSet::new(),
            asked: Asked::new(),
            epoch: Time::ZERO,
            seen: Time::ZERO,
            next_tick: Time::ZERO,
        }
    }

    /// The same, whose requests tell what the jitter buffer aims at.
    pub(in crate::arq) fn telling_playout_delay(self) -> Self {
        Self {
            tells_playout_delay: true,
            ..self
        }
    }

    fn position(&self, seq: u64) -> usize {
        self.missing.partition_point(|m| m.seq < seq)
    }

    fn on_reordered(&mut self, seq: u64) {
        let position = self.position(seq);
        if let Some(found) = self.missing.get(position).copied().filter(|m| m.seq == seq) {
            self.missing.remove(position);
            self.fresh -= usize::from(found.requested.is_none());
            self.asked.remember(seq, found.times);
        }
    }

    /// Forgets everything below `seq`.
    fn forget_below(&mut self, seq: u64) {
        while let Some(m) = self.missing.front().copied().filter(|m| m.seq < seq) {
            self.fresh -= usize::from(m.requested.is_none());
            self.asked.remember(m.seq, m.times);
            self.missing.pop_front();
        }
    }

    /// Lists the numbers between the newest and `seq`.
    fn list(&mut self, now: Time, newest: u64, seq: u64) -> Wish {
        self.forget_below(seq.saturating_sub(MAX_AGE));
        let gap = usize::try_from(seq - newest - 1).unwrap_or(usize::MAX);
        if gap == 0 {
            return Wish::default();
        }
        let full = |listed: usize| listed.saturating_add(gap) > MAX_LISTED;
        if self.rules.list_full == ListFull::CutAtKeyFrames {
            while full(self.missing.len()) && self.cut_at_key_frame() {}
        }
        if full(self.missing.len()) {
            self.missing.clear();
            self.fresh = 0;
            return Wish { key_frame: true };
        }
        for seq in newest + 1..seq {
            if !self.repaired.contains(&seq) {
                self.missing.push_back(Missing {
                    seq,
                    listed: now,
                    requested: None,
                    times: 0,
                });
                self.fresh += 1;
            }
        }
        Wish::default()
    }

    /// Forgets what is older than the oldest key frame packet that has
    /// anything before it.
    fn cut_at_key_frame(&mut self) -> bool {
        while let Some(key) = self.key_packets.first().copied() {
            if self.missing.front().is_some_and(|m| m.seq < key) {
                self.forget_below(key);
                return true;
            }
            self.key_packets.pop_first();
        }
        false
    }

    /// Pushes the numbers to ask for now.
    fn request(&mut self, now: Time, trigger: Trigger, nack: &mut Vec<u64>) {
        let (rtt, rules) = (self.rtt, self.rules);
        let mut exhausted = false;
        for m in &mut self.missing {
            let due = match (trigger, m.requested) {
                (Trigger::Packet, None) => true,
                (Trigger::Packet, Some(_)) => false,
                (Trigger::Tick, None) => true,
                (Trigger::Tick, Some(at)) => now.since(at) >= rtt,
            };
            if due && now.since(m.listed) >= rules.send_delay {
                self.fresh -= usize::from(m.requested.is_none());
                m.requested = Some(now);
                m.times += 1;
                exhausted |= m.times >= rules.max_retries;
                nack.push(m.seq);
            }
        }
        if exhausted {
            self.missing.retain(|m| m.times < rules.max_retries);
        }
    }

    /// The first tick at or after `instant`.
    fn tick_from(&self, instant: Time) -> Time {
        let interval = self.rules.process_interval.as_nanos().max(1);
        let ticks = instant.since(self.epoch).as_nanos().div_ceil(interval);
        self.epoch + self.rules.process_interval * ticks
    }
}

impl Requester for NackRequester {
    fn on_packet(&mut self, now: Time, packet: &UsablePacket, nack: &mut Vec<u64>) -> Wish {
        let &UsablePacket {
            seq, key, repaired, ..
        } = packet;
        self.seen = self.seen.max(now);
        let track_keys = self.rules.list_full == ListFull::CutAtKeyFrames && key;
        let Some(newest) = self.newest else {
            self.newest = Some(seq);
            self.epoch = now;
            self.next_tick = now + self.rules.process_interval;
            if track_keys {
                self.key_packets.insert(seq);
            }
            return Wish::default();
        };
        if seq == newest {
            return Wish::default();
        }
        if seq < newest {
            self.on_reordered(seq);
            return Wish::default();
        }
        if track_keys {
            self.key_packets.insert(seq);
            trim(&mut self.key_packets, seq.saturating_sub(MAX_AGE));
        }
        if repaired {
            self.repaired.insert(seq);
            trim(&mut self.repaired, seq.saturating_sub(MAX_AGE));
            return Wish::default();
        }
        let wish = self.list(now, newest, seq);
        self.newest = Some(seq);
        if self.fresh > 0 {
            self.request(now, Trigger::Packet, nack);
        }
        wish
    }

    fn clear_up_to(&mut self, now: Time, seq: u64) {
        self.seen = self.seen.max(now);
        self.forget_below(seq);
        trim(&mut self.repaired, seq);
        trim(&mut self.key_packets, seq);
    }

    fn on_rtt(&mut self, rtt: Span) {
        self.rtt = rtt;
    }

    fn wake(&mut self, now: Time, nack: &mut Vec<u64>) -> Wish {
        self.seen = self.seen.max(now);
        self.next_tick = self.tick_from(now + Span::from_nanos(1));
        self.request(now, Trigger::Tick, nack);
        Wish::default()
    }

    fn next_wake(&self) -> Option<Time> {
        let due = |m: &Missing| {
            let again = m.requested.map_or(Time::ZERO, |at| at + self.rtt);
            again.max(m.listed + self.rules.send_delay)
        };
        let due = self.missing.iter().map(due).min()?;
        Some(self.tick_from(due.max(self.seen)).max(self.next_tick))
    }

    fn times_requested(&self, seq: u64) -> u32 {
        match self.missing.get(self.position(seq)) {
            Some(m) if m.seq == seq => m.times,
            _ => self.asked.times(seq),
        }
    }

    fn tells_playout_delay(&self) -> bool {
        self.tells_playout_delay
    }
}

/// Removes the numbers below `seq`.
fn trim(numbers: &mut BTreeSet<u64>, seq: u64) {
    while numbers.first().is_some_and(|n| *n < seq) {
        numbers.pop_first();
    }
}

#[cfg(test)]
#[path = "requester_tests.rs"]
mod tests;
