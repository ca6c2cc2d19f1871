//! `weaknet trace convert`: a trace in another format.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use weaknet_core::Span;
use weaknet_harness::tc;
use weaknet_harness::trace::{Conversion, Converted, convert};
use weaknet_netem::trace::{Direction, Format};

use super::input::{Reading, bad};
use super::scenario;
use crate::exit::{Exit, Failure};
use crate::screen;

#[derive(Debug, Args)]
#[command(after_help = "\
The canonical form keeps the text of the original: converting it back to the original's format \
gives the same file. Between opportunities and rates every bin holds the same bytes, less than a \
packet apart.")]
pub(crate) struct Convert {
    /// The trace; `-` is standard input. A file *.tc with command lines of Linux `tc qdisc` becomes
    /// a scenario.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The file to write; `-` is standard output.
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// The format to write: those of --from, or `scenario` for a file that plays the trace. By
    /// default what OUT's name says (.json opennetlab, .yaml scenario), else the original format of
    /// a canonical form and the canonical form of everything else.
    #[arg(long, value_name = "FORMAT")]
    to: Option<String>,
    #[command(flatten)]
    reading: Reading,
    /// Length of the bins in which opportunities become rates.
    #[arg(long, value_name = "TIME", default_value = "100ms")]
    bin: Span,
    /// Leave out what the format cannot hold.
    #[arg(long)]
    lossy: bool,
    /// Say something in the head of the canonical form: title, licence, filtering, note.
    #[arg(long = "head", value_name = "KEY=TEXT")]
    entries: Vec<String>,
}

/// What to write.
enum Target {
    Trace(Format),
    Scenario,
}

pub(super) fn run(args: &Convert) -> Result<(), Failure> {
    let path = args.reading.find(&args.input)?;
    if path.extension().is_some_and(|ending| ending == "tc") {
        return commands(args, &path);
    }
    let reader = args.reading.open(&path)?;
    let target = target(args, reader.format(), reader.head().source)?;
    let format = match target {
        Target::Trace(format) => format,
        Target::Scenario => {
            let text = scenario::of(&path, &args.output, reader)?;
            return write_scenario(&args.output, &text);
        }
    };
    let how = Conversion {
        to: format,
        bin: args.bin,
        opportunity: args.reading.opportunity.get(),
        direction: args.reading.direction.map_or(Direction::Uplink, Into::into),
        lossy: args.lossy,
        entries: entries(&args.entries)?,
    };
    let mut done = None;
    write(&args.output, |out| {
        let converted = convert(reader, &how, out);
        done = Some(converted.map_err(|error| bad(&path, &error))?);
        Ok(())
    })?;
    if let Some(done) = done {
        report(args, format, &done);
    }
    Ok(())
}

/// Command lines of Linux `tc` become a scenario.
fn commands(args: &Convert, path: &Path) -> Result<(), Failure> {
    if let Some(other) = args.to.as_deref().filter(|name| *name != "scenario") {
        let message = format!("tc command lines become a scenario, not {other}");
        return Err(Failure::new(Exit::Usage, message));
    }
    let text = fs::read_to_string(path).map_err(|error| bad(path, &error))?;
    let scenario = tc::to_scenario(&path.display().to_string(), &text)
        .map_err(|error| Failure::new(Exit::BadData, error.to_string()))?;
    write_scenario(&args.output, &scenario)
}

fn write_scenario(path: &Path, text: &str) -> Result<(), Failure> {
    write(path, |out| {
        out.write_all(text.as_bytes())
            .map_err(|error| unwritable(path, &error))
    })?;
    if path.as_os_str() != "-" {
        screen::note(&format!("wrote {}: scenario", path.display()));
    }
    Ok(())
}

fn target(args: &Convert, from: Format, source: Option<Format>) -> Result<Target, Failure> {
    if let Some(name) = &args.to {
        if name == "scenario" {
            return Ok(Target::Scenario);
        }
        let format = name.parse().map(Target::Trace);
        return format
            .map_err(|message: String| Failure::new(Exit::Usage, format!("{message}, scenario")));
    }
    let ending = args.output.extension().and_then(|ending| ending.to_str());
    Ok(match (ending, from) {
        (Some("yaml" | "yml"), _) => Target::Scenario,
        (Some("json"), _) => Target::Trace(Format::Opennetlab),
        (_, Format::Canonical) => Target::Trace(source.unwrap_or(Format::Canonical)),
        _ => Target::Trace(Format::Canonical),
    })
}

fn entries(given: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let taken = [
        "kind", "format", "time", "rate", "loss", "delay", "jitter", "bytes", "duration",
    ];
    let split = given.iter().map(|text| {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        let word = key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') && !key.is_empty();
        if !word || value.is_empty() || taken.contains(&key) {
            let message = format!(
                "--head {text}: expected KEY=TEXT with a KEY in lower case that is none of {}",
                taken.join(", ")
            );
            return Err(Failure::new(Exit::Usage, message));
        }
        Ok((key.to_owned(), value.to_owned()))
    });
    split.collect()
}

fn report(args: &Convert, format: Format, done: &Converted) {
    if args.output.as_os_str() != "-" {
        let how = if done.verbatim { ", text kept" } else { "" };
        let name = format.name();
        screen::note(&format!("wrote {}: {name}{how}", args.output.display()));
    }
    if let [Some(before), Some(after)] = done.lengths
        && before != after
    {
        screen::note(&format!(
            "the trace repeats after {after} instead of {before}"
        ));
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(
        Exit::Usage,
        format!("`{}` cannot be written: {error}", path.display()),
    )
}

/// Writes a file whole or not at all.
pub(super) fn write(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if path.as_os_str() == "-" {
        let mut out = BufWriter::new(io::stdout().lock());
        fill(&mut out)?;
        return out.flush().map_err(|error| unwritable(path, &error));
    }
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".partial");
    let partial = path.with_file_name(name);
    let file = File::create(&partial).map_err(|error| unwritable(path, &error))?;
    let mut out = BufWriter::with_capacity(1 << 16, file);
    let filled = fill(&mut out)
        .and_then(|()| out.flush().map_err(|error| unwritable(path, &error)))
        .and_then(|()| fs::rename(&partial, path).map_err(|error| unwritable(path, &error)));
    if filled.is_err() {
        let _ = fs::remove_file(&partial);
    }
    filled
}
