//! A wire that loses nothing: everything can be computed.

use weaknet_core::packet::{Media, Packet, Payload, Rtcp, RtpKind};
use weaknet_core::{Event, Span, Time};
use weaknet_transports::jitter::Fixed;

use super::support::{Call, Record, at, build, lossy, ms, plain};

const DELAY: Span = Span::from_millis(25);

fn perfect(call: Call) -> Record {
    call.over(plain(DELAY), plain(DELAY))
}

fn nothing_to_repair(record: &Record) {
    assert_eq!(record.nacked(), 0);
    assert_eq!(record.key_frames_requested(), []);
    assert_eq!(record.dropped(), []);
    assert!(
        record
            .usable()
            .iter()
            .all(|(_, (_, _, repaired))| !repaired)
    );
    assert_eq!(record.residual(at(10_000).saturating_sub(DELAY)), []);
}

#[test]
fn every_frame_is_shown_a_constant_time_after_its_capture() {
    let record = perfect(Call {
        jitter: build(&Fixed::default()),
        ..Call::default()
    });
    nothing_to_repair(&record);
    let captured = record.encoded();
    // 10 s less 102 ms of set-up and 125 ms from capture to screen, at 30 fps.
    let rendered = record.rendered();
    assert!(
        rendered
            .iter()
            .map(|(_, f)| *f)
            .eq(0..rendered.len() as u64)
    );
    assert!((290..=294).contains(&rendered.len()), "{}", rendered.len());
    // 125 ms are 3.75 frames.
    assert!(
        (3..=4).contains(&(captured.len() - rendered.len())),
        "under way at the stop"
    );
    // The first packets of a frame leave at once: it is complete 25 ms after
    // its capture, and shown 100 ms later. From then on the 90 kHz clock of the
    // stream tells when: 3000 ticks (rounded down) are 33.3 ms.
    let ticks = |at: Time| at.as_nanos() * 9 / 100_000;
    let (first, origin) = (rendered[0].0, ticks(captured[0].0));
    assert_eq!(first, captured[0].0 + DELAY + ms(100));
    for ((shown, frame), (captured, _)) in rendered.iter().zip(&captured) {
        let due = first + Span::from_nanos((ticks(*captured) - origin) * 100_000 / 9);
        assert_eq!(*shown, due, "frame {frame}");
    }
}

#[test]
fn the_life_of_a_frame_is_told() {
    let record = perfect(Call::default());
    nothing_to_repair(&record);
    let lives = record.all(|event| match event {
        Event::FrameRendered { times, .. } => Some(*times),
        _ => None,
    });
    for ((shown, life), (captured, _)) in lives.iter().zip(record.encoded()) {
        assert_eq!((life.captured, life.first_sent), (captured, captured));
        assert_eq!(life.first_arrived, captured + DELAY);
        assert!(life.complete >= life.first_arrived && life.decode_start >= life.complete);
        assert_eq!(life.decoded, life.decode_start + ms(2));
        assert!(*shown >= life.decoded);
    }
}

#[test]
fn sound_is_played_without_a_gap() {
    let record = perfect(Call::default());
    let played = record.all(|event| match event {
        Event::AudioPlayed {
            length, captured, ..
        } => Some((*length, *captured)),
        _ => None,
    });
    assert!((485..=490).contains(&played.len()), "{}", played.len());
    for (at, (length, captured)) in &played {
        // The packet is full after 20 ms, 6.5 ms of look-ahead, 25 ms of wire,
        // 60 ms in the buffer.
        let captured = captured.expect("nothing to conceal");
        assert_eq!(*at, captured + ms(20 + 25 + 60) + Span::from_micros(6_500));
        assert_eq!(*length, ms(20));
    }
    assert!(played.windows(2).all(|w| w[1].0 == w[0].0 + ms(20)));
}

#[test]
fn sound_alone_and_pictures_alone() {
    let sound = perfect(Call {
        video: None,
        ..Call::default()
    });
    nothing_to_repair(&sound);
    assert_eq!((sound.encoded().len(), sound.rendered().len()), (0, 0));
    assert!(sound.usable().len() > 480);
    let pictures = perfect(Call {
        audio: None,
        ..Call::default()
    });
    nothing_to_repair(&pictures);
    assert!(pictures.sent_rtp(RtpKind::Media, Media::Audio).is_empty());
    assert!(pictures.rendered().len() > 280);
}

