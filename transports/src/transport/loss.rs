//! Which packets are lost, told from acknowledgements of others and from time.
//!
//! Implements: RFC 9002 section 6.1 (packet threshold 3, time threshold 9/8,
//! granularity 1 ms, timer for the earliest), 6.2 (probe timeout with backoff)
//! and 7.6 (persistent congestion); for [`Tail::Timeout`] the retransmission
//! timer of RFC 6298 section 5 and, before it, the one tail loss probe of RFC
//! 8985 section 7. With `adaptive` the reordering window of RFC 8985 section
//! 6.2: a quarter of the least round trip more for each round trip that
//! declared a packet lost that had only come late, at most the smoothed one,
//! back to a quarter after 16 losses that were none of these; the packet
//! threshold ends with the first of them.
//! A loss episode, the losses among the packets of one flight, was for nothing
//! when all of them have arrived (RFC 9438 section 4.9, draft-ietf-ccwg-bbr
//! section 5.5.11).
//! Differs: packets of all ages count, numbers being never used again. A loss
//! that was none is known by the late acknowledgement, not by DSACK. The
//! reordering window comes on top of the larger of smoothed and newest round
//! trip (RFC 9002), not of the newest. A packet that is unanswered for 30 s is
//! lost (QUIC gives up the connection then). The timeout declares everything in
//! flight lost.
//! Not modelled: F-RTO, the zero-window timer, the shorter first probe of
//! handshakes.

use std::ops::Range;

use weaknet_core::{Bytes, Span, Time};

use super::history::SendHistory;
use super::rtt::RttEstimator;
use crate::cc::PacketResult;

/// Longest time between two alarms (RFC 6298, rule 2.5).
const LONGEST: Span = Span::from_secs(60);
/// What is unanswered for so long is lost.
const GIVE_UP: Span = Span::from_secs(30);
/// Losses for which a wider reordering window lasts (RFC 8985, section 6.2).
const PERSIST: u32 = 16;

/// What happens when nothing is acknowledged any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// Probe packets, as QUIC: nothing is lost until one is acknowledged.
    Probe,
    /// One probe, then a timeout that declares everything lost, as TCP.
    Timeout {
        /// It takes at least so long.
        least: Span,
    },
}

/// How losses are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LossRules {
    /// A packet is lost when one with a number higher by so much is
    /// acknowledged.
    pub packet_threshold: u64,
    /// Whether to wait longer on paths that have been seen to reorder.
    pub adaptive: bool,
    /// When nothing is acknowledged.
    pub tail: Tail,
    /// How long the other end may hold an acknowledgement back.
    pub max_ack_delay: Span,
}

/// What an alarm asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    /// Packets have become late enough to be lost.
    Loss,
    /// Send something, whatever the window says.
    Probe,
    /// Everything in flight is lost.
    Timeout,
}

/// Losses among the packets of one flight.
#[derive(Debug, Clone)]
struct Episode {
    /// The first packet lost, and the number after the last of the flight.
    packets: Range<u64>,
    /// Packets declared lost that have not arrived.
    missing: u64,
}

/// Tells which packets are lost.
#[derive(Debug, Clone)]
pub struct LossDetector {
    rules: LossRules,
    largest_acked: Option<u64>,
    /// When the next packet becomes late enough.
    loss_at: Option<Time>,
    /// From when the timer for the tail runs.
    armed_at: Time,
    /// Timeouts, or probes where there are only these, since the last
    /// acknowledgement.
    expired: u32,
    /// Whether a probe went out since then ahead of the timeout.
    probed: bool,
    /// Quarters of the least round trip; more than one once reordering was seen.
    quarters: u32,
    /// Losses until the window shrinks again.
    persist: u32,
    /// No wider window before this packet is acknowledged.
    widened_at: u64,
    /// A run of packets that were all lost: when the first was sent, and the
    /// number of the last.
    run: Option<(Time, u64)>,
    first_sample_at: Option<Time>,
    episode: Option<Episode>,
}

impl LossDetector {
    /// A detector for a flow that begins.
    #[must_use]
    pub const fn new(rules: LossRules) -> Self {
        Self {
            rules,
            largest_acked: None,
            loss_at: None,
            armed_at: Time::ZERO,
            expired: 0,
            probed: false,
            quarters: 1,
            persist: 0,
            widened_at: 0,
            run: None,
            first_sample_at: None,
            episode: None,
        }
    }

    /// A packet is sent; `in_flight` does not count it.
    pub fn on_sent(&mut self, now: Time, in_flight: Bytes) {
        if self.rules.tail == Tail::Probe || in_flight == Bytes::ZERO {
            self.armed_at = now;
        }
    }

    /// Takes in what an acknowledgement has told first, before
    /// [`LossDetector::detect`]. Whether a loss episode was for nothing.
    pub fn on_acked(&mut self, now: Time, next_number: u64, acked: &[PacketResult]) -> bool {
        let Some(newest) = acked.iter().map(|packet| packet.sent.number).max() else {
            return false;
        };
        self.largest_acked = self.largest_acked.max(Some(newest));
        self.first_sample_at.get_or_insert(now);
        self.armed_at = now;
        self.expired = 0;
        self.probed = false;
        let late = acked.iter().filter(|packet| packet.recovered);
        if late.clone().next().is_none() {
            return false;
        }
        if newest >= self.widened_at {
            self.quarters = self.quarters.saturating_add(1);
            self.persist = PERSIST;
            self.widened_at = next_number;
        }
        let Some(episode) = &mut self.episode else {
            return false;
        };
        let within = late.filter(|packet| episode.packets.contains(&packet.sent.number));
        episode.missing = episode.missing.saturating_sub(within.count() as u64);
        let spurious = episode.missing == 0;
        if spurious {
            self.episode = None;
        }
        spurious
    }

