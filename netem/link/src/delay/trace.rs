//! A propagation delay recorded, or computed, over time.
//!
//! Implements: a value holds to the next row; the trace repeats after its end.
//! Time counts from the first row. Where a trace holds round-trip times
//! (`rtt` in OpenNetLab's JSON, columns with `rtt` or `ping` in their names),
//! half of them counts as the delay of one way. Two columns without names are
//! seconds and milliseconds.
//! Not modelled: interpolation between rows (path changes are jumps), and the
//! jitter of a trace.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Span, Time};

use crate::model::{Delay, DelayModel};
use crate::timeline::{Cursor, Timeline};
use crate::trace::{self, Direction, Format, Names, Options, Quantity};

/// A trace file, repeated when it ends.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"file": "satellite.csv"}]))]
pub struct DelayTrace {
    /// The file's name, looked for in the trace folders.
    pub file: String,
    /// How the file is written; absent: told from its beginning.
    pub format: Option<Format>,
    /// The direction, of a trace with two.
    pub direction: Option<Direction>,
    /// The column of time in a table with names; absent: told from the names.
    pub time: Option<String>,
    /// The column of the delay, as `owd_ms`, or `latency:ms` where the name lacks
    /// the unit; absent: told from the names.
    pub delay: Option<String>,
}

impl Plugin for DelayTrace {
    type Kind = Delay;
    const NAME: &'static str = "trace";
    const SUMMARY: &'static str = "a delay over time read from a file, repeated when it ends";
    const REFERENCES: &'static [&'static str] = &[
        "LeoEM, Cao and Zhang, INFOCOM 2023: path delays per second",
        "LeoReplayer of LeoCC: a delay each 10 ms; OpenNetLab gym for AlphaRTC, 2021",
    ];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn DelayModel>, BuildError> {
        let unusable = |message| BuildError::field("file", message);
        if self.file.is_empty() {
            return Err(unusable("expected the name of a trace file".to_owned()));
        }
        let options = Options {
            format: self.format,
            wanted: Some(Quantity::Delay),
            direction: self.direction,
            columns: Names {
                time: self.time.clone(),
                delay: self.delay.clone(),
                ..Names::default()
            },
            ..Options::default()
        };
        let horizon = cx.assets.horizon();
        let delays = cx
            .assets
            .stream(&self.file, &format!("{options:?}"), |input| {
                let reader = trace::model::open(input, &options)?;
                trace::model::timeline(reader, Quantity::Delay, horizon, |segment| segment.delay)
            });
        Ok(Recorded::boxed(delays.map_err(unusable)?))
    }
}

/// A delay that follows a timeline.
pub(super) struct Recorded {
    timeline: Arc<Timeline<Span>>,
    cursor: Cursor,
}

impl Recorded {
    pub(super) fn boxed(timeline: Arc<Timeline<Span>>) -> Box<dyn DelayModel> {
        Box::new(Self {
            timeline,
            cursor: Cursor::default(),
        })
    }
}

impl DelayModel for Recorded {
    fn release(&mut self, _: u64, at: Time) -> Time {
        at + self.timeline.piece(&mut self.cursor, at).value
    }
}
