//! Worked examples of every metric set.

mod definitions;
mod media;
mod memory;
mod packets;
mod pictures;
mod session;
