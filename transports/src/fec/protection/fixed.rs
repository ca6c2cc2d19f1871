//! The same protection at all times: the baseline for all others.
//!
//! Implements: a code rate that does not adapt, as RFC 8854 section 5 describes
//! fixed redundancy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Time};

use crate::fec::{PathState, Protect, Protection, ProtectionControl};

/// Constant protection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FixedProtection {
    /// Repair packets per media packet; default 0.25.
    pub rate: f64,
    /// Repair packets per media packet of key frames; default: the same rate.
    pub key_rate: Option<f64>,
    /// Frames that may be protected together; default 1.
    pub max_frames: u32,
    /// Whether schemes that can shall be built for bursts; default no.
    pub bursts: bool,
}

impl Default for FixedProtection {
    fn default() -> Self {
        Self {
            rate: 0.25,
            key_rate: None,
            max_frames: 1,
            bursts: false,
        }
    }
}

impl Plugin for FixedProtection {
    type Kind = ProtectionControl;
    const NAME: &'static str = "fixed";
    const SUMMARY: &'static str = "the same share of repair packets at all times";
    const REFERENCES: &'static [&'static str] = &["RFC 8854 section 5"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn Protect>, BuildError> {
        let is_rate = |rate: f64| (0.0..=10.0).contains(&rate);
        if !is_rate(self.rate) {
            return Err(BuildError::field("rate", "expected 0 to 10"));
        }
        if !self.key_rate.is_none_or(is_rate) {
            return Err(BuildError::field("key_rate", "expected 0 to 10"));
        }
        if !(1..=48).contains(&self.max_frames) {
            return Err(BuildError::field("max_frames", "expected 1 to 48"));
        }
        Ok(Box::new(self.clone()))
    }
}

impl Protect for FixedProtection {
    fn on_frame(&mut self, _: Time, _: bool, _: u16, _: u32) {}
    fn on_path(&mut self, _: Time, _: &PathState) {}
    fn protection(&self, _: Time, key: bool) -> Protection {
        Protection {
            rate: self.key_rate.filter(|_| key).unwrap_or(self.rate),
            max_frames: self.max_frames,
            bursts: self.bursts,
        }
    }
}
