//! `--capture`: which files there are, and what becomes of them.

use std::fs;
use std::process::Command;

use crate::support::{Sandbox, assert_same, call, finish};

fn sandbox() -> Sandbox {
    Sandbox::new(&[("s.yaml", &call("seeds: 2\n"))])
}

/// The files of captures below a result directory, without folders and case ids.
fn captures(sandbox: &Sandbox, out: &str) -> Vec<String> {
    let folder = format!("{out}/captures/");
    let names = sandbox.names().into_iter();
    let mut files: Vec<_> = names
        .filter_map(|name| {
            let (case, file) = name.strip_prefix(&folder)?.split_once('/')?;
            let (_, seed) = case.rsplit_once('-')?;
            (!file.is_empty()).then(|| format!("{seed}/{file}"))
        })
        .collect();
    files.sort_unstable();
    files
}

#[test]
fn each_kind_has_its_files_and_nothing_else_changes() {
    let sandbox = sandbox();
    sandbox.run(&["run", "s.yaml", "--out", "plain"]).ok();
    assert!(!sandbox.path("plain/captures").exists());
    let (pcapng, qlog) = (["backward.pcapng", "forward.pcapng"], ["call.sqlog"]);
    let all = [&pcapng[..1], &qlog, &pcapng[1..]].concat();
    let kinds = [
        ("pcapng", &pcapng[..]),
        ("qlog", &qlog),
        ("all", &all),
        ("qlog,pcapng", &all),
    ];
    for (kind, files) in kinds {
        sandbox
            .run(&["run", "s.yaml", "--capture", kind, "--out", "o"])
            .ok();
        let mut expected = Vec::new();
        for seed in [1, 2] {
            expected.extend(files.iter().map(|file| format!("{seed}/{file}")));
        }
        assert_eq!(captures(&sandbox, "o"), expected, "{kind}");
        for same in ["summary.json", "cases.csv", "scenario.yaml"] {
            let [plain, captured] =
                ["plain", "o"].map(|out| sandbox.read(&format!("{out}/{same}")));
            assert_eq!(plain, captured);
        }
    }
    let command = &sandbox.json("o/manifest.json")["command"];
    assert_eq!(command[3], "--capture");
}

#[test]
fn captures_are_the_same_bytes_on_any_number_of_threads() {
    let sandbox = sandbox();
    for jobs in ["1", "2"] {
        let run = ["run", "s.yaml", "--capture", "all", "--jobs", jobs, "--out"];
        sandbox.run(&[&run[..], &[jobs]].concat()).ok();
    }
    assert_same(&sandbox.path("1"), &sandbox.path("2"));
}

#[test]
fn a_resumed_run_keeps_captures_and_makes_missing_ones() {
    let sandbox = sandbox();
    let run = ["run", "s.yaml", "--resume", "--out", "o"];
    sandbox.run(&run).ok();
    let captured = [&run[..], &["--capture", "pcapng"]].concat();
    // They were not asked for before: the cases run again.
    let ran = sandbox.run(&captured);
    assert!(ran.err.starts_with("1/2 "), "{}", ran.err);
    let files = captures(&sandbox, "o");
    assert_eq!(files.len(), 4);
    let ran = sandbox.run(&captured);
    let kept = "2 of 2 cases are done already\n";
    assert!(ran.err.starts_with(kept), "{}", ran.err);
    assert_eq!(captures(&sandbox, "o"), files);
    // Nor do they go when they are not asked for again.
    sandbox.run(&run).ok();
    assert_eq!(captures(&sandbox, "o"), files);
    // Those of cases that are no longer there do.
    sandbox.write("s.yaml", call("seeds: 1\n"));
    sandbox.run(&run).ok();
    assert_eq!(captures(&sandbox, "o"), files[..2]);
}

/// A limit on the size of files stands for a full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_capture_that_cannot_be_written_fails_the_run() {
    let sandbox = Sandbox::new(&[("s.yaml", &call("seeds: 3\n").replace("2s", "30s"))]);
    sandbox.run(&["run", "s.yaml", "--out", "o"]).ok();
    let before = sandbox.names();
    let program = sandbox.command(&[]).get_program().to_owned();
    let mut command = Command::new("sh");
    let script = "trap '' XFSZ; ulimit -f 400; exec \"$@\"";
    command.args(["-c", script, "sh"]).arg(program);
    command.args([
        "run",
        "s.yaml",
        "--capture",
        "pcapng",
        "--jobs",
        "1",
        "--out",
        "o",
    ]);
    command.current_dir(sandbox.path("."));
    let message = finish(command).fails(1);
    assert!(message.starts_with("error: case "), "{message}");
    assert!(message.contains("failed to write `"), "{message}");
    assert!(
        message.contains("forward.pcapng`: File too large"),
        "{message}"
    );
    assert!(!message.contains("3/3"), "the others ran on: {message}");
    // The earlier run is untouched, the next one starts afresh.
    fs::remove_dir_all(sandbox.path("o.partial")).unwrap();
    assert_eq!(sandbox.names(), before);
}

#[test]
fn kinds_and_lengths_are_checked() {
    let sandbox = sandbox();
    let error = sandbox
        .run(&["run", "s.yaml", "--capture", "pcap"])
        .fails(2);
    assert!(
        error.contains("possible values: pcapng, qlog, all"),
        "{error}"
    );
    let error = sandbox
        .run(&["run", "s.yaml", "--capture-snaplen", "96"])
        .fails(2);
    assert!(error.contains("--capture <KIND>"), "{error}");
    let short = [
        "run",
        "s.yaml",
        "--capture",
        "all",
        "--capture-snaplen",
        "27",
    ];
    let error = sandbox.run(&short).fails(2);
    assert!(error.contains("28..=65535"), "{error}");
}
