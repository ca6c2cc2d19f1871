//! A microwave oven beside a 2.4 GHz Wi-Fi: its magnetron is on during a part
//! of every mains cycle, and nothing gets through then.
//!
//! Implements: mains cycle k = 0, 1, ... since the oven was switched on starts
//! with the blocked part. A packet due within it is released at its end, so
//! that all of them leave together, in order. Cycles of 60 Hz are exact: none
//! drifts. A residential oven is on for just under half of each cycle (weak
//! networks reference 2.2).
//! Not modelled: what gets through at a low rate or is lost (combine with a
//! rate and a loss model), commercial ovens with two bursts per cycle.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio, Span, Time};

use crate::model::{Delay, DelayModel, Passage};

/// The frequency of the mains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum Mains {
    /// Cycles of 20 ms: most of the world.
    #[default]
    #[serde(rename = "50Hz")]
    Hz50,
    /// Cycles of 16.7 ms: the Americas, parts of Japan.
    #[serde(rename = "60Hz")]
    Hz60,
}

/// A constant delay, interrupted in every mains cycle while the oven is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"base": "10ms", "mains": "60Hz", "on_at": "20s", "runs": "90s"}]))]
pub struct MicrowaveOven {
    /// Delay while nothing is blocked.
    pub base: Span,
    /// Frequency of the mains.
    pub mains: Mains,
    /// Part of each cycle that is blocked, at its start; below 100%.
    pub blocked: Ratio,
    /// When the oven is switched on.
    pub on_at: Span,
    /// How long it runs; unset: to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<Span>,
}

impl Default for MicrowaveOven {
    fn default() -> Self {
        Self {
            base: Span::from_millis(10),
            mains: Mains::default(),
            blocked: Ratio::from_f64(0.5),
            on_at: Span::ZERO,
            runs: None,
        }
    }
}

impl Plugin for MicrowaveOven {
    type Kind = Delay;
    const NAME: &'static str = "microwave_oven";
    const SUMMARY: &'static str =
        "a constant delay; a microwave oven blocks a part of every mains cycle";
    const REFERENCES: &'static [&'static str] = &[
        "Kamerman and Erkocevic 1997: Microwave oven interference on wireless LANs operating in the 2.4 GHz ISM band",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn DelayModel>, BuildError> {
        if self.blocked >= Ratio::ONE {
            return Err(BuildError::field(
                "blocked",
                format!("expected less than 100%, found {}", self.blocked),
            ));
        }
        Ok(Box::new(self.clone()))
    }
}

impl DelayModel for MicrowaveOven {
    fn release(&mut self, Passage { at, .. }: Passage) -> Time {
        let due = at + self.base;
        let on_at = Time::from(self.on_at);
        let off_at = self.runs.map_or(Time::MAX, |runs| on_at + runs);
        if due < on_at || due >= off_at {
            return due;
        }
        // Time in parts per billion of a cycle.
        let cycle = u128::from(Ratio::ONE.ppb());
        let per_nano: u128 = match self.mains {
            Mains::Hz50 => 50,
            Mains::Hz60 => 60,
        };
        let since = u128::from((due - on_at).as_nanos()) * per_nano;
        let end = since / cycle * cycle + u128::from(self.blocked.ppb());
        if since >= end {
            return due;
        }
        let end = u64::try_from(end.div_ceil(per_nano)).unwrap_or(u64::MAX);
        off_at.min(on_at + Span::from_nanos(end))
    }
}
