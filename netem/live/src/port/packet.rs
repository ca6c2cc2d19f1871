//! Packet sockets: all frames of a device, with virtio headers.
//!
//! Implements: packet(7) of Linux with `PACKET_VNET_HDR`, for which a socket takes
//! super-frames and packets whose checksum is still to be computed.
//! Not modelled: tags of VLANs, which the kernel takes out of frames.
#![allow(unsafe_code, reason = "options of sockets; nothing else in here")]

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::size_of;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

/// `PACKET_IGNORE_OUTGOING` of Linux 4.20.
const IGNORE_OUTGOING: libc::c_int = 23;
/// Bytes that may wait for a worker: some hundred super-frames. Users without rights get
/// what `net.core.rmem_max` says.
const WAITING: libc::c_int = 64 << 20;
/// The same where that is refused.
const WAITING_OF_USERS: libc::c_int = 16 << 20;
const EVERYTHING: u16 = libc::ETH_P_ALL as u16;

/// A socket for all frames of one device.
#[derive(Debug)]
pub(crate) struct PacketSocket {
    file: File,
    dropped: AtomicU64,
}

impl PacketSocket {
    /// A socket in the network namespace of this thread that receives nothing yet.
    pub(crate) fn open() -> io::Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let fd = socket(AddressFamily::Packet, SockType::Raw, flags, None)?;
        let socket = Self {
            file: File::from(fd),
            dropped: AtomicU64::new(0),
        };
        socket.set(libc::SOL_PACKET, libc::PACKET_VNET_HDR, 1)?;
        socket.set(libc::SOL_PACKET, IGNORE_OUTGOING, 1)?;
        let buffers = [
            (libc::SO_RCVBUFFORCE, libc::SO_RCVBUF),
            (libc::SO_SNDBUFFORCE, libc::SO_SNDBUF),
        ];
        for (force, ask) in buffers {
            if socket.set(libc::SOL_SOCKET, force, WAITING).is_err() {
                socket.set(libc::SOL_SOCKET, ask, WAITING_OF_USERS)?;
            }
        }
        Ok(socket)
    }

    /// Frames go to the device at once, not to its queue: for one that never makes
    /// them wait.
    pub(crate) fn bypass_queue(&self) -> io::Result<()> {
        self.set(libc::SOL_PACKET, libc::PACKET_QDISC_BYPASS, 1)
    }

    /// From now on the socket is for this device.
    pub(crate) fn bind(&self, index: u32) -> io::Result<()> {
        let address = libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as u16,
            sll_protocol: EVERYTHING.to_be(),
            sll_ifindex: index.cast_signed(),
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 0,
            sll_addr: [0; 8],
        };
        // SAFETY: the descriptor is open, and `address` is a `sockaddr_ll` of the length
        // that is given, for the whole call.
        let result = unsafe {
            libc::bind(
                self.file.as_raw_fd(),
                (&raw const address).cast(),
                size_of::<libc::sockaddr_ll>() as libc::socklen_t,
            )
        };
        check(result)
    }

    /// Lets the device take in what is for other stations too, while the socket is open.
    pub(crate) fn hear_everything(&self, index: u32) -> io::Result<()> {
        let membership = libc::packet_mreq {
            mr_ifindex: index.cast_signed(),
            mr_type: libc::PACKET_MR_PROMISC as u16,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        self.set_to(libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &membership)
    }

    /// Lets frames be whose VLAN tag the kernel has taken out.
    pub(crate) fn hear_untagged(&self) -> io::Result<()> {
        const HAS_TAG: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_VLAN_TAG_PRESENT).cast_unsigned();
        let instruction = |code: u32, jf: u8, k: u32| libc::sock_filter {
            code: code as u16,
            jt: 0,
            jf,
            k,
        };
        let mut program = [
            instruction(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, 0, HAS_TAG),
            instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, 0),
            instruction(libc::BPF_RET | libc::BPF_K, 0, u32::MAX),
            instruction(libc::BPF_RET | libc::BPF_K, 0, 0),
        ];
        let program = libc::sock_fprog {
            len: program.len() as u16,
            filter: program.as_mut_ptr(),
        };
        self.set_to(libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
    }

    /// Fills the parts with a frame: its length, `None` when there is none now. One
    /// that the system cannot describe counts as dropped.
    pub(crate) fn receive(&self, parts: &mut [IoSliceMut<'_>]) -> io::Result<Option<usize>> {
        loop {
            match (&self.file).read_vectored(parts) {
                Ok(length) => return Ok(Some(length)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => match error.raw_os_error() {
                    Some(libc::EINVAL) => drop(self.dropped.fetch_add(1, Ordering::Relaxed)),
                    // Said once when a device goes down; it may come up again.
                    Some(libc::ENETDOWN | libc::EINTR) => {}
                    _ => return Err(error),
                },
            }
        }
    }

    pub(crate) fn send(&self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        (&self.file).write_vectored(parts).map(|_| ())
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Frames for which the socket had no room.
    pub(crate) fn dropped(&self) -> io::Result<u64> {
        let mut statistics = libc::tpacket_stats {
            tp_packets: 0,
            tp_drops: 0,
        };
        let mut length = size_of::<libc::tpacket_stats>() as libc::socklen_t;
        // SAFETY: the descriptor is open; PACKET_STATISTICS writes a `tpacket_stats` of
        // at most the length that is given.
        let result = unsafe {
            libc::getsockopt(
                self.file.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut statistics).cast(),
                &raw mut length,
            )
        };
        check(result)?;
        // The kernel counts from zero again.
        let more = u64::from(statistics.tp_drops);
        Ok(self.dropped.fetch_add(more, Ordering::Relaxed) + more)
    }

    fn set(&self, level: libc::c_int, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
        self.set_to(level, option, &value)
    }

    /// Sets an option to a value of its type.
    fn set_to<T>(&self, level: libc::c_int, option: libc::c_int, value: &T) -> io::Result<()> {
        // SAFETY: the descriptor is open, and the kernel reads at most the bytes of
        // `value`, which with what it points to is there for the whole call.
        let result = unsafe {
            libc::setsockopt(
                self.file.as_raw_fd(),
                level,
                option,
                (&raw const *value).cast(),
                size_of::<T>() as libc::socklen_t,
            )
        };
        check(result)
    }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
