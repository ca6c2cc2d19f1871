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
mod live_between;
#[cfg(target_os = "linux")]
mod live_control;
#[cfg(target_os = "linux")]
mod live_flows;
#[cfg(target_os = "linux")]
mod live_models;
#[cfg(target_os = "linux")]
mod live_outside;
#[cfg(target_os = "linux")]
mod live_ports;
#[cfg(target_os = "linux")]
mod live_support;
mod replays;
mod results;
mod support;
mod traces;
