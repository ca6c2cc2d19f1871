//! A folder of its own for each test, and the command run in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Asserts the exit code and yields the standard output.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        self.out
    }

    /// Asserts a failure that leaves no data, and yields the messages.
    #[track_caller]
    pub(crate) fn fails(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        assert_eq!(self.out, "", "data of a failed command");
        self.err
    }
}

/// A folder that goes away with the test.
pub(crate) struct Sandbox(TempDir);

impl Sandbox {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let sandbox = Self(TempDir::new().unwrap());
        for (name, text) in files {
            sandbox.write(name, text);
        }
        sandbox
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// Names of all files, folders with a slash, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        names(self.0.path())
    }

    /// The command, ready to be run here.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        command(self.0.path(), args)
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        finish(self.command(args))
    }
}

/// `weaknet ARGS` in a folder, without traces from anywhere else.
pub(crate) fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weaknet"));
    command.args(args).current_dir(folder).stdin(Stdio::null());
    command.env("WEAKNET_SHARED", "nowhere");
    for name in ["WEAKNET_TRACES", "COLUMNS", "NO_COLOR"] {
        command.env_remove(name);
    }
    command
}

pub(crate) fn finish(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().expect("ended by a signal"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Names of all files below a folder, folders with a slash, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.push(format!("{name}/"));
            found.extend(names(&path).iter().map(|below| format!("{name}/{below}")));
        } else {
            found.push(name);
        }
    }
    found.sort_unstable();
    found
}

/// All files of a result directory that are the same for the same scenario,
/// seeds and version; the manifest without its times.
pub(crate) fn results(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = names(folder)
        .into_iter()
        .filter(|name| !name.ends_with('/'));
    files
        .map(|name| {
            let mut bytes = fs::read(folder.join(&name)).unwrap();
            if name == "manifest.json" {
                let mut manifest: Value = serde_json::from_slice(&bytes).unwrap();
                for time in ["started", "finished"] {
                    let taken = manifest.as_object_mut().unwrap().remove(time);
                    assert!(taken.is_some(), "no time {time}");
                }
                bytes = manifest.to_string().into_bytes();
            }
            (name, bytes)
        })
        .collect()
}

/// Asserts that two result directories are the same, byte for byte.
#[track_caller]
pub(crate) fn assert_same(one: &Path, other: &Path) {
    let (one, other) = (results(one), results(other));
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&one), names(&other));
    for (name, bytes) in &one {
        assert!(*bytes == other[name], "{name} differs");
    }
}

/// A call of two seconds over a link of 1 Mbit/s, with more lines of the test's
/// own.
pub(crate) fn call(more: &str) -> String {
    format!(
        "\
duration: 2s
network: {{forward: {{rate: 1Mbps, delay: 20ms}}}}
flows:
  - name: call
    media: {{video: {{max_bitrate: 500kbps}}}}
{more}"
    )
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// The folder of recorded data: `WEAKNET_SHARED`, else beside the repository.
/// Where it has to be and is not, the test fails; elsewhere it says so.
pub(crate) fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("WEAKNET_SHARED")
        .map_or_else(|| root().join("../shared"), |path| root().join(path));
    if let Ok(folder) = folder.canonicalize() {
        return Some(folder);
    }
    let message = format!("no recorded data at {}", folder.display());
    assert!(std::env::var_os("CI").is_none(), "{message}");
    eprintln!("SKIPPED IN PART: {message}; set WEAKNET_SHARED");
    None
}
