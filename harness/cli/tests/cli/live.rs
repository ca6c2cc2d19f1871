//! `weaknet live` from the command line, as root and as a user without rights.

use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const NETWORK: &str = "\
name: short
duration: 1s
network:
  forward: {delay: 2ms}
  backward: {delay: 2ms}
";

/// A folder with a scenario that anyone may read.
pub(crate) fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let everyone = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.path(), everyone).unwrap();
    let path = folder.path().join("short.yaml");
    fs::write(&path, NETWORK).unwrap();
    (folder, path)
}

fn live(scenario: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weaknet"));
    command.arg("live").arg(scenario).stdin(Stdio::null());
    command
}

/// Prints why nothing is tested where nothing can be; fails where that is not allowed.
pub(crate) fn is_possible(output: &Output) -> bool {
    let refused = output.status.code() == Some(77);
    if refused {
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(
            std::env::var_os("WEAKNET_REQUIRE_LIVE").is_none(),
            "{message}"
        );
        skip(&message);
    }
    !refused
}

/// Says why, past the capture of output.
pub(crate) fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

#[test]
fn commands_find_each_other_and_their_exit_codes_pass() {
    let (_folder, scenario) = folder();
    let output = live(&scenario)
        .args(["--left", "echo left $WEAKNET_PEER $WEAKNET_PEER6; exit 3"])
        .args(["--right", "echo right $WEAKNET_PEER; exit 4"])
        .output()
        .unwrap();
    if !is_possible(&output) {
        return;
    }
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("left 198.18.0.2 fd77:6561:6b6e::2"), "{said}");
    assert!(said.contains("right 198.18.0.1"), "{said}");
    assert_eq!(code(&output), Some(3), "the left one counts first");
    let summary = String::from_utf8_lossy(&output.stderr);
    assert!(summary.contains("emulation error: p50"), "{summary}");
    let right = live(&scenario)
        .args(["--left", "true", "--right", "exit 4"])
        .output();
    assert_eq!(code(&right.unwrap()), Some(4));
}

#[test]
fn a_command_has_a_network_of_its_own() {
    let (_folder, scenario) = folder();
    let output = live(&scenario)
        .args(["--", "sh", "-c", "cat /proc/net/dev; echo pid $$"])
        .output()
        .unwrap();
    if !is_possible(&output) {
        return;
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let devices: Vec<&str> = said
        .lines()
        .filter_map(|line| line.split_once(':').map(|(name, _)| name.trim()))
        .collect();
    assert_eq!(devices, ["lo", "weaknet0"], "{said}");
    // The first process of the namespace is ours, the next one the command.
    assert!(said.contains("pid 2"), "{said}");
}

#[test]
fn what_cannot_be_started_is_named() {
    let (_folder, scenario) = folder();
    let output = live(&scenario).args(["--", "no-such-program"]).output();
    let output = output.unwrap();
    if !is_possible(&output) {
        return;
    }
    assert_eq!(code(&output), Some(127));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(
        message.contains("failed to start `no-such-program`"),
        "{message}"
    );
    let killed = live(&scenario)
        .args(["--", "sh", "-c", "kill -9 $$"])
        .output();
    assert_eq!(code(&killed.unwrap()), Some(137));
}

#[test]
fn bad_scenarios_and_arguments_are_refused() {
    let (folder, _) = folder();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let links = write(
        "links.yaml",
        "name: l\nduration: 1s\nnetwork: {links: {up: {delay: 1ms}}}\n",
    );
    let matrix = write(
        "matrix.yaml",
        &format!("{NETWORK}matrix:\n  network.forward.loss: [1%, 2%]\n"),
    );
    for (path, expected) in [(&links, 65), (&matrix, 2)] {
        let output = live(path).args(["--", "true"]).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(code(&output), Some(expected), "{message}");
    }
    let missing = live(&folder.path().join("none.yaml")).output().unwrap();
    assert_eq!(code(&missing), Some(65));
    let both = live(&links).args(["--left", "true", "--", "true"]).output();
    assert_eq!(code(&both.unwrap()), Some(2));
}

#[test]
fn users_without_rights_can_do_it() {
    // Nobody: without any right, if this is root.
    const NOBODY: u32 = 65_534;
    let (_folder, scenario) = folder();
    let is_root =
        fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let mut command = live(&scenario);
    command.args(["--left", "id -u; test -e /sys", "--right", "true"]);
    if is_root {
        command.uid(NOBODY).gid(NOBODY).current_dir("/");
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            // The checkout may lie where only root can read.
            skip(&format!("nobody cannot start weaknet here: {error}"));
            return;
        }
    };
    if is_possible(&output) {
        let said = String::from_utf8_lossy(&output.stdout);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!((code(&output), said.trim()), (Some(0), "0"), "{message}");
    }
}

/// Whether a process has this among its arguments.
fn someone_runs(argument: &str) -> bool {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|process| fs::read(process.path().join("cmdline")).ok())
        .any(|line| {
            line.split(|byte| *byte == 0)
                .any(|one| one == argument.as_bytes())
        })
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Starts commands that sleep for a time that nobody else sleeps, ends weaknet with a
/// signal and waits until they are gone.
fn ends_everything(signal: &str, seconds: &str) -> Option<i32> {
    let (_folder, scenario) = folder();
    let sleep = format!("setsid sleep {seconds} & sleep {seconds}");
    let mut weaknet = live(&scenario)
        .args(["--left", &sleep, "--right", &sleep])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("it starts", || {
        someone_runs(seconds) || weaknet_has_ended(weaknet.id())
    });
    if weaknet_has_ended(weaknet.id()) {
        let output = weaknet.wait_with_output().unwrap();
        assert!(!is_possible(&output), "{output:?}");
        return None;
    }
    let kill = Command::new("kill")
        .args([signal, &weaknet.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    let status = weaknet.wait().unwrap();
    wait_until("all commands end", || !someone_runs(seconds));
    Some(status.code().unwrap_or(-1))
}

fn weaknet_has_ended(id: u32) -> bool {
    let state = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    state
        .rsplit(')')
        .next()
        .is_none_or(|rest| rest.trim_start().starts_with(['Z', 'X']))
}

#[test]
fn nothing_is_left_behind_when_it_is_killed() {
    if let Some(code) = ends_everything("-KILL", "71623.25") {
        assert_eq!(code, -1, "by a signal");
    }
}

#[test]
fn an_interrupt_ends_both() {
    if let Some(code) = ends_everything("-INT", "71624.25") {
        assert_eq!(code, 130);
    }
}
