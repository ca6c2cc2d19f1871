use super::*;
use proptest::prelude::*;
use weaknet_core::packet::Media;

fn at(ms: u64) -> Time {
    Time::from_millis(ms)
}

/// Packets of a stream in which every frame has `parts` packets.
fn packet(frame: u64, part: u16, parts: u16) -> Rtp {
    Rtp {
        media: Media::Video,
        kind: RtpKind::Media,
        seq: frame * u64::from(parts) + u64::from(part),
        transport_seq: 0,
        timestamp: frame * 3000,
        frame,
        part,
        parts,
        key: frame.is_multiple_of(10),
        payload: 100 + part,
        picture: weaknet_core::packet::Picture::default(),
        captured: at(frame),
    }
}

fn put(assembler: &mut FrameAssembler, ms: u64, rtp: &Rtp) -> Assembly {
    assembler.on_packet(at(ms), rtp, at(ms - 5), false)
}

#[test]
fn a_frame_is_complete_with_its_last_missing_packet() {
    let mut a = FrameAssembler::default();
    assert_eq!(put(&mut a, 10, &packet(1, 2, 3)), Assembly::Partial);
    assert_eq!(put(&mut a, 11, &packet(1, 0, 3)), Assembly::Partial);
    assert_eq!(put(&mut a, 12, &packet(1, 0, 3)), Assembly::Known);
    let again = Rtp {
        kind: RtpKind::Rtx,
        ..packet(1, 1, 3)
    };
    let Assembly::Complete(frame, first_sent) = a.on_packet(at(40), &again, at(35), true) else {
        panic!("not complete")
    };
    assert_eq!(
        (frame.frame, frame.reference, frame.size, frame.seqs),
        (1, Some(0), 303, (3, 5))
    );
    assert_eq!(
        (frame.first_arrived, frame.complete, first_sent),
        (at(10), at(40), at(5))
    );
    assert!(frame.retransmitted);
    assert_eq!(put(&mut a, 50, &packet(1, 1, 3)), Assembly::Known);
}

#[test]
fn a_frame_refers_to_the_one_that_its_packets_name() {
    let reference = |frame, distance, key| {
        let rtp = Rtp {
            key,
            picture: weaknet_core::packet::Picture {
                reference: distance,
                ..Default::default()
            },
            ..packet(frame, 0, 1)
        };
        match put(&mut FrameAssembler::default(), 10, &rtp) {
            Assembly::Complete(frame, _) => frame.reference,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(reference(9, 4, false), Some(5));
    assert_eq!(reference(9, 1, true), None);
    // Not before the stream: the frame buffer refuses what refers to itself.
    assert_eq!(reference(9, 0, false), Some(9));
    assert_eq!(reference(0, 1, false), Some(0));
}

#[test]
fn given_up_frames_are_named_once_and_stay_over() {
    let mut a = FrameAssembler::default();
    for (frame, part) in [(0, 0), (0, 1), (2, 0), (4, 0), (4, 1)] {
        put(&mut a, 10, &packet(frame, part, 2));
    }
    let mut incomplete = Vec::new();
    a.clear_up_to(4, &mut incomplete);
    assert_eq!(incomplete, [1, 2, 3]);
    assert_eq!(put(&mut a, 20, &packet(2, 1, 2)), Assembly::Known);
    a.clear_up_to(4, &mut incomplete);
    assert_eq!(incomplete, [1, 2, 3]);
    assert_eq!(put(&mut a, 20, &packet(5, 1, 2)), Assembly::Partial);
}

#[test]
fn a_packet_2048_numbers_after_the_oldest_held_does_not_fit() {
    let mut a = FrameAssembler::default();
    assert_eq!(put(&mut a, 10, &packet(3, 1, 2)), Assembly::Partial);
    for frame in 4..1027 {
        put(&mut a, 10, &packet(frame, 0, 2));
        let last = put(&mut a, 10, &packet(frame, 1, 2));
        assert!(matches!(last, Assembly::Complete(..)), "{frame}");
    }
    // The oldest is number 7; the next packet has number 2054.
    assert_eq!(put(&mut a, 11, &packet(1027, 0, 2)), Assembly::Partial);
    assert_eq!(put(&mut a, 11, &packet(1027, 1, 2)), Assembly::Overflow);
    let mut incomplete = Vec::new();
    a.clear_up_to(1027, &mut incomplete);
    assert_eq!(incomplete, [0, 1, 2, 3, 1027]);
    assert_eq!(put(&mut a, 12, &packet(1028, 0, 2)), Assembly::Partial);
}

#[test]
fn a_stream_goes_on_after_an_outage_of_any_length() {
    for gap in [2_049, 5_000, 60_000, 100_000, 1 << 40] {
        let mut a = FrameAssembler::default();
        assert!(matches!(
            put(&mut a, 10, &packet(0, 0, 1)),
            Assembly::Complete(..)
        ));
        let mut first = put(&mut a, 20, &packet(gap, 0, 1));
        if first == Assembly::Overflow {
            a.clear_up_to(gap, &mut Vec::new());
            first = put(&mut a, 20, &packet(gap + 1, 0, 1));
        }
        assert!(matches!(first, Assembly::Complete(..)), "{gap}: {first:?}");
    }
}

proptest! {
    /// Each frame is complete or given up, once.
    #[test]
    fn every_frame_has_one_fate(
        order in prop::collection::vec((0u64..40, 0u16..3), 0..400),
        clear in prop::collection::vec(0u64..50, 0..400),
    ) {
        let mut a = FrameAssembler::default();
        let mut fates = std::collections::BTreeMap::new();
        let mut incomplete = Vec::new();
        let mut clear = clear.into_iter();
        for (frame, part) in order {
            if let Assembly::Complete(done, _) = put(&mut a, 10, &packet(frame, part, 3)) {
                prop_assert!(fates.insert(done.frame, true).is_none());
                prop_assert_eq!(done.size, 303);
            }
            if let Some(frame) = clear.next().filter(|c| c % 5 == 0) {
                a.clear_up_to(frame, &mut incomplete);
            }
            for frame in incomplete.drain(..) {
                prop_assert!(fates.insert(frame, false).is_none());
            }
        }
    }

    #[test]
    fn survives_any_packet(packets in prop::collection::vec((any::<u64>(), any::<u64>(), any::<u16>(), any::<u16>(), any::<bool>()), 0..60)) {
        let mut a = FrameAssembler::default();
        for (seq, frame, part, parts, clear) in packets {
            let rtp = Rtp { seq, frame, part, parts, ..packet(1, 0, 1) };
            if a.on_packet(at(9), &rtp, at(5), false) == Assembly::Overflow || clear {
                a.clear_up_to(frame, &mut Vec::new());
            }
        }
    }
}
