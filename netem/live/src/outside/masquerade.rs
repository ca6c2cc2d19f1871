//! The machine as a router for the left end: where its user is root and no program that
//! needs no rights is there.
//!
//! A TUN device in the machine's own network namespace is the right end. A table of
//! nftables lets what comes from it go on with the machine's addresses; the table
//! belongs to the nft that made it (`flags owner` of Linux 5.12) and goes with it, and
//! nft goes with its standard input, which is ours. Whether the machine forwards at all
//! is left as it is.

use std::io::{self, Write as _};
use std::net::IpAddr;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::if_nametoindex;

use super::helper::{Helper, spawn};
use crate::address::RIGHT;
use crate::error::LiveError;
use crate::netlink::{Device, Netlink};
use crate::port::Tun;

const FORWARDS: &str = "/proc/sys/net/ipv4/ip_forward";
const START: Duration = Duration::from_secs(5);
/// Packets that may wait for a worker.
const QUEUE: u32 = 10_000;

pub(super) fn start(super_frames: bool) -> Result<(Helper, Tun), LiveError> {
    let refused = |said: &str| LiveError::Helper {
        name: "masquerading",
        said: said.to_owned(),
    };
    // One of each for a process.
    let name = format!("wn{}", std::process::id());
    let tun = Tun::create(&name, super_frames)?;
    let mut command = Command::new("nft");
    command.arg("-i").stdin(Stdio::piped());
    let helper = spawn("nft", &mut command, RIGHT.v4)?;
    let forwards = std::fs::read_to_string(FORWARDS);
    if !forwards.is_ok_and(|value| value.trim() == "1") {
        let said = "this machine does not forward: `sysctl net.ipv4.ip_forward=1` lets it, and \
                    passt or slirp4netns do without";
        return Err(refused(said));
    }
    if has_address().map_err(LiveError::system("list interfaces"))? {
        let said = "another run has the address already; passt and slirp4netns can do it twice";
        return Err(refused(said));
    }
    set_up(&name).map_err(LiveError::system("set up a device for the outside"))?;
    match rule(&helper, &name) {
        Ok(()) => Ok((helper, tun)),
        Err(error) => Err(helper.failure(&error)),
    }
}

fn has_address() -> io::Result<bool> {
    let mut all = getifaddrs()?;
    Ok(all.any(|one| {
        let address = one.address;
        let v4 = address
            .as_ref()
            .and_then(|address| address.as_sockaddr_in());
        v4.is_some_and(|v4| v4.ip() == RIGHT.v4)
    }))
}

fn set_up(name: &str) -> io::Result<()> {
    let index = if_nametoindex(name)?;
    let mut netlink = Netlink::open()?;
    netlink.silence(index)?;
    for (ip, prefix) in RIGHT.with_prefix() {
        match (ip, netlink.add_address(index, ip, prefix)) {
            // The machine may have no IPv6.
            (IpAddr::V6(_), _) | (_, Ok(())) => {}
            (_, Err(error)) => return Err(error),
        }
    }
    let device = Device {
        mtu: Some(1_500),
        queue: Some(QUEUE),
    };
    netlink.up(index, device)
}

/// Gives nft its orders, and waits until they are carried out.
fn rule(helper: &Helper, name: &str) -> io::Result<()> {
    let orders = format!(
        "add table inet {name} {{ flags owner; }}\n\
         add chain inet {name} out {{ type nat hook postrouting priority 100; }}\n\
         add rule inet {name} out iifname \"{name}\" masquerade\n"
    );
    let mut input = helper.input().ok_or(io::ErrorKind::BrokenPipe)?;
    input.write_all(orders.as_bytes())?;
    let start = Instant::now();
    while start.elapsed() < START {
        let list = Command::new("nft")
            .args(["list", "table", "inet", name])
            .stdin(Stdio::null())
            .output()?;
        if String::from_utf8_lossy(&list.stdout).contains("masquerade") {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Err(io::ErrorKind::TimedOut.into())
}
