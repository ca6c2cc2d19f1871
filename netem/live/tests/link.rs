//! Packets of real sockets through a link between two namespaces. Takes root; the
//! command line's tests do it without.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use weaknet_core::event::{Event, EventSink};
use weaknet_core::packet::{FlowId, Leg, LinkId, Packet};
use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, Plugin as _, Ratio, Span, Streams, Time};
use weaknet_live::{
    Addresses, Emulator, EndPort, Ends, LEFT, Namespaces, Options, Port as _, PortChoice, RIGHT,
    Report,
};
use weaknet_netem::{Link, Parts, delay, loss, queue, rate};

/// Prints why nothing is tested where nothing can be; fails where that is not allowed.
fn namespaces(port: PortChoice) -> Option<Namespaces> {
    let ends = Ends {
        port,
        ..Ends::default()
    };
    match Namespaces::create(ends) {
        Ok(made) => Some(made),
        Err(_) if port == PortChoice::Tun && !has_tun() => {
            let _ = writeln!(std::io::stderr(), "skipped: no /dev/net/tun");
            None
        }
        Err(error) if std::env::var_os("WEAKNET_REQUIRE_LIVE").is_some() => {
            panic!("{error}")
        }
        Err(error) => {
            // Past the capture of output, so that it is seen.
            let _ = writeln!(std::io::stderr(), "skipped: {error}");
            None
        }
    }
}

fn has_tun() -> bool {
    std::path::Path::new("/dev/net/tun").exists()
}

struct Conditions {
    rate: Option<&'static str>,
    delay: Span,
    loss: f64,
    limit: &'static str,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            rate: None,
            delay: Span::ZERO,
            loss: 0.0,
            limit: "10MB",
        }
    }
}

fn link(number: u16, conditions: &Conditions) -> Link {
    let (streams, assets) = (Streams::new(7), Assets::default());
    let cx = BuildContext {
        path: "forward",
        streams: &streams,
        assets: &assets,
    };
    let rate = match conditions.rate {
        Some(rate) => rate::ConstantRate(rate.parse().unwrap()).build(&cx),
        None => rate::UnlimitedRate::default().build(&cx),
    };
    let limit = queue::DropTail {
        limit: conditions.limit.parse().unwrap(),
        ..queue::DropTail::default()
    };
    let delay = delay::ConstantDelay(conditions.delay).build(&cx);
    let loss = loss::Bernoulli(Ratio::from_f64(conditions.loss)).build(&cx);
    Link::changeable(
        LinkId(number),
        Parts {
            loss: vec![loss.unwrap()],
            ..Parts::new(rate.unwrap(), limit.build(&cx).unwrap(), delay.unwrap())
        },
    )
}

/// Does something over a link that is the same both ways, with each kind of device; what
/// it yields, and what the emulator says. Nothing may be lost outside of the link.
fn over<T>(conditions: &Conditions, what: impl Fn(&Namespaces) -> T) -> Vec<(T, Report)> {
    let one = |port| {
        let namespaces = namespaces(port)?;
        let links = [link(0, conditions), link(1, conditions)];
        let devices = namespaces.devices();
        match (port, &devices[0]) {
            (PortChoice::Tun, EndPort::Tun(_)) | (PortChoice::Veth, EndPort::Veth(_)) => {}
            (port, found) => panic!("{port:?}: {found:?}"),
        }
        let emulator = Emulator::start(devices.clone(), links, Options::default()).unwrap();
        let result = what(&namespaces);
        let report = emulator.stop().unwrap();
        for device in devices {
            assert_eq!(device.dropped().unwrap(), 0, "{port:?}");
        }
        namespaces.finish();
        Some((result, report))
    };
    [PortChoice::Tun, PortChoice::Veth]
        .into_iter()
        .filter_map(one)
        .collect()
}

/// A socket at each end of a family, and where the right one is.
fn sockets(
    namespaces: &Namespaces,
    ip: fn(Addresses) -> IpAddr,
) -> (UdpSocket, UdpSocket, SocketAddr) {
    let bind = |end: usize, at: IpAddr| {
        let socket = namespaces.within(end, move || UdpSocket::bind((at, 9_000)));
        let socket = socket.unwrap().unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(1)))
            .unwrap();
        socket
    };
    let right = SocketAddr::new(ip(RIGHT), 9_000);
    (bind(0, ip(LEFT)), bind(1, ip(RIGHT)), right)
}

const FAMILIES: [fn(Addresses) -> IpAddr; 2] = [|all| all.v4.into(), |all| all.v6.into()];

