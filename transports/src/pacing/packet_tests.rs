use weaknet_core::plugin::{Assets, BuildContext, Plugin};
use weaknet_core::rng::Streams;
use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::{Paced, Pacer, PacerAction, PacketPacing, Priority, ProbeCluster};
use crate::rtp::{Remainder, packetize};

fn pacer() -> Box<dyn Pacer> {
    let (streams, assets) = (Streams::new(1), Assets::default());
    PacketPacing {}
        .build(&BuildContext {
            path: "call/pacer",
            streams: &streams,
            assets: &assets,
        })
        .unwrap()
}

fn us(n: u64) -> Time {
    Time::from_micros(n)
}

fn probe(id: u32, rate_bps: u64, min_bytes: u64) -> ProbeCluster {
    let duration = Span::from_millis(15);
    ProbeCluster {
        id,
        rate: Bitrate::from_bps(rate_bps),
        min_packets: 5,
        min_bytes: Bytes::new(min_bytes),
        duration,
    }
}

enum Input {
    Frame(u32),
    Pacing(u64),
    Rates(u64, u64),
    Probe(u32, u64, u64),
}

/// Runs the pacer over `inputs` and lists (us, bytes, probe) of what left
/// before `end`; padding is always granted.
fn run(inputs: Vec<(u64, Input)>, end: u64) -> Vec<(u64, u64, u32)> {
    let (mut pacer, mut log, mut sizes) = (pacer(), Vec::new(), Vec::new());
    let mut inputs = inputs.into_iter().peekable();
    loop {
        let wake = pacer.next_wake(Time::ZERO).unwrap_or(Time::MAX);
        let input = inputs.peek().map_or(Time::MAX, |(at, _)| us(*at));
        let now = wake.min(input);
        if now >= us(end) {
            return log;
        }
        if input <= wake {
            match inputs.next().unwrap().1 {
                Input::Pacing(bps) => pacer.set_rates(now, Bitrate::from_bps(bps), Bitrate::ZERO),
                Input::Rates(pacing, padding) => {
                    pacer.set_rates(now, Bitrate::from_bps(pacing), Bitrate::from_bps(padding));
                }
                Input::Probe(id, rate, bytes) => pacer.add_probe(now, probe(id, rate, bytes)),
                Input::Frame(bytes) => {
                    for size in packetize(bytes, 1_200, Remainder::First).sizes() {
                        let (handle, size) = (sizes.len() as u64, Bytes::new(u64::from(size)));
                        sizes.push(size);
                        pacer.enqueue(
                            now,
                            Paced {
                                handle,
                                size,
                                priority: Priority::Video,
                            },
                        );
                    }
                }
            }
        }
        while let Some(action) = pacer.poll(now) {
            let (size, probe) = match action {
                PacerAction::Send { handle, probe } => (sizes[handle as usize], probe),
                PacerAction::Pad { size, probe } => {
                    pacer.on_padding(now, size);
                    (size, probe)
                }
            };
            log.push((now.as_micros(), size.get(), probe.map_or(0, |p| p.id)));
        }
    }
}

/// The first rows of the reference trace goog_const1M: targets and pacing rates
/// as the controller gave them, frames of target / 240 on a grid of 33,333 us.
#[test]
fn reproduces_the_reference_trace_to_the_microsecond() {
    use Input::{Frame, Pacing, Probe};
    let inputs = vec![
        (0, Pacing(750_000)),
        (0, Probe(1, 900_000, 1_688)),
        (0, Probe(2, 1_800_000, 3_375)),
        (0, Frame(1_250)),
        (33_333, Frame(1_250)),
        (66_666, Frame(1_250)),
        (75_003, Pacing(331_200)),
        (99_999, Frame(1_254)),
        (125_003, Pacing(990_000)),
        (133_332, Frame(3_750)),
        (166_665, Frame(3_750)),
        (175_003, Pacing(1_045_000)),
        (199_998, Frame(3_958)),
    ];
    let expected = [
        (0, 625, 0),
        (6_666, 625, 1),
        (12_221, 1_200, 1),
        (22_888, 1_200, 1),
        (33_554, 625, 1),
        (39_110, 625, 1),
        (44_666, 1_200, 2),
        (49_999, 1_200, 2),
        (55_332, 1_200, 2),
        (60_666, 1_200, 2),
        (65_999, 1_200, 2),
        (71_332, 625, 0),
        (77_998, 625, 0),
        (103_094, 627, 0),
        (118_238, 627, 0),
        (133_382, 938, 0),
        (140_961, 938, 0),
        (148_540, 937, 0),
        (156_111, 937, 0),
        (168_682, 938, 0),
        (176_261, 938, 0),
        (183_441, 937, 0),
        (190_614, 937, 0),
        (202_787, 990, 0),
        (210_365, 990, 0),
        (217_943, 989, 0),
    ];
    assert_eq!(run(inputs, 220_000), expected);
}

