//! `weaknet trace`: what is done with recorded networks.

mod convert;
mod fit;
mod info;
mod input;
mod plot;
mod scenario;
mod synth;

use clap::Subcommand;
use weaknet_harness::registry::Registry;

use crate::exit::Failure;

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Describe trace files: length, rate, gaps, delay, loss; draw them.
    Info(info::Info),
    /// Convert a trace to another format, or to a scenario that plays it.
    Convert(convert::Convert),
    /// Fit a model of rate, delay and loss to a capture, irtt or ping.
    Fit(fit::Fit),
    /// Draw a trace from a model, or from a link of a scenario.
    Synth(synth::Synth),
}

pub(super) fn run(command: &Command, registry: &Registry) -> Result<(), Failure> {
    match command {
        Command::Info(args) => info::run(args),
        Command::Convert(args) => convert::run(args),
        Command::Fit(args) => fit::run(args, registry),
        Command::Synth(args) => synth::run(args, registry),
    }
}
