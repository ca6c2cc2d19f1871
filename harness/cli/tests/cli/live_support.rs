//! What tests of live links have in common: who runs them, where, and with what.

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output, Stdio};

pub(crate) const WEAKNET: &str = env!("CARGO_BIN_EXE_weaknet");

/// Nobody: without any right.
const NOBODY: u32 = 65_534;

/// What a command was.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    /// Asserts that it went well, and yields what it printed.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        self.out
    }
}

/// Says that something is not tested, past the capture of output; fails where
/// everything has to be.
#[track_caller]
pub(crate) fn skip(why: &str) {
    let required = std::env::var_os("WEAKNET_REQUIRE_LIVE").is_some();
    assert!(!required, "not tested: {why}");
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// Whether programs are there and namespaces may be made; says so if not.
#[track_caller]
pub(crate) fn has(programs: &[&str]) -> bool {
    let is_there = |program: &&&str| {
        let found = sh(&format!("command -v {program}")).output();
        found.is_ok_and(|found| found.status.success())
    };
    if let Some(missing) = programs.iter().find(|program| !is_there(program)) {
        skip(&format!("there is no {missing}"));
        return false;
    }
    let world = world("true").output();
    if !world.is_ok_and(|world| world.status.success()) {
        skip("user namespaces are not allowed");
        return false;
    }
    true
}

/// A shell line, with the programs that only root has in its path elsewhere.
fn sh(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-euc", line]).stdin(Stdio::null());
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command.env("WEAKNET", WEAKNET);
    command
}

/// A shell line, run as root of namespaces of its own: of users, mounts and networks.
/// `$WEAKNET` is the command under test.
pub(crate) fn world(line: &str) -> Command {
    let mut command = sh("exec unshare -Urnm sh -euc \"$1\" sh");
    // Becomes $1.
    command.args(["sh", line]);
    command
}

pub(crate) fn run(mut command: Command) -> Ran {
    command.output().unwrap().into()
}

pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// `weaknet live`, by a user without rights.
pub(crate) fn live_as_nobody(arguments: &[&str]) -> Option<Ran> {
    let mut command = Command::new(WEAKNET);
    command.arg("live").args(arguments).stdin(Stdio::null());
    command.current_dir("/");
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    match command.output() {
        Ok(output) => Some(output.into()),
        Err(error) => {
            // The checkout may lie where only root can read.
            skip(&format!("nobody cannot start weaknet here: {error}"));
            None
        }
    }
}
