//! What is kept of a live run: its recording, and with `--out` the result directory of
//! a run whose flows are the applications'.

use std::fs::File;
use std::path::{Path, PathBuf};

use weaknet_core::Time;
use weaknet_harness::capture::folder_name;
use weaknet_harness::live::{Recording, RecordingError, Row, ScoreError, Setup, What, score};
use weaknet_harness::registry::Registry;
use weaknet_harness::store::{OutMode, RunWriter};

use super::super::run::{Done, VERSION, cannot_begin, now, store_failure};
use super::steward::Ended;
use crate::args::Live;
use crate::exit::{Exit, Failure};
use crate::screen;

/// The recording within a result directory.
const RECORDING: &str = "recording.csv";

/// Where results go.
pub(super) struct Results {
    writer: Option<RunWriter>,
    recording: Option<PathBuf>,
    started: String,
}

impl Results {
    /// Prepares what the arguments ask for.
    pub(super) fn begin(args: &Live, setup: &Setup) -> Result<Self, Failure> {
        let begin = |out: &PathBuf| RunWriter::begin(out, OutMode::Replace, VERSION);
        let writer = args.out.as_ref().map(begin).transpose();
        let writer = writer.map_err(cannot_begin)?;
        let recording = match (&args.record_arrivals, &writer) {
            (Some(path), _) => Some(path.clone()),
            (None, Some(writer)) => Some(beside_captures(writer, setup)?),
            (None, None) => None,
        };
        Ok(Self {
            writer,
            recording,
            started: now(),
        })
    }

    /// Where to record to, if at all.
    pub(super) fn recording(&self) -> Option<&Path> {
        self.recording.as_deref()
    }

    /// Scores and writes what was recorded.
    pub(super) fn finish(
        self,
        args: &Live,
        setup: &Setup,
        ended: Ended,
        registry: &Registry,
    ) -> Result<(), Failure> {
        let Some(recorder) = ended.recorder else {
            return Ok(());
        };
        let recorded = recorder.finish()?;
        if recorded.left_out > 0 {
            screen::note(&format!(
                "warning: {} notes could not be written down in time: the recording has gaps",
                recorded.left_out
            ));
        }
        if args.record_arrivals.is_some() {
            screen::note(&format!("recorded {}", recorded.path.display()));
        }
        let Some(writer) = self.writer else {
            return Ok(());
        };
        let changes = changes(&recorded.path)?;
        let rows = open(&recorded.path)?;
        let outcome = score(setup, &changes, rows, ended.duration, registry)
            .map_err(|error| cannot(&recorded.path, &error))?;
        writer
            .case(&outcome.result, &outcome.series)
            .map_err(store_failure)?;
        let done = Done {
            writer,
            cases: &[setup.until(ended.duration)],
            command: command(args),
            started: self.started,
        };
        if args.json {
            // Standard output has the summary of the link.
            done.write(registry, &[])?;
        } else {
            done.publish(registry, &[], false)?;
        }
        Ok(())
    }
}

/// The recording where captures of the case would be.
fn beside_captures(writer: &RunWriter, setup: &Setup) -> Result<PathBuf, Failure> {
    let case = setup.case();
    let folder = writer.captures().map_err(store_failure)?;
    let folder = folder.join(folder_name(&case.id, &case.seed.to_string()));
    std::fs::create_dir_all(&folder).map_err(|error| cannot(&folder, &error))?;
    Ok(folder.join(RECORDING))
}

fn cannot(path: &Path, error: &dyn std::error::Error) -> Failure {
    Failure::new(Exit::BadData, format!("{}: {error}", path.display()))
}

pub(super) fn open(path: &Path) -> Result<Recording<File>, Failure> {
    let file = File::open(path).map_err(|error| cannot(path, &error))?;
    Recording::open(file).map_err(|error| cannot(path, &error))
}

/// The changes that were made, by time.
fn changes(path: &Path) -> Result<Vec<(Time, Vec<String>)>, Failure> {
    let is_change = |row: &Result<Row, RecordingError>| {
        row.as_ref()
            .map_or(true, |row| matches!(row.what, What::Set(_)))
    };
    let rows: Result<Vec<Row>, RecordingError> = open(path)?.filter(is_change).collect();
    let rows = rows.map_err(|error| cannot(path, &error))?;
    Ok(weaknet_harness::live::changes(&rows))
}

/// The command that was given, as far as it says what was run.
fn command(args: &Live) -> Vec<String> {
    let mut command = vec!["weaknet".to_owned(), "live".to_owned()];
    command.extend(args.path.clone());
    if let Some(seed) = args.seed {
        command.extend(["--seed".to_owned(), seed.to_string()]);
    }
    for set in &args.sets {
        command.extend(["--set".to_owned(), set.clone()]);
    }
    for (name, value) in [("--left", &args.left), ("--right", &args.right)] {
        if let Some(value) = value {
            command.extend([name.to_owned(), value.clone()]);
        }
    }
    if !args.command.is_empty() {
        command.push("--".to_owned());
        command.extend(args.command.iter().cloned());
    }
    command
}

impl From<ScoreError> for Failure {
    fn from(error: ScoreError) -> Self {
        Self::new(Exit::Internal, error.to_string())
    }
}
