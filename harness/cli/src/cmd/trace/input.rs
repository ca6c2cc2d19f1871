//! How the commands of the group read traces.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use weaknet_core::Bytes;
use weaknet_harness::files::Folders;
use weaknet_netem::trace::{self, Format, Names, OPPORTUNITY, Options, TraceReader};

use crate::exit::{Exit, Failure};

/// A direction of a trace with two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Direction {
    Uplink,
    Downlink,
}

impl From<Direction> for trace::Direction {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Uplink => Self::Uplink,
            Direction::Downlink => Self::Downlink,
        }
    }
}

/// How a trace is to be read.
#[derive(Debug, Args)]
pub(super) struct Reading {
    /// The format to read; told from the file's beginning by default. One of mahimahi,
    /// mahimahi_bytes, seconds_mbps, seconds_ms, seconds_loss, oboe, opennetlab, leoreplayer, csv,
    /// frames, canonical.
    #[arg(long, value_name = "FORMAT")]
    pub(super) from: Option<Format>,
    /// IP bytes that an opportunity of a Mahimahi trace carries.
    #[arg(long, value_name = "SIZE", default_value_t = OPPORTUNITY)]
    pub(super) opportunity: Bytes,
    /// The direction, of a trace with two.
    #[arg(long)]
    pub(super) direction: Option<Direction>,
    /// The column of time in a table with names, as `t_s`, or `t:s` where the name lacks the unit.
    #[arg(long, value_name = "COLUMN")]
    time: Option<String>,
    /// The column of the rate.
    #[arg(long, value_name = "COLUMN")]
    rate: Option<String>,
    /// The column of the loss.
    #[arg(long, value_name = "COLUMN")]
    loss: Option<String>,
    /// The column of the delay; of a round-trip time (`rtt`, `ping`) half counts.
    #[arg(long, value_name = "COLUMN")]
    delay: Option<String>,
    /// A further folder to look for trace files in.
    #[arg(long, value_name = "DIR")]
    trace_dir: Option<PathBuf>,
}

impl Reading {
    fn options(&self) -> Options {
        Options {
            format: self.from,
            wanted: None,
            opportunity: self.opportunity,
            direction: self.direction.map(Into::into),
            columns: Names {
                time: self.time.clone(),
                rate: self.rate.clone(),
                loss: self.loss.clone(),
                delay: self.delay.clone(),
                jitter: None,
            },
        }
    }

    /// Where a trace is: the file itself, else one of that name in the folders
    /// of traces.
    pub(super) fn find(&self, name: &Path) -> Result<PathBuf, Failure> {
        if name.as_os_str() == "-" || name.is_file() {
            return Ok(name.to_path_buf());
        }
        let folders = Folders::from_env(self.trace_dir.as_deref()).beside(&[PathBuf::new()]);
        folders
            .find(&name.to_string_lossy())
            .map_err(|message| Failure::new(Exit::BadData, message))
    }

    /// Opens a trace; `-` is standard input.
    pub(super) fn open(&self, path: &Path) -> Result<TraceReader<'static>, Failure> {
        let input: Box<dyn Read> = if path.as_os_str() == "-" {
            Box::new(io::stdin())
        } else {
            let file = File::open(path);
            Box::new(file.map_err(|error| bad(path, &error))?)
        };
        TraceReader::open(input, &self.options()).map_err(|error| bad(path, &error))
    }
}

/// A trace that cannot be used.
pub(super) fn bad(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    let name = match path.as_os_str() == "-" {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    };
    Failure::new(Exit::BadData, format!("{name}: {error}"))
}
