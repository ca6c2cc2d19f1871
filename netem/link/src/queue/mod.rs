//! Queue disciplines: which packets wait, and in what order they leave.

mod cellular_cell;
mod codel;
mod drop_head;
mod drop_tail;
mod drr;
mod dualpi2;
mod fifo;
mod flow_key;
mod fq_codel;
mod limit;
#[cfg(test)]
mod link_bench;
mod netem;
mod pie;
mod priority;
mod red;
mod room;
#[cfg(test)]
mod support;
mod ticks;
mod waiting;
mod wifi_cell;

pub use cellular_cell::{CellularCell, Fading, Scheduler};
pub use codel::{Codel, ControlLaw};
pub use drop_head::DropHead;
pub use drop_tail::DropTail;
pub(crate) use drop_tail::active as active_drop_tail;
pub use drr::Drr;
pub use dualpi2::{DualPi2, DualPi2Scheduler, DualPi2Variant};
pub use fq_codel::{FqCodel, TurnEnds};
pub use limit::QueueLimit;
pub use netem::{
    Netem, NetemDistribution, NetemGemodel, NetemLoss, NetemRandom, NetemSlot, NetemState,
};
pub use pie::{Decay, Latency, Pie, PieVariant};
pub use priority::{Band, Priority, TrafficClass};
pub use red::Red;
pub use wifi_cell::{Downlink, WifiCell};

use weaknet_core::{BuildError, Bytes, Ratio};

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

/// A gain of a controller.
fn gain(field: &str, gain: f64) -> Result<(), BuildError> {
    if (0.0..=1e6).contains(&gain) {
        return Ok(());
    }
    Err(BuildError::field(
        field,
        format!("expected a gain per second from 0 to 1000000, found {gain}"),
    ))
}

/// A share of the whole, above nothing.
fn share(field: &str, share: Ratio) -> Result<f64, BuildError> {
    if share > Ratio::ZERO && share <= Ratio::ONE {
        return Ok(share.as_f64());
    }
    Err(BuildError::field(
        field,
        format!("expected more than 0% and at most 100%, found `{share}`"),
    ))
}
