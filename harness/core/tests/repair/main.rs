//! Repair schemes and messages through the whole simulator.

mod messages;
mod retransmission;
mod support;
mod truths;
