//! The result directory: `summary.json`, `cases.csv`, `series/<id>.csv`,
//! `scenario.yaml`, `manifest.json` (contract section 3), and `captures/` when
//! asked for.
//!
//! A run is written beside its directory, in `<name>.partial`, and takes the
//! directory's place in one rename when it is finished or interrupted; until
//! then an earlier run stays as it is. Every finished case is on disk at once,
//! so that a killed run loses only what was in progress. The file
//! `.weaknet-run` marks directories that weaknet made: others are never
//! touched.
//!
//! Everything but the manifest is the same, byte for byte, for the same
//! scenario, seeds and version.

mod digest;
mod manifest;
mod reader;
mod table;
mod writer;

use std::io;
use std::path::{Path, PathBuf};

use crate::capture::CaptureError;

pub use digest::{case_digest, digest};
pub use manifest::{MANIFEST_SCHEMA, Manifest};
pub use reader::{RunDir, SummaryError, parse_summary};
pub use table::cases_csv;
pub use writer::{OutMode, RunWriter};

const MARKER: &str = ".weaknet-run";
const SUMMARY: &str = "summary.json";
const MANIFEST: &str = "manifest.json";
const CASES: &str = "cases.csv";
const SCENARIO: &str = "scenario.yaml";
const SERIES: &str = "series";
const CAPTURES: &str = "captures";
const PARTIAL: &str = "partial";

/// Why a result directory could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refused.
    #[error("failed to {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something that weaknet did not make is in the way.
    #[error("`{}` exists and was not made by weaknet: choose another --out or remove it", .0.display())]
    NotOurs(PathBuf),
    /// A run of another version cannot be continued.
    #[error("`{}` was made by weaknet {made}, this is {this}: run without --resume to replace it", path.display())]
    Version {
        /// Which run.
        path: PathBuf,
        /// Its version.
        made: String,
        /// The running version.
        this: String,
    },
    /// Captures of an earlier run could not be taken over.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// A case's id cannot name a file.
    #[error("`{0}` is no case id: expected letters, digits, `.`, `_` and `-`")]
    Id(String),
    /// The file is not a summary.
    #[error("`{}` {error}", path.display())]
    Summary {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        error: SummaryError,
    },
    /// The file is not what it should be.
    #[error("`{}`: {message}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

/// Names the action and the path of a failure.
fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io {
        action,
        path,
        source,
    }
}

/// Whether a case's id can name a file and only a file.
fn is_id(id: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !id.is_empty() && id.len() <= 128 && !id.starts_with('.') && id.chars().all(fine)
}

#[cfg(test)]
mod tests;
