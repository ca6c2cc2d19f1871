//! Numbered datagrams over a link with a witness.

use std::io::Write as _;
use std::net::UdpSocket;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use weaknet_core::event::DropReason;
use weaknet_core::packet::{LinkId, Packet};
use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, Kind, Plugin, Span, Streams, Time};
use weaknet_live::{Emulator, Ends, LEFT, Namespaces, Options, RIGHT};
use weaknet_netem::model::Tap;
use weaknet_netem::queue::{DropTail, QueueLimit};
use weaknet_netem::{Link, Parts, delay, rate};

/// Bytes of IPv4 and UDP headers.
pub(super) const HEADERS: u32 = 28;
/// Far longer than anything here takes: then something is stuck.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Prints why nothing is tested where nothing can be; fails where that is not allowed.
fn namespaces() -> Option<Namespaces> {
    match Namespaces::create(Ends::default()) {
        Ok(made) => Some(made),
        Err(error) => {
            let required = std::env::var_os("WEAKNET_REQUIRE_LIVE").is_some();
            // Without the device there is no other way yet.
            assert!(
                !required || !std::path::Path::new("/dev/net/tun").exists(),
                "{error}"
            );
            // Past the capture of output, so that it is seen.
            let _ = writeln!(std::io::stderr(), "skipped: {error}");
            None
        }
    }
}

pub(super) fn build<P: Plugin>(plugin: &P) -> <P::Kind as Kind>::Product {
    let (streams, assets) = (Streams::new(7), Assets::default());
    let cx = BuildContext {
        path: "forward",
        streams: &streams,
        assets: &assets,
    };
    plugin.build(&cx).unwrap()
}

/// A link without limit, delay or loss, with room for all that is sent here.
pub(super) fn plain() -> Parts {
    let queue = DropTail {
        limit: QueueLimit::Bytes("64MB".parse().unwrap()),
        ..DropTail::default()
    };
    Parts::new(
        build(&rate::UnlimitedRate::default()),
        build(&queue),
        build(&delay::ConstantDelay(Span::ZERO)),
    )
}

/// What happened on a link, by its logical times. Packets have the numbers of their
/// datagrams, since nothing else is sent.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) arrived: Vec<(u64, Time)>,
    pub(super) delivered: Vec<(u64, Time)>,
    pub(super) dropped: Vec<u64>,
}

#[derive(Clone, Default)]
pub(super) struct Witness(Arc<Mutex<Seen>>);

impl Witness {
    pub(super) fn look<T>(&self, at: impl FnOnce(&mut Seen) -> T) -> T {
        at(&mut self.0.lock().unwrap())
    }

    /// Waits until the link is as wanted.
    pub(super) fn wait(&self, what: &str, is_so: impl Fn(&Seen) -> bool) {
        let start = Instant::now();
        while !self.look(|seen| is_so(seen)) {
            assert!(start.elapsed() < PATIENCE, "{what}");
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

impl Tap for Witness {
    fn arrived(&mut self, at: Time, packet: &Packet) {
        self.look(|seen| seen.arrived.push((packet.id, at)));
    }

    fn delivered(&mut self, at: Time, packet: &Packet, _: Span, _: Span) {
        self.look(|seen| seen.delivered.push((packet.id, at)));
    }

    fn dropped(&mut self, _: Time, packet: &Packet, _: DropReason) {
        self.look(|seen| seen.dropped.push(packet.id));
    }
}

/// The ends of a link that runs.
pub(super) struct Site {
    pub(super) left: UdpSocket,
    pub(super) right: UdpSocket,
    pub(super) witness: Witness,
    /// Before the clock of the link started.
    pub(super) start: Instant,
}

/// Does something over a link from left to right; what it yields and what was seen.
pub(super) fn over<T>(parts: Parts, what: impl FnOnce(&Site) -> T) -> Option<(T, Seen)> {
    let namespaces = namespaces()?;
    let bind = |end, ip| {
        let socket = namespaces.within(end, move || UdpSocket::bind((ip, 9_000)));
        let socket = socket.unwrap().unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    };
    let (left, right) = (bind(0, LEFT.v4), bind(1, RIGHT.v4));
    left.connect((RIGHT.v4, 9_000)).unwrap();
    let witness = Witness::default();
    let mut link = Link::changeable(LinkId(0), parts);
    link.set_tap(Box::new(witness.clone()));
    let start = Instant::now();
    let links = [link, Link::changeable(LinkId(1), plain())];
    let emulator = Emulator::start(namespaces.devices(), links, Options::default()).unwrap();
    let site = Site {
        left,
        right,
        witness: witness.clone(),
        start,
    };
    let result = what(&site);
    let report = emulator.stop().unwrap();
    namespaces.finish();
    assert_eq!(
        report.directions[0].refused, 0,
        "the device took everything"
    );
    Some((result, witness.look(std::mem::take)))
}

/// Sends the datagram with this number.
pub(super) fn send(socket: &UdpSocket, number: u64, size: u32) {
    let mut datagram = vec![0; (size - HEADERS) as usize];
    datagram[..8].copy_from_slice(&number.to_be_bytes());
    assert_eq!(socket.send(&datagram).unwrap(), datagram.len());
}

/// The number of the next datagram that comes.
pub(super) fn receive(socket: &UdpSocket) -> u64 {
    try_receive(socket).expect("a datagram")
}

/// The same; `None` when none comes in time.
pub(super) fn try_receive(socket: &UdpSocket) -> Option<u64> {
    let mut datagram = [0; 2_000];
    socket.recv(&mut datagram).ok()?;
    Some(u64::from_be_bytes(*datagram.first_chunk()?))
}

/// Sends datagrams in lockstep with the far end, so that no socket ever has more of them
/// than it has room for: what does not come was lost by the link. The numbers of those
/// that come, in their order.
pub(super) fn exchange(site: &Site, packets: u64, size: u32) -> Vec<u64> {
    const AT_ONCE: u64 = 100;
    let mut come = Vec::new();
    let mut sent = 0;
    while sent < packets {
        let until = packets.min(sent + AT_ONCE);
        for number in sent..until {
            send(&site.left, number, size);
        }
        sent = until;
        site.witness.wait("all get to the link", |seen| {
            seen.arrived.len() as u64 == sent
        });
        while (come.len() as u64) < on_their_way(site) {
            come.push(receive(&site.right));
        }
    }
    site.witness.wait("nothing stays on the link", |seen| {
        (seen.delivered.len() + seen.dropped.len()) as u64 == packets
    });
    while come.len() < site.witness.look(|seen| seen.delivered.len()) {
        come.push(receive(&site.right));
    }
    come
}

/// How many packets have left the link so far.
fn on_their_way(site: &Site) -> u64 {
    site.witness.look(|seen| seen.delivered.len() as u64)
}
