//! Live links do exactly what they are configured to do, with real sockets at their ends.
//! Takes root; the command line's tests do it without.
//!
//! What is asserted are laws: they hold on a machine however busy. A link computes with
//! logical times, which a [`Tap`](weaknet_netem::model::Tap) sees; where the clock on the
//! wall comes in, only what lateness cannot break is asserted, that nothing is early, or
//! a median, which some late packets do not move.
#![cfg(target_os = "linux")]

mod loss;
mod rate;
mod reorder;
mod support;
