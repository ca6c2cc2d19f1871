//! What a device's system says about it.

use std::io;
use std::sync::Mutex;

use crate::netlink::Netlink;

/// Asks for a device of the network namespace in which this was made.
#[derive(Debug)]
pub(super) struct Statistics {
    netlink: Mutex<Netlink>,
    index: u32,
}

impl Statistics {
    /// For the device of this name in the network namespace of this thread.
    pub(super) fn of(name: &str) -> io::Result<Self> {
        let index = nix::net::if_::if_nametoindex(name)?;
        let netlink = Mutex::new(Netlink::open()?);
        Ok(Self { netlink, index })
    }

    /// Packets that the device was to send and dropped.
    pub(super) fn dropped(&self) -> io::Result<u64> {
        let netlink = self.netlink.lock();
        let mut netlink = netlink.map_err(|_| io::Error::other("a thread has panicked"))?;
        netlink.dropped(self.index)
    }
}
