use weaknet_core::plugin::{Assets, BuildContext, Plugin};
use weaknet_core::rng::Streams;
use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::{Paced, Pacer, PacerAction, Priority, ProbeCluster, WebrtcPacing};

fn build(config: &WebrtcPacing) -> Box<dyn Pacer> {
    let (streams, assets) = (Streams::new(1), Assets::default());
    config
        .build(&BuildContext {
            path: "call/pacer",
            streams: &streams,
            assets: &assets,
        })
        .unwrap()
}

fn pacer_at(kbps: u64) -> Box<dyn Pacer> {
    let mut pacer = build(&WebrtcPacing::default());
    pacer.set_rates(Time::ZERO, Bitrate::from_kbps(kbps), Bitrate::ZERO);
    pacer
}

fn ms(n: u64) -> Time {
    Time::from_millis(n)
}

fn enqueue(
    pacer: &mut dyn Pacer,
    now: Time,
    priority: Priority,
    handles: std::ops::Range<u64>,
    size: u64,
) {
    for handle in handles {
        pacer.enqueue(
            now,
            Paced {
                handle,
                size: Bytes::new(size),
                priority,
            },
        );
    }
}

/// Everything that leaves until `end`, with its time; padding is refused.
fn drain(pacer: &mut dyn Pacer, mut now: Time, end: Time) -> Vec<(Time, u64)> {
    let mut sent = Vec::new();
    loop {
        while let Some(action) = pacer.poll(now) {
            match action {
                PacerAction::Send { handle, .. } => sent.push((now, handle)),
                PacerAction::Pad { .. } => pacer.on_padding(now, Bytes::ZERO),
            }
        }
        match pacer.next_wake(now) {
            Some(next) if next < end => {
                assert!(next > now);
                now = next;
            }
            _ => return sent,
        }
    }
}

#[test]
fn a_frame_of_ten_packets_leaves_in_one_burst_at_1_1_times_the_target() {
    // 2.5 Mbit/s at 30 fps: frames of 10.4 kB, 40 ms at 2.75 Mbit/s are 13.75 kB.
    let mut pacer = pacer_at(2_750);
    for frame in 0..30 {
        let now = Time::from_micros(33_333 * frame);
        enqueue(&mut *pacer, now, Priority::Video, 0..10, 1_042);
        for handle in 0..10 {
            assert_eq!(
                pacer.poll(now),
                Some(PacerAction::Send {
                    handle,
                    probe: None
                })
            );
        }
        assert_eq!(pacer.poll(now), None);
        assert_eq!(pacer.next_wake(now), None);
    }
}

#[test]
fn a_large_frame_leaves_in_bursts_of_40_ms_each_paid_for() {
    // 1 Mbit/s: 40 ms are 5000 bytes. Five packets leave while the debt is below
    // that, then nothing until the debt of 5000 bytes is paid.
    let mut pacer = pacer_at(1_000);
    enqueue(&mut *pacer, ms(0), Priority::Video, 0..12, 1_000);
    let sent = drain(&mut *pacer, ms(0), Time::from_secs(2));
    let at: Vec<_> = sent.iter().map(|(at, _)| at.as_millis()).collect();
    assert_eq!(at, [0, 0, 0, 0, 0, 40, 40, 40, 40, 40, 80, 80]);
    assert!(sent.iter().map(|(_, handle)| *handle).eq(0..12));
}

#[test]
fn audio_does_not_wait_but_counts() {
    let mut pacer = pacer_at(1_000);
    enqueue(&mut *pacer, ms(0), Priority::Video, 0..7, 1_000);
    assert_eq!(drain(&mut *pacer, ms(0), ms(1)).len(), 5);
    enqueue(&mut *pacer, ms(1), Priority::Retransmission, 20..21, 1_000);
    enqueue(&mut *pacer, ms(1), Priority::Audio, 10..11, 125);
    // The debt is 4875 bytes by then: less than the window, so that the audio
    // packet opens it for one more, and retransmissions go before video.
    let sent = drain(&mut *pacer, ms(1), ms(2));
    assert_eq!(sent, [(ms(1), 10)]);
    assert_eq!(
        drain(&mut *pacer, ms(1), ms(45)),
        [(ms(41), 20), (ms(41), 5), (ms(41), 6)]
    );
}

#[test]
fn paced_audio_waits_like_video() {
    let mut pacer = build(&WebrtcPacing {
        pace_audio: true,
        ..WebrtcPacing::default()
    });
    pacer.set_rates(ms(0), Bitrate::from_mbps(1), Bitrate::ZERO);
    enqueue(&mut *pacer, ms(0), Priority::Video, 0..5, 1_000);
    drain(&mut *pacer, ms(0), ms(1));
    enqueue(&mut *pacer, ms(1), Priority::Audio, 10..11, 100);
    assert_eq!(drain(&mut *pacer, ms(1), ms(60)).len(), 1);
}

