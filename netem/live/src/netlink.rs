//! As much of rtnetlink as devices in a namespace need.
//!
//! Implements: requests with acknowledgement of RFC 3549 (`RTM_NEWLINK`,
//! `RTM_NEWADDR`, `RTM_NEWROUTE`), attributes of Linux's `if_link.h`, `if_addr.h` and
//! `rtnetlink.h`.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd as _, OwnedFd};

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};

const NEW_LINK: u16 = 16;
const NEW_ADDRESS: u16 = 20;
const NEW_ROUTE: u16 = 24;
/// The answer to a request, or an error.
const ERROR: u16 = 2;

const REQUEST: u16 = 0x1;
const ACKNOWLEDGE: u16 = 0x4;
const EXCLUSIVE: u16 = 0x200;
const CREATE: u16 = 0x400;

const IFLA_MTU: u16 = 4;
const IFLA_TXQLEN: u16 = 13;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_FLAGS: u16 = 8;
/// No duplicate address detection: the address is there at once.
const IFA_F_NODAD: u32 = 0x02;
const RTA_OIF: u16 = 4;

const IFF_UP: u32 = 1;
const IFF_MULTICAST: u32 = 0x1000;
const HEADER: usize = 16;

/// A socket to the kernel, in the network namespace of the thread that opened it.
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

    /// Sets a device up, without multicast: the system would send reports of group
    /// membership of its own.
    pub(crate) fn up(&mut self, index: u32, device: Device) -> io::Result<()> {
        let mut body = Body::default();
        body.bytes(&[0; 4]).u32(index);
        body.u32(IFF_UP).u32(IFF_UP | IFF_MULTICAST);
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
        self.sequence += 1;
        let length = u32::try_from(HEADER + body.0.len()).unwrap_or(u32::MAX);
        let mut message = Body::default();
        message
            .u32(length)
            .u16(kind)
            .u16(REQUEST | ACKNOWLEDGE | flags)
            .u32(self.sequence)
            .u32(0)
            .bytes(&body.0);
        let fd = self.socket.as_raw_fd();
        send(fd, &message.0, MsgFlags::empty())?;
        let mut answer = [0; 4096];
        loop {
            let length = recv(fd, &mut answer, MsgFlags::empty())?;
            if let Some(result) = verdict(&answer[..length], self.sequence) {
                return result;
            }
        }
    }
}

/// What the kernel says to the request of this number, if it does.
fn verdict(answer: &[u8], sequence: u32) -> Option<io::Result<()>> {
    let word = |at: usize| Some(u32::from_ne_bytes(*answer.get(at..)?.first_chunk()?));
    let kind = u16::from_ne_bytes(*answer.get(4..)?.first_chunk()?);
    if kind != ERROR || word(8)? != sequence {
        return None;
    }
    match word(HEADER)?.cast_signed() {
        0 => Some(Ok(())),
        error => Some(Err(io::Error::from_raw_os_error(error.wrapping_neg()))),
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
    fn attributes_are_padded() {
        let mut body = Body::default();
        body.attribute(3, b"abcde");
        assert_eq!(body.0.len(), 12);
        assert_eq!(body.0[..2], 9_u16.to_ne_bytes());
    }
}
