//! A live link while it runs and what is left of it: changes, summaries, recordings.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::live::{folder, is_possible, skip};

fn weaknet(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weaknet"));
    command.args(args).stdin(Stdio::null());
    command
}

fn live(scenario: &Path, args: &[&str]) -> Output {
    weaknet(&["live"])
        .arg(scenario)
        .args(args)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A link that runs until it is told to end, and its name.
struct Running {
    child: Child,
    name: String,
}

impl Running {
    /// `None` where there can be none.
    fn start(scenario: &Path, args: &[&str]) -> Option<Self> {
        let probe = live(scenario, &["--", "true"]);
        if !is_possible(&probe) {
            return None;
        }
        let mut child = weaknet(&["live"])
            .arg(scenario)
            .args(args)
            // Ends with its standard input.
            .args(["--left", "cat"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        errors.read_line(&mut first).unwrap();
        let name = first
            .strip_prefix("link ")
            .and_then(|rest| rest.split(':').next());
        let name = name.unwrap_or_else(|| panic!("{first}")).to_owned();
        child.stderr = Some(errors.into_inner());
        Some(Self { child, name })
    }

    fn ctl(&self, args: &[&str]) -> Output {
        weaknet(&["ctl", "--link", &self.name])
            .args(args)
            .output()
            .unwrap()
    }

    /// What it says at its end, and its exit code.
    fn end(mut self) -> (String, Option<i32>) {
        drop(self.child.stdin.take());
        let mut said = String::new();
        let mut errors = self.child.stderr.take().unwrap();
        errors.read_to_string(&mut said).unwrap();
        (said, self.child.wait().unwrap().code())
    }
}

#[test]
fn a_running_link_is_changed_and_its_recording_replayed() {
    let (folder, scenario) = folder();
    let recording = folder.path().join("recording.csv");
    let record = ["--record-arrivals", recording.to_str().unwrap()];
    let Some(link) = Running::start(&scenario, &record) else {
        return;
    };
    assert!(
        link.ctl(&["set", "network.forward.loss=5%"])
            .status
            .success()
    );
    assert!(link.ctl(&["outage", "100ms"]).status.success());
    assert!(link.ctl(&["handover", "50ms"]).status.success());
    let shown = link.ctl(&["show"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["changes"][0]["text"], "network.forward.loss=5%");
    assert_eq!(shown["forward"]["in_bps"], 0);

    for (args, expected) in [
        (
            ["set", "network.forward.queue=codel"],
            "a queue cannot change",
        ),
        (["set", "network.forward.los=5%"], "unknown key `los`"),
        (["set", "network.forward.loss=5%|6%"], "has a matrix"),
    ] {
        let refused = link.ctl(&args);
        assert_eq!(refused.status.code(), Some(2), "{args:?}");
        let message = text(&refused.stderr);
        assert!(message.contains(expected), "{message}");
    }
    let (said, code) = link.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("emulation error"), "{said}");

    let sets = fs::read_to_string(&recording).unwrap();
    let sets: Vec<&str> = sets.lines().filter(|line| line.contains(",set,")).collect();
    // Of each link: set, outage, handover, and the two that pass.
    assert_eq!(sets.len(), 10, "{sets:?}");
    assert!(sets[0].contains("network.forward.loss=5%"), "{}", sets[0]);
    let replayed = weaknet(&["replay-link"]).arg(&recording).output().unwrap();
    assert_eq!(
        replayed.status.code(),
        Some(0),
        "{}",
        text(&replayed.stderr)
    );
}

#[test]
fn who_is_not_there_cannot_be_changed() {
    let output = weaknet(&["ctl", "--link", "none", "show"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = text(&output.stderr);
    assert!(
        message.contains("failed to reach the link `none`"),
        "{message}"
    );
}

#[test]
fn results_are_kept_like_those_of_a_simulated_run() {
    let (folder, scenario) = folder();
    let out = folder.path().join("out");
    let five =
        "bash -c 'for i in 1 2 3 4 5; do echo $i > /dev/udp/$WEAKNET_PEER/9; sleep 0.02; done'";
    let args = ["--out", out.to_str().unwrap(), "--json", "--left", five];
    let output = live(&scenario, &args);
    if !is_possible(&output) {
        return;
    }
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["schema"], "weaknet.live/1");
    assert_eq!(said["links"][0]["packets_in"], 5);
    let p50 = said["emulation_error_p50_us"].as_f64().unwrap();
    let max = said["emulation_error_max_us"].as_f64().unwrap();
    assert!(p50 > 0.0 && p50 <= max, "{said}");

    let summary = fs::read_to_string(out.join("summary.json")).unwrap();
    let summary: Value = serde_json::from_str(&summary).unwrap();
    let forward = &summary["cases"][0]["links"][0];
    assert_eq!(forward["name"], "forward");
    let error = forward["metrics"]["emulation_error_max_us"]
        .as_f64()
        .unwrap();
    assert!(error > 0.0, "{forward}");
    for file in ["report.html", "cases.csv", "manifest.json", "scenario.yaml"] {
        assert!(out.join(file).is_file(), "{file}");
    }
    let case = summary["cases"][0]["id"].as_str().unwrap();
    let recording = out.join(format!("captures/{case}-1/recording.csv"));
    let replayed = weaknet(&["replay-link"]).arg(&recording).output().unwrap();
    let decisions = text(&replayed.stdout);
    assert!(decisions.starts_with(char::is_numeric), "{decisions}");
    // The report can be made again.
    let again = weaknet(&["report"]).arg(&out).output().unwrap();
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
}

#[test]
fn packets_are_captured_at_both_ends_of_a_link() {
    let (folder, scenario) = folder();
    let out = folder.path().join("out");
    let three = "bash -c 'for i in 1 2 3; do echo $i > /dev/udp/$WEAKNET_PEER/9; done; sleep 0.1'";
    let output = live(
        &scenario,
        &[
            &["--out", out.to_str().unwrap(), "--capture", "pcapng"][..],
            &["--capture-snaplen", "28", "--left", three],
            &["--set", "network.forward.loss={packets: {lost: [1]}}"],
        ]
        .concat(),
    );
    if !is_possible(&output) {
        return;
    }
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let case = fs::read_dir(out.join("captures")).unwrap().next().unwrap();
    let capture = case.unwrap().path().join("forward.pcapng");
    let fields = [
        "frame.interface_name",
        "frame.len",
        "frame.cap_len",
        "frame.comment",
    ];
    let fields = fields.iter().flat_map(|field| ["-e", field]);
    let read = Command::new("tshark")
        .args(["-n", "-T", "fields", "-E", "separator=;", "-r"])
        .arg(&capture)
        .args(fields)
        .output();
    let Ok(read) = read else {
        return skip("there is no tshark");
    };
    let rows = text(&read.stdout);
    let of = |interface: &str| -> Vec<Vec<&str>> {
        let rows = rows.lines().map(|row| row.split(';').collect::<Vec<_>>());
        rows.filter(|row| row[0] == interface).collect()
    };
    let (came, left, dropped) = (of("in"), of("out"), of("dropped"));
    assert_eq!((came.len(), left.len(), dropped.len()), (3, 2, 1), "{rows}");
    for row in came.iter().chain(&left).chain(&dropped) {
        // Two bytes behind the headers, which alone are kept.
        assert_eq!(row[1..3], ["30", "28"], "{rows}");
    }
    for row in left {
        let words: Vec<&str> = row[3].split(' ').collect();
        let names = words.iter().map(|word| word.split('=').next().unwrap());
        assert!(names.eq(["late", "queue_delay", "total"]), "{rows}");
        assert!(row[3].contains("total=2ms"), "{rows}");
    }
    assert_eq!(dropped[0][3], "drop=loss");
}

#[test]
fn the_verdict_is_by_the_limit() {
    let (_folder, scenario) = folder();
    let bash = "bash -c 'echo x > /dev/udp/$WEAKNET_PEER/9; sleep 0.1'";
    for (limit, verdict) in [("1ns", "degraded"), ("1min", "trustworthy")] {
        let set = format!("live.max_error_p99={limit}");
        let output = live(&scenario, &["--set", &set, "--json", "--left", bash]);
        if !is_possible(&output) {
            return;
        }
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(said["verdict"], verdict, "{said}");
        assert!(text(&output.stderr).contains(verdict));
    }
}

#[test]
fn a_recording_that_cannot_be_kept_is_an_error() {
    let (folder, scenario) = folder();
    let full = live(&scenario, &["--record-arrivals", "/dev/full", "--", "true"]);
    if !is_possible(&full) {
        return;
    }
    assert_eq!(full.status.code(), Some(1));
    let message = text(&full.stderr);
    assert!(
        message.contains("failed to record to `/dev/full`"),
        "{message}"
    );
    let nowhere = folder.path().join("no/such/folder.csv");
    let nowhere = live(
        &scenario,
        &["--record-arrivals", nowhere.to_str().unwrap(), "--", "true"],
    );
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(text(&nowhere.stderr).contains("failed to record to"));
}

#[test]
fn what_is_no_recording_is_refused() {
    let (folder, scenario) = folder();
    let replay = |path: &Path| weaknet(&["replay-link"]).arg(path).output().unwrap();
    let none = replay(&scenario);
    assert_eq!(none.status.code(), Some(65));
    assert!(text(&none.stderr).contains("no recording of weaknet"));
    let missing = replay(&folder.path().join("missing.csv"));
    assert_eq!(missing.status.code(), Some(65));
}
