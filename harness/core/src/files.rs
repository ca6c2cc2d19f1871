//! Where files named by scenarios are found.
//!
//! A trace is looked for beside the scenario, then in the folders of
//! `--trace-dir`, `WEAKNET_TRACES` and `$WEAKNET_SHARED/traces`; in these also
//! one folder deeper, so that a bare name finds a trace of a collection.

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use weaknet_core::plugin::ReadFile;
use weaknet_core::text::nearest;

/// The folders to look in, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Folders {
    /// Folders of the scenario's own files.
    pub beside: Vec<PathBuf>,
    /// Collections of traces: searched one folder deep as well.
    pub collections: Vec<PathBuf>,
}

impl Folders {
    /// The collections that the user and the environment name.
    #[must_use]
    pub fn from_env(trace_dir: Option<&Path>) -> Self {
        let mut collections: Vec<PathBuf> = trace_dir.map(Path::to_path_buf).into_iter().collect();
        if let Some(list) = env::var_os("WEAKNET_TRACES") {
            collections.extend(env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()));
        }
        let shared =
            env::var_os("WEAKNET_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
        let shared = shared.join("traces");
        if shared.is_dir() {
            collections.push(shared);
        }
        Self {
            beside: Vec::new(),
            collections,
        }
    }

    /// The same with the folders of a scenario's files.
    #[must_use]
    pub fn beside(&self, folders: &[PathBuf]) -> Self {
        Self {
            beside: folders.to_vec(),
            collections: self.collections.clone(),
        }
    }

    /// Where the file `name` is.
    ///
    /// # Errors
    /// A message that says where it was looked for, and the nearest name.
    pub fn find(&self, name: &str) -> Result<PathBuf, String> {
        if name.is_empty() {
            return Err("the name of a file is empty".to_owned());
        }
        let direct = self
            .beside
            .iter()
            .chain(&self.collections)
            .map(|folder| folder.join(name));
        let deeper = self
            .collections
            .iter()
            .flat_map(|folder| folders_in(folder))
            .map(|folder| folder.join(name));
        let found = direct.chain(deeper).find(|path| path.is_file());
        found.ok_or_else(|| self.missing(name))
    }

    fn missing(&self, name: &str) -> String {
        if let Some(folder) = self.beside.iter().find(|beside| beside.join(name).is_dir()) {
            let folder = folder.join(name);
            return format!("`{}` is a folder: expected a file", folder.display());
        }
        if Path::new(name).is_absolute() {
            return format!("there is no file `{name}`");
        }
        let show = |folder: &PathBuf| match folder.as_os_str().is_empty() {
            true => "`.`".to_owned(),
            false => format!("`{}`", folder.display()),
        };
        let looked: Vec<String> = self
            .beside
            .iter()
            .chain(&self.collections)
            .map(show)
            .collect();
        let known = self.names();
        let file = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        let bare = known.iter().map(|known| file(known)).collect::<Vec<_>>();
        let near = nearest(name, known.iter().map(String::as_str))
            .or_else(|| nearest(&file(name), bare.iter().map(String::as_str)));
        let near = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
        format!("there is no file `{name}` in {}{near}", looked.join(", "))
    }

    /// The names of all files that can be found, sorted; files of a folder
    /// within a collection carry its name.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for folder in self.beside.iter().chain(&self.collections) {
            names.extend(files_in(folder));
        }
        for folder in self
            .collections
            .iter()
            .flat_map(|folder| folders_in(folder))
        {
            let prefix = folder
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default()
                .to_owned();
            names.extend(
                files_in(&folder)
                    .into_iter()
                    .map(|file| format!("{prefix}/{file}")),
            );
        }
        names
    }
}

impl ReadFile for Folders {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let path = self.find(name)?;
        fs::read(&path).map_err(|error| format!("`{}` cannot be read: {error}", path.display()))
    }

    fn open(&self, name: &str) -> Result<Box<dyn Read + '_>, String> {
        let path = self.find(name)?;
        let file = File::open(&path);
        let file = file.map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
        Ok(Box::new(file))
    }
}

/// The paths in a folder, sorted; none when it cannot be read.
fn paths_in(folder: &Path) -> Vec<PathBuf> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort_unstable();
    paths
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    paths_in(folder)
        .into_iter()
        .filter(|path| path.is_dir())
        .collect()
}

fn files_in(folder: &Path) -> Vec<String> {
    let name = |path: &PathBuf| Some(path.file_name()?.to_str()?.to_owned());
    paths_in(folder)
        .iter()
        .filter(|path| path.is_file())
        .filter_map(name)
        .collect()
}
