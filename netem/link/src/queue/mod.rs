//! Queue disciplines: which packets wait, and in what order they leave.

mod codel;
mod drop_head;
mod drop_tail;
mod drr;
mod fifo;
mod flow_key;
mod fq_codel;
mod limit;
mod priority;
mod room;
#[cfg(test)]
mod support;
mod ticks;
mod waiting;

pub use codel::{Codel, ControlLaw};
pub use drop_head::DropHead;
pub use drop_tail::DropTail;
pub use drr::Drr;
pub use fq_codel::{FqCodel, TurnEnds};
pub use limit::QueueLimit;
pub use priority::{Band, Priority, TrafficClass};

use weaknet_core::{BuildError, Bytes};

/// A quantum that takes a queue onwards.
fn quantum(quantum: Bytes) -> Result<u32, BuildError> {
    u32::try_from(quantum.get())
        .ok()
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| {
            BuildError::field(
                "quantum",
                format!("expected a size of about one packet such as `1500B`, found `{quantum}`"),
            )
        })
}
