//! A TUN device: IP packets and super-frames of them.
//!
//! Implements: Linux's `tun.c` without packet information (`IFF_NO_PI`), with virtio
//! headers (`IFF_VNET_HDR`). The device goes when its last descriptor does.
#![allow(unsafe_code, reason = "two ioctls; nothing else in here")]

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;

use super::Port;
use super::statistics::Statistics;
use crate::error::{LiveError, MAKE_TUN, OPEN_TUN};

/// A device in the network namespace in which it was opened. Copies are the same
/// device.
#[derive(Debug, Clone)]
pub struct Tun(Arc<Device>);

#[derive(Debug)]
struct Device {
    file: File,
    statistics: Statistics,
}

impl Tun {
    /// Makes a device of this name in the network namespace of this thread. Without
    /// `super_frames` senders give it the packets that are on the wire, one at a time.
    ///
    /// # Errors
    /// When there is no `/dev/net/tun`, or no right to it.
    pub fn create(name: &str, super_frames: bool) -> Result<Self, LiveError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
            .open("/dev/net/tun")
            .map_err(LiveError::system(OPEN_TUN))?;
        let mut request = libc::ifreq {
            ifr_name: [0; libc::IFNAMSIZ],
            ifr_ifru: libc::__c_anonymous_ifr_ifru {
                ifru_flags: (libc::IFF_TUN | libc::IFF_NO_PI | libc::IFF_VNET_HDR) as libc::c_short,
            },
        };
        let most = libc::IFNAMSIZ - 1;
        for (to, from) in request.ifr_name.iter_mut().zip(name.bytes().take(most)) {
            *to = from as libc::c_char;
        }
        // SAFETY: the descriptor is open, and TUNSETIFF reads and writes an `ifreq`,
        // which `request` is for the whole call.
        let result = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
        if result < 0 {
            let error = io::Error::last_os_error();
            return Err(LiveError::system(MAKE_TUN)(error));
        }
        if super_frames {
            offer(&file);
        }
        let statistics = Statistics::of(name).map_err(LiveError::system(MAKE_TUN))?;
        Ok(Self(Arc::new(Device { file, statistics })))
    }
}

/// Tells the kernel that it may leave checksums and cutting to the reader. Before Linux
/// 6.2 there are no super-frames of UDP, and without any of it there are only packets.
fn offer(file: &File) {
    const CHECKSUM: libc::c_ulong = 0x01;
    const TCP: libc::c_ulong = 0x02 | 0x04 | 0x08;
    const UDP: libc::c_ulong = 0x20 | 0x40;
    for offers in [CHECKSUM | TCP | UDP, CHECKSUM | TCP] {
        // SAFETY: the descriptor is open; TUNSETOFFLOAD takes a number, no pointer.
        if unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETOFFLOAD, offers) } == 0 {
            return;
        }
    }
}

impl Port for Tun {
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match (&self.0.file).read(buffer) {
            Ok(length) => Ok(Some(length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        (&self.0.file).write_vectored(parts).map(|_| ())
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.0.file.as_fd()
    }

    fn dropped(&self) -> io::Result<u64> {
        self.0.statistics.dropped()
    }
}