    /// Packet `number` is lost; the next one to be sent has `next_number`.
    fn note_loss(&mut self, number: u64, next_number: u64) {
        match &mut self.episode {
            Some(episode) if number < episode.packets.end => episode.missing += 1,
            _ => {
                self.episode = Some(Episode {
                    packets: number..next_number,
                    missing: 1,
                });
            }
        }
    }

    /// How much longer than a round trip a packet may take on a path that
    /// reorders (RFC 8985, section 6.2).
    fn reordering_window(&self, rtt: &RttEstimator) -> Span {
        let quarter = rtt.min().unwrap_or_default().as_nanos() / 4;
        let wide = quarter.saturating_mul(u64::from(self.quarters));
        Span::from_nanos(wide).min(rtt.smoothed())
    }

    /// How long after the packet that shows it a packet counts as lost.
    fn delay(&self, rtt: &RttEstimator) -> Span {
        let now = rtt.smoothed().max(rtt.latest().unwrap_or_default());
        let more = if self.rules.adaptive {
            self.reordering_window(rtt)
        } else {
            Span::from_nanos(now.as_nanos() / 8)
        };
        (now + more).max(RttEstimator::GRANULARITY)
    }

    /// Declares packets lost; they go to the end of `results`.
    pub fn detect(
        &mut self,
        now: Time,
        rtt: &RttEstimator,
        history: &mut SendHistory,
        results: &mut Vec<PacketResult>,
    ) {
        self.loss_at = None;
        let Some(largest) = self.largest_acked else {
            return;
        };
        let delay = self.delay(rtt);
        let by_number = !(self.rules.adaptive && self.quarters > 1);
        let before = results.len();
        // Later packets have higher numbers: the first that is not lost ends it.
        while let Some(oldest) = history.oldest_outstanding(largest) {
            let (number, due) = (oldest.number, oldest.at + delay);
            let passed = by_number && largest - number >= self.rules.packet_threshold;
            if !passed && due > now {
                self.loss_at = Some(due);
                break;
            }
            results.extend(history.on_lost(now, number));
            self.note_loss(number, history.next_number());
        }
        if results.len() > before && self.persist > 0 {
            self.persist -= 1;
            if self.persist == 0 {
                self.quarters = 1;
            }
        }
    }

    /// Whether losses that were just declared, ascending, make persistent
    /// congestion.
    pub fn is_persistent(
        &mut self,
        rtt: &RttEstimator,
        history: &SendHistory,
        lost: &[PacketResult],
    ) -> bool {
        let long = rtt.probe_timeout(self.rules.max_ack_delay) * 3;
        let mut found = false;
        let counts = |packet: &&PacketResult| {
            packet.received.is_none() && self.first_sample_at.is_some_and(|at| packet.sent.at > at)
        };
        for packet in lost.iter().filter(counts) {
            let number = packet.sent.number;
            let from = match self.run {
                Some((_, last)) if number <= last => continue,
                Some((from, last)) if history.all_lost(last + 1..number) => from,
                _ => packet.sent.at,
            };
            self.run = Some((from, number));
            found |= packet.sent.at.since(from) > long;
        }
        if found {
            self.run = None;
        }
        found
    }

    /// When the next alarm is due, and which.
    #[must_use]
    pub fn next_alarm(&self, rtt: &RttEstimator, history: &SendHistory) -> Option<(Time, Alarm)> {
        if let Some(at) = self.loss_at {
            return Some((at, Alarm::Loss));
        }
        let in_flight = history.in_flight();
        if in_flight == Bytes::ZERO {
            return None;
        }
        let backed_off = |base: Span, times: u32| (base * (1 << times.min(16))).min(LONGEST);
        let (after, alarm) = match self.rules.tail {
            Tail::Probe => {
                let base = rtt.probe_timeout(self.rules.max_ack_delay);
                (backed_off(base, self.expired), Alarm::Probe)
            }
            Tail::Timeout { least } => {
                let timeout = rtt.retransmission_timeout(least);
                // Only a single packet may have to wait for its acknowledgement.
                let oldest = history.oldest_outstanding(u64::MAX);
                let single = oldest.is_some_and(|oldest| oldest.size == in_flight);
                let held = if single {
                    self.rules.max_ack_delay
                } else {
                    Span::ZERO
                };
                let probe = rtt.smoothed() * 2 + held;
                let first = self.expired == 0 && !self.probed && rtt.latest().is_some();
                if first && probe < timeout {
                    (probe, Alarm::Probe)
                } else {
                    (backed_off(timeout, self.expired), Alarm::Timeout)
                }
            }
        };
        Some((self.armed_at + after, alarm))
    }

    /// An alarm has come. What it declares lost goes to the end of `results`.
    pub fn on_alarm(
        &mut self,
        now: Time,
        alarm: Alarm,
        rtt: &RttEstimator,
        history: &mut SendHistory,
        results: &mut Vec<PacketResult>,
    ) {
        if alarm == Alarm::Loss {
            self.detect(now, rtt, history, results);
            return;
        }
        self.armed_at = now;
        match self.rules.tail {
            Tail::Timeout { .. } if alarm == Alarm::Probe => self.probed = true,
            _ => self.expired = self.expired.saturating_add(1),
        }
        let end = history.next_number();
        while let Some(oldest) = history.oldest_outstanding(end) {
            let number = oldest.number;
            if alarm == Alarm::Probe && now.since(oldest.at) <= GIVE_UP {
                break;
            }
            results.extend(history.on_lost(now, number));
            self.note_loss(number, end);
        }
    }
}

#[cfg(test)]
#[path = "loss_tests.rs"]
mod tests;
