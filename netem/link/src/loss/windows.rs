//! Losses within windows of time: lifts, tunnels, garages.
//!
//! Implements: a window covers [from, to); within it packets are lost
//! independently, outside none is. The instant at which a packet reaches the
//! place of loss counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::Draws;
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio, Span, Time};

use crate::model::{Loss, LossModel, Passage};

/// A window of time and the loss within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LossWindow {
    /// Start, since the start of the run.
    pub from: Span,
    /// End, after `from`; not part of the window.
    pub to: Span,
    /// Share of the packets that is lost.
    #[serde(default = "everything")]
    pub loss: Ratio,
}

const fn everything() -> Ratio {
    Ratio::ONE
}

/// Windows `{from, to, loss}` in order of time, without overlap.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("examples" = [[{"from": "20s", "to": "25s"}, {"from": "40s", "to": "50s", "loss": "30%"}]]))]
pub struct LossWindows(pub Vec<LossWindow>);

impl Plugin for LossWindows {
    type Kind = Loss;
    const NAME: &'static str = "windows";
    const SUMMARY: &'static str = "losses within windows of time, 100% unless said otherwise";
    const REFERENCES: &'static [&'static str] = &[];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn LossModel>, BuildError> {
        let mut end = Span::ZERO;
        for (i, window) in self.0.iter().enumerate() {
            super::at_most_all(&format!("{i}.loss"), window.loss)?;
            if window.from < end {
                return Err(BuildError::field(
                    format!("{i}.from"),
                    format!("expected {end} or later: windows are in order and do not overlap"),
                ));
            }
            if window.to <= window.from {
                return Err(BuildError::field(
                    format!("{i}.to"),
                    format!("expected a time after `from`, {}", window.from),
                ));
            }
            end = window.to;
        }
        Ok(Box::new(Windows {
            draws: cx.streams.draws(cx.path, "loss"),
            windows: self.0.clone(),
            current: 0,
        }))
    }
}

struct Windows {
    draws: Draws,
    windows: Vec<LossWindow>,
    current: usize,
}

impl LossModel for Windows {
    fn lose(&mut self, Passage { draw, at, .. }: Passage) -> bool {
        while self
            .windows
            .get(self.current)
            .is_some_and(|window| Time::from(window.to) <= at)
        {
            self.current += 1;
        }
        self.windows.get(self.current).is_some_and(|window| {
            Time::from(window.from) <= at && self.draws.unit(draw) < window.loss.as_f64()
        })
    }
}
