//! Delay models: how long a packet travels after it left the serialiser.

mod constant;
mod normal;
mod stalls;
mod steps;
mod trace;
mod uniform;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use constant::ConstantDelay;
pub use normal::NormalDelay;
pub use stalls::Stalls;
pub use steps::DelaySteps;
pub use trace::DelayTrace;
pub use uniform::UniformDelay;

/// Whether packets with different delays may overtake each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reorder {
    /// A packet is released no earlier than the one before it.
    #[default]
    Forbidden,
    /// A packet is released after its own delay.
    Allowed,
}

#[cfg(test)]
mod tests;
