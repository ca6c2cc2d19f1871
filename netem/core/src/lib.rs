//! The shared words of weaknet: time, units, packets, random streams, events
//! and the traits that every part of a run speaks through.
//!
//! Nothing here reads a clock, a socket, a file or a global. Time is a number
//! of nanoseconds that comes in as an argument.

mod drift;
mod quantity;

pub mod event;
pub mod gamma;
pub mod node;
pub mod packet;
pub mod plugin;
pub mod rng;
pub mod tcp;
pub mod text;
pub mod time;
pub mod units;

pub use drift::ClockDrift;
pub use event::{Event, EventSink};
pub use node::{Node, Outbox};
pub use packet::Packet;
pub use plugin::{BuildContext, BuildError, Kind, Plugin};
pub use quantity::QuantityError;
pub use rng::Streams;
pub use time::{Span, Time};
pub use units::{Bitrate, Bytes, Ratio};
