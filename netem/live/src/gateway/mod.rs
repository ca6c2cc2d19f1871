//! A link between two interfaces of this machine: a wire with a network in it.
//!
//! What comes in at one interface leaves at the other one, as if a cable with the
//! link's conditions were between the two: a phone on one side, its router on the
//! other. IP packets take the link; what stations tell their neighbours (ARP, IPv6
//! neighbour discovery, everything that is no IP) passes at once, since a cable under
//! bad conditions is not unplugged. Frames for the machine itself stay with it, and its
//! own frames go where they went. Nothing is configured, so nothing is left behind: an
//! interface hears all frames for as long as our socket is open.
//!
//! Differs: a frame leaves with the Ethernet header that packets between its two IP
//! addresses came with last, not with one carried along; stations do not change theirs
//! within a link's delay.
//! Not modelled: frames with a VLAN tag, which do not pass.

mod headers;
mod wire;

use std::sync::{Arc, Mutex};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::{InterfaceFlags, if_nametoindex};

pub use wire::Wire;

use crate::error::{LiveError, OPEN_PACKET};
use crate::netlink::Netlink;
use crate::port::packet::PacketSocket;
use headers::Headers;
use wire::Station;

/// The ports of two interfaces, each of which hands on to the other one what does not
/// take the link. Takes root.
///
/// # Errors
/// When there are no such interfaces of Ethernet, they are not up, another device has
/// them, or the system gives no right to them.
pub fn between([left, right]: [&str; 2]) -> Result<[Wire; 2], LiveError> {
    if left == right {
        return Err(unfit(right, "it is both of the two"));
    }
    let (left, right) = (open(left)?, open(right)?);
    let [outward, back] = [(); 2].map(|()| Arc::new(Mutex::new(Headers::default())));
    Ok([
        Wire::new(
            [&left, &right].map(Arc::clone),
            [&outward, &back].map(Arc::clone),
        ),
        Wire::new([right, left], [back, outward]),
    ])
}

fn open(name: &str) -> Result<Arc<Station>, LiveError> {
    let socket = PacketSocket::open().map_err(LiveError::system(OPEN_PACKET))?;
    let (index, address) = look_at(name)?;
    socket
        .hear_untagged()
        .and_then(|()| socket.bind(index))
        .and_then(|()| socket.hear_everything(index))
        .map_err(LiveError::system("listen on an interface"))?;
    Ok(Arc::new(Station { socket, address }))
}

/// The number and the address of an interface that can be one end.
fn look_at(name: &str) -> Result<(u32, [u8; 6]), LiveError> {
    const ETHERNET: u16 = 1;
    let index = if_nametoindex(name).map_err(|_| unfit(name, "there is none of this name"))?;
    let mut all = getifaddrs().map_err(LiveError::system("list interfaces"))?;
    let found = all.find_map(|one| {
        let address = one.address.filter(|_| one.interface_name == name)?;
        let link = address.as_link_addr()?;
        Some((one.flags, link.hatype(), link.addr()))
    });
    match found {
        Some((flags, ETHERNET, Some(address))) if flags.contains(InterfaceFlags::IFF_UP) => {
            let mut netlink = Netlink::open().map_err(LiveError::system("open rtnetlink"))?;
            let is_part = netlink
                .is_part_of_another(index)
                .map_err(LiveError::system("ask for an interface"))?;
            if is_part {
                return Err(unfit(name, "it is part of a bridge or a bond"));
            }
            Ok((index, address))
        }
        Some((_, ETHERNET, _)) => Err(unfit(name, "it is down")),
        _ => Err(unfit(name, "it is no Ethernet interface")),
    }
}

/// Whether the machine tells stations at an interface that it has its addresses of other
/// interfaces there, as Linux does unless it is told otherwise. Packets to those do not
/// take a link that begins at the interface.
#[must_use]
pub fn answers_for_other_interfaces(name: &str) -> bool {
    let ignores = |of: &str| {
        let value = std::fs::read_to_string(format!("/proc/sys/net/ipv4/conf/{of}/arp_ignore"));
        value.is_ok_and(|value| value.trim() != "0")
    };
    !ignores("all") && !ignores(name)
}

fn unfit(name: &str, why: &'static str) -> LiveError {
    LiveError::Interface {
        name: name.to_owned(),
        why,
    }
}
