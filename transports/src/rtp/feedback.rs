//! The receiver's congestion control feedback: which packets arrived, and when.
//!
//! Implements: libwebrtc `TransportSequenceNumberFeedbackGenerator` and its
//! arrival map (July 2026). A report runs without holes from the end of the
//! previous one to the highest number received; a packet that arrives late
//! moves the start of the next report back to itself, so that what followed is
//! reported again; arrivals older than 500 ms are forgotten once reported.
//! The interval is what lets reports of 68 bytes take 5 % of the estimate of the
//! receiver's own sending direction, clamped to 50..250 ms. A receiver that
//! sends no media keeps its start estimate of 300 kbit/s, hence 50 ms. The timer
//! is a low-precision task; Chromium runs those on ticks of 1/64 s, which makes
//! 62.5 ms of it: the constant interval measured in every recorded call.
//! With `every` the reports leave on a fixed grid and carry exact times, like
//! those of the harness that made the reference traces of controllers.
//! Reports of RFC 8888 (`ccfb`) leave every 50 ms: libwebrtc makes one 25 ms after
//! the last at the earliest and waits up to 25 ms more for the end of a frame.
//! They carry ECN codepoints, which transport-wide feedback has no room for.
//! Differs: times are rounded to multiples of 250 us, halves up.
//! Not modelled: feedback on request (transport-wide-cc-02).

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::{Arrival, Ecn, Rtcp};
use weaknet_core::{Bitrate, BuildError, Span, Time};

use super::ccfb;
use super::status_chunks::{TWCC_TICK, nearest_tick};
use crate::transport::{AckRules, DatagramAcks};

const REPEAT_WINDOW: Span = Span::from_millis(500);
const MIN_INTERVAL: Span = Span::from_millis(50);
const MAX_INTERVAL: Span = Span::from_millis(250);
const CCFB_INTERVAL: Span = Span::from_millis(50);
/// Acknowledgements: RFC 9000, sections 13.2.2 and 18.2.
const ACK_EVERY: u32 = 2;
const ACK_DELAY: Span = Span::from_millis(25);
/// Receiver reports (Chromium 156, one video and one audio stream).
const RR_INTERVAL: Span = Span::from_millis(850);
/// Start estimate of a direction that carries nothing.
const START_ESTIMATE: Bitrate = Bitrate::from_kbps(300);
/// IP, UDP, SRTP tag and an average report, as libwebrtc counts them.
const REPORT_BITS: u64 = (20 + 8 + 10 + 30) * 8;
/// Reports take one part in 20 of the estimate.
const SHARE: u64 = 20;
/// Most packets that are remembered.
const MAX_KEPT: u64 = 1 << 15;
/// Most numbers missing before the first received one of a report.
const MAX_MISSING: u64 = 0x7ffe;
/// Largest delta of two arrivals in ticks (signed 16 bits).
const MAX_DELTA: u64 = 0x7fff;

/// The format of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackFormat {
    /// Transport-wide feedback
    /// (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    #[default]
    Twcc,
    /// Congestion control feedback (RFC 8888): carries ECN, times in 1/1024 s.
    Ccfb,
    /// Acknowledgements of ranges, as media in QUIC datagrams get them (RFC 9000
    /// section 13.2, RFC 9221): one for two packets, or after 25 ms. They carry
    /// ECN, and arrival times (draft-smith-quic-receive-ts) for a controller that
    /// is made for media.
    Ack,
    /// None but receiver reports (RFC 3550 section 6.4.2): counted losses and a
    /// round trip by LSR and DLSR, nothing about single packets.
    Rr,
}

impl FeedbackFormat {
    /// Whether it carries the ECN codepoints of packets.
    #[must_use]
    pub const fn carries_ecn(self) -> bool {
        matches!(self, Self::Ccfb | Self::Ack)
    }
}

/// When reports are made and how exact they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FeedbackConfig {
    /// The format of reports.
    pub format: FeedbackFormat,
    /// Fixed interval; absent: libwebrtc's rule of 5 % of the estimate, clamped
    /// to 50..250 ms; with `ccfb` 50 ms. With `ack` the longest time that an
    /// acknowledgement is held back (25 ms), with `rr` the time between receiver
    /// reports (850 ms, measured in Chromium 156).
    pub every: Option<Span>,
    /// Ticks that the timer of libwebrtc's rule is aligned to: 1/64 s in
    /// Chromium; zero: none.
    pub tick: Span,
    /// Whether arrival times are as exact as on the wire only; absent: yes,
    /// unless `every` is given.
    pub quantise: Option<bool>,
}

