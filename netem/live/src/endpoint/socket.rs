//! UDP sockets with the ECN field of each datagram.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::AsRawFd as _;

use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, RecvMsg, SockaddrIn, recvmsg, sendmsg,
    setsockopt, sockopt,
};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use weaknet_core::packet::Ecn;

/// Room for datagrams on their way between here and the device: half a second at
/// 64 Mbit/s.
const BUFFER: usize = 4_000_000;

/// A connected socket.
pub(super) struct Socket {
    socket: UdpSocket,
    control: Vec<u8>,
}

impl Socket {
    /// Has to be made within a runtime.
    pub(super) fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        setsockopt(&socket, sockopt::IpRecvTos, &true)?;
        // Beyond the system's bound where that is allowed.
        if setsockopt(&socket, sockopt::SndBufForce, &BUFFER).is_err() {
            setsockopt(&socket, sockopt::SndBuf, &BUFFER)?;
        }
        if setsockopt(&socket, sockopt::RcvBufForce, &BUFFER).is_err() {
            setsockopt(&socket, sockopt::RcvBuf, &BUFFER)?;
        }
        Ok(Self {
            socket: UdpSocket::from_std(socket)?,
            control: nix::cmsg_space!(u8),
        })
    }

    /// Sends a datagram, when there is room for it. `false`: the system refuses it.
    pub(super) async fn send(&mut self, payload: &[u8], ecn: Ecn) -> io::Result<bool> {
        let tos = match ecn {
            Ecn::NotEct => 0,
            Ecn::Ect1 => 1,
            Ecn::Ect0 => 2,
            Ecn::Ce => 3,
        };
        loop {
            self.socket.writable().await?;
            let sent = self.socket.try_io(Interest::WRITABLE, || {
                let parts = [IoSlice::new(payload)];
                let ecn = [ControlMessage::Ipv4Tos(&tos)];
                let fd = self.socket.as_raw_fd();
                sendmsg::<SockaddrIn>(fd, &parts, &ecn, MsgFlags::empty(), None)
                    .map_err(io::Error::from)
            });
            let Err(error) = sent else {
                return Ok(true);
            };
            match error.raw_os_error().map(Errno::from_raw) {
                // No room now.
                _ if error.kind() == io::ErrorKind::WouldBlock => {}
                Some(Errno::EINTR) => {}
                // The peer has ended; what is too long; no memory.
                Some(Errno::ECONNREFUSED | Errno::EMSGSIZE | Errno::ENOBUFS) => return Ok(false),
                _ => return Err(error),
            }
        }
    }

    /// Waits for a datagram: its length in `buffer` and its ECN field.
    pub(super) async fn receive(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Ecn)> {
        loop {
            self.socket.readable().await?;
            if let Some(received) = self.try_receive(buffer)? {
                return Ok(received);
            }
        }
    }

    /// A datagram that is there already.
    pub(super) fn try_receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<(usize, Ecn)>> {
        let Self { socket, control } = self;
        loop {
            let received = socket.try_io(Interest::READABLE, || {
                let mut parts = [IoSliceMut::new(buffer)];
                let (fd, flags) = (socket.as_raw_fd(), MsgFlags::MSG_DONTWAIT);
                let message = recvmsg::<SockaddrIn>(fd, &mut parts, Some(control), flags)?;
                Ok((message.bytes, ecn(&message)?))
            });
            match received {
                Ok(received) => return Ok(Some(received)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                // A datagram of ours came back: the peer has ended.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The ECN field that came with a datagram.
fn ecn(message: &RecvMsg<'_, '_, SockaddrIn>) -> io::Result<Ecn> {
    let tos = message.cmsgs()?.find_map(|control| match control {
        ControlMessageOwned::Ipv4Tos(tos) => Some(tos),
        _ => None,
    });
    Ok(match tos.unwrap_or(0) & 3 {
        0 => Ecn::NotEct,
        1 => Ecn::Ect1,
        2 => Ecn::Ect0,
        _ => Ecn::Ce,
    })
}