#[test]
fn a_long_queue_drains_within_two_seconds() {
    // 1 MB at 1 Mbit/s would take 8 s.
    let mut pacer = pacer_at(1_000);
    enqueue(&mut *pacer, ms(0), Priority::Video, 0..1_000, 1_000);
    let sent = drain(&mut *pacer, ms(0), Time::from_secs(10));
    assert_eq!(sent.len(), 1_000);
    let last = sent.last().unwrap().0;
    assert!(last > ms(1_500) && last <= ms(2_050), "{last:?}");
    // And it does take 8 s without the rule, less one window of 40 ms.
    let mut pacer = build(&WebrtcPacing {
        drain_large_queues: false,
        ..WebrtcPacing::default()
    });
    pacer.set_rates(ms(0), Bitrate::from_mbps(1), Bitrate::ZERO);
    enqueue(&mut *pacer, ms(0), Priority::Video, 0..1_000, 1_000);
    assert_eq!(
        drain(&mut *pacer, ms(0), Time::from_secs(10))
            .last()
            .unwrap()
            .0,
        ms(7_960)
    );
}

#[test]
fn a_full_window_lets_audio_and_keep_alives_pass() {
    let mut pacer = pacer_at(1_000);
    enqueue(&mut *pacer, ms(0), Priority::Video, 0..1, 1_000);
    drain(&mut *pacer, ms(0), ms(1));
    pacer.set_congested(ms(10), true);
    enqueue(&mut *pacer, ms(20), Priority::Video, 1..2, 1_000);
    enqueue(&mut *pacer, ms(20), Priority::Audio, 10..11, 100);
    assert_eq!(drain(&mut *pacer, ms(20), ms(100)), [(ms(20), 10)]);
    // Nothing since 20 ms: a keep-alive 500 ms later.
    assert_eq!(pacer.next_wake(ms(100)), Some(ms(520)));
    assert_eq!(
        pacer.poll(ms(520)),
        Some(PacerAction::Pad {
            size: Bytes::new(1),
            probe: None
        })
    );
    pacer.on_padding(ms(520), Bytes::new(300));
    assert_eq!(pacer.poll(ms(520)), None);
    assert_eq!(pacer.next_wake(ms(520)), Some(ms(1_020)));
    pacer.set_congested(ms(600), false);
    assert_eq!(
        pacer.poll(ms(600)),
        Some(PacerAction::Send {
            handle: 1,
            probe: None
        })
    );
}

#[test]
fn padding_fills_up_to_its_rate_and_only_an_empty_queue() {
    let mut pacer = build(&WebrtcPacing::default());
    pacer.set_rates(ms(0), Bitrate::from_mbps(2), Bitrate::from_mbps(1));
    assert_eq!(pacer.poll(ms(0)), None, "not before the first packet");
    enqueue(&mut *pacer, ms(0), Priority::Video, 0..1, 1_000);
    let (mut now, mut padded) = (ms(0), 0);
    while now < Time::from_secs(10) {
        while let Some(action) = pacer.poll(now) {
            if let PacerAction::Pad { size, probe } = action {
                assert_eq!((size, probe), (Bytes::new(625), None)); // 5 ms
                padded += 700;
                pacer.on_padding(now, Bytes::new(700));
            }
        }
        now = pacer.next_wake(now).unwrap();
    }
    // 1 Mbit/s over 10 s, the media packet included, within one packet.
    assert!(
        (1_249_000..=1_250_000).contains(&(padded + 300)),
        "{padded}"
    );
}

#[test]
fn padding_that_cannot_be_made_is_asked_for_again_later() {
    let mut pacer = build(&WebrtcPacing::default());
    pacer.set_rates(ms(0), Bitrate::from_mbps(2), Bitrate::from_bps(100));
    enqueue(&mut *pacer, ms(0), Priority::Video, 0..1, 1_000);
    assert_eq!(drain(&mut *pacer, ms(0), Time::from_secs(3)).len(), 1);
}

fn cluster(id: u32, kbps: u64, min_bytes: u64) -> ProbeCluster {
    ProbeCluster {
        id,
        rate: Bitrate::from_kbps(kbps),
        min_packets: 5,
        min_bytes: Bytes::new(min_bytes),
        duration: Span::from_millis(15),
    }
}

