//! Published bytes, what was written read back, and anything at all.

use proptest::prelude::*;
use weaknet_core::packet::{FlowId, Leg, Packet, Payload, Protocol, Rtcp};

use super::*;
use crate::rtp::{Overhead, rtcp_size};
use crate::wire::{Addresses, Encoder};

fn hex(text: &str) -> Vec<u8> {
    let bytes = text.split_whitespace();
    bytes.map(|b| u8::from_str_radix(b, 16).unwrap()).collect()
}

/// Number and microseconds of each packet of the only report.
fn times(bytes: &str) -> Vec<(u64, Option<u64>)> {
    let reports = FeedbackReader::default().read(&hex(bytes)).unwrap();
    let arrivals = reports[0].arrivals.iter();
    arrivals
        .map(|a| (a.seq, a.at.map(|at| at.as_nanos() / 1_000)))
        .collect()
}

#[test]
fn transport_wide_feedback_of_two_bit_symbols_over_the_end_of_numbers() {
    let bytes =
        "8f cd 00 06 11 22 33 44 aa bb cc dd ff fe 00 05 00 00 10 09 d1 a0 04 50 01 90 ff f8";
    let expected = [
        (65_534, Some(1_025_000)),
        (65_535, None),
        (65_536, Some(1_045_000)),
        (65_537, Some(1_145_000)),
        (65_538, Some(1_143_000)),
    ];
    assert_eq!(times(bytes), expected);
    let reports = FeedbackReader::default().read(&hex(bytes)).unwrap();
    assert_eq!(reports[0].ssrc, 0xaabb_ccdd);
}

#[test]
fn transport_wide_feedback_of_a_run_and_of_one_bit_symbols() {
    let run = "af cd 00 0a 11 22 33 44 aa bb cc dd 03 e8 00 14 00 00 01 ff 20 14 28 04 04 04 04 04 \
               04 04 04 04 04 04 04 04 04 04 04 04 04 04 00 02";
    let expected: Vec<_> = (0..20)
        .map(|i| (1_000 + i, Some(74_000 + 1_000 * i)))
        .collect();
    assert_eq!(times(run), expected);
    let one_bit = "8f cd 00 07 11 22 33 44 aa bb cc dd 00 07 00 0e 12 34 56 01 b7 3e \
                   08 08 08 08 08 08 08 08 08 08";
    let found = times(one_bit);
    let lost: Vec<_> = found
        .iter()
        .filter(|f| f.1.is_none())
        .map(|f| f.0)
        .collect();
    assert_eq!(lost, [9, 13, 14, 20]);
    let first = 0x12_3456 * 64_000 + 2_000;
    assert_eq!(found[0], (7, Some(first)));
    assert_eq!(found[12], (19, Some(first + 9 * 2_000)));
}

#[test]
fn congestion_control_feedback_of_two_streams() {
    let bytes = "8b cd 00 09 11 22 33 44 01 02 03 04 ff fe 00 03 a2 00 00 00 ff fe 00 00 aa bb cc dd \
                 00 14 00 02 c0 0a 9f ff 47 25 80 00";
    let reports = FeedbackReader::default().read(&hex(bytes)).unwrap();
    // 4725.8000 hexadecimal are 18213.5 s.
    let made = Time::from_millis(18_213_500);
    assert!(reports.iter().all(|report| report.made == Some(made)));
    let of = |report: &StreamReport| -> Vec<_> {
        let arrivals = report.arrivals.iter();
        arrivals
            .map(|a| (a.seq, a.at.map(|at| made.since(at).as_micros()), a.ecn))
            .collect()
    };
    let first = [
        (65_534, Some(500_000), Ecn::Ect1),
        (65_535, None, Ecn::NotEct),
        (65_536, Some(0), Ecn::Ce),
    ];
    assert_eq!(
        (reports[0].ssrc, of(&reports[0])),
        (0x0102_0304, first.to_vec())
    );
    let second = [(20, Some(9_765), Ecn::Ect0), (21, Some(0), Ecn::NotEct)];
    assert_eq!(
        (reports[1].ssrc, of(&reports[1])),
        (0xaabb_ccdd, second.to_vec())
    );
}

