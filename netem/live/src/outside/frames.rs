//! Ethernet frames over a socket to another process.

use std::fs::File;
use std::io::{self, IoSlice, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::arp;
use crate::address::{LEFT, RIGHT};
use crate::offload::{HEADER, LONGEST, Offload, split};
use crate::port::Port;
use crate::port::ethernet::{ETHERNET, header, is_ip};

/// Our station, and everyone.
const STATION: [u8; 6] = [0x02, 0, 0, 0, 0, 1];
const EVERYONE: [u8; 6] = [0xff; 6];
/// Bytes of the length ahead of a frame.
const LENGTH: usize = 4;
/// The longest frame, with its length.
const MOST: usize = LENGTH + ETHERNET + LONGEST;
/// How long the other process may take to start.
const START: Duration = Duration::from_secs(5);
/// Milliseconds for which it may leave its socket full.
const FULL: u8 = 200;

/// How frames are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// Each has its length ahead.
    Lengths,
    /// Each is a message of the socket.
    Messages,
}

/// A port to another process. Copies are the same port.
#[derive(Debug, Clone)]
pub struct Frames(Arc<Socket>);

#[derive(Debug)]
struct Socket {
    file: File,
    framing: Framing,
    incoming: Mutex<Incoming>,
    outgoing: Mutex<Outgoing>,
}

/// What was read and not yet handed on.
#[derive(Debug)]
struct Incoming {
    bytes: Vec<u8>,
    from: usize,
    to: usize,
}

/// Room for what is being written.
#[derive(Debug, Default)]
struct Outgoing {
    frame: Vec<u8>,
    packets: Vec<Vec<u8>>,
    spare: Vec<Vec<u8>>,
}

impl Frames {
    /// For a socket that does not block.
    pub(super) fn new(socket: OwnedFd, framing: Framing) -> Self {
        Self(Arc::new(Socket {
            file: File::from(socket),
            framing,
            incoming: Mutex::new(Incoming {
                bytes: vec![0; 4 * MOST],
                from: 0,
                to: 0,
            }),
            outgoing: Mutex::default(),
        }))
    }

    /// Makes our station known, and waits until the right end makes itself known.
    pub(super) fn greet(&self) -> io::Result<()> {
        let socket = &self.0;
        let request = arp::request(STATION, LEFT.v4, RIGHT.v4);
        let start = Instant::now();
        socket.write(&request[..ETHERNET], &request[ETHERNET..])?;
        while start.elapsed() < START {
            let mut incoming = lock(&socket.incoming)?;
            if let Some(frame) = incoming.next(&socket.file, socket.framing)? {
                if arp::is_reply(frame, RIGHT.v4) {
                    return Ok(());
                }
                continue;
            }
            drop(incoming);
            let mut fds = [PollFd::new(self.fd(), PollFlags::POLLIN)];
            poll(&mut fds, PollTimeout::from(FULL))?;
        }
        Err(io::ErrorKind::TimedOut.into())
    }
}

