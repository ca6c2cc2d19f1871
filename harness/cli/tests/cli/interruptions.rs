//! Interrupted and killed runs, and how they go on.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use crate::support::{Ran, Sandbox, assert_same, call};

const SEEDS: usize = 60;

fn sandbox() -> Sandbox {
    Sandbox::new(&[(
        "s.yaml",
        &call(&format!("seeds: {SEEDS}\n")).replace("2s", "60s"),
    )])
}

const RUN: [&str; 6] = ["run", "s.yaml", "--jobs", "1", "--out", "o"];

/// Starts the run, sends a signal after the third case, and waits for its end.
fn signalled(sandbox: &Sandbox, signal: &str) -> (Option<i32>, String) {
    let mut command = sandbox.command(&RUN);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child: Child = command.spawn().unwrap();
    let mut messages = BufReader::new(child.stderr.take().unwrap());
    let mut text = String::new();
    while !text.contains("\n3/") {
        assert_ne!(
            messages.read_line(&mut text).unwrap(),
            0,
            "ended early: {text}"
        );
    }
    let id = child.id().to_string();
    let kill = Command::new("kill").args([signal, &id]).status().unwrap();
    assert!(kill.success());
    messages.read_to_string(&mut text).unwrap();
    (child.wait().unwrap().code(), text)
}

/// Goes on with the run: yields how many cases had been kept.
fn resumed(sandbox: &Sandbox) -> usize {
    let ran: Ran = sandbox.run(&[&RUN[..], &["--resume"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let first = ran.err.lines().next().unwrap();
    let kept = first.strip_suffix(&format!(" of {SEEDS} cases are done already"));
    let kept: usize = kept.unwrap_or_else(|| panic!("{first}")).parse().unwrap();
    let last = format!("{0}/{0} s seed {SEEDS} (", SEEDS - kept);
    assert!(ran.err.contains(&last), "{}", ran.err);
    kept
}

#[test]
fn an_interrupted_run_keeps_what_it_has_and_goes_on() {
    let sandbox = sandbox();
    let (code, messages) = signalled(&sandbox, "-INT");
    assert_eq!(code, Some(130), "{messages}");
    assert!(
        messages.contains("interrupted: finishing the cases that have begun\n"),
        "{messages}"
    );
    let summary = sandbox.json("o/summary.json");
    let done = summary["cases"].as_array().unwrap().len();
    assert!((3..SEEDS).contains(&done), "{done}");
    let told = format!("error: interrupted after {done} of {SEEDS} cases; go on with --resume\n");
    assert!(messages.ends_with(&told), "{messages}");
    assert_eq!(sandbox.json("o/manifest.json")["planned"], SEEDS);

    assert_eq!(resumed(&sandbox), done);
    sandbox.run(&["run", "s.yaml", "--out", "whole"]).ok();
    assert_same(&sandbox.path("o"), &sandbox.path("whole"));
    // Once more: nothing is left to do.
    let again = sandbox.run(&[&RUN[..], &["--resume"]].concat());
    let all = format!("{SEEDS} of {SEEDS} cases are done already\nwrote o\n");
    assert_eq!(again.err, all);
    assert_same(&sandbox.path("o"), &sandbox.path("whole"));
}

#[test]
fn a_killed_run_loses_only_what_was_in_progress() {
    let sandbox = sandbox();
    let (code, _) = signalled(&sandbox, "-KILL");
    assert_eq!(code, None);
    assert!(!sandbox.path("o").exists() && sandbox.path("o.partial").exists());
    assert!(resumed(&sandbox) >= 3);
    sandbox.run(&["run", "s.yaml", "--out", "whole"]).ok();
    assert_same(&sandbox.path("o"), &sandbox.path("whole"));
    assert!(!sandbox.path("o.partial").exists());
}

#[test]
fn a_run_that_never_began_can_be_resumed() {
    let sandbox = Sandbox::new(&[("s.yaml", &call(""))]);
    sandbox
        .run(&["run", "s.yaml", "--resume", "--out", "o"])
        .ok();
}

#[test]
fn changed_scenarios_run_anew() {
    let sandbox = Sandbox::new(&[("s.yaml", &call("seeds: 2\n"))]);
    sandbox.run(&["run", "s.yaml", "--out", "o"]).ok();
    sandbox.write("s.yaml", call("seeds: 2\n").replace("20ms", "21ms"));
    let ran = sandbox.run(&["run", "s.yaml", "--resume", "--out", "o"]);
    assert!(ran.err.starts_with("1/2 "), "{}", ran.err);
    sandbox.run(&["run", "s.yaml", "--out", "whole"]).ok();
    assert_same(&sandbox.path("o"), &sandbox.path("whole"));
}
