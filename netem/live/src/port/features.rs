//! What a device does for the senders in front of it.
#![allow(unsafe_code, reason = "one ioctl; nothing else in here")]

use std::io;
use std::os::fd::AsRawFd as _;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

/// Checksums, and the cutting of super-frames (`linux/ethtool.h`): to be switched off.
const FEATURES: [u32; 4] = [
    0x24, // ETHTOOL_SGSO
    0x1f, // ETHTOOL_STSO
    0x19, // ETHTOOL_SSG
    0x17, // ETHTOOL_STXCSUM
];

/// `struct ethtool_value`.
#[repr(C)]
struct Value {
    command: u32,
    data: u32,
}

/// Lets senders give a device of this thread's network namespace complete packets, one
/// at a time.
pub(super) fn switch_off(name: &str) -> io::Result<()> {
    let any = socket(
        AddressFamily::Inet,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    for command in FEATURES {
        let mut value = Value { command, data: 0 };
        let mut request = libc::ifreq {
            ifr_name: [0; libc::IFNAMSIZ],
            ifr_ifru: libc::__c_anonymous_ifr_ifru {
                ifru_data: (&raw mut value).cast(),
            },
        };
        let most = libc::IFNAMSIZ - 1;
        for (to, from) in request.ifr_name.iter_mut().zip(name.bytes().take(most)) {
            *to = from as libc::c_char;
        }
        // SAFETY: the descriptor is open, and SIOCETHTOOL reads an `ifreq` that points
        // to an `ethtool_value`; both are there for the whole call.
        let result =
            unsafe { libc::ioctl(any.as_raw_fd(), libc::SIOCETHTOOL as _, &raw mut request) };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}
