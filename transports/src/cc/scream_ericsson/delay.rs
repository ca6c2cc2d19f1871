//! Queueing delay from one-way delays: base, averages, virtual marks, and how
//! much the delay varies.
//!
//! Implements: draft-ietf-ccwg-rfc8298bis-screamv2, section 4.2.1, as in
//! ScreamV2Tx: least delay of 50 slots of 10 s; an average that falls at once
//! and rises by a quarter; least queueing delay per 100 round trips, averaged by
//! 1/8, taken off that average; spread of the delay between slow maxima and
//! minima.

use std::collections::VecDeque;

use weaknet_core::{Span, Time};

/// Slots of the base delay and their length.
const BASE_SLOTS: usize = 50;
const BASE_SLOT: Span = Span::from_secs(10);
/// Weight of a longer queueing delay in its average.
const AVERAGE_GAIN: f64 = 1.0 / 4.0;
/// Round trips between two values of the slow average of the least delay, and
/// its weight.
const SLOW_RTTS: f64 = 100.0;
const SLOW_GAIN: f64 = 1.0 / 8.0;
/// Gains of the spread of delays, and the spread that allows no headroom.
const SPREAD_GAIN: f64 = 1.0 / 32.0;
const EXTREMES_GAIN: f64 = 1.0 / 16.0;
const FULL_SPREAD: f64 = 0.01;

/// What one-way delays tell. Delays are in seconds.
#[derive(Debug, Clone)]
pub(super) struct QueueDelay {
    target: f64,
    /// Least one-way delay of each past slot, in nanoseconds of both clocks.
    slots: VecDeque<i128>,
    slot: Option<i128>,
    slot_since: Time,
    latest: f64,
    average: f64,
    least: Option<f64>,
    slow_least: f64,
    slow_since: Time,
    highs: f64,
    lows: Option<f64>,
    spread: f64,
    updated: Time,
}

impl QueueDelay {
    pub(super) fn new(now: Time, target: Span) -> Self {
        Self {
            target: target.as_secs_f64(),
            slots: VecDeque::with_capacity(BASE_SLOTS),
            slot: None,
            slot_since: now,
            latest: 0.0,
            average: 0.0,
            least: None,
            slow_least: 0.0,
            slow_since: now,
            highs: 0.0,
            lows: None,
            spread: 0.0,
            updated: now,
        }
    }

    /// A packet sent at `sent` was received at `received`, as `now` is known.
    pub(super) fn on_packet(&mut self, now: Time, sent: Time, received: Time) {
        let delay = i128::from(received.as_nanos()) - i128::from(sent.as_nanos());
        let slot = self.slot.map_or(delay, |least| least.min(delay));
        self.slot = Some(slot);
        if now.since(self.slot_since) >= BASE_SLOT {
            self.slot_since = now;
            if self.slots.len() == BASE_SLOTS {
                self.slots.pop_front();
            }
            self.slots.push_back(slot);
            self.slot = None;
        }
        let base = self.slots.iter().copied().chain(self.slot).min();
        self.latest = (delay - base.unwrap_or(delay)) as f64 / 1e9;
        let lows = self.lows.map_or(self.latest, |lows| lows.min(self.latest));
        self.lows = Some(lows);
        self.highs = self.highs.max(self.latest).min(self.target);
    }

    /// Updates the averages when more than `interval` has passed.
    pub(super) fn on_report(&mut self, now: Time, interval: f64, rtt: f64) {
        if now.since(self.updated).as_secs_f64() <= interval {
            return;
        }
        self.updated = now;
        if now.since(self.slow_since).as_secs_f64() > rtt * SLOW_RTTS {
            self.slow_since = now;
            if let Some(least) = self.least.take() {
                let gain = if least < self.slow_least {
                    1.0
                } else {
                    SLOW_GAIN
                };
                self.slow_least += gain * (least - self.slow_least);
            }
        }
        let above = self.latest - self.slow_least;
        let gain = if above < self.average {
            1.0
        } else {
            AVERAGE_GAIN
        };
        self.average += gain * (above - self.average);
        let lows = self.lows.unwrap_or(self.highs);
        let spread = (self.highs - lows).clamp(0.0, 2.0 * FULL_SPREAD);
        self.spread += SPREAD_GAIN * (spread - self.spread);
        self.highs *= 1.0 - EXTREMES_GAIN;
        self.lows = Some(lows + EXTREMES_GAIN * (self.highs - lows));
    }

    /// Notes the delay that a window is computed from.
    pub(super) fn on_window(&mut self) {
        let least = self
            .least
            .map_or(self.latest, |least| least.min(self.latest));
        self.least = Some(least);
    }

    /// Forgets the base delay.
    pub(super) fn reset_base(&mut self) {
        self.slots.clear();
        self.slot = None;
        self.slow_least = 0.0;
        self.latest = 0.0;
    }

    /// Queueing delay of the newest packet.
    pub(super) const fn latest(&self) -> f64 {
        self.latest
    }

    pub(super) const fn average(&self) -> f64 {
        self.average
    }

    /// Share of packets that a queue with shallow marking would have marked: 0
    /// up to half the target, 1 from the target on.
    pub(super) fn virtual_marks(&self) -> f64 {
        let half = self.target / 2.0;
        ((self.average - half) / half).clamp(0.0, 1.0)
    }

    /// Whether the queueing delay is below a quarter of its target.
    pub(super) fn is_low(&self) -> bool {
        self.latest < self.target / 4.0
    }

    /// Whether its average is above a quarter of its target.
    pub(super) fn average_is_raised(&self) -> bool {
        self.average > self.target / 4.0
    }

    /// Whether a queue has stood for long, or the clocks drift.
    pub(super) fn stands(&self) -> bool {
        self.slow_least > self.target / 8.0
    }

    /// 1 while delays are steady, 0 when they vary by 10 ms.
    pub(super) fn steadiness(&self) -> f64 {
        (1.0 - self.spread / FULL_SPREAD).clamp(0.0, 1.0)
    }
}
