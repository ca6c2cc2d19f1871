//! Laws that hold for every parity scheme.

use std::collections::BTreeMap;

use proptest::prelude::*;
use weaknet_core::Time;

use crate::fec::{FecPair, Protection, Repair, Source};

/// A block of frames, what is spent on it, and what of it is lost.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// Payload sizes of the packets of each frame.
    frames: Vec<Vec<u16>>,
    rate: f64,
    max_frames: u32,
    bursts: bool,
    first: u64,
    lost: u128,
}

pub(crate) fn cases() -> impl Strategy<Value = Case> {
    // Six frames of up to seven packets, or one frame: no more than the decoder
    // remembers.
    let small = proptest::collection::vec(0_u16..90, 1..8);
    let frames = prop_oneof![
        3 => proptest::collection::vec(small, 1..7),
        1 => proptest::collection::vec(0_u16..20, 1..49).prop_map(|frame| vec![frame]),
    ];
    (
        frames,
        0.0..1.2_f64,
        1_u32..7,
        any::<bool>(),
        prop_oneof![0_u64..200_000, 65_500_u64..65_600],
        any::<u128>(),
        any::<u128>(),
    )
        .prop_map(|(frames, rate, max_frames, bursts, first, a, b)| Case {
            frames,
            rate,
            max_frames,
            bursts,
            first,
            lost: a & b,
        })
}

/// An RTP packet with this payload; every byte hangs on the number.
fn packet(seq: u64, payload: u16) -> Vec<u8> {
    let marker = u8::from(seq.is_multiple_of(5)) << 7;
    let mut packet = vec![0x80 | (seq % 2) as u8, marker | 96];
    packet.extend((seq as u16).to_be_bytes());
    packet.extend((seq as u32 / 3).wrapping_mul(3_000).to_be_bytes());
    packet.extend([1, 2, 3, 4]);
    packet
        .extend((0..payload).map(|i| (u64::from(i) * 31).wrapping_add(seq.wrapping_mul(7)) as u8));
    packet
}

/// Sends a case through a scheme: numbers and bytes recover the same packets,
/// and the right ones; headers and sizes are what the encoder said.
pub(crate) fn numbers_and_bytes_agree(mut pair: FecPair, case: &Case) {
    let codec = pair.codec.expect("the scheme exists in bytes");
    let protection = Protection {
        rate: case.rate,
        max_frames: case.max_frames,
        bursts: case.bursts,
    };
    let mut seq = case.first;
    let mut bits = case.lost;
    let mut is_lost = || {
        let lost = bits & 1 == 1;
        bits = bits.rotate_right(1);
        lost
    };
    let (mut sent, mut arrived) = (BTreeMap::new(), BTreeMap::new());
    let (mut by_numbers, mut out) = (Vec::new(), Vec::new());
    let mut repairs: Vec<(Repair, Vec<u8>)> = Vec::new();
    for (frame, parts) in case.frames.iter().enumerate() {
        for (part, payload) in parts.iter().enumerate() {
            let source = Source {
                seq,
                payload: *payload,
                frame: frame as u64,
                part: part as u16,
                parts: parts.len() as u16,
                key: false,
            };
            pair.encoder
                .on_media(Time::ZERO, &source, &protection, &mut out);
            sent.insert(seq, packet(seq, *payload));
            if !is_lost() && !by_numbers.contains(&seq) {
                arrived.insert(seq, packet(seq, *payload));
                pair.decoder.on_media(Time::ZERO, seq, &mut by_numbers);
            }
            seq += 1;
        }
        for repair in out.drain(..) {
            let bytes = codec.encode(&repair, &sent).expect("all are there");
            assert_eq!(bytes.len(), usize::from(repair.payload));
            assert_eq!(codec.header(&bytes, seq), Some(repair.clone()));
            if !is_lost() {
                pair.decoder.on_repair(Time::ZERO, &repair, &mut by_numbers);
                repairs.push((repair, bytes));
            }
        }
    }
    let by_bytes = codec.decode(&arrived, &repairs);
    by_numbers.sort_unstable();
    assert!(
        by_bytes.keys().eq(&by_numbers),
        "{by_bytes:?} {by_numbers:?}"
    );
    for (seq, bytes) in &by_bytes {
        // Without any other packet the stream is not known.
        let known = !arrived.is_empty();
        let from = if known { 0 } else { 12 };
        assert_eq!(bytes[from..], sent[seq][from..]);
    }
}

/// Any bytes are read without a panic, and what is read makes sense.
pub(crate) fn any_bytes_can_be_read(pair: FecPair, payload: &[u8], around: u64) {
    let codec = pair.codec.expect("the scheme exists in bytes");
    let Some(repair) = codec.header(payload, around) else {
        return;
    };
    assert!(!repair.protects.is_empty());
    assert!(repair.protects.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(usize::from(repair.payload), payload.len());
    let sources = repair.protects.iter().skip(1);
    let sources = sources.map(|seq| (*seq, packet(*seq, 9))).collect();
    codec.decode(&sources, &[(repair, payload.to_vec())]);
}
