//! Yardsticks: loads of known size with which the speed of the engine is
//! measured, and compared with that of other simulators.
//!
//! [`bulk`] is workload T, [`media`] workload M, [`single`] a link with one part
//! exchanged. All are driven by the same `World`, over the same links and built-in
//! plug-ins, as every scenario. Their ends are lean on purpose, so that the
//! engine is what is measured; for the cost of a whole call there is
//! `scenarios/performance/call600.yaml`.

mod bottleneck;
mod bulk;
mod cubic;
mod media;
mod paced;
mod packet;
mod single;

pub use bottleneck::{bulk, media};
pub use single::{Part, parts, single};

#[cfg(test)]
mod tests;
