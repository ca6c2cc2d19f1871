//! Loss models: which packets a link loses.

mod bernoulli;
mod four_state;
mod gilbert_elliott;
mod netem_compat;
mod none;
mod outages;
mod packets;
mod periodic;
mod policer;
mod trace;
mod walk;
mod windows;

pub use bernoulli::Bernoulli;
pub use four_state::FourState;
pub use gilbert_elliott::GilbertElliott;
pub use netem_compat::{NetemCompat, actual_loss};
pub use none::NoLoss;
pub use outages::Outages;
pub use packets::{PacketRange, Packets};
pub use periodic::Periodic;
pub use policer::{Colour, Policer, SingleRateThreeColours, TwoRatesThreeColours};
pub use trace::{LossFormat, LossTrace};
pub use windows::{LossWindow, LossWindows};

#[cfg(test)]
mod tests;
