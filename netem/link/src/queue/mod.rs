//! Queue disciplines: which packets wait, and in what order they leave.

mod drop_tail;
mod limit;

pub use drop_tail::DropTail;
pub use limit::QueueLimit;
