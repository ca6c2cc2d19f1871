//! `weaknet trace`: what is done with recorded networks.

mod convert;
mod info;
mod input;
mod plot;
mod scenario;

use clap::Subcommand;

use crate::exit::Failure;

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Describe trace files: length, rate, gaps, delay, loss; draw them.
    Info(info::Info),
    /// Convert a trace to another format, or to a scenario that plays it.
    Convert(convert::Convert),
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Info(args) => info::run(args),
        Command::Convert(args) => convert::run(args),
    }
}
