//! From a scenario file to a verdict: loading, planning, running, scoring,
//! comparing, storing.

pub mod compare;
pub mod expectations;
pub mod metrics;
pub mod record;
pub mod results;
pub mod stats;
pub mod store;
