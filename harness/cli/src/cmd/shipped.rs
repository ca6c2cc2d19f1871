//! The scenarios that weaknet brings along.

use std::path::{Path, PathBuf};

use weaknet_core::text::nearest;
use weaknet_harness::plan::scenario_files;
use weaknet_harness::scenario::extends;

use crate::exit::{Exit, Failure};

/// A scenario that weaknet brings along.
pub(super) struct Shipped {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) path: PathBuf,
}

/// The folder of scenarios: the one here, else that of the checkout that this
/// binary was built from.
fn folder() -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    [PathBuf::from("scenarios"), built]
        .into_iter()
        .find(|path| path.is_dir())
}

/// All of them, sorted by path. A file that cannot be read is left out: `weaknet
/// validate` says what is wrong with it.
pub(super) fn scenarios() -> Vec<Shipped> {
    let Some(folder) = folder() else {
        return Vec::new();
    };
    let files = scenario_files(&[folder.to_string_lossy().into_owned()]).unwrap_or_default();
    let described = |path: PathBuf| {
        let tree = extends::load(&path).ok()?.tree;
        let text = |key: &str| {
            tree.get(key)
                .and_then(|node| node.text())
                .map(str::to_owned)
        };
        let stem = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned());
        let path = path.canonicalize().map_or(path, |full| {
            let here = std::env::current_dir().and_then(|dir| dir.canonicalize());
            here.ok()
                .and_then(|here| full.strip_prefix(here).map(Path::to_path_buf).ok())
                .unwrap_or(full)
        });
        Some(Shipped {
            name: text("name").or(stem)?,
            about: text("about").unwrap_or_default(),
            path,
        })
    };
    files.into_iter().filter_map(described).collect()
}

/// The path for an argument that names scenarios: itself or, for a bare name of
/// which there is no file, the scenario of that name that weaknet brings along.
///
/// # Errors
/// When there is none of that name, but of one much like it.
pub(crate) fn resolve(argument: &str) -> Result<String, Failure> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !argument.chars().all(is_name) || Path::new(argument).exists() {
        return Ok(argument.to_owned());
    }
    let scenarios = scenarios();
    if let Some(found) = scenarios.iter().find(|one| one.name == argument) {
        return Ok(found.path.display().to_string());
    }
    match nearest(argument, scenarios.iter().map(|one| one.name.as_str())) {
        Some(near) => Err(Failure::new(
            Exit::BadData,
            format!("there is no file or scenario `{argument}`\n  = help: did you mean `{near}`?"),
        )),
        None => Ok(argument.to_owned()),
    }
}
