//! The device of an end, of whichever kind.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;

use super::{Port, Tun, Veth};
use crate::outside::Frames;

/// The device of an end.
#[derive(Debug, Clone)]
pub enum EndPort {
    /// A TUN device.
    Tun(Tun),
    /// A pair of Ethernet devices, and a packet socket.
    Veth(Veth),
    /// A socket to a process that is the outside network.
    Outside(Frames),
}

impl EndPort {
    fn port(&mut self) -> &mut dyn Port {
        match self {
            Self::Tun(port) => port,
            Self::Veth(port) => port,
            Self::Outside(port) => port,
        }
    }

    fn as_port(&self) -> &dyn Port {
        match self {
            Self::Tun(port) => port,
            Self::Veth(port) => port,
            Self::Outside(port) => port,
        }
    }
}

impl Port for EndPort {
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        self.port().receive(buffer)
    }

    fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        self.port().send(parts)
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.as_port().fd()
    }

    fn dropped(&self) -> io::Result<u64> {
        self.as_port().dropped()
    }
}
