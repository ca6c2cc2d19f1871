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
