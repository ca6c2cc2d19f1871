//! From a scenario file to a verdict: loading, planning, running, scoring,
//! comparing, storing.

pub mod compare;
pub mod expectations;
pub mod files;
pub mod metrics;
pub mod plan;
pub mod record;
pub mod registry;
pub mod results;
pub mod runner;
pub mod scenario;
pub mod stats;
pub mod store;
pub mod workload;
pub mod world;
