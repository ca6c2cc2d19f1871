use std::io::IoSlice;

use proptest::prelude::*;

use super::*;
use crate::offload::checksum::{fold, sum};
use crate::offload::headers::Headers;

/// A frame of one flow with so much payload.
fn frame(is_v6: bool, is_tcp: bool, payload: &[u8], flags: u8) -> Vec<u8> {
    let mut frame = if is_v6 {
        let mut ip = vec![0x60, 0, 0, 0, 0, 0, if is_tcp { 6 } else { 17 }, 64];
        ip.extend([0xfd; 16]);
        ip.extend([0xfe; 16]);
        ip
    } else {
        let mut ip = vec![
            0x45,
            0,
            0,
            0,
            0xff,
            0xfe,
            0x40,
            0,
            64,
            if is_tcp { 6 } else { 17 },
        ];
        ip.extend([0, 0, 198, 18, 0, 1, 198, 18, 0, 2]);
        ip
    };
    frame.extend([0x1f, 0x90, 0x23, 0x28]);
    if is_tcp {
        // Near the end of the sequence numbers, with an option of timestamps.
        frame.extend([
            0xff, 0xff, 0xff, 0x00, 1, 2, 3, 4, 0x80, flags, 9, 9, 0, 0, 0, 0,
        ]);
        frame.extend([1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6]);
    } else {
        frame.extend([0; 4]);
    }
    frame.extend(payload);
    let headers = Headers::of(&frame).unwrap();
    headers.finish(&mut frame);
    frame
}

/// The header that the kernel gives a frame to be cut.
fn offload(is_v6: bool, is_tcp: bool, size: u16) -> Offload {
    let gso = match (is_tcp, is_v6) {
        (true, false) => GSO_TCP4,
        (true, true) => GSO_TCP6,
        _ => GSO_UDP,
    };
    Offload {
        flags: NEEDS_CHECKSUM,
        gso,
        size,
        ..Offload::default()
    }
}

fn packets(offload: Offload, frame: &[u8]) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    split(offload, frame, Vec::new, |packet| packets.push(packet));
    packets
}

/// The trains that packets make, each as it is written.
fn joined(packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut written = Vec::new();
    let mut train = Train::default();
    let write = |train: &mut Train| {
        let mut head = [0; HEADER];
        let parts: Vec<u8> = train
            .parts(&mut head)
            .iter()
            .flat_map(|part: &IoSlice<'_>| part.to_vec())
            .collect();
        train.clear();
        parts
    };
    for packet in packets {
        if let Some(packet) = train.add(packet.clone(), false) {
            written.push(write(&mut train));
            assert!(train.add(packet, false).is_none());
        }
    }
    written.push(write(&mut train));
    written
}

/// Whether the checksums of network and transport are right.
fn is_sound(packet: &[u8]) -> bool {
    let headers = Headers::of(packet).unwrap();
    let network = headers.is_v6 || fold(sum(&packet[..headers.ip])) == 0xffff;
    let pseudo = headers.pseudo_header(packet, packet.len() - headers.ip);
    network && fold(pseudo + sum(&packet[headers.ip..])) == 0xffff
}

proptest! {
    #[test]
    fn cut_and_joined_frames_are_the_same(
        is_v6: bool, is_tcp: bool, length in 1_usize..20_000, size in 100_u16..1_500, push: bool,
    ) {
        let payload: Vec<u8> = (0..length).map(|at| (at * 31 % 251) as u8).collect();
        let flags = if push { 0x18 } else { 0x10 };
        let frame = frame(is_v6, is_tcp, &payload, flags);
        let cut = packets(offload(is_v6, is_tcp, size), &frame);
        prop_assert_eq!(cut.len(), length.div_ceil(usize::from(size)));
        prop_assert!(cut.iter().all(|packet| is_sound(packet)));
        let skip = Headers::of(&frame).unwrap().all;
        let back: Vec<u8> = cut.iter().flat_map(|packet| packet[skip..].to_vec()).collect();
        prop_assert_eq!(back, payload);
        let trains = joined(&cut);
        prop_assert_eq!(trains.len(), 1);
        let offload = Offload::read(&trains[0]).unwrap();
        prop_assert_eq!(packets(offload, &trains[0][HEADER..]), cut);
    }

    #[test]
    fn any_bytes_pass(header: [u8; HEADER], frame in proptest::collection::vec(any::<u8>(), 0..300)) {
        let offload = Offload::read(&header).unwrap();
        prop_assert_eq!(offload.bytes(), header);
        let cut = packets(offload, &frame);
        let trains = joined(&cut);
        prop_assert!(trains.len() <= cut.len());
    }
}

#[test]
fn sequence_numbers_count_on_and_the_last_packet_pushes() {
    let frame = frame(false, true, &[7; 250], 0x98);
    let cut = packets(offload(false, true, 100), &frame);
    let seen: Vec<_> = cut
        .iter()
        .map(|packet| {
            let seq = u32::from_be_bytes([packet[24], packet[25], packet[26], packet[27]]);
            (packet[4..6].to_vec(), seq, packet[33])
        })
        .collect();
    let expected = [
        (vec![0xff, 0xfe], 0xffff_ff00, 0x90),
        (vec![0xff, 0xff], 0xffff_ff64, 0x10),
        (vec![0, 0], 0xffff_ffc8, 0x18),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn other_packets_are_not_joined() {
    let cut = |flags| {
        packets(
            offload(false, true, 100),
            &frame(false, true, &[7; 200], flags),
        )
    };
    let [a, b] = <[Vec<u8>; 2]>::try_from(cut(0x10)).unwrap();
    let trains = |packets: &[&Vec<u8>]| {
        let packets: Vec<Vec<u8>> = packets.iter().map(|packet| (*packet).clone()).collect();
        joined(&packets).len()
    };
    assert_eq!(trains(&[&a, &b]), 1);
    assert_eq!(trains(&[&b, &a]), 2, "out of order");
    assert_eq!(trains(&[&a, &a]), 2, "twice");
    let change = |at: usize, value: u8| {
        let mut packet = b.clone();
        packet[at] = value;
        packet
    };
    for (at, what) in [
        (1, "marked"),
        (8, "hops"),
        (16, "address"),
        (21, "port"),
        (28, "acknowledges"),
        (35, "window"),
        (45, "timestamp"),
    ] {
        assert_eq!(trains(&[&a, &change(at, 0x55)]), 2, "{what}");
    }
    for (flags, what) in [(0x14, "reset"), (0x12, "SYN"), (0x50, "echo")] {
        assert_eq!(trains(&[&a, &change(33, flags)]), 2, "{what}");
    }
    let mut train = Train::default();
    assert!(train.add(a.clone(), true).is_none());
    assert!(
        train.add(b.clone(), false).is_some(),
        "behind a damaged one"
    );
    let mut train = Train::default();
    assert!(train.add(a, false).is_none());
    assert!(train.add(b, true).is_some(), "damaged");
}

#[test]
fn a_lone_packet_gets_its_checksum() {
    let mut frame = frame(true, false, b"hello", 0);
    let whole = frame.clone();
    let headers = Headers::of(&frame).unwrap();
    let partial = fold(headers.pseudo_header(&frame, frame.len() - 40));
    frame[46..48].copy_from_slice(&partial.to_be_bytes());
    let offload = Offload {
        flags: NEEDS_CHECKSUM,
        start: 40,
        offset: 6,
        ..Offload::default()
    };
    assert_eq!(packets(offload, &frame), [whole]);
}
