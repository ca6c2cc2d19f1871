//! Real applications behind a live link: as this user and, when that is root, as one
//! without rights; over IPv4 and IPv6.
//!
//! Bounds are closed forms that hold however busy a machine is: nothing comes faster than
//! the link carries it, and no echo before twice the delay. What this test program itself
//! plays at an end it does as [`role`].

mod iperf;
mod ping;
mod quic;
mod web;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A user without any right.
const NOBODY: u32 = 65_534;
/// What to play at an end, and the address to listen at.
const ROLE: &str = "WEAKNET_TEST_ROLE";
const AT: &str = "WEAKNET_TEST_AT";

/// Plays a part at an end of a link; does nothing when there is none.
#[test]
#[ignore = "started by the other tests at an end of a link"]
fn role() {
    let at = std::env::var(AT).unwrap_or_default();
    match std::env::var(ROLE).as_deref() {
        Ok("web") => web::serve(&at),
        Ok("quic_server") => quic::serve(&at),
        Ok("quic_client") => quic::fetch(&at),
        _ => {}
    }
}

/// Whose applications run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum User {
    This,
    Nobody,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

impl Family {
    /// The other end, for a shell.
    const fn peer(self) -> &'static str {
        match self {
            Self::V4 => "$WEAKNET_PEER",
            Self::V6 => "$WEAKNET_PEER6",
        }
    }

    /// All addresses of an end.
    const fn any(self) -> &'static str {
        match self {
            Self::V4 => "0.0.0.0",
            Self::V6 => "[::]",
        }
    }

    /// Bytes of the IP header.
    const fn header(self) -> f64 {
        match self {
            Self::V4 => 20.0,
            Self::V6 => 40.0,
        }
    }
}

/// A folder that everyone may use, with copies of what runs in there: a checkout may lie
/// where only its owner can read.
struct Place {
    folder: TempDir,
    user: User,
    family: Family,
}

/// How a pair of applications ended.
struct Ended {
    /// What stands in the files that they wrote.
    place: Place,
    took: Duration,
}

impl Ended {
    fn read(&self, name: &str) -> String {
        let path = self.place.folder.path().join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

impl Place {
    fn new(user: User, family: Family) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let copy = |from: &Path, name: &str| {
            let to = folder.path().join(name);
            // The same file where it can be: these are large.
            if fs::hard_link(from, &to).is_err() {
                fs::copy(from, &to).unwrap();
            }
        };
        copy(Path::new(env!("CARGO_BIN_EXE_weaknet")), "weaknet");
        copy(&std::env::current_exe().unwrap(), "player");
        Self {
            folder,
            user,
            family,
        }
    }

    /// A shell line that plays a role.
    fn play(&self, role: &str, at: &str) -> String {
        let player = self.folder.path().join("player");
        format!(
            "env {ROLE}={role} {AT}={at} {} --exact live_apps::role --ignored --quiet --nocapture",
            player.display()
        )
    }

    /// Runs both ends to their end, which the right one meets after some time if nobody
    /// ends it; `None`, with a reason for people, where that is not
    /// possible.
    fn run(self, network: &str, left: &str, right: Option<&str>) -> Option<Ended> {
        let scenario = self.folder.path().join("link.yaml");
        fs::write(
            &scenario,
            format!("name: link\nduration: 1s\nnetwork:\n{network}"),
        )
        .unwrap();
        let mut command = Command::new(self.folder.path().join("weaknet"));
        command
            .arg("live")
            .arg(&scenario)
            .args(["--left", left])
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        if let Some(right) = right {
            command.args(["--right", &format!("timeout 30 {right}")]);
        }
        if self.user == User::Nobody {
            command.uid(NOBODY).gid(NOBODY);
        }
        let start = Instant::now();
        let output = match command.output() {
            Ok(output) => output,
            Err(error) => {
                return skip(&format!(
                    "weaknet does not start as {:?}: {error}",
                    self.user
                ));
            }
        };
        let took = start.elapsed();
        let message = String::from_utf8_lossy(&output.stderr);
        if output.status.code() == Some(77) {
            return skip(&message);
        }
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{:?} {:?} `{left}`: {}\n{message}\n{said}",
            self.user,
            self.family,
            output.status
        );
        Some(Ended { place: self, took })
    }
}

/// Does something as each user and over each family.
fn for_all(what: impl Fn(Place) -> Option<()>) {
    let own = fs::metadata("/proc/self").unwrap();
    let users: &[User] = if own.uid() == 0 {
        &[User::This, User::Nobody]
    } else {
        &[User::This]
    };
    for user in users {
        for family in [Family::V4, Family::V6] {
            // What is not possible has been told.
            let _ = what(Place::new(*user, family));
        }
    }
}

/// Says why nothing is tested, past the capture of output; fails where it has to be.
fn skip<T>(why: &str) -> Option<T> {
    let required = std::env::var_os("WEAKNET_REQUIRE_LIVE").is_some();
    assert!(!required, "{why}");
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
    None
}

/// Whether a program is here.
fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder: PathBuf| folder.join(program))
        .any(|path| path.is_file());
    found || skip::<()>(&format!("{program} is not installed")).is_some()
}

/// A shell line that tries until a server is there: some seconds at most.
fn until_it_works(command: &str) -> String {
    format!("n=0; until {command}; do n=$((n+1)); [ $n -gt 200 ] && exit 9; sleep 0.05; done")
}

/// Seconds that a link of so many bit/s takes for so many bytes at least.
fn least_seconds(bytes: f64, rate: f64) -> f64 {
    bytes * 8.0 / rate
}
