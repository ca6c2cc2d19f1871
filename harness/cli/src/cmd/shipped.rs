//! The scenarios that weaknet brings along.

use std::path::{Path, PathBuf};

use weaknet_harness::plan::scenario_files;
use weaknet_harness::scenario::extends;

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
