//! Where packets come from and go to.

mod either;
pub(crate) mod ethernet;
mod features;
pub(crate) mod packet;
mod statistics;
mod tun;
mod veth;

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;

pub use either::EndPort;
pub use tun::Tun;
pub use veth::Veth;

/// A device that gives and takes IP packets and super-frames, each behind the ten
/// bytes of a virtio header.
pub trait Port: Send {
    /// A frame that came, in the first bytes of `buffer`: its length. `None` when there
    /// is none now.
    ///
    /// # Errors
    /// Those of the device.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>>;

    /// Hands a frame on, given in parts, the first of which is the header. One that the
    /// device does not take is lost.
    ///
    /// # Errors
    /// Those of the device.
    fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()>;

    /// What to wait on.
    fn fd(&self) -> BorrowedFd<'_>;

    /// Frames that came since the start and that the system dropped before they were
    /// received: a loss that is not of the link. A super-frame counts as one.
    ///
    /// # Errors
    /// Those of the device.
    fn dropped(&self) -> io::Result<u64>;
}
