//! The same scenario, seeds and version: the same bytes, for every scenario
//! that comes along.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Sandbox, assert_same, command, finish, root, shared};

/// All scenario files below a folder of the repository, relative to its root.
fn scenarios(folder: &Path, found: &mut Vec<String>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    paths.sort_unstable();
    for path in paths {
        if path.is_dir() {
            scenarios(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "yaml") {
            found.push(
                path.strip_prefix(root())
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned(),
            );
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

#[test]
fn every_scenario_gives_the_same_bytes_on_any_threads_and_in_any_folder() {
    let mut files = Vec::new();
    scenarios(&root().join("scenarios"), &mut files);
    assert!(files.len() > 10, "{files:?}");
    // Some need recorded traces, which are no part of the repository.
    let shared = shared();
    let data = shared.unwrap_or_else(|| PathBuf::from("nowhere"));
    files.retain(|file| {
        let mut validate = command(&root(), &["validate", file]);
        validate.env("WEAKNET_SHARED", &data);
        let ran = finish(validate);
        let absent = ran.code == 65 && ran.err.contains("there is no file") && !data.is_dir();
        assert!(ran.code == 0 || absent, "{file}: {}", ran.err);
        if absent {
            eprintln!("SKIPPED: {file} needs recorded traces");
        }
        !absent
    });

    let sandbox = Sandbox::new(&[]);
    copy(
        &root().join("scenarios"),
        &sandbox.path("elsewhere/scenarios"),
    );
    let run = |folder: &Path, jobs: &str, out: &str| {
        let out = sandbox.path(out);
        let mut args = vec![
            "run",
            "--seeds",
            "1",
            "--jobs",
            jobs,
            "--out",
            out.to_str().unwrap(),
        ];
        args.extend(files.iter().map(String::as_str));
        let mut command = command(folder, &args);
        command.env("WEAKNET_SHARED", &data);
        let ran = finish(command);
        assert_eq!(ran.code, 0, "{}", ran.err);
        out
    };
    let one = run(&root(), "1", "one");
    assert_same(&one, &run(&root(), "2", "two"));
    assert_same(&one, &run(&sandbox.path("elsewhere"), "2", "three"));
}
