//! The `weaknet` command as a library, so that a program of your own can offer
//! it with further plug-ins:
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     weaknet::main(weaknet::Registry::builtin())
//! }
//! ```

mod adapters;
mod args;
mod cmd;
mod exit;
mod screen;

use std::process::ExitCode;

use clap::Parser as _;
pub use weaknet_harness::registry::Registry;

use exit::{Exit, Failure};

/// Runs the command line of this process with the given plug-ins, and with those
/// of the adapters that it was built with.
#[must_use]
pub fn main(registry: Registry) -> ExitCode {
    let cli = args::Cli::parse();
    let registry = adapters::add(registry);
    let done = registry
        .check()
        .map_err(|message| Failure::new(Exit::Internal, message))
        .and_then(|()| cmd::run(cli.command, &registry));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            screen::errors(&failure.messages);
            failure.exit.into()
        }
    }
}
