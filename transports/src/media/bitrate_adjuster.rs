//! Lower rates for an encoder that takes more than it is given.
//!
//! Implements: libwebrtc's `EncoderBitrateAdjuster`, `EncoderOvershootDetector` and
//! `RateUtilizationTracker` (2026-07) for one layer, as Chromium uses them for
//! every encoder. Each frame enters a virtual pacer that drains at the rate the
//! encoder was told; what it finds there and does not make up for counts as
//! overshoot, in ideal frames. The rate is divided by the mean over a window,
//! between 1 and 2, or by a factor of its own while too little is known. When more
//! rate is there than the stream may use, only what exceeds the mean rate counts.
//! Differs: the rate is looked at with each frame instead of at each report and
//! each second; bits are not rounded.
//! Not modelled: temporal layers.

use std::collections::VecDeque;

use weaknet_core::{Span, Time};

/// Largest factor that a rate is divided by.
const MAX_FACTOR: f64 = 2.0;
/// Points of the account of bits.
const MAX_POINTS: usize = 100;

/// How much an encoder is mistrusted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mistrust {
    /// The factor while too little is known (`kDefaultUtilizationFactor`).
    pub(super) unknown: f64,
    /// Frames until something is known (`kMinFramesSinceLayoutChange`).
    pub(super) frames: u32,
    /// How long a frame counts (`kWindowSize`).
    pub(super) window: Span,
}

/// What the stream may have, in bit/s.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    pub(super) target: f64,
    /// What is left of the link beyond the target.
    pub(super) headroom: f64,
    /// Below this the encoder is not pushed.
    pub(super) least: f64,
}

/// The adjuster of one stream.
#[derive(Debug, Clone)]
pub(super) struct BitrateAdjuster {
    mistrust: Mistrust,
    frames: u32,
    /// What the encoder was told, in bit/s.
    told: f64,
    fps: f64,
    /// Bits in the virtual pacer.
    level: f64,
    leaked: Option<Time>,
    /// Times and costs of frames, 1 for one that fits, and the sum of the costs.
    costs: VecDeque<(Time, f64)>,
    sum: f64,
    account: Account,
}

impl BitrateAdjuster {
    pub(super) fn new(mistrust: Mistrust) -> Self {
        Self {
            mistrust,
            frames: 0,
            told: 0.0,
            fps: 0.0,
            level: 0.0,
            leaked: None,
            costs: VecDeque::new(),
            sum: 0.0,
            account: Account::default(),
        }
    }

    /// What to tell the encoder, in bit/s.
    pub(super) fn adjust(&mut self, now: Time, allowance: Allowance, fps: f64) -> f64 {
        let Allowance {
            target,
            headroom,
            least,
        } = allowance;
        self.account.on_rate(now, target, self.mistrust.window);
        let mut factor = self.link_factor(now).clamp(1.0, MAX_FACTOR);
        if factor > 1.0 && headroom > 0.0 {
            let media = self.media_factor(now);
            let granted = ((factor - media.max(1.0)) * target).clamp(0.0, headroom);
            factor *= target / (target + granted);
        }
        if least > 0.0 && least < target {
            factor = factor.min(target / least);
        }
        self.leak(now);
        (self.told, self.fps) = ((target / factor).min(target), fps);
        self.told
    }

    /// A frame of so many bits came out.
    pub(super) fn on_frame(&mut self, now: Time, bits: f64) {
        self.frames = self.frames.saturating_add(1);
        self.account.on_bits(bits);
        self.leak(now);
        if self.told <= 0.0 || self.fps <= 0.0 {
            return;
        }
        let ideal = self.told / self.fps;
        let over = (self.level + bits - ideal).clamp(0.0, self.level);
        let cost = if self.costs.is_empty() {
            (bits / ideal).max(1.0)
        } else {
            1.0 + over / ideal
        };
        self.level += bits - over;
        self.costs.push_back((now, cost));
        self.sum += cost;
    }

    fn leak(&mut self, now: Time) {
        if let Some(leaked) = self.leaked.replace(now) {
            let bits = self.told * now.since(leaked).as_secs_f64();
            self.level = (self.level - bits).max(0.0);
        }
    }

    fn is_known(&self) -> bool {
        self.frames >= self.mistrust.frames && !self.costs.is_empty()
    }

    /// By how much frames were too large for the link.
    fn link_factor(&mut self, now: Time) -> f64 {
        let oldest = now.saturating_sub(self.mistrust.window);
        while let Some((_, cost)) = self.costs.pop_front_if(|(at, _)| *at < oldest) {
            self.sum -= cost;
        }
        if self.is_known() {
            self.sum / self.costs.len() as f64
        } else {
            self.mistrust.unknown
        }
    }

