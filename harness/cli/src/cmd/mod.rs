//! The commands.

mod compare;
mod explain;
mod list;
mod replay;
mod report;
mod run;
mod shipped;
mod validate;

use clap::CommandFactory as _;
use weaknet_harness::files::Folders;
use weaknet_harness::plan::{PlanError, Request};
use weaknet_harness::registry::Registry;

use crate::args::{Cli, Command, Selection};
use crate::exit::{Exit, Failure};
use crate::screen;

/// Runs a command.
pub(crate) fn run(command: Command, registry: &Registry) -> Result<(), Failure> {
    match command {
        Command::Run(args) => run::run(&args, registry),
        Command::Compare(args) => compare::run(&args, registry),
        Command::Report(args) => report::run(&args, registry),
        Command::Validate(args) => validate::run(&args, registry),
        Command::List(args) => list::run(&args, registry),
        Command::Explain(args) => explain::run(&args, registry),
        Command::Replay(args) => replay::run(&args, registry),
        Command::Schema => {
            let schema = weaknet_harness::scenario::schema::schema(registry);
            screen::print(&format!("{schema:#}\n"));
            Ok(())
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "weaknet", &mut script);
            screen::print(&String::from_utf8_lossy(&script));
            Ok(())
        }
        Command::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut page)
                .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
            screen::print(&String::from_utf8_lossy(&page));
            Ok(())
        }
    }
}

/// What the selection of cases asks of the planner.
fn request(selection: &Selection) -> Request {
    Request {
        paths: selection.paths.clone(),
        sets: selection.sets.clone(),
        seeds: selection.seeds,
        seed: selection.seed,
        case: selection.case.clone(),
        folders: Folders::from_env(selection.trace_dir.as_deref()),
        ..Request::default()
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        let exit = match error {
            PlanError::Usage(_) => Exit::Usage,
            PlanError::Nothing(_) => Exit::NothingSelected,
            PlanError::Bad(_) => Exit::BadData,
        };
        Self::new(exit, error.to_string())
    }
}