impl Default for FeedbackConfig {
    fn default() -> Self {
        Self {
            format: FeedbackFormat::default(),
            every: None,
            tick: Span::from_nanos(15_625_000),
            quantise: None,
        }
    }
}

impl FeedbackConfig {
    /// How long a packet that has arrived may wait for its report.
    #[must_use]
    pub fn longest_wait(&self) -> Span {
        self.every.unwrap_or(match self.format {
            FeedbackFormat::Twcc => MAX_INTERVAL,
            FeedbackFormat::Ccfb => CCFB_INTERVAL,
            FeedbackFormat::Ack => ACK_DELAY,
            FeedbackFormat::Rr => RR_INTERVAL,
        })
    }

    /// What makes acknowledgements.
    #[must_use]
    pub fn acks(&self, arrival_times: bool) -> DatagramAcks {
        DatagramAcks::new(AckRules {
            every: ACK_EVERY,
            max_delay: self.longest_wait(),
            arrival_times,
        })
    }

    /// Time between receiver reports.
    #[must_use]
    pub fn receiver_report_interval(&self) -> Span {
        self.every
            .filter(|_| self.format == FeedbackFormat::Rr)
            .unwrap_or(RR_INTERVAL)
    }

    /// What makes reports on each packet, its timer starting at time zero.
    ///
    /// # Errors
    /// When `every` is zero, or the format has no such reports.
    pub fn build(&self) -> Result<FeedbackGenerator, BuildError> {
        let layout = match self.format {
            FeedbackFormat::Twcc => Layout::Twcc,
            FeedbackFormat::Ccfb => Layout::Ccfb,
            FeedbackFormat::Ack | FeedbackFormat::Rr => {
                let message = "expected twcc or ccfb: the others name no packets in reports";
                return Err(BuildError::field("format", message));
            }
        };
        if self.every.is_some_and(Span::is_zero) {
            return Err(BuildError::field(
                "every",
                "expected an interval above zero",
            ));
        }
        let rule = (layout == Layout::Ccfb).then_some(CCFB_INTERVAL);
        let mut generator = FeedbackGenerator {
            layout,
            every: self.every.or(rule),
            tick: self.tick,
            quantise: self.quantise.unwrap_or_else(|| self.every.is_none()),
            interval: Span::ZERO,
            next: Time::ZERO,
            first: 0,
            arrivals: VecDeque::new(),
            window_start: None,
        };
        generator.set_estimate(START_ESTIMATE);
        generator.next = Time::ZERO + generator.interval;
        Ok(generator)
    }
}

/// The layout of reports on each packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Twcc,
    Ccfb,
}

#[derive(Debug, Clone, Copy)]
struct Got {
    at: Time,
    ecn: Ecn,
}

/// Collects arrivals and makes reports of them.
#[derive(Debug, Clone)]
pub struct FeedbackGenerator {
    layout: Layout,
    every: Option<Span>,
    tick: Span,
    quantise: bool,
    interval: Span,
    next: Time,
    /// Number of the first entry of `arrivals`.
    first: u64,
    arrivals: VecDeque<Option<Got>>,
    /// Where the next report starts.
    window_start: Option<u64>,
}

impl FeedbackGenerator {
    /// A new estimate of what the receiver itself may send.
    pub fn set_estimate(&mut self, estimate: Bitrate) {
        self.interval = self.every.unwrap_or_else(|| {
            let nanos = u128::from(REPORT_BITS * SHARE) * 1_000_000_000
                / u128::from(estimate.as_bps().max(1));
            let rule = Span::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
                .clamp(MIN_INTERVAL, MAX_INTERVAL);
            match self.tick.as_nanos() {
                0 => rule,
                tick => Span::from_nanos(rule.as_nanos().div_ceil(tick).saturating_mul(tick)),
            }
        });
    }

    /// Time between two reports.
    #[must_use]
    pub const fn interval(&self) -> Span {
        self.interval
    }

    /// Packet `seq` arrived at `now`. Only the first arrival of a number counts.
    pub fn on_packet(&mut self, now: Time, seq: u64, ecn: Ecn) {
        if seq == u64::MAX {
            return; // there is no number after it to end a report with
        }
        if !self.pending() {
            self.skip_idle_time(now);
            self.forget(seq, now.saturating_sub(REPEAT_WINDOW));
        }
        if self.window_start.is_none_or(|start| seq < start) {
            self.window_start = Some(seq);
        }
        self.store(seq, Got { at: now, ecn });
        self.window_start = self.window_start.map(|start| start.max(self.first));
    }