    /// By how much they were too large on the whole.
    fn media_factor(&self, now: Time) -> f64 {
        let factor = self.account.factor(now).filter(|_| self.is_known());
        factor.unwrap_or(self.mistrust.unknown)
    }
}

/// Bits that came out beside those that the target allowed.
#[derive(Debug, Clone, Default)]
struct Account {
    points: VecDeque<Point>,
    /// Bits of all points.
    produced: f64,
    /// Bits that the target allowed from each point to the next.
    allowed: f64,
}

#[derive(Debug, Clone, Copy)]
struct Point {
    at: Time,
    /// Target from then on, in bit/s.
    rate: f64,
    bits: f64,
    /// Bits that the target allowed until the next point; of the last one none yet.
    room: f64,
}

impl Point {
    fn room_until(&self, now: Time) -> f64 {
        self.rate * now.since(self.at).as_secs_f64()
    }
}

impl Account {
    fn on_rate(&mut self, now: Time, rate: f64, window: Span) {
        if let Some(last) = self.points.back_mut() {
            last.room = last.room_until(now);
            self.allowed += last.room;
        }
        self.points.push_back(Point {
            at: now,
            rate,
            bits: 0.0,
            room: 0.0,
        });
        let oldest = now.saturating_sub(window);
        while self.points.len() > 1
            && let Some(old) = self.points.front()
            && (self.points.len() > MAX_POINTS + 1 || old.at < oldest || old.bits <= 0.0)
        {
            self.produced -= old.bits;
            self.allowed -= old.room;
            self.points.pop_front();
        }
    }

    fn on_bits(&mut self, bits: f64) {
        if let Some(last) = self.points.back_mut() {
            last.bits += bits;
            self.produced += bits;
        }
    }

    /// What came out per what was allowed. The last frame has as long as it takes.
    fn factor(&self, now: Time) -> Option<f64> {
        let last_room = self.points.back()?.room_until(now);
        let mut since_frame = last_room;
        let mut last_frame = 0.0;
        for point in self.points.iter().rev() {
            since_frame += point.room;
            if point.bits > 0.0 {
                last_frame = point.bits;
                break;
            }
        }
        let allowed = self.allowed + last_room + f64::max(last_frame - since_frame, 0.0);
        (allowed > 0.0 && self.produced > 0.0).then(|| self.produced / allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: f64 = 900_000.0;

    /// What an encoder is told with its last frame, whose frames are `sizes` times
    /// the ideal in turn.
    fn told(sizes: &[f64], frames: usize, headroom: f64) -> f64 {
        let mut adjuster = BitrateAdjuster::new(Mistrust {
            unknown: 1.2,
            frames: 30,
            window: Span::from_secs(3),
        });
        let mut told = 0.0;
        for (n, size) in sizes.iter().cycle().take(frames).enumerate() {
            let now = Time::from_millis(40 * n as u64);
            let allowance = Allowance {
                target: TARGET,
                headroom,
                least: 0.0,
            };
            told = adjuster.adjust(now, allowance, 25.0);
            adjuster.on_frame(now, size * told / 25.0);
        }
        told / TARGET
    }

    #[test]
    fn thirty_frames_of_caution_then_what_was_seen() {
        assert!((told(&[1.0], 30, 0.0) - 1.0 / 1.2).abs() < 1e-9);
        assert!((told(&[1.0], 31, 0.0) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_steady_overshoot_is_made_up_for_up_to_a_half() {
        assert!((told(&[1.5], 300, 0.0) - 1.0 / 1.5).abs() < 1e-9);
        assert!((told(&[5.0], 300, 0.0) - 0.5).abs() < 1e-9);
        assert!((told(&[0.7], 300, 0.0) - 1.0).abs() < 1e-9, "no reward");
    }

    #[test]
    fn large_frames_cost_what_the_next_ones_do_not_make_up_for() {
        // Of 2, 0.5 and 0.5 the second finds 1 in the pacer, of which it makes up
        // for half: costs 1, 1.5 and 1.
        let sizes = [2.0, 0.5, 0.5];
        assert!((told(&sizes, 300, 0.0) - 3.0 / 3.5).abs() < 0.005);
        // On the whole they take their rate, which is all that counts when the link
        // has more.
        assert!((told(&sizes, 300, TARGET) - 1.0).abs() < 0.02);
    }

    #[test]
    fn the_least_rate_is_kept() {
        let mut adjuster = BitrateAdjuster::new(Mistrust {
            unknown: 1.2,
            frames: 30,
            window: Span::from_secs(3),
        });
        let allowance = Allowance {
            target: 33_000.0,
            headroom: 0.0,
            least: 30_000.0,
        };
        assert!((adjuster.adjust(Time::ZERO, allowance, 30.0) - 30_000.0).abs() < 1e-6);
    }
}
