//! A propagation delay that rises and falls steadily, as that of a moving
//! satellite.
//!
//! Implements: straight lines between the given points, rounded to the nearest
//! nanosecond. The instant at which a packet leaves the serialiser counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Span, Time};

use crate::model::{Delay, DelayModel, Passage};
use crate::timeline::{Cursor, Timeline};

/// Points `[time, delay]`: the first at 0s, times ascending. The last delay
/// holds for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("examples" = [[["0s", "40ms"], ["20s", "100ms"]]]))]
pub struct DelayRamps(pub Vec<(Span, Span)>);

impl Default for DelayRamps {
    fn default() -> Self {
        Self(vec![(Span::ZERO, Span::from_millis(25))])
    }
}

impl Plugin for DelayRamps {
    type Kind = Delay;
    const NAME: &'static str = "ramps";
    const SUMMARY: &'static str = "a delay that follows straight lines between given points";
    const REFERENCES: &'static [&'static str] = &[];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn DelayModel>, BuildError> {
        let next = self.0.iter().skip(1).map(Some).chain([None]);
        let lines = self.0.iter().zip(next).map(|(&(at, delay), next)| {
            let (end, target) = next.copied().unwrap_or((Span::MAX, delay));
            let line = Line {
                start: at,
                length: end - at,
                delay,
                target,
            };
            (at, line)
        });
        let timeline = Timeline::new(lines).map_err(|e| BuildError::new(e.message("25ms")))?;
        Ok(Box::new(Ramps {
            timeline,
            cursor: Cursor::default(),
        }))
    }
}

/// A straight line from one point to the next.
#[derive(Debug, Clone, Copy)]
struct Line {
    start: Span,
    length: Span,
    delay: Span,
    target: Span,
}

struct Ramps {
    timeline: Timeline<Line>,
    cursor: Cursor,
}

impl DelayModel for Ramps {
    fn release(&mut self, Passage { at, .. }: Passage) -> Time {
        let line = self.timeline.piece(&mut self.cursor, at).value;
        let into = (at.since_start() - line.start).as_nanos();
        let length = u128::from(line.length.as_nanos().max(1));
        let share = |change: Span| {
            let nanos = (u128::from(change.as_nanos()) * u128::from(into) + length / 2) / length;
            Span::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
        };
        let delay = if line.target >= line.delay {
            line.delay + share(line.target - line.delay)
        } else {
            line.delay - share(line.delay - line.target)
        };
        at + delay
    }
}
