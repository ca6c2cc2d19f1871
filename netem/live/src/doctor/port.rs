//! Which device is at the ends, and why.

use serde::Serialize;

use super::machine::Machine;

/// The device at the ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Port {
    /// `tun` or `veth`.
    pub name: &'static str,
    /// Why this one.
    pub why: String,
    /// How to get the other one.
    pub other: &'static str,
}

impl Port {
    /// What the ends of this machine have, once they are made.
    pub(super) fn of(machine: &Machine) -> Self {
        let tun = machine.facilities.iter().find(|found| found.name == "tun");
        match tun {
            Some(tun) if !tun.usable => Self {
                name: "veth",
                why: format!("there is no TUN device for this user ({})", tun.detail),
                other: "a TUN device is faster and is taken as soon as /dev/net/tun opens",
            },
            _ => Self {
                name: "tun",
                why: "/dev/net/tun opens for this user".to_owned(),
                other: "`weaknet live --port veth` takes Ethernet devices and a packet socket: slower, \
                        and without /dev/net/tun",
            },
        }
    }
}
