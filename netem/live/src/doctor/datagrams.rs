//! Numbered datagrams from the left end to the right end.
//!
//! Implements: times of arrival are the kernel's (`SO_TIMESTAMPNS`), taken when the
//! emulator hands a packet over, so that a reader that wakes late does not count as an
//! emulator's error. Senders hand over many datagrams at once where the device takes
//! them (`UDP_SEGMENT`).

use std::io::{self, IoSliceMut};
use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::sockopt::{RcvBuf, RcvBufForce, ReceiveTimestampns, UdpGsoSegment};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt};
use nix::sys::time::TimeSpec;

use super::site::Failed;
use crate::address::{LEFT, RIGHT};
use crate::end::Namespaces;

/// Bytes of IPv4 and UDP headers.
pub(super) const HEADERS: usize = 28;
/// Bytes that may wait at a receiver, where that may be asked for.
const ROOM: usize = 16 << 20;
/// Nothing comes any more when all is sent and nothing has come for so long.
const QUIET: Duration = Duration::from_millis(500);
/// How often a paced sender looks what is due.
const LOOK: Duration = Duration::from_millis(1);

/// Sends datagrams that count up from 0.
pub(super) struct Sender {
    socket: UdpSocket,
    /// Bytes of a datagram, without headers.
    payload: usize,
    /// Datagrams that are handed over at once.
    batch: usize,
    buffer: Vec<u8>,
    pub(super) sent: u64,
}

/// Receives them.
pub(super) struct Receiver {
    socket: UdpSocket,
    buffer: Vec<u8>,
    control: Vec<u8>,
}

/// A sender at the left end of datagrams of so many bytes, IP header included, and
/// their receiver at the right end.
pub(super) fn pair(namespaces: &Namespaces, size: usize) -> Result<(Sender, Receiver), Failed> {
    let open = |end: usize, ip| {
        let bound = namespaces.within(end, move || UdpSocket::bind((ip, 0)))?;
        bound.map_err(Failed::socket("open a UDP socket"))
    };
    let (left, right) = (open(0, LEFT.v4)?, open(1, RIGHT.v4)?);
    let connected = right.local_addr().and_then(|to| left.connect(to));
    connected.map_err(Failed::socket("connect a UDP socket"))?;
    let payload = size.saturating_sub(HEADERS).max(8);
    // Fails where the kernel has no such thing: then one at a time.
    let segments = i32::try_from(payload).unwrap_or(i32::MAX);
    let batch = match setsockopt(&left, UdpGsoSegment, &segments) {
        Ok(()) => (60_000 / payload).clamp(1, 60),
        Err(_) => 1,
    };
    // The first takes a right, the second is cut to what the system allows.
    if setsockopt(&right, RcvBufForce, &ROOM).is_err() {
        let _ = setsockopt(&right, RcvBuf, &ROOM);
    }
    setsockopt(&right, ReceiveTimestampns, &true)
        .map_err(Failed::socket("ask for times of arrival"))?;
    right
        .set_read_timeout(Some(QUIET))
        .map_err(Failed::socket("set up a UDP socket"))?;
    Ok((
        Sender {
            socket: left,
            payload,
            batch,
            buffer: Vec::new(),
            sent: 0,
        },
        Receiver {
            socket: right,
            buffer: vec![0; 1 << 16],
            control: nix::cmsg_space!(TimeSpec),
        },
    ))
}

impl Sender {
    /// Sends the next datagrams, as many as are handed over at once and at most so many.
    pub(super) fn send(&mut self, most: u64) -> Result<(), Failed> {
        let count = most.min(self.batch as u64);
        self.buffer.clear();
        for number in self.sent..self.sent + count {
            let end = self.buffer.len() + self.payload;
            self.buffer.extend_from_slice(&number.to_be_bytes());
            self.buffer.resize(end, 0);
        }
        match self.socket.send(&self.buffer) {
            Ok(_) => {
                self.sent += count;
                Ok(())
            }
            // The device does not sum up what it is given: no batches over it.
            Err(error) if error.raw_os_error() == Some(libc::EIO) && self.batch > 1 => {
                self.batch = 1;
                let _ = setsockopt(&self.socket, UdpGsoSegment, &0);
                self.send(most)
            }
            // The device has no room now. The number is not used up.
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => Ok(()),
            Err(error) => Err(Failed::socket("send a datagram")(error)),
        }
    }

    /// Sends for so long as fast as it goes; how long that was.
    pub(super) fn flood(&mut self, time: Duration) -> Result<Duration, Failed> {
        let start = Instant::now();
        while start.elapsed() < time {
            self.send(u64::MAX)?;
        }
        Ok(start.elapsed())
    }

    /// Sends so many a second for so long, those of the time `ahead` at once.
    pub(super) fn pace(
        &mut self,
        per_second: f64,
        ahead: Duration,
        time: Duration,
    ) -> Result<(), Failed> {
        let start = Instant::now();
        while start.elapsed() < time {
            let due = per_second * (start.elapsed() + ahead).as_secs_f64();
            while self.sent < due as u64 {
                self.send(due as u64 - self.sent)?;
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }
}

impl Receiver {
    /// The number of the next datagram, and the nanosecond at which it came; `None`
    /// when nothing comes any more and the stream is over.
    pub(super) fn receive(&mut self, is_over: &AtomicBool) -> Result<Option<(u64, u64)>, Failed> {
        loop {
            let mut parts = [IoSliceMut::new(&mut self.buffer)];
            let fd = self.socket.as_raw_fd();
            let flags = MsgFlags::empty();
            let control = Some(self.control.as_mut_slice());
            let message = match recvmsg::<()>(fd, &mut parts, control, flags) {
                Ok(message) => message,
                Err(Errno::EINTR) => continue,
                Err(Errno::EAGAIN) if is_over.load(Ordering::Acquire) => return Ok(None),
                Err(Errno::EAGAIN) => continue,
                Err(error) => return Err(Failed::socket("receive a datagram")(error)),
            };
            let controls = message.cmsgs();
            let controls = controls.map_err(Failed::socket("read a time of arrival"))?;
            let stamp = controls.into_iter().find_map(|control| match control {
                ControlMessageOwned::ScmTimestampns(at) => Some(Duration::from(at)),
                _ => None,
            });
            let length = message.bytes;
            let Some(stamp) = stamp else {
                let missing = io::Error::other("the kernel gave none");
                return Err(Failed::socket("read a time of arrival")(missing));
            };
            if let Some(number) = self.buffer[..length].first_chunk() {
                let at = u64::try_from(stamp.as_nanos()).unwrap_or(u64::MAX);
                return Ok(Some((u64::from_be_bytes(*number), at)));
            }
        }
    }
}
