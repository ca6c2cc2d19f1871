//! Delay models: how long a packet travels after it left the serialiser.

mod constant;
mod drawn;
mod gamma;
mod handovers;
mod lognormal;
mod microwave_oven;
mod normal;
mod nr_bpdv;
mod pareto;
mod pareto_normal;
mod ramps;
mod samples;
mod stalls;
mod starlink;
mod steps;
mod table;
mod trace;
mod uniform;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use constant::ConstantDelay;
pub use gamma::GammaDelay;
pub use handovers::{Handovers, Spacing};
pub use lognormal::LognormalDelay;
pub use microwave_oven::{Mains, MicrowaveOven};
pub use normal::NormalDelay;
pub use nr_bpdv::NrBpdv;
pub use pareto::ParetoDelay;
pub use pareto_normal::ParetoNormalDelay;
pub use ramps::DelayRamps;
pub use samples::SampledDelay;
pub use stalls::Stalls;
pub use starlink::Starlink;
pub use steps::DelaySteps;
pub use table::TableDelay;
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
#[cfg(test)]
mod tests_drawn;
#[cfg(test)]
mod tests_physical;
