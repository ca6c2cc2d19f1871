//! Protection controls: how much is spent on repair packets.

mod fixed;

pub use fixed::FixedProtection;
