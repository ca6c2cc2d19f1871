//! Queue disciplines: which packets wait, and in what order they leave.

mod drop_tail;
mod limit;
mod netem;

pub use drop_tail::DropTail;
pub use limit::QueueLimit;
pub use netem::{
    Netem, NetemDistribution, NetemGemodel, NetemLoss, NetemRandom, NetemSlot, NetemState,
};
