//! The simulator's senders and receivers at the two ends of a live link.
//!
//! An endpoint is a [`Node`] of the simulator behind a UDP socket:
//! what it sends becomes the bytes of RTP, RTCP, STUN, DTLS, SCTP or QUIC that
//! [`wire`](weaknet_transports::wire) makes of it, what arrives it gets as the payload
//! that is read out of the bytes. The kernel makes the IP and UDP headers, so that the
//! datagram on the link has the size that the simulator counts, and the ECN field
//! travels in the IP header both ways.
//!
//! Each end of the link is a thread with a tokio runtime of its own, each endpoint a
//! task. A node is woken by a timer of the kernel (`timerfd`), which is as fine as the
//! clock, and not by those of tokio, which are 1 ms coarse and would distort pacing.
//!
//! Both ends are in this process and have its clock, as those of the simulator do. So
//! a delay from one end to the other is the difference of two readings. What the wire
//! does not carry but observers want to know is kept aside in a [`Ledger`], which says
//! what of it reaches a node.
//!
//! Implements: UDP (RFC 768) over IPv4 with the ECN field set and read by control
//! messages (RFC 8085, section 3.1.7).
//! Differs: the time of arrival is that of reading the socket, not that of the
//! network device; offers and answers of the signalling go between the endpoints.
//! Not modelled: TCP below a call, several paths: such flows cannot be carried.

mod alarm;
mod datagrams;
mod ledger;
mod links;
mod merge;
mod seat;
mod signalling;
mod socket;

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::thread::{self, JoinHandle};

use tokio::runtime;
use tokio::sync::watch;
use weaknet_core::packet::{FlowId, Leg};
use weaknet_core::{Node, Time};
use weaknet_transports::wire::{FlowFormat, SENDER_PORT};

use crate::clock::Clock;
use crate::error::LiveError;
use seat::Seat;

pub use ledger::Ledger;
pub use links::{DepartureObserver, LinkObserver};
pub use merge::{EventFeed, EventMerge};

/// Bytes of the IPv4 and UDP headers that the kernel puts in front of a payload.
pub const HEADERS: u32 = 28;
/// Longest datagram that the devices of the ends take, IP header included.
pub const MTU: u32 = 1_500;

/// The UDP ports of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowPorts {
    /// Of its sender.
    pub sender: u16,
    /// Of its receiver.
    pub receiver: u16,
}

impl FlowPorts {
    /// The ports of a flow, those of the first one as in captures of the simulator;
    /// `None` when there are no more.
    #[must_use]
    pub fn of(flow: FlowId) -> Option<Self> {
        let sender = flow.0.checked_mul(2)?.checked_add(SENDER_PORT)?;
        let receiver = sender.checked_add(1)?;
        Some(Self { sender, receiver })
    }

    /// The port of the end that sends on a leg.
    #[must_use]
    pub const fn at(self, leg: Leg) -> u16 {
        match leg {
            Leg::Outward => self.sender,
            Leg::Return => self.receiver,
        }
    }

    /// The flow and the leg of a datagram from one port to another.
    fn find(from: u16, to: u16) -> Option<(FlowId, Leg)> {
        let (leg, sender) = if from < to {
            (Leg::Outward, from)
        } else {
            (Leg::Return, to)
        };
        let above = sender.checked_sub(SENDER_PORT)?;
        let flow = FlowId(above / 2);
        let ports = Self::of(flow)?;
        let other = match leg {
            Leg::Outward => Leg::Return,
            Leg::Return => Leg::Outward,
        };
        ((ports.at(leg), ports.at(other)) == (from, to)).then_some((flow, leg))
    }
}

/// An endpoint: a node, its flow, and the way to the node at the other end.
pub struct Endpoint {
    /// The sender or the receiver of the flow.
    pub node: Box<dyn Node>,
    /// The flow.
    pub flow: FlowId,
    /// The leg that the node sends on.
    pub leg: Leg,
    /// Where it is and where its peer is.
    pub addresses: [SocketAddrV4; 2],
    /// Bound to the first address and connected to the second one.
    pub socket: std::net::UdpSocket,
    /// What the flow's packets look like, to write them and to read them.
    pub formats: [FlowFormat; 2],
}

impl Endpoint {
    /// A socket for an endpoint, to be called in the network namespace of its end.
    ///
    /// # Errors
    /// When the system has none, or the address is taken or not there.
    pub fn open(addresses: [SocketAddrV4; 2]) -> io::Result<std::net::UdpSocket> {
        let [own, peer] = addresses;
        let socket = std::net::UdpSocket::bind(own)?;
        socket.connect(peer)?;
        Ok(socket)
    }

