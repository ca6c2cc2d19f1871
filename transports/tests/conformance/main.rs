//! The conformance kit against every controller of this crate, and against
//! controllers that are broken on purpose.
//!
//! `cargo test -p weaknet-transports --test conformance -- --nocapture` prints
//! the tables.

mod broken;
mod builtin;