/// The first rows of the reference trace scream-webrtc_const1M, which asks for
/// padding up to its target all the time: media uses the budget too, so that a
/// first packet of padding leaves after 0.2 s, and the next instant after it is
/// 5 ms later.
#[test]
fn pads_as_in_the_reference_trace() {
    use Input::{Frame, Rates};
    let inputs = vec![
        (0, Rates(330_000, 300_000)),
        (0, Frame(1_250)),
        (33_333, Frame(1_250)),
        (66_666, Frame(1_250)),
        (75_003, Rates(319_800, 290_800)),
        (99_999, Frame(1_211)),
        (125_003, Rates(357_400, 325_000)),
        (133_332, Frame(1_354)),
        (166_665, Frame(1_354)),
        (175_003, Rates(433_400, 394_000)),
        (199_998, Frame(1_641)),
        (225_003, Rates(498_000, 452_800)),
        (233_331, Frame(1_886)),
        (266_664, Frame(1_886)),
        (275_003, Rates(543_200, 493_800)),
        (299_997, Frame(2_057)),
    ];
    let expected = [
        (0, 625),
        (15_151, 625),
        (35_302, 625),
        (50_453, 625),
        (70_604, 625),
        (85_755, 625),
        (101_389, 606),
        (116_548, 605),
        (136_682, 677),
        (151_835, 677),
        (166_988, 677),
        (182_141, 677),
        (199_637, 305),
        (204_637, 821),
        (219_791, 820),
        (234_927, 943),
        (250_075, 943),
        (270_223, 943),
        (285_371, 943),
        (299_259, 227),
        (304_259, 1_029),
        (319_413, 1_028),
    ];
    let sent = run(inputs, 330_000);
    let sent: Vec<_> = sent.iter().map(|&(at, size, _)| (at, size)).collect();
    assert_eq!(sent, expected);
}

/// goog_alr3M: a probe that is asked for while the pacer is idle begins at the
/// next instant of its 5 ms grid, and media goes before padding.
#[test]
fn a_probe_while_idle_waits_for_the_grid() {
    let inputs = vec![
        (206_303, Input::Pacing(1_980_000)),
        (206_303, Input::Frame(1_041)),
        (225_003, Input::Probe(4, 5_000_000, 9_375)),
        (225_003, Input::Pacing(3_135_000)),
        (233_331, Input::Frame(3_124)),
    ];
    let sent = run(inputs, 280_000);
    let times: Vec<_> = sent.iter().map(|row| row.0).collect();
    assert_eq!(
        times,
        [
            206_303, 225_509, 227_429, 229_349, 231_269, 233_189, 235_109, 236_776, 238_441,
            240_107
        ]
    );
    assert_eq!(
        sent.iter()
            .filter(|row| row.2 == 4)
            .map(|row| row.1)
            .sum::<u64>(),
        5 * 1_200 + 3_124 + 1_200
    );
}

#[test]
fn a_rate_below_30_kbps_counts_as_30() {
    let sent = run(
        vec![(0, Input::Pacing(1_000)), (0, Input::Frame(2_400))],
        10_000_000,
    );
    assert_eq!(sent, [(0, 1_200, 0), (320_000, 1_200, 0)]);
}

#[test]
fn padding_keeps_to_its_budget() {
    let mut pacer = pacer();
    pacer.set_rates(us(0), Bitrate::from_mbps(10), Bitrate::from_kbps(400));
    assert_eq!(
        pacer.next_wake(us(0)),
        None,
        "no padding before the first packet"
    );
    pacer.enqueue(
        us(0),
        Paced {
            handle: 0,
            size: Bytes::new(500),
            priority: Priority::Video,
        },
    );
    let (mut now, mut padded) = (us(0), 0);
    while now < Time::from_secs(10) {
        while let Some(action) = pacer.poll(now) {
            if let PacerAction::Pad { size, probe } = action {
                assert!((200..=1_200).contains(&size.get()) && probe.is_none());
                padded += size.get();
                pacer.on_padding(now, size);
            }
        }
        let next = pacer.next_wake(now).unwrap();
        assert!(next > now);
        now = next;
    }
    // 400 kbit/s for 10 s less the first packet; 5 ms make 250 bytes.
    assert!((499_250..=499_500).contains(&padded), "{padded}");
}

#[test]
fn a_full_window_blocks_everything() {
    let mut pacer = pacer();
    pacer.set_rates(us(0), Bitrate::from_mbps(1), Bitrate::ZERO);
    pacer.set_congested(us(0), true);
    pacer.enqueue(
        us(0),
        Paced {
            handle: 7,
            size: Bytes::new(500),
            priority: Priority::Audio,
        },
    );
    assert_eq!(pacer.poll(us(0)), None);
    assert_eq!(pacer.next_wake(us(0)), Some(us(5_000)));
    pacer.set_congested(us(2_000), false);
    assert_eq!(pacer.poll(us(2_000)), None);
    assert_eq!(
        pacer.poll(us(5_000)),
        Some(PacerAction::Send {
            handle: 7,
            probe: None
        })
    );
}
