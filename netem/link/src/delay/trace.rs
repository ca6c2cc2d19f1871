//! A propagation delay recorded, or computed, over time.
//!
//! Implements: two columns, seconds and milliseconds, separated by blanks,
//! commas or semicolons, with or without a line of column names; further
//! columns are ignored. A value holds to the next row, the last one as long as
//! the one before it, then the trace repeats. Time counts from the first row.
//! Not modelled: interpolation between rows (path changes are jumps).

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Span, Time};

use crate::model::{Delay, DelayModel, Passage};
use crate::table;
use crate::timeline::{Cursor, Timeline};

/// A trace file, repeated when it ends.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"file": "satellite.csv"}]))]
pub struct DelayTrace {
    /// The file's name, looked for in the trace folders.
    pub file: String,
}

impl Plugin for DelayTrace {
    type Kind = Delay;
    const NAME: &'static str = "trace";
    const SUMMARY: &'static str = "a delay over time read from a file, repeated when it ends";
    const REFERENCES: &'static [&'static str] =
        &["LeoEM, Cao and Zhang, INFOCOM 2023: path delays per second"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn DelayModel>, BuildError> {
        if self.file.is_empty() {
            return Err(BuildError::field(
                "file",
                "expected the name of a trace file",
            ));
        }
        let trace = cx
            .assets
            .get(&self.file, parse)
            .map_err(|message| BuildError::field("file", message))?;
        Ok(Recorded::boxed(trace))
    }
}

fn parse(bytes: &[u8]) -> Result<Timeline<Span>, String> {
    let rows = table::series(bytes, 6, "milliseconds")?;
    Timeline::looped(
        rows.into_iter()
            .map(|(at, nanos)| (at, Span::from_nanos(nanos))),
    )
    .map_err(|e| e.message("milliseconds"))
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
    fn release(&mut self, Passage { at, .. }: Passage) -> Time {
        at + self.timeline.piece(&mut self.cursor, at).value
    }
}
