//! Where names are looked up.
//!
//! A resolver of the machine that listens on a loopback address is out of reach of an
//! end, whose loopback is its own. Then commands get a `resolv.conf` of their own, in
//! their mount namespace only.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};

use crate::error::LiveError;

const FILE: &str = "/etc/resolv.conf";
/// The servers behind the loopback address of systemd-resolved.
const BEHIND: &str = "/run/systemd/resolve/resolv.conf";
/// Folders one of which is there: something is mounted over it for a moment.
const FOLDERS: [&str; 4] = ["/tmp", "/mnt", "/run", "/dev"];

/// Gives this thread, which has a file system view of its own, a `resolv.conf` that
/// works, if that of the machine does not.
pub(super) fn install(fallback: Ipv4Addr) -> Result<(), LiveError> {
    let Ok(own) = fs::read_to_string(FILE) else {
        // Names are looked up otherwise, or not at all.
        return Ok(());
    };
    let behind = fs::read_to_string(BEHIND).ok();
    match choose(&own, behind.as_deref(), fallback) {
        None => Ok(()),
        Some(text) => {
            cover(Path::new(FILE), &text).map_err(LiveError::system("mount a resolv.conf"))
        }
    }
}

/// What the file has to say instead, if what it says does not work.
fn choose(own: &str, behind: Option<&str>, fallback: Ipv4Addr) -> Option<String> {
    let works = |text: &&str| {
        let servers = text.lines().filter_map(|line| {
            let (word, address) = line.trim().split_once(char::is_whitespace)?;
            (word == "nameserver").then(|| address.trim().parse::<IpAddr>().ok())?
        });
        let mut servers = servers.filter(|server| !server.is_loopback());
        servers.next().is_some()
    };
    if works(&own) {
        return None;
    }
    let behind = behind.filter(works).map(str::to_owned);
    Some(behind.unwrap_or_else(|| format!("nameserver {fallback}\n")))
}

/// Mounts a file with this text over another one. It is in memory only, and goes with
/// the mount namespace.
fn cover(file: &Path, text: &str) -> io::Result<()> {
    const NONE: Option<&str> = None;
    unshare(CloneFlags::CLONE_NEWNS)?;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(NONE, "/", NONE, private, NONE)?;
    let target = fs::canonicalize(file)?;
    let is_free = |folder: &&&str| Path::new(folder).is_dir() && !target.starts_with(folder);
    let folder = FOLDERS.iter().find(is_free);
    let folder = Path::new(folder.ok_or(io::ErrorKind::NotFound)?);
    mount(
        Some("weaknet"),
        folder,
        Some("tmpfs"),
        MsFlags::empty(),
        NONE,
    )?;
    let source = folder.join("resolv.conf");
    let covered = fs::write(&source, text).and_then(|()| {
        let bind = MsFlags::MS_BIND;
        mount(Some(&source), &target, NONE, bind, NONE).map_err(Into::into)
    });
    // What is mounted from there stays.
    umount2(folder, MntFlags::MNT_DETACH)?;
    covered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_loopback_resolver_is_replaced() {
        let to = Ipv4Addr::new(198, 18, 0, 2);
        let own = "# comment\nnameserver 127.0.0.53\noptions edns0\n";
        let behind = "nameserver 192.0.2.1\n";
        assert_eq!(choose(behind, None, to), None);
        assert_eq!(
            choose("nameserver ::1\nnameserver 2001:db8::1", None, to),
            None
        );
        assert_eq!(choose(own, Some(behind), to).as_deref(), Some(behind));
        let fallback = Some("nameserver 198.18.0.2\n");
        assert_eq!(choose(own, None, to).as_deref(), fallback);
        assert_eq!(choose(own, Some(own), to).as_deref(), fallback);
        assert_eq!(choose("", None, to).as_deref(), fallback);
    }
}
