//! A pair of Ethernet devices in place of a TUN device, where that may not be had.
//!
//! One half is the device of the end. The other half is alone in a network namespace
//! with a packet socket, through which its frames come and go. No address is ever
//! resolved: the end's half says that it needs none, so that its frames carry its own
//! address as their destination. To the other half these are frames for someone else,
//! which its system neither answers nor forwards, while the socket sees them.
//!
//! Implements: what veth(4) and packet(7) of Linux offer to users who are root in a
//! user namespace only.
//! Differs: Ethernet headers are put on and taken off here.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;

use nix::net::if_::if_nametoindex;
use nix::sched::{CloneFlags, unshare};

use super::Port;
use super::ethernet::{ETHERNET, dress, header, is_ip, strip};
use super::features;
use super::packet::PacketSocket;
use super::statistics::Statistics;
use crate::error::{LiveError, MAKE_PAIR, NEW_NETWORK, OPEN_PACKET};
use crate::netlink::{Device, Half, Netlink};
use crate::offload::HEADER;

/// Addresses of the halves: locally administered, individual (IEEE 802 section 8.2).
const OF_END: [u8; 6] = [0x02, 0, 0, 0, 0, 1];
const OF_SOCKET: [u8; 6] = [0x02, 0, 0, 0, 0, 2];
/// The name of the half that the socket is for.
const OTHER: &str = "port";

/// A device in an end's network namespace. Copies are the same device.
#[derive(Debug, Clone)]
pub struct Veth(Arc<Pair>);

#[derive(Debug)]
struct Pair {
    socket: PacketSocket,
    statistics: Statistics,
}

impl Veth {
    /// Makes a pair in the network namespace of this thread, which should have nothing
    /// else in it, and moves the thread and the half of this name into a new one.
    /// Without `super_frames` senders give it the packets that are on the wire, one at
    /// a time.
    ///
    /// # Errors
    /// When the system has no such devices, or gives no right to them.
    pub(crate) fn create(name: &'static str, super_frames: bool) -> Result<Self, LiveError> {
        let socket = PacketSocket::open().map_err(LiveError::system(OPEN_PACKET))?;
        let make = || -> io::Result<(Netlink, u32)> {
            let half = |name, address| Half { name, address };
            let mut netlink = Netlink::open()?;
            netlink.add_pair([half(name, OF_END), half(OTHER, OF_SOCKET)])?;
            let other = if_nametoindex(OTHER)?;
            netlink.silence(other)?;
            socket.bypass_queue()?;
            socket.bind(other)?;
            netlink.up(other, Device::default())?;
            Ok((netlink, if_nametoindex(name)?))
        };
        let (mut netlink, index) = make().map_err(LiveError::system(MAKE_PAIR))?;
        unshare(CloneFlags::CLONE_NEWNET).map_err(LiveError::system(NEW_NETWORK))?;
        let mut take = || -> io::Result<Statistics> {
            let here = File::open("/proc/thread-self/ns/net")?;
            netlink.move_to(index, here.as_fd())?;
            if !super_frames {
                features::switch_off(name)?;
            }
            Statistics::of(name)
        };
        let statistics = take().map_err(LiveError::system(MAKE_PAIR))?;
        Ok(Self(Arc::new(Pair { socket, statistics })))
    }
}

impl Port for Veth {
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let Some((virtio, frame)) = buffer.split_first_chunk_mut::<HEADER>() else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        loop {
            let mut ethernet = [0; ETHERNET];
            let mut parts = [&mut virtio[..], &mut ethernet, frame].map(IoSliceMut::new);
            let Some(length) = self.0.socket.receive(&mut parts)? else {
                return Ok(None);
            };
            if length > HEADER + ETHERNET && is_ip(&ethernet) {
                strip(virtio);
                return Ok(Some(length - ETHERNET));
            }
        }
    }

    fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
        let (virtio, packet) = parts.split_first().ok_or_else(invalid)?;
        let mut virtio = <[u8; HEADER]>::try_from(&virtio[..]).map_err(|_| invalid())?;
        let first = packet.first().ok_or_else(invalid)?;
        let ethernet = header(OF_END, OF_SOCKET, first).ok_or_else(invalid)?;
        dress(&mut virtio);
        let mut all = Vec::with_capacity(2 + packet.len());
        all.extend([IoSlice::new(&virtio), IoSlice::new(&ethernet)]);
        all.extend_from_slice(packet);
        self.0.socket.send(&all)
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.0.socket.fd()
    }

    fn dropped(&self) -> io::Result<u64> {
        Ok(self.0.statistics.dropped()? + self.0.socket.dropped()?)
    }
}
