//! What the machine has, as far as live links need it.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use nix::unistd::getuid;
use serde::Serialize;

use crate::priority;

/// The machine, before anything is measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Machine {
    /// Release of the kernel.
    pub kernel: String,
    /// The processor's name, where the kernel tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processor: Option<String>,
    /// Processors that this process may use.
    pub processors: usize,
    /// Processes that wanted to run in the last minute, on average.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<f64>,
    /// Whether this is root.
    pub is_root: bool,
    /// What live links are made with.
    pub facilities: Vec<Facility>,
}

/// Something that a live link may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facility {
    /// Its name, which stays the same from version to version.
    pub name: &'static str,
    /// Whether it is there for this user.
    pub usable: bool,
    /// Where it was found, or what is in the way and how to get it.
    pub detail: String,
}

impl Facility {
    fn new(name: &'static str, found: Result<String, String>) -> Self {
        let usable = found.is_ok();
        let (Ok(detail) | Err(detail)) = found;
        Self {
            name,
            usable,
            detail,
        }
    }
}

/// Programs that a live link may call, and what for.
const PROGRAMS: [(&str, &str); 3] = [
    (
        "pasta",
        "reaches networks outside without root; in the package passt",
    ),
    (
        "slirp4netns",
        "reaches networks outside without root; in the package slirp4netns",
    ),
    (
        "nft",
        "reaches networks outside as root; in the package nftables",
    ),
];

impl Machine {
    /// Looks at this machine.
    #[must_use]
    pub fn here() -> Self {
        let is_root = getuid().is_root();
        let mut facilities = vec![
            Facility::new("user_namespaces", user_namespaces(is_root)),
            Facility::new("tun", tun()),
            Facility::new("af_packet", af_packet()),
            Facility::new("priority", priority()),
        ];
        facilities.extend(PROGRAMS.map(|(name, purpose)| {
            let found = program(name).map(|path| path.display().to_string());
            Facility::new(name, found.ok_or_else(|| format!("not found ({purpose})")))
        }));
        let load = fs::read_to_string("/proc/loadavg").ok();
        Self {
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
                .map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned()),
            processor: processor(),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            load: load.and_then(|text| text.split(' ').next()?.parse().ok()),
            is_root,
            facilities,
        }
    }
}

fn priority() -> Result<String, String> {
    if priority::may_raise() {
        Ok("links go before applications (nice -20)".to_owned())
    } else {
        let how = "run as root, or with CAP_SYS_NICE or a limit of 40 on niceness (`ulimit -e`)";
        Err(format!(
            "links wait for a processor like applications do: {how}"
        ))
    }
}

fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// What the kernel's switches say. Whether a sandbox forbids them besides shows when
/// one is made.
fn user_namespaces(is_root: bool) -> Result<String, String> {
    const SWITCHES: [(&str, &str); 3] = [
        ("user.max_user_namespaces", "0"),
        ("kernel.unprivileged_userns_clone", "0"),
        ("kernel.apparmor_restrict_unprivileged_userns", "1"),
    ];
    if !Path::new("/proc/self/ns/user").exists() {
        return Err("the kernel has none (CONFIG_USER_NS): run as root".to_owned());
    }
    for (switch, off) in SWITCHES {
        let path = format!("/proc/sys/{}", switch.replace('.', "/"));
        let value = fs::read_to_string(path).unwrap_or_default();
        if value.trim() == off {
            let on = if off == "0" && switch.contains("max") {
                "15000"
            } else if off == "0" {
                "1"
            } else {
                "0"
            };
            let way = format!("switched off: `sysctl {switch}={on}`, or run as root");
            return Err(way);
        }
    }
    Ok(if is_root {
        "not needed by root"
    } else {
        "allowed"
    }
    .to_owned())
}

fn tun() -> Result<String, String> {
    const DEVICE: &str = "/dev/net/tun";
    match OpenOptions::new().read(true).write(true).open(DEVICE) {
        Ok(_) => Ok(DEVICE.to_owned()),
        Err(error) => Err(format!("{DEVICE}: {error}; {}", {
            if Path::new(DEVICE).exists() {
                "run as root, or `chmod 0666 /dev/net/tun`"
            } else {
                "`modprobe tun`; in Docker add `--device /dev/net/tun`"
            }
        })),
    }
}

fn af_packet() -> Result<String, String> {
    let made = socket(
        AddressFamily::Packet,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    );
    match made {
        // Without rights there are none here, but in a namespace of one's own.
        Ok(_) | Err(Errno::EPERM | Errno::EACCES) => Ok("in the kernel".to_owned()),
        Err(error) => Err(format!("{error}; `modprobe af_packet`")),
    }
}

/// Where a program is, in PATH or where only root looks.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}