impl Incoming {
    /// The next frame, `None` when it is not there yet.
    fn next(&mut self, mut file: &File, framing: Framing) -> io::Result<Option<&[u8]>> {
        loop {
            if framing == Framing::Lengths
                && let Some(length) = self.bytes[self.from..self.to].first_chunk::<LENGTH>()
            {
                let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
                if length > MOST - LENGTH {
                    return Err(io::ErrorKind::InvalidData.into());
                }
                let start = self.from + LENGTH;
                if self.to - start >= length {
                    self.from = start + length;
                    return Ok(Some(&self.bytes[start..start + length]));
                }
            }
            self.bytes.copy_within(self.from..self.to, 0);
            (self.from, self.to) = (0, self.to - self.from);
            match file.read(&mut self.bytes[self.to..]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) if framing == Framing::Messages => {
                    return Ok(Some(&self.bytes[..length]));
                }
                Ok(length) => self.to += length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Socket {
    /// Writes one frame, given in two parts; waits while there is no room for it.
    fn write(&self, ethernet: &[u8], packet: &[u8]) -> io::Result<()> {
        let total = ethernet.len() + packet.len();
        let length = u32::try_from(total).unwrap_or(u32::MAX).to_be_bytes();
        let length = match self.framing {
            Framing::Lengths => &length[..],
            Framing::Messages => &[],
        };
        let mut parts = [length, ethernet, packet].map(IoSlice::new);
        let mut rest = &mut parts[..];
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            match (&self.file).write_vectored(rest) {
                Ok(written) => IoSlice::advance_slices(&mut rest, written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let mut fds = [PollFd::new(self.file.as_fd(), PollFlags::POLLOUT)];
                    if poll(&mut fds, PollTimeout::from(FULL))? == 0 {
                        return Err(error);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn lock<T>(what: &Mutex<T>) -> io::Result<MutexGuard<'_, T>> {
    what.lock()
        .map_err(|_| io::Error::other("a thread has panicked"))
}

impl Port for Frames {
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let socket = &self.0;
        let mut incoming = lock(&socket.incoming)?;
        while let Some(frame) = incoming.next(&socket.file, socket.framing)? {
            if let Some((ethernet, packet)) = frame.split_first_chunk::<ETHERNET>()
                && is_ip(ethernet)
                && let Some(room) = buffer.get_mut(HEADER..HEADER + packet.len())
            {
                room.copy_from_slice(packet);
                // Complete packets, each for itself.
                buffer[..HEADER].fill(0);
                return Ok(Some(HEADER + packet.len()));
            }
            if let Some(answer) = arp::answer(frame, STATION, LEFT.v4) {
                socket.write(&answer[..ETHERNET], &answer[ETHERNET..])?;
            }
        }
        Ok(None)
    }

    fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
        let (virtio, rest) = parts.split_first().ok_or_else(invalid)?;
        let offload = Offload::read(virtio).ok_or_else(invalid)?;
        let mut outgoing = lock(&self.0.outgoing)?;
        let Outgoing {
            frame,
            packets,
            spare,
        } = &mut *outgoing;
        frame.clear();
        rest.iter().for_each(|part| frame.extend_from_slice(part));
        let ethernet = header(EVERYONE, STATION, frame).ok_or_else(invalid)?;
        split(
            offload,
            frame,
            || spare.pop().unwrap_or_default(),
            |packet| packets.push(packet),
        );
        let mut sent = Ok(());
        for packet in packets.drain(..) {
            sent = sent.and_then(|()| self.0.write(&ethernet, &packet));
            spare.push(packet);
        }
        sent
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.0.file.as_fd()
    }

    /// The other process waits instead.
    fn dropped(&self) -> io::Result<u64> {
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    fn pair() -> (UnixStream, Frames) {
        let (theirs, ours) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        (theirs, Frames::new(ours.into(), Framing::Lengths))
    }

    /// An IPv4 packet of this length.
    fn packet(length: usize) -> Vec<u8> {
        let mut packet = vec![7; length];
        packet[0] = 0x45;
        packet
    }

    #[test]
    fn frames_come_whole_however_they_are_cut() {
        let (mut theirs, mut ours) = pair();
        let mut stream = Vec::new();
        for length in [20, 1_500, 60] {
            let length = ETHERNET + length;
            stream.extend(u32::try_from(length).unwrap().to_be_bytes());
            let ethernet = header(STATION, EVERYONE, &[0x45]).unwrap();
            stream.extend(ethernet);
            stream.extend(packet(length - ETHERNET));
        }
        let mut buffer = vec![1; LONGEST];
        let mut found = Vec::new();
        for piece in stream.chunks(7) {
            theirs.write_all(piece).unwrap();
            while let Some(length) = ours.receive(&mut buffer).unwrap() {
                assert_eq!(buffer[..HEADER], [0; HEADER]);
                assert_eq!(buffer[HEADER..length], packet(length - HEADER));
                found.push(length - HEADER);
            }
        }
        assert_eq!(found, [20, 1_500, 60]);
        theirs.write_all(&u32::MAX.to_be_bytes()).unwrap();
        assert!(ours.receive(&mut buffer).is_err(), "no such length");
    }

    #[test]
    fn frames_go_with_their_length() {
        let (mut theirs, mut ours) = pair();
        let packet = packet(100);
        let parts = [&[0; HEADER][..], &packet[..30], &packet[30..]].map(IoSlice::new);
        ours.send(&parts).unwrap();
        assert!(ours.send(&parts[..1]).is_err(), "there is no packet");
        drop(ours);
        let mut come = Vec::new();
        theirs.read_to_end(&mut come).unwrap();
        assert_eq!(come[..LENGTH], 114_u32.to_be_bytes());
        assert_eq!(come[LENGTH + ETHERNET..], packet);
    }
}