#[test]
fn nothing_is_early_and_nothing_is_lost() {
    let delay = Span::from_millis(5);
    let conditions = Conditions {
        delay,
        ..Conditions::default()
    };
    for ip in FAMILIES {
        let trips = over(&conditions, |namespaces| {
            let (left, right, at) = sockets(namespaces, ip);
            let mut buffer = [0; 2_000];
            for number in 0_u32..50 {
                let sent = Instant::now();
                left.send_to(&number.to_be_bytes(), at).unwrap();
                let (length, from) = right.recv_from(&mut buffer).unwrap();
                right.send_to(&buffer[..length], from).unwrap();
                let (length, _) = left.recv_from(&mut buffer).unwrap();
                assert_eq!(buffer[..length], number.to_be_bytes());
                assert!(sent.elapsed() >= Duration::from_millis(10), "{number}");
            }
        });
        for ((), report) in trips {
            for direction in report.directions {
                assert_eq!(direction.arrived.packets, 50);
                assert_eq!(direction.delivered.packets, 50);
                assert_eq!((direction.refused, direction.strange), (0, 0));
            }
            assert_eq!(report.lateness.count, 100);
            assert!(report.lateness.p50 <= report.lateness.max);
        }
    }
}

/// Which of so many packets a link loses, without clock or device.
fn lost_in_simulation(mut link: Link, packets: u64, size: u32) -> BTreeSet<u64> {
    struct Lost(BTreeSet<u64>);
    impl EventSink for Lost {
        fn event(&mut self, _: Time, event: &Event) {
            if let Event::LinkDrop { packet, .. } = event {
                self.0.insert(packet.id);
            }
        }
    }
    let mut lost = Lost(BTreeSet::new());
    for id in 0..packets {
        let packet = Packet {
            id,
            flow: FlowId(0),
            leg: Leg::Outward,
            size,
            ..Packet::VACANT
        };
        link.arrive(Time::from_millis(id), packet, &mut lost);
    }
    while link.deliver(Time::MAX, &mut lost).is_some() {}
    lost.0
}

#[test]
fn the_same_packets_are_lost_as_in_the_simulator() {
    const PACKETS: u64 = 2_000;
    let conditions = Conditions {
        loss: 0.1,
        ..Conditions::default()
    };
    let expected = lost_in_simulation(link(0, &conditions), PACKETS, 36);
    assert!((150..250).contains(&expected.len()), "{}", expected.len());
    let come = over(&conditions, |namespaces| {
        let (left, right, at) = sockets(namespaces, FAMILIES[0]);
        let reader = std::thread::spawn(move || {
            let mut come = BTreeSet::new();
            let mut buffer = [0; 8];
            while let Ok((8, _)) = right.recv_from(&mut buffer) {
                come.insert(u64::from_be_bytes(buffer));
            }
            come
        });
        for number in 0..PACKETS {
            left.send_to(&number.to_be_bytes(), at).unwrap();
            if number % 50 == 49 {
                // The reader's socket has room for a few hundred.
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        reader.join().unwrap()
    });
    for (come, report) in come {
        let lost: BTreeSet<u64> = (0..PACKETS)
            .filter(|number| !come.contains(number))
            .collect();
        assert_eq!(lost, expected);
        assert_eq!(report.directions[0].arrived.packets, PACKETS);
    }
}

#[test]
fn tcp_gets_what_the_link_has() {
    const BYTES: usize = 2_000_000;
    let conditions = Conditions {
        rate: Some("20Mbps"),
        delay: Span::from_millis(2),
        ..Conditions::default()
    };
    let took = over(&conditions, |namespaces| {
        let listener = namespaces.within(1, || TcpListener::bind((RIGHT.v4, 9_001)));
        let listener = listener.unwrap().unwrap();
        let reader = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut first, mut total) = (None, 0);
            let mut buffer = vec![0; 1 << 16];
            loop {
                match stream.read(&mut buffer).unwrap() {
                    0 => break,
                    length => total += length,
                }
                first.get_or_insert_with(Instant::now);
            }
            (total, first.unwrap().elapsed())
        });
        let stream = namespaces.within(0, || TcpStream::connect((RIGHT.v4, 9_001)));
        let mut stream = stream.unwrap().unwrap();
        stream.write_all(&vec![7; BYTES]).unwrap();
        drop(stream);
        reader.join().unwrap()
    });
    for ((total, took), _) in took {
        assert_eq!(total, BYTES);
        // Nothing goes faster than the link: 1448 of 1500 bytes are TCP's.
        let least = BYTES as f64 * 8.0 * 1_500.0 / 1_448.0 / 20e6;
        assert!(took.as_secs_f64() > 0.95 * least, "{took:?} {least}");
    }
}
