//! Scenario files from text to plan.

mod diagnostics;
mod flows;
mod forms;
mod laws;
mod merging;
mod overrides;
mod planning;
mod plugins;
mod schema;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use weaknet_harness::files::Folders;
use weaknet_harness::plan::{Plan, PlanError, Request};

/// A folder of its own for a test, removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique = format!(
            "scenario-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let folder = Self(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(unique));
        for (name, text) in files {
            folder.write(name, text.as_bytes());
        }
        folder
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    pub(crate) fn request(&self, name: &str) -> Request {
        Request {
            paths: vec![self.path(name)],
            ..Request::default()
        }
    }

    /// The error's text with the folder's own path taken out.
    pub(crate) fn error(&self, request: &Request) -> String {
        let error = Plan::load(request, &plugins::registry()).expect_err("expected an error");
        error
            .to_string()
            .replace(&format!("{}/", self.0.display()), "")
            .replace(&self.0.display().to_string(), "FOLDER")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A call over a plain link, with more text of the test's own.
pub(crate) fn call(more: &str) -> String {
    format!(
        "duration: 10s\nflows:\n  - name: call\n    media: {{video: {{}}, audio: {{}}}}\n{more}"
    )
}

/// The plan of one file.
pub(crate) fn plan(text: &str, sets: &[&str]) -> Result<Plan, PlanError> {
    let folder = Folder::new(&[("test.yaml", text)]);
    let sets = sets.iter().map(|set| (*set).to_owned()).collect();
    Plan::load(
        &Request {
            sets,
            ..folder.request("test.yaml")
        },
        &plugins::registry(),
    )
}

/// The error of one file, as people see it.
pub(crate) fn error(text: &str, sets: &[&str]) -> String {
    let folder = Folder::new(&[("test.yaml", text)]);
    let sets = sets.iter().map(|set| (*set).to_owned()).collect();
    folder.error(&Request {
        sets,
        ..folder.request("test.yaml")
    })
}

/// Folders that hold nothing but what the test puts there.
pub(crate) fn collections(folder: &Folder, names: &[&str]) -> Folders {
    Folders {
        beside: Vec::new(),
        collections: names.iter().map(|name| folder.path(name).into()).collect(),
    }
}
