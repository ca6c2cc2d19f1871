//! The command `weaknet` from the outside: arguments in; standard output,
//! messages, files and exit codes out.

mod bad_input;
mod captures;
mod comparisons;
mod descriptions;
mod determinism;
mod expectations;
mod interruptions;
#[cfg(target_os = "linux")]
mod live;
mod replays;
mod results;
mod support;
mod traces;
#[cfg(target_os = "linux")]
mod watching;