    /// Addresses of an endpoint between two hosts: its own, then its peer's.
    #[must_use]
    pub fn addresses(ports: FlowPorts, leg: Leg, hosts: [Ipv4Addr; 2]) -> [SocketAddrV4; 2] {
        let (own, peer) = match leg {
            Leg::Outward => (ports.sender, ports.receiver),
            Leg::Return => (ports.receiver, ports.sender),
        };
        [
            SocketAddrV4::new(hosts[0], own),
            SocketAddrV4::new(hosts[1], peer),
        ]
    }
}

/// Datagrams of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Datagrams {
    /// Sent.
    pub sent: u64,
    /// Received and read.
    pub received: u64,
    /// Sent with more bytes than the simulator counts, because headers take more.
    pub larger: u64,
    /// Those bytes.
    pub excess: u64,
    /// Not sent: longer than the device takes.
    pub too_long: u64,
    /// Not sent: the system refused.
    pub refused: u64,
    /// Received and not understood, or of nobody here.
    pub unread: u64,
}

impl Datagrams {
    fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.received += other.received;
        self.larger += other.larger;
        self.excess += other.excess;
        self.too_long += other.too_long;
        self.refused += other.refused;
        self.unread += other.unread;
    }
}

/// Endpoints that run.
pub struct Endpoints {
    ends: Vec<JoinHandle<io::Result<Datagrams>>>,
    stop: watch::Sender<bool>,
}

impl Endpoints {
    /// Starts the endpoints of each end in a thread of its own, until `until`.
    ///
    /// # Errors
    /// When the system has no threads for them.
    pub fn start(
        ends: Vec<Vec<Endpoint>>,
        clock: Clock,
        until: Time,
        ledger: &Ledger,
        events: &mut EventMerge,
    ) -> Result<Self, LiveError> {
        let (stop, stopped) = watch::channel(false);
        let mut threads = Vec::new();
        for end in ends {
            let seats: Vec<Seat> = end
                .into_iter()
                .map(|endpoint| Seat::new(endpoint, clock, until, ledger, events.feed()))
                .collect();
            let stopped = stopped.clone();
            let thread = thread::Builder::new()
                .name("endpoints".to_owned())
                .spawn(move || {
                    // Timers fire up to 50 us later without it.
                    let _ = nix::sys::prctl::set_timerslack(1);
                    run(seats, &stopped)
                })
                .map_err(LiveError::system("start a thread for endpoints"))?;
            threads.push(thread);
        }
        Ok(Self {
            ends: threads,
            stop,
        })
    }

    /// Ends all of them before their time.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Whether one has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ends.iter().any(JoinHandle::is_finished)
    }

    /// Waits for the end of all; what was sent and received.
    ///
    /// # Errors
    /// When a socket failed.
    pub fn finish(self) -> Result<Datagrams, LiveError> {
        let mut all = Datagrams::default();
        for end in self.ends {
            let end = end.join().map_err(|_| LiveError::Worker)?;
            all.add(end.map_err(LiveError::system("send and receive"))?);
        }
        Ok(all)
    }
}

/// Runs the endpoints of one end.
fn run(seats: Vec<Seat>, stopped: &watch::Receiver<bool>) -> io::Result<Datagrams> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let run = |seat: Seat| tokio::spawn(seat.run(stopped.clone()));
        let tasks: Vec<_> = seats.into_iter().map(run).collect();
        let mut all = Datagrams::default();
        for task in tasks {
            all.add(task.await.map_err(io::Error::other)??);
        }
        Ok(all)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_tell_flow_and_leg() {
        let mut flows = 0;
        for flow in (0..).map(FlowId) {
            let Some(FlowPorts { sender, receiver }) = FlowPorts::of(flow) else {
                break;
            };
            flows += 1;
            assert_eq!(
                FlowPorts::find(sender, receiver),
                Some((flow, Leg::Outward))
            );
            assert_eq!(FlowPorts::find(receiver, sender), Some((flow, Leg::Return)));
            // Those of two flows are no pair.
            assert_eq!(FlowPorts::find(receiver, receiver.saturating_add(1)), None);
        }
        assert_eq!(flows, 7_768);
        for (from, to) in [(0, 1), (49_998, 49_999), (50_000, 50_000), (9, 50_000)] {
            assert_eq!(FlowPorts::find(from, to), None);
        }
    }
}
