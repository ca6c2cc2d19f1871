use super::super::AudioLevel;
use super::*;
use proptest::prelude::*;

const PACKET: Span = Span::from_millis(20);

fn packet(n: u64) -> AudioPacket {
    AudioPacket {
        seq: n,
        timestamp: 10_000 + n * 960,
        length: PACKET,
        level: AudioLevel::default(),
        silence: false,
        captured: Time::from_millis(20 * n),
    }
}

fn at(ms: u64) -> Time {
    Time::from_millis(ms)
}

/// Plays everything due by `until`: when, and which packet or none.
fn play(b: &mut FixedAudioBuffer, until: Time) -> Vec<(u64, Option<u64>)> {
    let mut out = Vec::new();
    loop {
        while b.poll(Time::ZERO).is_some() {}
        let Some(wake) = b.next_wake().filter(|wake| *wake <= until) else {
            break;
        };
        let playout = loop {
            if let AudioAction::Play(playout) = b.poll(wake).expect("due") {
                break playout;
            }
        };
        assert_eq!(playout.length, PACKET);
        out.push((
            wake.as_millis(),
            playout.captured.map(|c| c.as_millis() / 20),
        ));
    }
    assert_eq!(b.poll(until), None);
    out
}

#[test]
fn plays_each_slot_60_ms_after_the_first_arrival() {
    let mut b = FixedAudioBuffer::new(FixedAudio::default());
    assert_eq!(b.next_wake(), None);
    for n in [0, 1, 3] {
        b.on_packet(at(100 + 20 * n), packet(n));
    }
    assert_eq!(
        play(&mut b, at(239)),
        [(160, Some(0)), (180, Some(1)), (200, None), (220, Some(3))]
    );
}

#[test]
fn a_packet_after_its_slot_is_discarded() {
    let mut b = FixedAudioBuffer::new(FixedAudio::default());
    b.on_packet(at(0), packet(0));
    assert_eq!(play(&mut b, at(80)), [(60, Some(0)), (80, None)]);
    b.on_packet(at(80), packet(1));
    b.on_packet(at(80), packet(2));
    assert_eq!(play(&mut b, at(120)), [(100, Some(2)), (120, None)]);
}

#[test]
fn reordered_start_begins_earlier() {
    let mut b = FixedAudioBuffer::new(FixedAudio::default());
    b.on_packet(at(0), packet(2));
    b.on_packet(at(10), packet(1));
    b.on_packet(at(30), packet(0));
    assert_eq!(
        play(&mut b, at(60)),
        [(40, Some(1)), (60, Some(2))],
        "20 ms is past when packet 0 comes"
    );
}

#[test]
fn reanchors_after_a_second_of_concealment() {
    let mut b = FixedAudioBuffer::new(FixedAudio::default());
    b.on_packet(at(0), packet(0));
    // 50 slots are exactly one second: not yet too long.
    assert_eq!(play(&mut b, at(60 + 50 * 20)).len(), 51);
    b.on_packet(at(1065), packet(3));
    assert_eq!(b.packets.len(), 0, "packet 3 was due long ago");
    assert_eq!(play(&mut b, at(1080)), [(1080, None)]);
    b.on_packet(at(1090), packet(4));
    b.on_packet(at(1095), packet(5));
    assert_eq!(play(&mut b, at(1170)), [(1150, Some(4)), (1170, Some(5))]);
}

#[test]
fn holds_at_most_its_capacity() {
    let mut b = FixedAudioBuffer::new(FixedAudio {
        capacity: 2,
        ..FixedAudio::default()
    });
    for n in 0..4 {
        b.on_packet(at(0), packet(n));
    }
    assert_eq!(
        play(&mut b, at(120)),
        [(60, None), (80, None), (100, Some(2)), (120, Some(3))]
    );
}

proptest! {
    #[test]
    fn playout_is_gapless_and_each_packet_plays_at_most_once(
        arrivals in proptest::collection::vec((0u64..3_000, 0u64..200), 1..200),
    ) {
        let mut arrivals = arrivals;
        arrivals.sort_unstable();
        let mut b = FixedAudioBuffer::new(FixedAudio::default());
        let mut slots = Vec::new();
        for (ms, n) in arrivals {
            slots.extend(play(&mut b, at(ms)));
            b.on_packet(at(ms), packet(n));
        }
        slots.extend(play(&mut b, at(10_000)));
        let played: Vec<u64> = slots.iter().filter_map(|(_, n)| *n).collect();
        prop_assert!(played.windows(2).all(|w| w[0] < w[1]), "in order, once: {played:?}");
        prop_assert!(slots.windows(2).all(|w| w[1].0 >= w[0].0 + 20), "never two at a time");
    }

    #[test]
    fn survives_any_packet(
        packets in proptest::collection::vec((any::<u32>(), any::<u64>(), any::<u64>()), 1..50),
    ) {
        let mut b = FixedAudioBuffer::new(FixedAudio::default());
        for (now, timestamp, length) in packets {
            let now = Time::from_nanos(u64::from(now));
            let length = Span::from_nanos(length.max(1_000_000));
            b.on_packet(now, AudioPacket { timestamp, length, ..packet(0) });
            while b.poll(now).is_some() {}
            prop_assert!(b.next_wake().is_none_or(|wake| wake > now));
        }
    }
}