#[test]
fn every_packet_is_reported_with_its_arrival() {
    let record = perfect(Call::default());
    let mut reported = std::collections::BTreeMap::new();
    for (_, packet) in &record.sent {
        let Payload::Rtcp(reports) = &packet.payload else {
            continue;
        };
        for report in reports {
            if let Rtcp::TransportFeedback { arrivals, .. } = report {
                reported.extend(arrivals.iter().map(|a| (a.seq, a.at)));
            }
        }
    }
    let quarter = Span::from_micros(250).as_nanos();
    for (sent, packet) in &record.sent {
        let Payload::Rtp(rtp) = packet.payload else {
            continue;
        };
        if *sent < at(9_900) {
            let arrival = reported[&rtp.transport_seq].expect("received").as_nanos();
            let error = arrival.abs_diff((*sent + DELAY).as_nanos());
            assert!(error <= quarter / 2 && arrival % quarter == 0, "{rtp:?}");
        }
    }
}

#[test]
fn reports_go_out_at_their_intervals_and_tell_the_round_trip() {
    let record = perfect(Call::default());
    let (mut sender, mut receiver) = (Vec::new(), Vec::new());
    for (at, packet) in &record.sent {
        let Payload::Rtcp(reports) = &packet.payload else {
            continue;
        };
        for report in reports {
            match report {
                Rtcp::SenderReport { ntp, dlrr } => {
                    assert_eq!(ntp, at);
                    sender.push((*at, *dlrr));
                }
                Rtcp::ReceiverReport {
                    last_sr,
                    delay_since_last_sr,
                    lost,
                    ..
                } => {
                    assert_eq!(*lost, 0);
                    receiver.push((*at, last_sr.map(|sr| at.since(sr) - *delay_since_last_sr)));
                }
                _ => {}
            }
        }
    }
    assert!(sender.windows(2).all(|w| w[1].0 == w[0].0 + ms(1_000)));
    assert!(receiver.windows(2).all(|w| w[1].0 == w[0].0 + ms(850)));
    assert_eq!((sender.len(), receiver.len()), (9, 11));
    // One way here, the other way in the sender's answer to the reference time.
    assert_eq!(receiver[0].1, None);
    assert!(
        receiver[2..].iter().all(|(_, way)| *way == Some(DELAY)),
        "{receiver:?}"
    );
    let answered: Vec<Time> = sender
        .iter()
        .filter_map(|(_, dlrr)| dlrr.map(|(at, _)| at))
        .collect();
    assert!(
        answered.windows(2).all(|w| w[0] < w[1]),
        "each is answered once"
    );
    for (at, dlrr) in &sender[1..] {
        if let Some((reference, held)) = dlrr {
            assert_eq!(at.since(*reference) - *held, DELAY);
        }
    }
}

#[test]
fn set_up_reaches_its_stages_in_order() {
    use weaknet_core::event::SessionStage as Stage;
    let record = perfect(Call::default());
    let stages = record.all(|event| match event {
        Event::Session { stage, .. } => Some(*stage),
        _ => None,
    });
    let names: Vec<Stage> = stages.iter().map(|(_, stage)| *stage).collect();
    assert_eq!(
        names,
        [
            Stage::Started,
            Stage::IceConnected,
            Stage::SenderReady,
            Stage::Connected
        ]
    );
    // One round trip for the check, one for the key exchange, 2 ms of computing
    // at either end.
    assert_eq!(stages[1].0, at(50));
    let first = record.sent_rtp(RtpKind::Media, Media::Video)[0].0;
    assert_eq!(stages[2].0, first);
    assert!((at(100)..at(110)).contains(&first), "{first:?}");
}

#[test]
fn a_reference_time_is_answered_once() {
    // After 3 s no receiver report comes through.
    let is_report = |packet: &Packet| match &packet.payload {
        Payload::Rtcp(r) => r.iter().any(|r| matches!(r, Rtcp::ReceiverReport { .. })),
        _ => false,
    };
    let dark = move |now: Time, packet: &Packet| now > at(3_000) && is_report(packet);
    let record = Call::default().over(plain(DELAY), lossy(DELAY, dark));
    let (mut received, mut answered) = (0, 0);
    for (_, packet) in &record.arrived {
        received += usize::from(is_report(packet));
        if let Payload::Rtcp(reports) = &packet.payload {
            let answers = reports
                .iter()
                .filter(|r| matches!(r, Rtcp::SenderReport { dlrr: Some(_), .. }));
            answered += answers.count();
        }
    }
    assert_eq!((received, answered), (3, 3));
}
