//! As much of rtnetlink as devices in a namespace need.
//!
//! Implements: requests with acknowledgement of RFC 3549 (`RTM_NEWLINK`,
//! `RTM_NEWADDR`, `RTM_NEWROUTE`) and `RTM_GETLINK`, attributes of Linux's `if_link.h`,
//! `veth.h`, `if_addr.h` and `rtnetlink.h`.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};

const NEW_LINK: u16 = 16;
const GET_LINK: u16 = 18;
const NEW_ADDRESS: u16 = 20;
const NEW_ROUTE: u16 = 24;
/// The answer to a request, or an error.
const ERROR: u16 = 2;

const REQUEST: u16 = 0x1;
const ACKNOWLEDGE: u16 = 0x4;
const EXCLUSIVE: u16 = 0x200;
const CREATE: u16 = 0x400;

const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_MASTER: u16 = 10;
const IFLA_TXQLEN: u16 = 13;
const IFLA_LINKINFO: u16 = 18;
const IFLA_STATS64: u16 = 23;
const IFLA_AF_SPEC: u16 = 26;
const IFLA_NET_NS_FD: u16 = 28;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const VETH_INFO_PEER: u16 = 1;
const IFLA_INET6_ADDR_GEN_MODE: u16 = 8;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_FLAGS: u16 = 8;
/// No duplicate address detection: the address is there at once.
const IFA_F_NODAD: u32 = 0x02;
const RTA_OIF: u16 = 4;

const IFF_UP: u32 = 1;
const IFF_NOARP: u32 = 0x80;
const IFF_MULTICAST: u32 = 0x1000;
/// Bytes of the header of a message.
const HEADER: usize = 16;
/// Bytes that name a device, ahead of attributes (`struct ifinfomsg`).
const LINK: usize = 16;

/// A socket to the kernel, in the network namespace of the thread that opened it.
#[derive(Debug)]
pub(crate) struct Netlink {
    socket: OwnedFd,
    sequence: u32,
}

/// What to change of a device.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Device {
    pub(crate) mtu: Option<u32>,
    /// Packets that may wait for a reader.
    pub(crate) queue: Option<u32>,
}

/// A half of a pair of Ethernet devices.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Half {
    pub(crate) name: &'static str,
    pub(crate) address: [u8; 6],
}

