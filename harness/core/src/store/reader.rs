//! Reads result directories and summaries.

use std::fs;
use std::path::{Path, PathBuf};

use super::{MANIFEST, Manifest, SCENARIO, SERIES, SUMMARY, StoreError, io_error, is_id};
use crate::record::read_series;
use crate::results::{SUMMARY_SCHEMA, Series, Summary};

/// Why bytes are not a summary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SummaryError {
    /// Not JSON.
    #[error("is not JSON: {0}")]
    Json(String),
    /// JSON of something else.
    #[error("is not a summary of weaknet: it has no `schema`")]
    NoSchema,
    /// Another form.
    #[error("has schema `{0}`: this version reads `{SUMMARY_SCHEMA}`")]
    Schema(String),
    /// The form is announced but not kept.
    #[error("is not a valid summary: {0}")]
    Invalid(String),
}

/// Reads `summary.json`.
///
/// # Errors
/// When the bytes are not a summary of a known form.
pub fn parse_summary(bytes: &[u8]) -> Result<Summary, SummaryError> {
    let json: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|e| SummaryError::Json(e.to_string()))?;
    match json.get("schema").and_then(serde_json::Value::as_str) {
        None => return Err(SummaryError::NoSchema),
        Some(SUMMARY_SCHEMA) => {}
        Some(other) => return Err(SummaryError::Schema(other.to_owned())),
    }
    let summary: Summary =
        serde_json::from_value(json).map_err(|e| SummaryError::Invalid(e.to_string()))?;
    match summary.cases.iter().find(|case| !is_id(&case.id)) {
        Some(case) => Err(SummaryError::Invalid(
            StoreError::Id(case.id.clone()).to_string(),
        )),
        None => Ok(summary),
    }
}

/// A run as it lies on disk.
#[derive(Debug)]
pub struct RunDir {
    root: PathBuf,
    /// Its summary.
    pub summary: Summary,
}

impl RunDir {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Opens a run by its directory or by its `summary.json`.
    ///
    /// # Errors
    /// When the summary cannot be read or is none.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = if path.is_dir() {
            path.join(SUMMARY)
        } else {
            path.to_owned()
        };
        let bytes = fs::read(&file).map_err(io_error("read", &file))?;
        let summary = parse_summary(&bytes).map_err(|error| StoreError::Summary {
            path: file.clone(),
            error,
        })?;
        Ok(Self {
            root: file.parent().map_or_else(PathBuf::new, Path::to_owned),
            summary,
        })
    }

    /// The directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The time series of a case; `None` when it was not kept.
    ///
    /// # Errors
    /// When the file is there but unreadable.
    pub fn series(&self, id: &str) -> Result<Option<Series>, StoreError> {
        if !is_id(id) {
            return Err(StoreError::Id(id.to_owned()));
        }
        self.read(Path::new(SERIES).join(format!("{id}.csv")), |bytes| {
            read_series(&bytes)
        })
    }

    /// The manifest; `None` beside a lone summary.
    ///
    /// # Errors
    /// When the file is there but unreadable.
    pub fn manifest(&self) -> Result<Option<Manifest>, StoreError> {
        self.read(MANIFEST, |bytes| serde_json::from_slice(&bytes))
    }

    /// The resolved scenario as text; `None` beside a lone summary.
    ///
    /// # Errors
    /// When the file is there but unreadable.
    pub fn scenario(&self) -> Result<Option<String>, StoreError> {
        self.read(SCENARIO, String::from_utf8)
    }

    fn read<T, E: std::fmt::Display>(
        &self,
        name: impl AsRef<Path>,
        parse: impl FnOnce(Vec<u8>) -> Result<T, E>,
    ) -> Result<Option<T>, StoreError> {
        let path = self.root.join(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(io_error("read", &path)(e)),
        };
        parse(bytes)
            .map(Some)
            .map_err(|error| StoreError::Malformed {
                path,
                message: error.to_string(),
            })
    }
}
