//! `weaknet trace info`: what a trace file holds.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use crate::exit::{Exit, Failure};
use crate::screen;

#[derive(Debug, Args)]
pub(crate) struct Info {
    /// Trace files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(super) fn run(args: &Info) -> Result<(), Failure> {
    let mut text = String::new();
    for path in &args.files {
        let name = path.display();
        let data = std::fs::metadata(path).map_err(|error| {
            Failure::new(Exit::BadData, format!("`{name}` cannot be read: {error}"))
        })?;
        let _ = writeln!(text, "{name}: {} bytes", data.len());
    }
    screen::print(&text);
    Ok(())
}
