//! A path that stands still at regular intervals: handovers, WiFi scans,
//! satellite reconfigurations.
//!
//! Implements: stall number k = 0, 1, ... covers [phase + k every, + length).
//! A packet due within a stall is released at its end, so that all of them
//! leave together, in order.
//! Not modelled: stalls of random length or distance; loss during a stall.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Span, Time};

use crate::model::{Delay, DelayModel, Passage};

/// A constant delay, interrupted by stalls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Stalls {
    /// Delay outside of stalls.
    pub base: Span,
    /// Time from the start of a stall to the start of the next.
    pub every: Span,
    /// Length of a stall, below `every`.
    pub length: Span,
    /// Start of the first stall.
    pub phase: Span,
}

impl Default for Stalls {
    fn default() -> Self {
        Self {
            base: Span::from_millis(25),
            every: Span::from_secs(2),
            length: Span::from_millis(100),
            phase: Span::ZERO,
        }
    }
}

impl Plugin for Stalls {
    type Kind = Delay;
    const NAME: &'static str = "stalls";
    const SUMMARY: &'static str =
        "a constant delay; at regular intervals everything waits and then leaves together";
    const REFERENCES: &'static [&'static str] = &[
        "RFC 8869 section 2: a handover interrupts the user plane; packets queue and are released",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn DelayModel>, BuildError> {
        if self.every.is_zero() {
            return Err(BuildError::field("every", "expected a time above 0s"));
        }
        if self.length >= self.every {
            let message = format!(
                "expected less than `every`, {}, found {}",
                self.every, self.length
            );
            return Err(BuildError::field("length", message));
        }
        Ok(Box::new(self.clone()))
    }
}

impl DelayModel for Stalls {
    fn release(&mut self, Passage { at, .. }: Passage) -> Time {
        let due = at + self.base;
        let Some(since) = due.as_nanos().checked_sub(self.phase.as_nanos()) else {
            return due;
        };
        let into = since % self.every.as_nanos();
        if into < self.length.as_nanos() {
            due + Span::from_nanos(self.length.as_nanos() - into)
        } else {
            due
        }
    }
}
