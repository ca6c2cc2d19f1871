//! The congestion window: what congestion takes from it and what it grows by,
//! and the target that it makes.
//!
//! Implements: draft-ietf-ccwg-rfc8298bis-screamv2, sections 4.2.2 and 4.4, as
//! in ScreamV2Tx.

use std::collections::VecDeque;

use weaknet_core::{Bytes, Span, Time};

use super::ScreamEricsson;

/// Virtual round trip below which growth slows down.
const VIRTUAL_RTT: f64 = 0.025;
/// Least time between two reactions.
const MIN_REACTION_INTERVAL: f64 = 0.03;
/// Packet size before any packet, and how often it is measured anew.
const INITIAL_SEGMENT: u64 = 100;
const SEGMENT_INTERVAL: Span = Span::from_secs(1);
/// The window holds so many packets at least when packets are measured anew, and
/// so many whenever one leaves.
const LEAST_SEGMENTS_AFRESH: u64 = 3;
const LEAST_SEGMENTS: u64 = 2;
/// Time between two looks at the most bytes in flight, and how many are kept.
const PEAK_INTERVAL: Span = Span::from_millis(50);
const PEAKS: usize = 20;
/// Most bytes in flight are counted from the start for so long.
const RAMP_UP: Span = Span::from_secs(2);
/// The window is bounded while the target is above this share of its bound.
const NEAR_MAX: f64 = 0.95;
/// A target below this share of the acknowledged rate softens the reaction.
const FAR_BELOW_ACKED: f64 = 0.8;
/// Least headroom of the bytes in flight over the window.
const MIN_HEADROOM: f64 = 1.5;
/// Longest round trip that the target is computed with.
const MAX_RTT: f64 = 0.2;
/// Headroom of the window over the target for the sizes of frames.
const FRAME_SIZE_ROOM: f64 = 1.1;
/// RTP and UDP headers.
const PACKET_OVERHEAD: f64 = 20.0;

/// What asks for a smaller window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Congestion {
    /// Packets are lost.
    Loss,
    /// Packets were marked by a classic queue.
    Mark,
    /// Packets were marked by an L4S queue; the average share of marks.
    L4sMarks(f64),
    /// Delay stands for this share of marks, divided by round trips already.
    Delay(f64),
}

/// What an update looks at besides the window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings {
    pub(super) now: Time,
    pub(super) rtt: f64,
    /// Bytes reported since the last update, marked ones left out.
    pub(super) acked: u64,
    /// 1 for steady delay, 0 for one that varies much.
    pub(super) steadiness: f64,
    /// Whether the queueing delay is below a quarter of its target.
    pub(super) low_delay: bool,
    /// Target, its bound and the acknowledged rate, in bit/s.
    pub(super) target: f64,
    pub(super) max_target: f64,
    pub(super) acked_rate: f64,
}

/// The window and what bounds its growth.
#[derive(Debug, Clone)]
pub(super) struct Window {
    config: ScreamEricsson,
    size: u64,
    least: u64,
    inflection: u64,
    /// The window has not grown since the inflection point was set.
    at_inflection: bool,
    congested: Option<Time>,
    headroom: f64,
    segment: u64,
    segment_before: u64,
    segment_since: Time,
    started: Time,
    peak: u64,
    peak_before: u64,
    peaks: VecDeque<u64>,
    peak_since: Time,
    app_limited: bool,
}

/// Time between two reactions, in seconds.
pub(super) fn reaction_interval(rtt: f64) -> f64 {
    rtt.min(MIN_REACTION_INTERVAL)
}

/// By how much less to react, as there are several reactions in a round trip.
pub(super) fn reactions_per_rtt(rtt: f64) -> f64 {
    (rtt / MIN_REACTION_INTERVAL).max(1.0)
}

impl Window {
    pub(super) fn new(now: Time, config: &ScreamEricsson) -> Self {
        Self {
            size: 2 * INITIAL_SEGMENT,
            least: 2 * INITIAL_SEGMENT,
            inflection: 1,
            at_inflection: false,
            congested: None,
            headroom: config.max_window_headroom,
            segment: INITIAL_SEGMENT,
            segment_before: INITIAL_SEGMENT,
            segment_since: now,
            started: now,
            peak: 0,
            peak_before: 0,
            peaks: VecDeque::with_capacity(PEAKS),
            peak_since: now,
            app_limited: false,
            config: config.clone(),
        }
    }

    /// A packet left.
    pub(super) fn on_sent(&mut self, now: Time, size: Bytes) {
        if now.since(self.segment_since) > SEGMENT_INTERVAL {
            self.segment_since = now;
            self.segment_before = std::mem::replace(&mut self.segment, INITIAL_SEGMENT);
            self.at_least(LEAST_SEGMENTS_AFRESH);
        }
        self.segment = self.segment.max(size.get());
        self.at_least(LEAST_SEGMENTS);
    }

    fn at_least(&mut self, segments: u64) {
        self.least = self.segment().saturating_mul(segments);
        self.size = self.size.max(self.least);
    }

    /// Bytes that were in flight.
    pub(super) fn on_in_flight(&mut self, bytes: Bytes) {
        self.peak = self.peak.max(bytes.get());
    }

