//! Queue disciplines: which packets wait, and in what order they leave.

mod cellular_cell;
mod drop_tail;
mod limit;
#[cfg(test)]
mod testing;
mod wifi_cell;

pub use cellular_cell::{CellularCell, Fading, Scheduler};
pub use drop_tail::DropTail;
pub use limit::QueueLimit;
pub use wifi_cell::{Downlink, WifiCell};
