//! `weaknet trace fit`: a model of a network from what was measured on it.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use weaknet_core::Kind as _;
use weaknet_harness::fit::scenario::{self, Style};
use weaknet_harness::fit::series::Series;
use weaknet_harness::fit::{self, FitError, LinkFit, describe};
use weaknet_harness::registry::Registry;
use weaknet_netem::model::Delay;

use crate::exit::{Exit, Failure};
use crate::screen;

#[derive(Debug, Args)]
#[command(after_help = "\
A capture shows most where a flow fills the link for some seconds and something small goes on \
while it does not. Both ends on one clock (a file with interfaces `in` and `out`) give everything; \
two files give everything but the base delay, as far as the clocks differ; the receiver alone, irtt \
and ping give less, and what is missing is said.")]
pub(crate) struct Fit {
    /// A capture with both ends or of the receiver (pcap, pcapng), JSON of irtt, text of ping; or
    /// two captures, the sender's first.
    #[arg(required = true, num_args = 1..=2, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The scenario to write, and beside it a trace if the rate varies; by default the scenario goes
    /// to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The scenario's name; by default the file's.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Print all estimates as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Fit, registry: &Registry) -> Result<(), Failure> {
    let bad = |error: FitError| Failure::new(Exit::BadData, error.to_string());
    let measured = fit::read(&args.files).map_err(bad)?;
    let forward = fitted(&measured.forward)?;
    let backward = measured.backward.as_ref().map(fitted).transpose()?;
    let named = args.name.clone().unwrap_or_else(|| stem(&args.files[0]));
    let trace_stem = args.out.as_deref().map(stem);
    let style = Style {
        name: &named,
        trace_stem: trace_stem.as_deref(),
        has_delay: &|name| {
            registry
                .of_kind(Delay::NAME)
                .any(|entry| entry.name == name)
        },
    };
    let written = scenario::write(&style, &forward, backward.as_ref());
    if let Some(path) = &args.out {
        write(path, &written.yaml)?;
        for (name, text) in &written.traces {
            write(&path.with_file_name(name), text)?;
        }
    }
    if args.json {
        let value = json!({"forward": forward, "backward": backward});
        screen::print(&format!("{value:#}\n"));
    } else if args.out.is_some() {
        screen::print(&summary("forward", &forward));
        if let Some(backward) = &backward {
            screen::print(&format!("\n{}", summary("backward", backward)));
        }
    } else {
        screen::print(&written.yaml);
    }
    Ok(())
}

/// A fit; an error names what was measured, and what is odd about it.
fn fitted(series: &Series) -> Result<LinkFit, Failure> {
    fit::fit(series).map_err(|error| {
        let notices: String = series.notices.iter().map(|n| format!("; {n}")).collect();
        let message = format!("{}: {error}{notices}", series.source);
        Failure::new(Exit::BadData, message)
    })
}

fn summary(direction: &str, fit: &LinkFit) -> String {
    const INDENT: usize = 14;
    let mut text = format!("{direction}: {}\n", fit.source);
    let mut last = "";
    for (part, line) in describe::lines(fit) {
        let width = screen::width().saturating_sub(INDENT).max(40);
        for (i, piece) in screen::wrap(&line, width).iter().enumerate() {
            let label = if i == 0 && part != last { part } else { "" };
            text.push_str(&format!("  {label:<12}{piece}\n"));
        }
        last = part;
    }
    text
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| {
        let message = format!("`{}` cannot be written: {error}", path.display());
        Failure::new(Exit::Usage, message)
    })?;
    screen::note(&format!("wrote {}", path.display()));
    Ok(())
}
