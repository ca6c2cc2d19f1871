//! From the paths of a command line to scenario files.

use std::fs;
use std::path::{Path, PathBuf};

use super::PlanError;
use crate::scenario::error::Diagnostic;

/// Folders within folders are followed this deep.
const MAX_DEPTH: usize = 16;

/// The scenario files that paths, folders and patterns stand for, each once,
/// in the order of the arguments and sorted within each.
///
/// # Errors
/// A pattern that is none, or a folder that cannot be read.
pub fn scenario_files(paths: &[String]) -> Result<Vec<PathBuf>, PlanError> {
    let mut files = Vec::new();
    for path in paths {
        let plain = Path::new(path);
        if plain.is_dir() {
            collect(plain, 0, &mut files)?;
        } else if plain.exists() || !path.contains(['*', '?', '[']) {
            files.push(plain.to_path_buf());
        } else {
            let usage = |error: glob::PatternError| {
                PlanError::Usage(Diagnostic::bare(format!("`{path}`: {error}")).into())
            };
            for found in glob::glob(path).map_err(usage)?.filter_map(Result::ok) {
                if found.is_dir() {
                    collect(&found, 0, &mut files)?
                } else {
                    files.push(found)
                }
            }
        }
    }
    let mut seen = Vec::new();
    files.retain(|file| {
        let real = fs::canonicalize(file).unwrap_or_else(|_| file.clone());
        let new = !seen.contains(&real);
        seen.push(real);
        new
    });
    Ok(files)
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), PlanError> {
    let unreadable = |error: std::io::Error| {
        Diagnostic::bare(format!("`{}` cannot be read: {error}", folder.display()))
    };
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort_unstable();
    for path in paths {
        if path.is_dir() {
            if depth < MAX_DEPTH {
                collect(&path, depth + 1, files)?;
            }
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml")
        {
            files.push(path);
        }
    }
    Ok(())
}
