//! The least constant delay that the call would have needed: a yardstick for
//! buffers that have to guess.
//!
//! Implements: own design, see `playout`. The case is run once with a buffer that
//! waits for nothing, which tells when frames are complete; then with the delay from
//! capture to screen for which at most a given share of them is late.
//! Differs: frames may be complete at other times in the second run, where the way
//! of playing decides what is asked for again; the delay is the same throughout the
//! call, so that a long outage decides it unless a share may be late.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio, Span, Time};

use super::adaptive_percentile::percentile;
use super::playout::{Offset, PlayoutBuffer, Schedule, arrival, offset_of};
use super::{CompleteFrame, Jitter, JitterBuffer};

/// Ticks per second of video timestamps.
const CLOCK: u32 = 90_000;

/// The delay that would have been needed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Oracle {
    /// The share of frames that may be late; default 1 %.
    pub late: Ratio,
    /// How long before its display a frame goes to the decoder; default 10 ms,
    /// libwebrtc's render delay.
    pub decode_ahead: Span,
}

impl Default for Oracle {
    fn default() -> Self {
        Self {
            late: Ratio::from_f64(0.01),
            decode_ahead: Span::from_millis(10),
        }
    }
}

impl Plugin for Oracle {
    type Kind = Jitter;
    const NAME: &'static str = "oracle";
    const SUMMARY: &'static str = "the least constant delay, known from a run ahead";
    const REFERENCES: &'static [&'static str] = &["own design"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn JitterBuffer>, BuildError> {
        if !(0.0..1.0).contains(&self.late.as_f64()) {
            return Err(BuildError::field("late", "expected 0% to below 100%"));
        }
        if self.decode_ahead > Span::from_secs(1) {
            return Err(BuildError::field("decode_ahead", "expected at most 1s"));
        }
        let foresight = Foresight {
            late: self.late.as_f64(),
            decode_ahead: i64::try_from(self.decode_ahead.as_nanos()).unwrap_or(i64::MAX),
            known: None,
            newest: None,
        };
        Ok(Box::new(PlayoutBuffer::new(foresight, self.decode_ahead)))
    }
}

/// An offset from another run; without one, frames are due when they are complete.
struct Foresight {
    late: f64,
    decode_ahead: i64,
    /// Offset and delay that were needed.
    known: Option<(Offset, Span)>,
    newest: Option<Offset>,
}

impl Schedule for Foresight {
    fn reset(&mut self) {
        self.newest = None;
    }

    fn on_frame(&mut self, frame: &CompleteFrame) {
        self.newest = Some(arrival(frame));
    }

    fn offset(&self) -> Option<Offset> {
        self.known.map(|(offset, _)| offset).or(self.newest)
    }

    fn delay(&self) -> Span {
        self.known.map(|(_, delay)| delay).unwrap_or_default()
    }

    fn drops_late(&self) -> bool {
        self.known.is_some()
    }

    fn wants_arrivals(&self) -> bool {
        true
    }

    fn tell_arrivals(&mut self, arrivals: &[(Time, Time)]) {
        let mut offsets: Vec<Offset> = arrivals
            .iter()
            .map(|(captured, complete)| offset_of(*complete, captured.ticks(CLOCK)))
            .collect();
        let Some(least) = offsets.iter().copied().min() else {
            return;
        };
        let offset = percentile(&mut offsets, 1.0 - self.late) + self.decode_ahead;
        let delay = u64::try_from(offset - least).unwrap_or_default();
        self.known = Some((offset, Span::from_nanos(delay)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(late: f64) -> Span {
        let mut foresight = Foresight {
            late,
            decode_ahead: 10_000_000,
            known: None,
            newest: None,
        };
        // On their way 40 to 139 ms.
        let arrivals: Vec<(Time, Time)> = (0..100)
            .map(|n| {
                let captured = Time::from_millis(n * 40);
                (captured, captured + Span::from_millis(40 + n * 37 % 100))
            })
            .collect();
        foresight.tell_arrivals(&arrivals);
        foresight.delay()
    }

    #[test]
    fn waits_as_long_as_needed_for_all_but_the_late_ones() {
        // The slowest is 99 ms behind the fastest; decoding comes on top.
        assert_eq!(told(0.0), Span::from_millis(109));
        assert_eq!(told(0.01), Span::from_millis(108));
        assert_eq!(told(0.5), Span::from_millis(59));
    }
}