    /// Reacts and grows.
    pub(super) fn update(&mut self, congestion: Option<Congestion>, around: &Surroundings) {
        if around.now.since(self.peak_since) > PEAK_INTERVAL {
            self.peak_since = around.now;
            self.look_at_peaks(around);
        }
        self.headroom =
            MIN_HEADROOM + (self.config.max_window_headroom - MIN_HEADROOM) * around.steadiness;
        let segment_share = self.segment_share();
        let distance = self.distance();
        if let Some(congestion) = congestion {
            self.react(congestion, distance, around);
        }
        self.grow(segment_share, distance, around);
    }

    fn look_at_peaks(&mut self, around: &Surroundings) {
        if self.peaks.len() == PEAKS {
            self.peaks.pop_front();
        }
        self.peaks.push_back(self.peak);
        if around.target > around.max_target * NEAR_MAX {
            let most = self.peaks.iter().copied().max().unwrap_or_default();
            let needed =
                self.config.pacing_headroom * around.max_target / 8.0 * (around.rtt + 0.001);
            self.size = self.size.min(most.max(needed as u64));
        }
        if around.now.since(self.started) > RAMP_UP {
            self.peak_before = std::mem::take(&mut self.peak);
        }
    }

    /// How far the window is from where congestion was met last: 0.1 to 1.
    fn distance(&self) -> f64 {
        let inflection = self.inflection as f64;
        let eightfold = (self.size as f64 - inflection) / inflection * 8.0;
        (eightfold * eightfold).clamp(0.1, 1.0)
    }

    fn react(&mut self, congestion: Congestion, distance: f64, around: &Surroundings) {
        if !self.at_inflection {
            self.inflection = self.size;
            self.at_inflection = true;
        }
        let far_below = around.target < around.acked_rate * FAR_BELOW_ACKED;
        let softened = |share: f64| {
            let backoff = share / 2.0 * if far_below { 0.25 } else { 1.0 };
            backoff / reactions_per_rtt(around.rtt)
        };
        let factor = match congestion {
            Congestion::Loss => self.config.loss_beta,
            Congestion::Mark => self.config.ecn_beta,
            Congestion::Delay(share) => 1.0 - softened(share),
            Congestion::L4sMarks(share) => {
                let long_ago = 100.0 * around.rtt.max(VIRTUAL_RTT);
                let calm = self
                    .congested
                    .is_none_or(|at| around.now.since(at).as_secs_f64() > long_ago);
                if calm && self.peak_before > 0 {
                    self.size = self.size.min(self.peak_before);
                }
                let mut backoff = softened(share);
                if around.low_delay {
                    backoff *= distance.max(0.25) * around.steadiness.max(0.25);
                }
                1.0 - backoff
            }
        };
        self.size = ((self.size as f64 * factor) as u64).max(self.least);
        self.congested = Some(around.now);
    }

    fn grow(&mut self, segment_share: f64, distance: f64, around: &Surroundings) {
        let segment = self.segment() as f64;
        // From 0 after congestion to 1.
        let recovered = self.congested.map_or(1.0, |at| {
            let span = self.config.post_congestion_rtts * around.rtt;
            (around.now.since(at).as_secs_f64() / span).min(1.0)
        });
        let multiplicative =
            self.config.multiplicative_increase * self.size as f64 / segment * recovered * distance;
        let increment = around.acked as f64
            * segment_share
            * distance.max(0.25)
            * (around.rtt / VIRTUAL_RTT).min(1.0)
            * around.steadiness.max(0.1)
            * (1.0 + multiplicative);
        let peak = self.peak.max(self.peak_before) as f64;
        let allowed = segment + peak * self.config.in_flight_headroom;
        self.app_limited = allowed < self.size as f64;
        let larger = self.size.saturating_add((increment + 0.5) as u64);
        if larger as f64 <= allowed && around.target < around.max_target {
            self.at_inflection &= larger <= self.size;
            self.size = larger;
        }
        self.size = self.size.max(self.least);
    }

    /// The rate that the window makes, in bit/s.
    pub(super) fn rate(&self, rtt: f64) -> f64 {
        let segment = self.segment() as f64;
        let few_packets = 1.0 - (self.segment_share() - 0.1).clamp(0.0, 0.2);
        self.size as f64 * 8.0 / (rtt + 0.001).clamp(0.001, MAX_RTT) * few_packets / FRAME_SIZE_ROOM
            * segment
            / (segment + PACKET_OVERHEAD)
    }

    /// Largest packet of the last one to two seconds.
    pub(super) fn segment(&self) -> u64 {
        self.segment.max(self.segment_before)
    }

    /// Share of the window that one packet takes.
    pub(super) fn segment_share(&self) -> f64 {
        self.segment() as f64 / self.size as f64
    }

    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Most bytes in flight before the sender has to wait.
    pub(super) fn most_in_flight(&self) -> Bytes {
        Bytes::new((self.size as f64 * self.headroom) as u64)
    }

    pub(super) const fn is_app_limited(&self) -> bool {
        self.app_limited
    }
}
