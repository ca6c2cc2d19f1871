//! `manifest.json`: who made a run, from what and when.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::digest;
use crate::results::Summary;

/// The name of the manifest's form.
pub const MANIFEST_SCHEMA: &str = "weaknet.manifest/1";

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_SCHEMA`].
    pub schema: String,
    /// Version of weaknet.
    pub version: String,
    /// The command line.
    pub command: Vec<String>,
    /// When the run began (RFC 3339).
    pub started: String,
    /// When it ended (RFC 3339).
    pub finished: String,
    /// Number of cases planned; more than `cases` when interrupted.
    pub planned: usize,
    /// Number of cases in the summary.
    pub cases: usize,
    /// All seeds, in order of appearance.
    pub seeds: Vec<String>,
    /// Digest of the summary.
    pub digest: String,
    /// Digest over what happened on the links in all cases, in order.
    pub trajectory: String,
}

impl Manifest {
    /// The manifest of a run with this summary; `times` are start and end.
    #[must_use]
    pub fn new(
        summary: &Summary,
        planned: usize,
        version: &str,
        command: Vec<String>,
        times: [String; 2],
    ) -> Self {
        let mut seen = BTreeSet::new();
        let seeds = summary
            .cases
            .iter()
            .map(|case| &case.seed)
            .filter(|&seed| seen.insert(seed));
        let [started, finished] = times;
        Self {
            schema: MANIFEST_SCHEMA.to_owned(),
            version: version.to_owned(),
            command,
            started,
            finished,
            planned,
            cases: summary.cases.len(),
            seeds: seeds.cloned().collect(),
            digest: summary.digest.clone(),
            trajectory: digest(summary.cases.iter().map(|case| case.trajectory.as_bytes())),
        }
    }
}
