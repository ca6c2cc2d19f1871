//! Where packets come from and go to.

mod tun;

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;

pub use tun::Tun;

/// A device that gives and takes IP packets and super-frames, each behind the ten
/// bytes of a virtio header.
pub trait Port: Send {
    /// A frame that came, in the first bytes of `buffer`: its length. `None` when there
    /// is none now.
    ///
    /// # Errors
    /// Those of the device.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>>;

    /// Hands a frame on, given in parts. One that the device does not take is lost.
    ///
    /// # Errors
    /// Those of the device.
    fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()>;

    /// What to wait on.
    fn fd(&self) -> BorrowedFd<'_>;
}
