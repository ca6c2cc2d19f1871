//! `weaknet trace`: what is done with recorded networks.

mod info;

use clap::Subcommand;

use crate::exit::Failure;

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Describe trace files: kind, length, rate, gaps, delay.
    Info(info::Info),
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Info(args) => info::run(args),
    }
}
