//! A video jitter buffer that shows frames late enough for a share of them.
//!
//! Implements: the adaptive playout of S. Moon, J. Kurose, D. Towsley, "Packet
//! audio playout delay adjustment" (Multimedia Systems 6, 1998), algorithm 3: the
//! delay is a percentile of the delays of the latest frames; applied to whole video
//! frames at any time, since video has no silence to hide a change in. The delay
//! rises at once and falls slowly.
//! Differs: a window in time, not in packets; no mode for spikes.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio, Span, Time};

use super::playout::{Offset, PlayoutBuffer, Schedule, arrival};
use super::{CompleteFrame, Jitter, JitterBuffer};

/// Frames in the window at most.
const MOST_FRAMES: usize = 4_096;

/// Delay by percentile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdaptivePercentile {
    /// The share of frames that shall be in time; default 95 %.
    pub percentile: Ratio,
    /// The latest frames that count; default 10 s.
    pub window: Span,
    /// Added to the percentile: decoding, and what is to come; default 15 ms.
    pub margin: Span,
    /// How far the delay falls per second at most; default 20 ms.
    pub fall: Span,
}

impl Default for AdaptivePercentile {
    fn default() -> Self {
        Self {
            percentile: Ratio::from_f64(0.95),
            window: Span::from_secs(10),
            margin: Span::from_millis(15),
            fall: Span::from_millis(20),
        }
    }
}

impl Plugin for AdaptivePercentile {
    type Kind = Jitter;
    const NAME: &'static str = "adaptive_percentile";
    const SUMMARY: &'static str = "a delay that is enough for a share of the latest frames";
    const REFERENCES: &'static [&'static str] =
        &["Moon, Kurose, Towsley, Packet audio playout delay adjustment, 1998"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn JitterBuffer>, BuildError> {
        if self.percentile.as_f64() <= 0.0 || self.percentile.as_f64() > 1.0 {
            return Err(BuildError::field("percentile", "expected above 0% to 100%"));
        }
        if self.window.is_zero() || self.window > Span::from_secs(600) {
            return Err(BuildError::field("window", "expected above 0s to 10min"));
        }
        if self.margin > Span::from_secs(10) {
            return Err(BuildError::field("margin", "expected at most 10s"));
        }
        if self.fall > Span::from_secs(1) {
            return Err(BuildError::field("fall", "expected at most 1s"));
        }
        let percentile = Percentile {
            config: self.clone(),
            frames: VecDeque::new(),
            sorted: Vec::new(),
            offset: None,
            least: 0,
            last: Time::ZERO,
        };
        Ok(Box::new(PlayoutBuffer::new(percentile, self.margin)))
    }
}

/// A percentile of the latest arrivals.
struct Percentile {
    config: AdaptivePercentile,
    /// When the latest frames were complete, and by the sender's clock.
    frames: VecDeque<(Time, Offset)>,
    sorted: Vec<Offset>,
    offset: Option<Offset>,
    /// The earliest arrival in the window.
    least: Offset,
    last: Time,
}

impl Schedule for Percentile {
    fn reset(&mut self) {
        self.frames.clear();
        self.offset = None;
        self.last = Time::ZERO;
    }

    fn on_frame(&mut self, frame: &CompleteFrame) {
        let now = frame.complete;
        self.frames.push_back((now, arrival(frame)));
        let from = now.saturating_sub(self.config.window);
        while self.frames.len() > MOST_FRAMES
            || self.frames.front().is_some_and(|(at, _)| *at < from)
        {
            self.frames.pop_front();
        }
        self.sorted.clear();
        self.sorted
            .extend(self.frames.iter().map(|(_, offset)| *offset));
        self.least = self.sorted.iter().copied().min().unwrap_or_default();
        let wanted = percentile(&mut self.sorted, self.config.percentile.as_f64());
        let wanted = wanted.saturating_add(nanos(self.config.margin));
        let passed = now.since(self.last).as_secs_f64();
        let fall = self.config.fall.mul_f64(passed.min(1e3));
        self.last = now;
        self.offset = Some(self.offset.map_or(wanted, |offset| {
            wanted.max(offset.saturating_sub(nanos(fall)))
        }));
    }

    fn offset(&self) -> Option<Offset> {
        self.offset
    }

    fn delay(&self) -> Span {
        let delay = self
            .offset
            .map_or(0, |offset| offset.saturating_sub(self.least));
        Span::from_nanos(u64::try_from(delay).unwrap_or_default())
    }
}

/// The least of the numbers that at least this share of them does not exceed; zero
/// without any.
pub(super) fn percentile(numbers: &mut [Offset], share: f64) -> Offset {
    let Some(last) = numbers.len().checked_sub(1) else {
        return 0;
    };
    let rank = libm::ceil(share * numbers.len() as f64) as usize;
    *numbers
        .select_nth_unstable(rank.saturating_sub(1).min(last))
        .1
}

fn nanos(span: Span) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use weaknet_core::packet::Picture;

    use super::*;

    fn schedule() -> Percentile {
        Percentile {
            config: AdaptivePercentile::default(),
            frames: VecDeque::new(),
            sorted: Vec::new(),
            offset: None,
            least: 0,
            last: Time::ZERO,
        }
    }

    /// Frame number n, captured each 33.3 ms, on its way so many milliseconds.
    fn arrive(schedule: &mut Percentile, n: u64, on_its_way: u64) {
        let captured = Time::from_nanos(n * 3_000 * 100_000 / 9);
        let complete = captured + Span::from_millis(on_its_way);
        schedule.on_frame(&CompleteFrame {
            frame: n,
            reference: n.checked_sub(1),
            timestamp: n * 3_000,
            size: 1_000,
            first_arrived: complete,
            complete,
            retransmitted: false,
            seqs: (n, n),
            picture: Picture::default(),
        });
    }

    #[test]
    fn without_jitter_the_delay_is_the_margin() {
        let mut schedule = schedule();
        for n in 0..50 {
            arrive(&mut schedule, n, 40);
        }
        assert_eq!(schedule.offset(), Some(55_000_000));
        assert_eq!(schedule.delay(), Span::from_millis(15));
    }

    #[test]
    fn the_delay_is_the_percentile_of_the_window() {
        let mut schedule = schedule();
        // 0 to 99 ms in some order, each once per 100 frames: the 95th of 100
        // is 94 ms.
        for n in 0..200 {
            arrive(&mut schedule, n, 40 + n * 37 % 100);
        }
        assert_eq!(schedule.delay(), Span::from_millis(94 + 15));
    }

    #[test]
    fn it_rises_at_once_and_falls_by_20_ms_per_second() {
        let mut schedule = schedule();
        for n in 0..10 {
            arrive(&mut schedule, n, 40);
        }
        // One in eleven is more than five percent.
        arrive(&mut schedule, 10, 240);
        assert_eq!(schedule.delay(), Span::from_millis(215));
        // 300 frames in 10 s, after which the late one has left the window.
        for n in 11..311 {
            arrive(&mut schedule, n, 40);
        }
        let fallen = Span::from_millis(215) - schedule.delay();
        let (least, most) = (Span::from_millis(190), Span::from_millis(200));
        assert!(fallen >= least && fallen <= most, "{fallen}");
    }
}
