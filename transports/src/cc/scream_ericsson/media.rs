//! What the sender's own media tell: how long frames wait for their departure,
//! how large they are, and the rates of the last tenths of a second.
//!
//! Implements: the stream of ScreamV2Tx: the target gives way while frames wait
//! for more than half a frame period; pacing is faster while more waits than an
//! average frame; rates are measured over 100 ms.

use std::collections::VecDeque;

use weaknet_core::{Bytes, Span, Time};

/// Gains of the rule for waiting frames.
const WAIT_GAIN: f64 = 0.2;
const ADJUST_GAIN: f64 = 1.0 / 8.0;
const MAX_ADJUST: f64 = 0.5;
/// Frame period that is assumed at first, and the weight that an older one keeps.
const INITIAL_PERIOD: f64 = 0.02;
const PERIOD_KEEPS: f64 = 0.1;
/// Pacing is never scaled below this average size of frames.
const SMALL_FRAME: f64 = 500.0;
/// Tenths of a second in the average of the rate of media.
const RATES: usize = 4;
/// Frames that may wait before memory is asked for: some seconds.
const FRAMES: usize = 256;

/// Frames that wait for their departure and measured rates.
#[derive(Debug, Clone)]
pub(super) struct MediaRates {
    /// When each frame came that has not left whole, and all bytes of media up
    /// to its end.
    waiting: VecDeque<(Time, u64)>,
    produced: u64,
    departed: u64,
    last_frame: Option<Time>,
    period: f64,
    adjust: f64,
    pacing_scale: f64,
    measured: Time,
    produced_before: u64,
    acked: u64,
    acked_rate: f64,
    media_rates: [f64; RATES],
    next_rate: usize,
}

impl MediaRates {
    pub(super) fn new(now: Time) -> Self {
        Self {
            waiting: VecDeque::with_capacity(FRAMES),
            produced: 0,
            departed: 0,
            last_frame: None,
            period: INITIAL_PERIOD,
            adjust: 0.0,
            pacing_scale: 1.0,
            measured: now,
            produced_before: 0,
            acked: 0,
            acked_rate: 0.0,
            media_rates: [0.0; RATES],
            next_rate: 0,
        }
    }

    /// The encoder made a frame of this size while `target` bit/s was the target.
    pub(super) fn on_frame(&mut self, now: Time, size: Bytes, target: f64, max_scale: f64) {
        if let Some(last) = self.last_frame.replace(now) {
            let period = now.since(last).as_secs_f64();
            self.period = period + PERIOD_KEEPS * (self.period - period);
        }
        self.produced = self.produced.saturating_add(size.get());
        self.waiting.push_back((now, self.produced));
        let waited = self
            .waiting
            .front()
            .map_or(Span::ZERO, |(came, _)| now.since(*came));
        if self.period > 0.0 {
            let error = WAIT_GAIN * (waited.as_secs_f64() / self.period - 0.5);
            self.adjust = (self.adjust + ADJUST_GAIN * error).clamp(0.0, MAX_ADJUST);
        }
        let average = target * self.period / 8.0;
        let waits = self.produced.saturating_sub(self.departed) as f64;
        self.pacing_scale = if average > SMALL_FRAME {
            (waits / average).clamp(1.0, max_scale)
        } else {
            1.0
        };
    }

    /// A packet of media left.
    pub(super) fn on_departure(&mut self, size: Bytes) {
        self.departed = self.departed.saturating_add(size.get()).min(self.produced);
        while self
            .waiting
            .front()
            .is_some_and(|(_, end)| *end <= self.departed)
        {
            self.waiting.pop_front();
        }
    }

    pub(super) const fn on_acked(&mut self, size: Bytes) {
        self.acked = self.acked.saturating_add(size.get());
    }

    /// Measures the rates since the last call.
    pub(super) fn measure(&mut self, now: Time) {
        let time = now.since(self.measured).as_secs_f64();
        if time <= 0.0 {
            return;
        }
        self.measured = now;
        self.acked_rate = std::mem::take(&mut self.acked) as f64 * 8.0 / time;
        let made = self.produced - std::mem::replace(&mut self.produced_before, self.produced);
        self.media_rates[self.next_rate % RATES] = made as f64 * 8.0 / time;
        self.next_rate = (self.next_rate + 1) % RATES;
    }

    /// How much the target gives way: it is divided by 1 plus this.
    pub(super) const fn adjust(&self) -> f64 {
        self.adjust
    }

    /// Factor on the pacing rate while more waits than an average frame.
    pub(super) const fn pacing_scale(&self) -> f64 {
        self.pacing_scale
    }

    /// Rate of bytes that were reported, in bit/s.
    pub(super) const fn acked_rate(&self) -> f64 {
        self.acked_rate
    }

    /// Rate of media, in bit/s.
    pub(super) fn media_rate(&self) -> f64 {
        self.media_rates.iter().sum::<f64>() / RATES as f64
    }
}
