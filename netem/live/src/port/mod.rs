//! Where packets come from and go to.

mod tun;

use std::io;
use std::os::fd::BorrowedFd;

pub use tun::Tun;

/// A device that gives and takes IP packets.
pub trait Port: Send {
    /// A packet that came, in the first bytes of `buffer`: its length. `None` when
    /// there is none now.
    ///
    /// # Errors
    /// Those of the device.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>>;

    /// Hands a packet on. One that the device does not take is lost.
    ///
    /// # Errors
    /// Those of the device.
    fn send(&mut self, packet: &[u8]) -> io::Result<()>;

    /// What to wait on.
    fn fd(&self) -> BorrowedFd<'_>;
}
