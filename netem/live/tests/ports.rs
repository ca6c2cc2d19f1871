//! What the devices of ends do with packets that nobody reads. Takes root.
#![cfg(target_os = "linux")]

use std::io::Write as _;
use std::net::UdpSocket;

use nix::sys::socket::{setsockopt, sockopt::UdpGsoSegment};
use weaknet_live::{Ends, LEFT, LiveError, Namespaces, Port, PortChoice, RIGHT};

/// Prints why nothing is tested where nothing can be; fails where that is not allowed.
fn namespaces(ends: Ends) -> Option<Namespaces> {
    match Namespaces::create(ends) {
        Ok(made) => Some(made),
        Err(error) => {
            let no_tun = ends.port == PortChoice::Tun;
            let required = std::env::var_os("WEAKNET_REQUIRE_LIVE").is_some();
            assert!(no_tun || !required, "{error}");
            // Past the capture of output, so that it is seen.
            let _ = writeln!(std::io::stderr(), "skipped: {error}");
            None
        }
    }
}

fn send(namespaces: &Namespaces, packets: u32, size: usize) {
    let socket = namespaces.within(0, || UdpSocket::bind((LEFT.v4, 9_000)));
    let socket = socket.unwrap().unwrap();
    let payload = vec![7; size];
    for _ in 0..packets {
        socket.send_to(&payload, (RIGHT.v4, 9_001)).unwrap();
    }
}

#[test]
fn what_is_not_read_is_counted() {
    // More than the device of either kind has room for.
    const PACKETS: u32 = 100_000;
    for port in [PortChoice::Tun, PortChoice::Veth] {
        let ends = Ends {
            port,
            ..Ends::default()
        };
        let Some(namespaces) = namespaces(ends) else {
            continue;
        };
        let [mut left, right] = namespaces.devices();
        assert_eq!(left.dropped().unwrap(), 0);
        send(&namespaces, PACKETS, 1_400);
        let mut buffer = vec![0; 70_000];
        let mut read = 0;
        while let Some(length) = left.receive(&mut buffer).unwrap() {
            assert_eq!(length, 10 + 20 + 8 + 1_400, "{port:?}");
            assert_eq!(buffer[10], 0x45, "an IPv4 header follows");
            read += 1;
        }
        let dropped = left.dropped().unwrap();
        assert_eq!(read + dropped, u64::from(PACKETS), "{port:?}: {read} read");
        assert!(read > 100 && dropped > 0, "{port:?}: {read} read");
        assert_eq!(left.dropped().unwrap(), dropped, "counted once");
        assert_eq!(right.dropped().unwrap(), 0);
        namespaces.finish();
    }
}

#[test]
fn a_send_in_one_piece_is_cut_only_when_packets_are_asked_for() {
    for port in [PortChoice::Tun, PortChoice::Veth] {
        for super_frames in [true, false] {
            let ends = Ends {
                port,
                super_frames,
                ..Ends::default()
            };
            let Some(namespaces) = namespaces(ends) else {
                continue;
            };
            let socket = namespaces.within(0, || UdpSocket::bind((LEFT.v4, 9_000)));
            let socket = socket.unwrap().unwrap();
            setsockopt(&socket, UdpGsoSegment, &1_000).unwrap();
            if let Err(error) = socket.send_to(&[7; 10_000], (RIGHT.v4, 9_001)) {
                // Linux before 6.11 does it only where checksums are left to the device.
                assert!(!super_frames, "{error}");
                continue;
            }
            let [mut left, _] = namespaces.devices();
            let mut buffer = vec![0; 70_000];
            let mut lengths = Vec::new();
            while let Some(length) = left.receive(&mut buffer).unwrap() {
                lengths.push(length - 10 - 28);
            }
            let expected = if super_frames {
                vec![10_000]
            } else {
                vec![1_000; 10]
            };
            assert_eq!(lengths, expected, "{port:?}");
            namespaces.finish();
        }
    }
}

#[test]
fn the_outside_is_no_end_to_do_things_in() {
    let ends = Ends {
        outside: true,
        ..Ends::default()
    };
    match Namespaces::create(ends) {
        Ok(namespaces) => {
            assert!(namespaces.within(0, || ()).is_ok());
            let refused = namespaces.within(1, || ()).unwrap_err();
            assert!(matches!(refused, LiveError::IsOutside), "{refused}");
            namespaces.finish();
        }
        // There need not be a network, nor a program for it.
        Err(LiveError::NoWayOut | LiveError::Helper { .. }) => {}
        Err(error) if error.is_permission() => {
            let _ = writeln!(std::io::stderr(), "skipped: {error}");
        }
        Err(error) => panic!("{error}"),
    }
}
