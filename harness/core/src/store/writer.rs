//! Writes a result directory case by case.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::{
    CAPTURES, CASES, MANIFEST, MARKER, Manifest, PARTIAL, RunDir, SCENARIO, SERIES, SUMMARY,
    StoreError, cases_csv, io_error, is_id,
};
use crate::capture;
use crate::record::write_series;
use crate::results::{CaseResult, Series, Summary};

/// What to do with results that are already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutMode {
    /// Replace them.
    Replace,
    /// Keep finished cases and do the others.
    Resume,
}

/// A run being written. Cases may come from several threads.
#[derive(Debug)]
pub struct RunWriter {
    /// Where the run will be.
    out: PathBuf,
    /// Where it is until then.
    work: PathBuf,
    finished: Mutex<BTreeMap<String, CaseResult>>,
}

/// The version of weaknet that made a directory; `None` when there is nothing.
fn made_by(path: &Path) -> Result<Option<String>, StoreError> {
    match fs::read_to_string(path.join(MARKER)) {
        Ok(version) => return Ok(Some(version.trim().to_owned())),
        Err(_) if !path.exists() => return Ok(None),
        Err(_) => {}
    }
    let empty = path.is_dir()
        && fs::read_dir(path)
            .map_err(io_error("read", path))?
            .next()
            .is_none();
    if empty {
        Ok(None)
    } else {
        Err(StoreError::NotOurs(path.to_owned()))
    }
}

fn make_dir(path: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(path).map_err(io_error("create", path))
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = fs::read_dir(folder).map_err(io_error("read", folder))?;
    entries
        .map(|entry| Ok(entry.map_err(io_error("read", folder))?.path()))
        .collect()
}

/// Writes a file so that it is there whole or not at all.
fn write_file(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".tmp");
    fs::write(&unfinished, bytes).map_err(io_error("write", path))?;
    fs::rename(&unfinished, path).map_err(io_error("write", path))
}