    /// When a report is due; `None` while there is nothing to report.
    #[must_use]
    pub fn next_wake(&self) -> Option<Time> {
        self.pending().then_some(self.next)
    }

    /// The report that is due. What does not fit into one is in the next, so
    /// ask until there is none.
    pub fn poll(&mut self, now: Time) -> Option<Rtcp> {
        if now < self.next || !self.pending() {
            return None;
        }
        let ccfb = self.layout == Layout::Ccfb;
        let made = if ccfb && self.quantise {
            ccfb::timestamp(now)
        } else {
            now
        };
        let arrivals = self.report(made);
        if !self.pending() {
            self.next += self.interval;
            self.skip_idle_time(now + Span::from_nanos(1));
        }
        if arrivals.is_empty() {
            return None;
        }
        Some(match self.layout {
            Layout::Twcc => Rtcp::TransportFeedback { arrivals },
            Layout::Ccfb => Rtcp::CongestionFeedback { arrivals, made },
        })
    }

    fn end(&self) -> u64 {
        self.first + self.arrivals.len() as u64
    }

    fn pending(&self) -> bool {
        self.window_start.is_some_and(|start| start < self.end())
    }

    /// Moves the free-running timer to its first beat at or after `now`.
    fn skip_idle_time(&mut self, now: Time) {
        let behind = now.since(self.next).as_nanos();
        let interval = self.interval.as_nanos().max(1);
        self.next += Span::from_nanos(behind.div_ceil(interval).saturating_mul(interval));
    }

    fn forget(&mut self, seq: u64, limit: Time) {
        while self.first < seq
            && self
                .arrivals
                .front()
                .is_some_and(|got| got.is_none_or(|got| got.at <= limit))
        {
            self.arrivals.pop_front();
            self.first += 1;
        }
    }

    fn store(&mut self, seq: u64, got: Got) {
        if self.arrivals.is_empty()
            || seq - self.first.min(seq) >= MAX_KEPT + self.arrivals.len() as u64
        {
            self.arrivals.clear();
            self.first = seq;
        }
        if seq < self.first {
            if self.end() - seq > MAX_KEPT {
                return;
            }
            while self.first > seq {
                self.arrivals.push_front(None);
                self.first -= 1;
            }
        }
        while self.end() <= seq {
            self.arrivals.push_back(None);
        }
        if let Some(slot) = self.arrivals.get_mut((seq - self.first) as usize) {
            slot.get_or_insert(got);
        }
        while self.arrivals.len() as u64 > MAX_KEPT {
            self.arrivals.pop_front();
            self.first += 1;
        }
    }

    fn report(&mut self, made: Time) -> Vec<Arrival> {
        let begin = self.window_start.unwrap_or(self.first).max(self.first);
        let kept = self.arrivals.range((begin - self.first) as usize..);
        let mut report = Vec::with_capacity(kept.len());
        let mut missing = 0;
        let mut last: Option<u64> = None;
        for (seq, entry) in (begin..).zip(kept) {
            if let Some(got) = entry {
                let tick = nearest_tick(got.at);
                let (full, ecn) = match self.layout {
                    Layout::Twcc => {
                        let far = |last: u64| tick.abs_diff(last) > MAX_DELTA;
                        (last.is_some_and(far), Ecn::NotEct)
                    }
                    Layout::Ccfb => {
                        let blocks = report.len() + missing as usize;
                        (blocks >= ccfb::MAX_BLOCKS, got.ecn)
                    }
                };
                if full && !report.is_empty() {
                    break;
                }
                last = Some(tick);
                if report.is_empty() {
                    missing = missing.min(match self.layout {
                        Layout::Twcc => MAX_MISSING,
                        Layout::Ccfb => ccfb::MAX_BLOCKS as u64 - 1,
                    });
                }
                report.extend((seq - missing..seq).map(|seq| Arrival {
                    seq,
                    at: None,
                    ecn: Ecn::NotEct,
                }));
                missing = 0;
                let at = match self.layout {
                    _ if !self.quantise => got.at,
                    Layout::Twcc => Time::ZERO + Span::from_nanos(tick * TWCC_TICK.as_nanos()),
                    // What has no offset has arrived all the same.
                    Layout::Ccfb => ccfb::rounded(made, got.at).unwrap_or(got.at),
                };
                let at = Some(at);
                report.push(Arrival { seq, at, ecn });
            } else {
                missing += 1;
            }
        }
        self.window_start = Some(
            report
                .last()
                .map_or_else(|| self.end(), |arrival| arrival.seq + 1),
        );
        report
    }
}
