//! The command `weaknet` from the outside: arguments in; standard output,
//! messages, files and exit codes out.

mod bad_input;
mod captures;
mod comparisons;
mod descriptions;
mod determinism;
#[cfg(target_os = "linux")]
mod doctor;
mod expectations;
mod interruptions;
#[cfg(target_os = "linux")]
mod live;
#[cfg(target_os = "linux")]
mod live_apps;
#[cfg(target_os = "linux")]
mod live_control;
#[cfg(target_os = "linux")]
mod live_models;
mod replays;
mod results;
mod support;
mod traces;
