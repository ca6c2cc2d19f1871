//! The commands.

mod bench;
mod compare;
#[cfg(target_os = "linux")]
mod doctor;
mod explain;
mod list;
#[cfg(target_os = "linux")]
mod live;
mod replay;
mod report;
mod run;
pub(crate) mod shipped;
pub(crate) mod trace;
mod validate;

use std::io::Write as _;

use clap::CommandFactory as _;
use weaknet_harness::files::Folders;
use weaknet_harness::plan::{PlanError, Request};
use weaknet_harness::registry::Registry;

use crate::args::{Cli, Command, EXIT_CODES, Selection};
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
        Command::Bench(args) => bench::run(&args, registry),
        Command::Replay(args) => replay::run(&args, registry),
        #[cfg(target_os = "linux")]
        Command::Live(args) => live::run(&args, registry),
        #[cfg(target_os = "linux")]
        Command::Ctl(args) => live::control(&args),
        #[cfg(target_os = "linux")]
        Command::ReplayLink(args) => live::replay(&args, registry),
        #[cfg(target_os = "linux")]
        Command::FirstProcess(args) => live::first_process(&args),
        #[cfg(target_os = "linux")]
        Command::Doctor(args) => doctor::run(&args),
        Command::Trace(command) => trace::run(&command, registry),
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
            let page = man().map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
            screen::print(&String::from_utf8_lossy(&page));
            Ok(())
        }
    }
}

/// One manual page with all commands.
fn man() -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let mut whole = Cli::command();
    whole.build();
    let man = clap_mangen::Man::new(whole.clone());
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    for command in whole
        .get_subcommands()
        .filter(|sub| sub.get_name() != "help")
    {
        let about = command.get_about().map(ToString::to_string);
        let (name, about) = (command.get_name(), about.unwrap_or_default());
        writeln!(page, ".SH \"WEAKNET {}\"\n{about}", name.to_uppercase())?;
        let man = clap_mangen::Man::new(command.clone());
        let mut sections = Vec::new();
        man.render_synopsis_section(&mut sections)?;
        man.render_options_section(&mut sections)?;
        // Sections of a command are subsections of the page.
        let sections = String::from_utf8_lossy(&sections).replace(".SH ", ".SS ");
        page.extend_from_slice(sections.as_bytes());
    }
    writeln!(page, ".SH \"EXIT STATUS\"\n{EXIT_CODES}")?;
    Ok(page)
}

/// What the selection of cases asks of the planner.
fn request(selection: &Selection) -> Result<Request, Failure> {
    let paths = selection.paths.iter().map(|path| shipped::resolve(path));
    Ok(Request {
        paths: paths.collect::<Result<_, _>>()?,
        sets: selection.sets.clone(),
        seeds: selection.seeds,
        seed: selection.seed,
        case: selection.case.clone(),
        folders: Folders::from_env(selection.trace_dir.as_deref()),
        needs_flows: true,
        ..Request::default()
    })
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        let exit = match error {
            PlanError::Usage(_) => Exit::Usage,
            PlanError::Nothing(_) => Exit::NothingSelected,
            PlanError::Bad(_) => Exit::BadData,
        };
        match error {
            PlanError::Nothing(message) => Self::new(exit, message),
            PlanError::Usage(found) | PlanError::Bad(found) => Self {
                exit,
                messages: found.0.iter().map(ToString::to_string).collect(),
            },
        }
    }
}