impl Netlink {
    pub(crate) fn open() -> io::Result<Self> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkRoute,
        )?;
        Ok(Self {
            socket,
            sequence: 0,
        })
    }

    /// Makes a pair of Ethernet devices: what one sends, the other one receives.
    pub(crate) fn add_pair(&mut self, halves: [Half; 2]) -> io::Result<()> {
        let [one, other] = halves.map(|half| {
            let mut body = Body::default();
            body.link(0);
            body.attribute(IFLA_IFNAME, &[half.name.as_bytes(), &[0]].concat());
            body.attribute(IFLA_ADDRESS, &half.address);
            body
        });
        let mut data = Body::default();
        data.attribute(VETH_INFO_PEER, &other.0);
        let mut info = Body::default();
        info.attribute(IFLA_INFO_KIND, b"veth");
        info.attribute(IFLA_INFO_DATA, &data.0);
        let mut body = one;
        body.attribute(IFLA_LINKINFO, &info.0);
        self.request(NEW_LINK, CREATE | EXCLUSIVE, &body)
    }

    /// Moves a device into another network namespace.
    pub(crate) fn move_to(&mut self, index: u32, namespace: BorrowedFd<'_>) -> io::Result<()> {
        let mut body = Body::default();
        body.link(index);
        body.attribute(IFLA_NET_NS_FD, &namespace.as_raw_fd().to_ne_bytes());
        self.request(NEW_LINK, 0, &body)
    }

    /// Lets a device have no IPv6 address of the system's own choice, for which it would
    /// send solicitations.
    fn choose_no_address(&mut self, index: u32) -> io::Result<()> {
        const NONE: u8 = 1;
        let mut ipv6 = Body::default();
        ipv6.attribute(IFLA_INET6_ADDR_GEN_MODE, &[NONE]);
        let mut families = Body::default();
        families.attribute(libc::AF_INET6 as u16, &ipv6.0);
        let mut body = Body::default();
        body.link(index);
        body.attribute(IFLA_AF_SPEC, &families.0);
        self.request(NEW_LINK, 0, &body)
    }

    /// Packets that a device was to send and dropped, since it is there.
    pub(crate) fn dropped(&mut self, index: u32) -> io::Result<u64> {
        // `tx_dropped` of `struct rtnl_link_stats64`.
        const PLACE: usize = 7;
        let description = self.describe(index)?;
        let (counters, _) = attribute(&description, IFLA_STATS64)
            .unwrap_or_default()
            .as_chunks::<8>();
        Ok(counters.get(PLACE).copied().map_or(0, u64::from_ne_bytes))
    }

    /// Whether a device is part of another one, like a bridge.
    pub(crate) fn is_part_of_another(&mut self, index: u32) -> io::Result<bool> {
        let description = self.describe(index)?;
        Ok(attribute(&description, IFLA_MASTER).is_some())
    }

    fn describe(&mut self, index: u32) -> io::Result<Vec<u8>> {
        let mut body = Body::default();
        body.link(index);
        self.send(GET_LINK, 0, &body)?;
        let mut answer = vec![0; 1 << 15];
        loop {
            let answer = self.receive(&mut answer)?;
            if let Some(result) = verdict(answer, self.sequence) {
                result?;
            } else if word(answer, 8) == Some(self.sequence) {
                return Ok(answer.to_vec());
            }
        }
    }

    /// Lets a device send nothing of its own: it asks for no neighbours' addresses and
    /// reports no membership of groups. To be called before it has an address.
    pub(crate) fn silence(&mut self, index: u32) -> io::Result<()> {
        let mut body = Body::default();
        body.bytes(&[0; 4]).u32(index);
        body.u32(IFF_NOARP).u32(IFF_NOARP | IFF_MULTICAST);
        self.request(NEW_LINK, 0, &body)?;
        // Where there is no IPv6 at all there is nothing to choose.
        let _ = self.choose_no_address(index);
        Ok(())
    }

    /// Sets a device up.
    pub(crate) fn up(&mut self, index: u32, device: Device) -> io::Result<()> {
        let mut body = Body::default();
        body.bytes(&[0; 4]).u32(index);
        body.u32(IFF_UP).u32(IFF_UP);
        if let Some(mtu) = device.mtu {
            body.attribute(IFLA_MTU, &mtu.to_ne_bytes());
        }
        if let Some(queue) = device.queue {
            body.attribute(IFLA_TXQLEN, &queue.to_ne_bytes());
        }
        self.request(NEW_LINK, 0, &body)
    }

    /// Gives a device an address, in a network of so many bits.
    pub(crate) fn add_address(&mut self, index: u32, ip: IpAddr, prefix: u8) -> io::Result<()> {
        let (family, octets) = octets(ip);
        let mut body = Body::default();
        body.bytes(&[family, prefix, 0, 0]).u32(index);
        body.attribute(IFA_LOCAL, &octets);
        body.attribute(IFA_ADDRESS, &octets);
        body.attribute(IFA_FLAGS, &IFA_F_NODAD.to_ne_bytes());
        self.request(NEW_ADDRESS, CREATE | EXCLUSIVE, &body)
    }

    /// Sends everything of the family of `like` that has no better way to a device.
    pub(crate) fn add_default_route(&mut self, index: u32, like: IpAddr) -> io::Result<()> {
        const MAIN: u8 = 254;
        const BOOT: u8 = 3;
        const LINK: u8 = 253;
        const UNICAST: u8 = 1;
        let (family, _) = octets(like);
        let mut body = Body::default();
        body.bytes(&[family, 0, 0, 0, MAIN, BOOT, LINK, UNICAST])
            .u32(0);
        body.attribute(RTA_OIF, &index.to_ne_bytes());
        self.request(NEW_ROUTE, CREATE | EXCLUSIVE, &body)
    }

    /// Sends a request and waits for its answer.
    fn request(&mut self, kind: u16, flags: u16, body: &Body) -> io::Result<()> {
        self.send(kind, ACKNOWLEDGE | flags, body)?;
        let mut answer = [0; 4096];
        loop {
            let answer = self.receive(&mut answer)?;
            if let Some(result) = verdict(answer, self.sequence) {
                return result;
            }
        }
    }

    fn send(&mut self, kind: u16, flags: u16, body: &Body) -> io::Result<()> {
        self.sequence += 1;
        let length = u32::try_from(HEADER + body.0.len()).unwrap_or(u32::MAX);
        let mut message = Body::default();
        message
            .u32(length)
            .u16(kind)
            .u16(REQUEST | flags)
            .u32(self.sequence)
            .u32(0)
            .bytes(&body.0);
        send(self.socket.as_raw_fd(), &message.0, MsgFlags::empty())?;
        Ok(())
    }

    fn receive<'a>(&self, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
        let length = recv(self.socket.as_raw_fd(), buffer, MsgFlags::empty())?;
        Ok(&buffer[..length])
    }
}