/// Start of a call at 300 kbit/s: probes at 900 and 1800 kbit/s.
#[test]
fn a_probe_opens_with_padding_and_keeps_its_rate() {
    let mut pacer = pacer_at(750);
    pacer.add_probe(ms(0), cluster(1, 900, 1_688));
    pacer.add_probe(ms(0), cluster(2, 1_800, 3_375));
    assert_eq!(pacer.poll(ms(0)), None, "a large packet must come first");
    enqueue(&mut *pacer, ms(10), Priority::Audio, 9..10, 100);
    assert_eq!(
        pacer.poll(ms(10)),
        Some(PacerAction::Send {
            handle: 9,
            probe: None
        })
    );
    enqueue(&mut *pacer, ms(20), Priority::Video, 0..2, 700);
    let (mut now, mut log) = (ms(20), Vec::new());
    loop {
        while let Some(action) = pacer.poll(now) {
            let (kind, size, probe) = match action {
                PacerAction::Send { handle, probe } => (format!("media {handle}"), 700, probe),
                PacerAction::Pad { size, probe } => {
                    let made = size.get().clamp(321, 800);
                    pacer.on_padding(now, Bytes::new(made));
                    (format!("pad {}", size.get()), made, probe)
                }
            };
            log.push((now.as_micros(), kind, size, probe.map_or(0, |p| p.id)));
        }
        match pacer.next_wake(now) {
            Some(next) => now = next,
            None => break,
        }
    }
    let rows: Vec<_> = log
        .iter()
        .map(|(at, kind, size, id)| (*at, kind.as_str(), *size, *id))
        .collect();
    assert_eq!(
        rows,
        [
            (20_000, "pad 1", 321, 1), // 2 ms at 900 kbit/s are 225 bytes: this is a burst
            (22_853, "media 0", 700, 1),
            (29_075, "media 1", 700, 1),
            (35_297, "pad 225", 321, 1),
            (38_151, "pad 225", 321, 1),
            (41_004, "pad 1", 321, 2),
            (41_004, "pad 129", 321, 2), // 450 bytes a burst
            (43_857, "pad 450", 450, 2),
            (45_857, "pad 450", 450, 2),
            (47_857, "pad 450", 450, 2),
            (49_857, "pad 450", 450, 2),
            (51_857, "pad 450", 450, 2),
            (53_857, "pad 450", 450, 2),
            (55_857, "pad 450", 450, 2),
        ]
    );
}

#[test]
fn an_overdue_probe_is_given_up() {
    let mut pacer = pacer_at(750);
    pacer.add_probe(ms(0), cluster(1, 900, 1_688));
    enqueue(&mut *pacer, ms(0), Priority::Video, 0..1, 700);
    assert!(matches!(
        pacer.poll(ms(0)),
        Some(PacerAction::Pad { probe: Some(_), .. })
    ));
    pacer.on_padding(ms(0), Bytes::new(321));
    // Due after 2.9 ms, polled after 13.
    assert_eq!(pacer.poll(ms(0)), None);
    assert_eq!(
        pacer.poll(ms(13)),
        Some(PacerAction::Send {
            handle: 0,
            probe: None
        })
    );
    assert_eq!(pacer.next_wake(ms(13)), None);
}

#[test]
fn a_probe_without_anything_to_send_waits_for_media() {
    let mut pacer = pacer_at(750);
    pacer.add_probe(ms(0), cluster(1, 900, 1_688));
    enqueue(&mut *pacer, ms(0), Priority::Video, 0..1, 700);
    let mut probes = 0;
    let mut now = ms(0);
    for _ in 0..20 {
        while let Some(action) = pacer.poll(now) {
            match action {
                PacerAction::Send { probe, .. } => probes += u32::from(probe.is_some()),
                PacerAction::Pad { .. } => pacer.on_padding(now, Bytes::ZERO),
            }
        }
        let Some(next) = pacer.next_wake(now) else {
            break;
        };
        now = next;
    }
    assert_eq!(probes, 1);
    assert_eq!(pacer.next_wake(now), None, "no busy waiting");
}

/// A frame of one packet and, once that has left, a packet behind it: when that
/// one leaves.
fn behind_a_frame(kbps: u64, audio_at: Option<Time>) -> Time {
    let mut pacer = pacer_at(kbps);
    enqueue(&mut *pacer, ms(0), Priority::Video, 0..1, 1_000);
    let sends = |action| matches!(action, Some(PacerAction::Send { .. }));
    assert!(sends(pacer.poll(ms(0))));
    enqueue(&mut *pacer, ms(0), Priority::Video, 1..2, 1_000);
    let mut sent = Vec::new();
    if let Some(at) = audio_at {
        sent = drain(&mut *pacer, ms(0), at);
        enqueue(&mut *pacer, at, Priority::Audio, 9..10, 100);
        sent.extend(drain(&mut *pacer, at, ms(100)));
    } else {
        sent.extend(drain(&mut *pacer, ms(0), ms(100)));
    }
    let found = sent.iter().find(|(_, handle)| *handle == 1);
    found.expect("it leaves").0
}

#[test]
fn repair_packets_are_held_back_behind_their_frame() {
    // Three packets take 12 ms at 2 Mbit/s and 2.4 ms at 10.
    assert_eq!(behind_a_frame(2_000, None), ms(5));
    assert_eq!(behind_a_frame(10_000, None), Time::from_micros(2_400));
    // Whatever comes meanwhile takes it along.
    assert_eq!(behind_a_frame(2_000, Some(ms(3))), ms(3));
    assert_eq!(behind_a_frame(2_000, Some(ms(20))), ms(5));
}
