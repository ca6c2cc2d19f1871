//! From a scenario file to a verdict: loading, planning, running, scoring,
//! comparing, storing.

pub mod capture;
pub mod compare;
pub mod expectations;
pub mod files;
pub mod fit;
pub mod live;
pub mod metrics;
pub mod plan;
pub mod record;
pub mod registry;
pub mod results;
pub mod runner;
pub mod scenario;
pub mod stats;
pub mod store;
pub mod synth;
pub mod tc;
pub mod trace;
pub mod workload;
pub mod world;