#[test]
fn what_is_no_feedback_is_refused() {
    let read = |bytes: &str| FeedbackReader::default().read(&hex(bytes));
    assert_eq!(read("4f cd 00 00"), Err(WireError::Version));
    assert_eq!(read("8f cd 00"), Err(WireError::Short));
    assert_eq!(read("8f cd 00 02 00 00 00 00"), Err(WireError::Short));
    // A run of none would never end.
    let head = "8f cd 00 05 11 22 33 44 aa bb cc dd 00 00 00 02 00 00 00 00";
    assert_eq!(read(&format!("{head} 00 00 00 00")), Err(WireError::Short));
    assert_eq!(read(&format!("{head} f0 00 00 00")), Err(WireError::Symbol));
    // RFC 8888: more blocks than bytes.
    let short = "8b cd 00 04 11 22 33 44 01 02 03 04 00 00 00 09 80 00 00 00";
    assert_eq!(read(short), Err(WireError::Short));
    // Other packets are passed over: an empty receiver report.
    assert_eq!(read("80 c9 00 01 11 22 33 44"), Ok(vec![]));
}

fn written(report: Rtcp) -> Vec<u8> {
    let reports = vec![report];
    let packet = Packet {
        id: 1,
        flow: FlowId(3),
        leg: Leg::Return,
        path: 0,
        hop: 0,
        ecn: Ecn::NotEct,
        damaged: false,
        protocol: Protocol::Udp,
        size: rtcp_size(&reports, &Overhead::WEBRTC),
        sent: Time::ZERO,
        payload: Payload::Rtcp(reports),
    };
    let mut out = Vec::new();
    Encoder::default().encode(&packet, &Addresses::of(&packet), &mut out);
    // Between IP and UDP headers and the SRTCP trailer.
    out[28..out.len() - 14].to_vec()
}

fn any_arrivals() -> impl Strategy<Value = Vec<Arrival>> {
    let ecn = prop::sample::select(vec![Ecn::NotEct, Ecn::Ect0, Ecn::Ect1, Ecn::Ce]);
    let one = prop::option::of((0u64..2_000, ecn));
    (0u64..60_000, prop::collection::vec(one, 1..200)).prop_map(|(first, statuses)| {
        let arrival = |(seq, status): (u64, Option<(u64, Ecn)>)| Arrival {
            seq,
            at: status.map(|(ms, _)| Time::from_millis(10_000 + ms)),
            ecn: status.map_or(Ecn::NotEct, |(_, ecn)| ecn),
        };
        (first..).zip(statuses).map(arrival).collect()
    })
}

proptest! {
    #[test]
    fn codepoints_and_fates_come_back(arrivals in any_arrivals()) {
        let made = Time::from_millis(12_500);
        let sent = Rtcp::CongestionFeedback { arrivals: arrivals.clone(), made };
        let reports = FeedbackReader::default().read(&written(sent)).unwrap();
        prop_assert_eq!(reports[0].arrivals.len(), arrivals.len());
        let stamp = reports[0].made.unwrap();
        for (found, sent) in reports[0].arrivals.iter().zip(&arrivals) {
            prop_assert_eq!((found.seq, found.ecn, found.at.is_some()), (sent.seq, sent.ecn, sent.at.is_some()));
            if let (Some(found), Some(sent)) = (found.at, sent.at) {
                // Offsets are cut down to 1/1024 s and the stamp to 1/65536 s.
                let (found, sent) = (stamp.since(found).as_nanos(), made.since(sent).as_nanos());
                prop_assert!(sent.abs_diff(found) <= 976_563 + 15_259, "{} {}", found, sent);
            }
        }
    }

    #[test]
    fn times_of_transport_wide_feedback_come_back(arrivals in any_arrivals()) {
        let sent = Rtcp::TransportFeedback { arrivals: arrivals.clone() };
        let reports = FeedbackReader::default().read(&written(sent)).unwrap();
        let found: Vec<_> = reports[0].arrivals.iter().map(|a| (a.seq, a.at)).collect();
        // Whole milliseconds are whole ticks.
        let expected: Vec<_> = arrivals.iter().map(|a| (a.seq, a.at)).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_bytes_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), format in prop::sample::select(vec![11u8, 15])) {
        let mut reader = FeedbackReader::default();
        let _ = reader.read(&bytes);
        let words = bytes.len() / 4;
        let mut framed = vec![0x80 | format, 205, 0, words as u8];
        framed.extend(&bytes[..words * 4]);
        let _ = reader.read(&framed);
    }
}