fn json(value: &impl Serialize) -> Vec<u8> {
    // Results are maps with text keys: they always serialise.
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

impl RunWriter {
    /// Prepares to write a run to `out`.
    ///
    /// # Errors
    /// When something that weaknet did not make is there, when the run to
    /// resume is of another version, or when nothing can be written.
    pub fn begin(out: &Path, mode: OutMode, version: &str) -> Result<Self, StoreError> {
        let out = std::path::absolute(out).map_err(io_error("find", out))?;
        let name = out
            .file_name()
            .ok_or_else(|| StoreError::NotOurs(out.clone()))?;
        let work = out.with_file_name(format!("{}.partial", name.to_string_lossy()));
        for path in [&out, &work] {
            let made = made_by(path)?;
            if let Some(made) = made.filter(|made| mode == OutMode::Resume && made != version) {
                return Err(StoreError::Version {
                    path: path.clone(),
                    made,
                    this: version.to_owned(),
                });
            }
        }
        if mode == OutMode::Replace && work.exists() {
            fs::remove_dir_all(&work).map_err(io_error("remove", &work))?;
        }
        make_dir(&work)?;
        write_file(&work.join(MARKER), format!("{version}\n").as_bytes())?;
        make_dir(&work.join(PARTIAL))?;
        make_dir(&work.join(SERIES))?;
        let writer = Self {
            out,
            work,
            finished: Mutex::default(),
        };
        if mode == OutMode::Resume {
            writer.take_over_partial()?;
            writer.take_over_finished()?;
        }
        Ok(writer)
    }

    /// Cases that an earlier, killed run has left in the working directory.
    fn take_over_partial(&self) -> Result<(), StoreError> {
        for path in entries(&self.work.join(PARTIAL))? {
            let bytes = fs::read(&path).map_err(io_error("read", &path))?;
            // Else the killed run had not finished writing it.
            if let Ok(case) = serde_json::from_slice::<CaseResult>(&bytes)
                && is_id(&case.id)
                && self.series_path(&case.id).exists()
            {
                self.finished().insert(case.id.clone(), case);
            }
        }
        Ok(())
    }

    /// Cases of an interrupted or complete run in the output directory.
    fn take_over_finished(&self) -> Result<(), StoreError> {
        if !self.out.join(SUMMARY).exists() {
            return Ok(());
        }
        for case in RunDir::open(&self.out)?.summary.cases {
            let series = self.out.join(SERIES).join(format!("{}.csv", case.id));
            if !self.is_finished(&case.id) && series.exists() {
                fs::copy(&series, self.series_path(&case.id)).map_err(io_error("copy", &series))?;
                self.take_over_captures(&case)?;
                self.keep(&case)?;
            }
        }
        Ok(())
    }

    fn take_over_captures(&self, case: &CaseResult) -> Result<(), StoreError> {
        let name = Path::new(CAPTURES).join(capture::folder_name(&case.id, &case.seed));
        let (from, to) = (self.out.join(&name), self.work.join(&name));
        if from.is_dir() && !to.exists() {
            capture::take_over(&from, &to)?;
        }
        Ok(())
    }

    /// The folder of captures, made when it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn captures(&self) -> Result<PathBuf, StoreError> {
        let folder = self.work.join(CAPTURES);
        make_dir(&folder)?;
        Ok(folder)
    }

    fn series_path(&self, id: &str) -> PathBuf {
        self.work.join(SERIES).join(format!("{id}.csv"))
    }

    fn finished(&self) -> MutexGuard<'_, BTreeMap<String, CaseResult>> {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, case: &CaseResult) -> Result<(), StoreError> {
        write_file(
            &self.work.join(PARTIAL).join(format!("{}.json", case.id)),
            &json(case),
        )?;
        self.finished().insert(case.id.clone(), case.clone());
        Ok(())
    }

    /// Whether a case is there already: it need not run again.
    #[must_use]
    pub fn is_finished(&self, id: &str) -> bool {
        self.finished().contains_key(id)
    }

    /// Keeps a finished case, on disk and at once.
    ///
    /// # Errors
    /// When the id cannot name a file or the files cannot be written.
    pub fn case(&self, case: &CaseResult, series: &Series) -> Result<(), StoreError> {
        if !is_id(&case.id) {
            return Err(StoreError::Id(case.id.clone()));
        }
        // The case last: it stands for both files.
        write_file(&self.series_path(&case.id), &write_series(series))?;
        self.keep(case)
    }

    /// The summary of the cases finished so far, in the order of the plan.
    #[must_use]
    pub fn summary<'a>(&self, plan: impl IntoIterator<Item = &'a str>) -> Summary {
        let finished = self.finished();
        Summary::new(
            plan.into_iter()
                .filter_map(|id| finished.get(id).cloned())
                .collect(),
        )
    }

    /// Puts a further file, such as a report, into the run.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn attach(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        write_file(&self.work.join(name), bytes)
    }

    /// Writes what belongs to the run as a whole and moves it to its place:
    /// the end of a complete run and of an interrupted one.
    ///
    /// # Errors
    /// When something cannot be written or moved.
    pub fn finish(
        self,
        summary: &Summary,
        scenario: &str,
        manifest: &Manifest,
    ) -> Result<PathBuf, StoreError> {
        self.attach(SUMMARY, &json(summary))?;
        self.attach(CASES, &cases_csv(summary))?;
        self.attach(SCENARIO, scenario.as_bytes())?;
        self.attach(MANIFEST, &json(manifest))?;
        self.drop_other_series(summary)?;
        self.drop_other_captures(summary)?;
        let partial = self.work.join(PARTIAL);
        fs::remove_dir_all(&partial).map_err(io_error("remove", &partial))?;
        self.take_place()?;
        Ok(self.out)
    }

    /// Removes series of cases that are not in the summary: leftovers of a
    /// resumed run with another plan.
    fn drop_other_series(&self, summary: &Summary) -> Result<(), StoreError> {
        let kept: BTreeSet<PathBuf> = summary
            .cases
            .iter()
            .map(|case| self.series_path(&case.id))
            .collect();
        for path in entries(&self.work.join(SERIES))? {
            if !kept.contains(&path) {
                fs::remove_file(&path).map_err(io_error("remove", &path))?;
            }
        }
        Ok(())
    }

    /// Removes captures of cases that are not in the summary, and of those that
    /// were broken off.
    fn drop_other_captures(&self, summary: &Summary) -> Result<(), StoreError> {
        let folder = self.work.join(CAPTURES);
        if !folder.exists() {
            return Ok(());
        }
        let kept: BTreeSet<PathBuf> = summary
            .cases
            .iter()
            .map(|case| folder.join(capture::folder_name(&case.id, &case.seed)))
            .collect();
        for path in entries(&folder)? {
            if !kept.contains(&path) {
                fs::remove_dir_all(&path).map_err(io_error("remove", &path))?;
            }
        }
        Ok(())
    }

    /// Moves the working directory to the output's place; what was there is
    /// removed last.
    fn take_place(&self) -> Result<(), StoreError> {
        // Somebody may have put something there during the run.
        made_by(&self.out)?;
        if !self.out.exists() {
            return fs::rename(&self.work, &self.out).map_err(io_error("write", &self.out));
        }
        let old = self.work.with_extension("old");
        fs::rename(&self.out, &old).map_err(io_error("replace", &self.out))?;
        if let Err(error) = fs::rename(&self.work, &self.out) {
            // Put the earlier run back; the error that matters is the first.
            let _ = fs::rename(&old, &self.out);
            return Err(io_error("write", &self.out)(error));
        }
        fs::remove_dir_all(&old).map_err(io_error("remove", &old))
    }
}