fn word(message: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*message.get(at..)?.first_chunk()?))
}

/// What the kernel says to the request of this number, if it does.
fn verdict(answer: &[u8], sequence: u32) -> Option<io::Result<()>> {
    let kind = u16::from_ne_bytes(*answer.get(4..)?.first_chunk()?);
    if kind != ERROR || word(answer, 8)? != sequence {
        return None;
    }
    match word(answer, HEADER)?.cast_signed() {
        0 => Some(Ok(())),
        error => Some(Err(io::Error::from_raw_os_error(error.wrapping_neg()))),
    }
}

/// The value of an attribute in the description of a device.
fn attribute(description: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut attributes = description.get(HEADER + LINK..)?;
    loop {
        let length = usize::from(u16::from_ne_bytes(*attributes.first_chunk()?));
        let kind = u16::from_ne_bytes(*attributes.get(2..)?.first_chunk()?);
        let value = attributes.get(4..length)?;
        if kind == wanted {
            return Some(value);
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
}

fn octets(ip: IpAddr) -> (u8, Vec<u8>) {
    match ip {
        IpAddr::V4(ip) => (libc::AF_INET as u8, ip.octets().to_vec()),
        IpAddr::V6(ip) => (libc::AF_INET6 as u8, ip.octets().to_vec()),
    }
}

/// A message being written, in the order of the machine.
#[derive(Default)]
struct Body(Vec<u8>);

impl Body {
    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_ne_bytes())
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_ne_bytes())
    }

    /// The device that attributes are of; zero for a new one.
    fn link(&mut self, index: u32) -> &mut Self {
        self.bytes(&[0; 4]).u32(index).u32(0).u32(0)
    }

    fn attribute(&mut self, kind: u16, value: &[u8]) {
        let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
        self.u16(length).u16(kind).bytes(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let mut answer = Body::default();
        answer.u32(36).u16(ERROR).u16(0).u32(7).u32(0).u32(0);
        assert!(verdict(&answer.0, 7).unwrap().is_ok());
        assert!(verdict(&answer.0, 8).is_none(), "of another request");
        let mut refused = Body::default();
        let permission = (-libc::EPERM).cast_unsigned();
        refused
            .u32(36)
            .u16(ERROR)
            .u16(0)
            .u32(7)
            .u32(0)
            .u32(permission);
        let error = verdict(&refused.0, 7).unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(verdict(&[1, 2, 3], 7).is_none());
    }

    #[test]
    fn attributes_stand_behind_others() {
        let mut answer = Body::default();
        answer.bytes(&[0; HEADER]).link(2);
        answer.attribute(IFLA_IFNAME, b"name\0");
        answer.attribute(IFLA_STATS64, b"12345678");
        let find = |answer| attribute(answer, IFLA_STATS64);
        assert_eq!(find(&answer.0), Some(&b"12345678"[..]));
        assert_eq!(attribute(&answer.0, IFLA_MASTER), None);
        for length in 0..answer.0.len() {
            assert_eq!(find(&answer.0[..length]), None, "{length}");
        }
    }

    #[test]
    fn attributes_are_padded() {
        let mut body = Body::default();
        body.attribute(3, b"abcde");
        assert_eq!(body.0.len(), 12);
        assert_eq!(body.0[..2], 9_u16.to_ne_bytes());
    }
}
