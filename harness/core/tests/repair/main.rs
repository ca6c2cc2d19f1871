//! Repair schemes and messages through the whole simulator.

mod audio;
mod messages;
mod retransmission;
mod support;
mod truths;
