//! What a network does to a packet: a link is queue discipline -> serialiser
//! -> propagation pipe, with loss at a declared place. Pure state machines
//! over logical time, driven alike by the simulator and the live emulator.
//!
//! ```
//! use weaknet_core::packet::LinkId;
//! use weaknet_core::plugin::Assets;
//! use weaknet_core::{BuildContext, Plugin, Streams};
//! use weaknet_netem::{Link, Parts, delay, loss, queue, rate};
//!
//! let (streams, assets) = (Streams::new(1), Assets::default());
//! let cx = BuildContext { path: "forward", streams: &streams, assets: &assets };
//! let rate = rate::ConstantRate("3Mbps".parse().unwrap()).build(&cx)?;
//! let queue = queue::DropTail::default().build(&cx)?;
//! let delay = delay::ConstantDelay("30ms".parse().unwrap()).build(&cx)?;
//! let link = Link::new(LinkId(0), Parts {
//!     loss: vec![loss::Bernoulli("2%".parse().unwrap()).build(&cx)?],
//!     ..Parts::new(rate, queue, delay)
//! });
//! assert_eq!(link.next_event(), None);
//! # Ok::<(), weaknet_core::BuildError>(())
//! ```

mod chain;
mod counts;
mod fifo;
mod link;
mod parts;
mod passage;
mod pipe;
mod random32;
mod rarities;
mod ring;
mod share;
mod station;
#[cfg(test)]
mod testing;
mod text_lines;
mod timeline;

pub mod corrupt;
pub mod delay;
pub mod duplicate;
pub mod loss;
pub mod model;
pub mod none;
pub mod queue;
pub mod rate;
pub mod reorder;
pub mod trace;

pub use chain::Chain;
pub use counts::{Counts, Tally};
pub use link::{Change, Delivery, Link, Released};
pub use model::{Blocks, DrawKey, EcnField, LossAt, Passage, Tap};
pub use parts::Parts;
