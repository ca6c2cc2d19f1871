use proptest::prelude::*;
use weaknet_core::packet::{Arrival, Ecn, Rtcp};
use weaknet_core::{Bitrate, Span, Time};

use super::{FeedbackConfig, FeedbackFormat, FeedbackGenerator};

fn every_50ms() -> FeedbackGenerator {
    FeedbackConfig {
        every: Some(Span::from_millis(50)),
        ..FeedbackConfig::default()
    }
    .build()
    .unwrap()
}

fn ms(n: u64) -> Time {
    Time::from_millis(n)
}

fn poll(generator: &mut FeedbackGenerator, now: Time) -> Option<Vec<Arrival>> {
    match generator.poll(now) {
        Some(Rtcp::TransportFeedback { arrivals }) => Some(arrivals),
        other => {
            assert_eq!(other, None);
            None
        }
    }
}

fn seqs(arrivals: &[Arrival]) -> Vec<(u64, bool)> {
    arrivals.iter().map(|a| (a.seq, a.at.is_some())).collect()
}

#[test]
fn chromium_reports_every_62_5_ms_while_it_sends_nothing() {
    let mut generator = FeedbackConfig::default().build().unwrap();
    let mut wakes = Vec::new();
    for seq in 0..50_u64 {
        let now = ms(5 * seq);
        while let Some(due) = generator.next_wake().filter(|due| *due <= now) {
            wakes.push(due.as_nanos());
            assert!(generator.poll(due).is_some());
        }
        generator.on_packet(now, seq, Ecn::NotEct);
    }
    assert_eq!(wakes, [62_500_000, 125_000_000, 187_500_000]);
}

#[test]
fn the_interval_follows_five_per_cent_of_the_estimate() {
    let interval = |kbps: u64, tick: Span| {
        let mut generator = FeedbackConfig {
            tick,
            ..FeedbackConfig::default()
        }
        .build()
        .unwrap();
        generator.set_estimate(Bitrate::from_kbps(kbps));
        generator.interval()
    };
    // 68 bytes at 5 % of 100 kbit/s.
    assert_eq!(interval(100, Span::ZERO), Span::from_micros(108_800));
    assert_eq!(interval(10_000, Span::ZERO), Span::from_millis(50));
    assert_eq!(interval(1, Span::ZERO), Span::from_millis(250));
    assert_eq!(interval(0, Span::ZERO), Span::from_millis(250));
    assert_eq!(
        interval(100, Span::from_nanos(15_625_000)),
        Span::from_micros(109_375)
    );
}

#[test]
fn fixed_grid_as_in_the_reference_harness() {
    let mut generator = every_50ms();
    assert_eq!(generator.next_wake(), None);
    // goog_const1M: arrivals 30000, 36666 and 46821 us are reported at 50 ms.
    for (seq, at) in [(0, 30_000), (1, 36_666), (2, 46_821)] {
        generator.on_packet(Time::from_micros(at), seq, Ecn::NotEct);
    }
    assert_eq!(generator.next_wake(), Some(ms(50)));
    assert_eq!(generator.poll(Time::from_micros(49_999)), None);
    let report = poll(&mut generator, ms(50)).unwrap();
    assert_eq!(report[1].at, Some(Time::from_micros(36_666)), "exact times");
    assert_eq!(generator.poll(ms(50)), None);
    // Nothing for 200 ms: the grid stays.
    assert_eq!(generator.next_wake(), None);
    generator.on_packet(ms(260), 3, Ecn::NotEct);
    assert_eq!(generator.next_wake(), Some(ms(300)));
    generator.on_packet(ms(300), 4, Ecn::Ce);
    let report = poll(&mut generator, ms(300)).unwrap();
    assert_eq!(seqs(&report), [(3, true), (4, true)]);
    assert_eq!(report[1].ecn, Ecn::NotEct, "the format has no room for it");
}

#[test]
fn rfc_8888_reports_carry_ecn_and_times_in_1024ths() {
    let mut generator = FeedbackConfig {
        format: FeedbackFormat::Ccfb,
        ..FeedbackConfig::default()
    }
    .build()
    .unwrap();
    generator.on_packet(ms(10), 7, Ecn::Ect1);
    generator.on_packet(ms(30), 9, Ecn::Ce);
    assert_eq!(generator.next_wake(), Some(ms(50)));
    let Some(Rtcp::CongestionFeedback { arrivals, made }) = generator.poll(ms(50)) else {
        panic!("no report");
    };
    // 50 ms are 3276.8 / 65536 s; 40 ms before 40.9, 20 ms before 20.4 / 1024 s.
    assert_eq!(made, Time::from_nanos(49_987_793));
    let ago = |units: u64| Some(Time::from_nanos(49_987_793 - units * 1_000_000_000 / 1_024));
    let want = [
        (7, ago(40), Ecn::Ect1),
        (8, None, Ecn::NotEct),
        (9, ago(20), Ecn::Ce),
    ];
    let found: Vec<_> = arrivals.iter().map(|a| (a.seq, a.at, a.ecn)).collect();
    assert_eq!(found, want);
    assert_eq!(generator.next_wake(), None);
    let most = |first: u64| (first..first + 20_000).filter(|seq| seq % 2 == 0);
    most(10).for_each(|seq| generator.on_packet(ms(60), seq, Ecn::NotEct));
    let mut counts = Vec::new();
    while let Some(Rtcp::CongestionFeedback { arrivals, .. }) = generator.poll(ms(100)) {
        counts.push(arrivals.len());
    }
    assert_eq!(counts.iter().sum::<usize>(), 19_999);
    assert!(counts.iter().all(|count| *count <= 16_384), "{counts:?}");
}

#[test]
fn holes_are_reported_and_late_packets_again_with_what_followed() {
    let mut generator = every_50ms();
    for seq in [10, 11, 14] {
        generator.on_packet(ms(10), seq, Ecn::NotEct);
    }
    let report = poll(&mut generator, ms(50)).unwrap();
    assert_eq!(
        seqs(&report),
        [(10, true), (11, true), (12, false), (13, false), (14, true)]
    );
    generator.on_packet(ms(60), 12, Ecn::NotEct);
    generator.on_packet(ms(61), 16, Ecn::NotEct);
    let report = poll(&mut generator, ms(100)).unwrap();
    assert_eq!(
        seqs(&report),
        [(12, true), (13, false), (14, true), (15, false), (16, true)]
    );
}

#[test]
fn a_duplicate_that_was_reported_starts_no_new_report_of_an_unknown_time() {
    let mut generator = every_50ms();
    generator.on_packet(ms(10), 0, Ecn::NotEct);
    generator.on_packet(ms(12), 1, Ecn::NotEct);
    assert!(generator.poll(ms(50)).is_some());
    generator.on_packet(ms(70), 0, Ecn::NotEct);
    let report = poll(&mut generator, ms(100)).unwrap();
    assert_eq!(report[0].at, Some(ms(10)), "the first arrival counts");
}

#[test]
fn arrivals_are_forgotten_after_half_a_second() {
    let mut generator = every_50ms();
    generator.on_packet(ms(10), 0, Ecn::NotEct);
    generator.on_packet(ms(10), 2, Ecn::NotEct);
    assert!(generator.poll(ms(50)).is_some());
    generator.on_packet(ms(600), 3, Ecn::NotEct);
    assert!(generator.poll(ms(600)).is_some());
    // Number 1 comes far too late: 2 is no longer known.
    generator.on_packet(ms(610), 1, Ecn::NotEct);
    let report = poll(&mut generator, ms(650)).unwrap();
    assert_eq!(seqs(&report), [(1, true), (2, false), (3, true)]);
}

#[test]
fn a_gap_of_more_than_eight_seconds_splits_the_report() {
    let mut generator = FeedbackConfig {
        every: Some(Span::from_secs(20)),
        ..Default::default()
    }
    .build()
    .unwrap();
    generator.on_packet(ms(0), 0, Ecn::NotEct);
    generator.on_packet(ms(8_191), 1, Ecn::NotEct);
    generator.on_packet(ms(16_400), 2, Ecn::NotEct);
    assert_eq!(
        seqs(&poll(&mut generator, ms(20_000)).unwrap()),
        [(0, true), (1, true)]
    );
    assert_eq!(
        seqs(&poll(&mut generator, ms(20_000)).unwrap()),
        [(2, true)]
    );
    assert_eq!(generator.poll(ms(20_000)), None);
}

#[test]
fn times_are_rounded_to_250_us_without_adding_up() {
    let mut generator = FeedbackConfig::default().build().unwrap();
    for seq in 0..100_u64 {
        generator.on_packet(Time::from_micros(100 + 333 * seq), seq, Ecn::NotEct);
    }
    let report = poll(&mut generator, ms(63)).unwrap();
    for (seq, arrival) in (0..).zip(&report) {
        let at = arrival.at.unwrap().as_nanos();
        assert_eq!(at % 250_000, 0);
        assert!(at.abs_diff((100 + 333 * seq) * 1_000) <= 125_000);
    }
}

#[test]
fn an_interval_of_zero_is_refused() {
    let error = FeedbackConfig {
        every: Some(Span::ZERO),
        ..Default::default()
    }
    .build()
    .unwrap_err();
    assert_eq!(error.field.as_deref(), Some("every"));
}

proptest! {
    /// Whatever arrives in whatever order within the window is reported
    /// received, reports have no holes, and polling always comes to an end.
    #[test]
    fn everything_that_arrives_is_reported(
        steps in prop::collection::vec((0_u64..30, 0_u64..20), 1..200),
        default_timer in any::<bool>(),
    ) {
        let mut generator = if default_timer { FeedbackConfig::default().build().unwrap() } else { every_50ms() };
        let (mut now, mut got, mut reported) = (0, Vec::new(), std::collections::BTreeSet::new());
        let mut drain = |generator: &mut FeedbackGenerator, until: Time| {
            while let Some(due) = generator.next_wake().filter(|due| *due <= until) {
                if let Some(Rtcp::TransportFeedback { arrivals, .. }) = generator.poll(due) {
                    for pair in arrivals.windows(2) {
                        assert_eq!(pair[0].seq + 1, pair[1].seq);
                    }
                    assert!(arrivals.last().unwrap().at.is_some());
                    reported.extend(arrivals.iter().filter(|a| a.at.is_some()).map(|a| a.seq));
                }
                assert!(generator.next_wake().is_none_or(|next| next >= due));
            }
        };
        for (i, (gap, jitter)) in (0_u64..).zip(&steps) {
            now += gap;
            drain(&mut generator, ms(now));
            let seq = 20 + i - jitter.min(&i);
            generator.on_packet(ms(now), seq, Ecn::NotEct);
            got.push(seq);
        }
        drain(&mut generator, ms(now + 1_000));
        prop_assert!(got.iter().all(|seq| reported.contains(seq)));
    }

    #[test]
    fn hostile_numbers_do_no_harm(packets in prop::collection::vec((any::<u64>(), 0_u64..100_000), 1..50)) {
        let mut generator = FeedbackConfig::default().build().unwrap();
        let mut now = Time::ZERO;
        for (seq, gap) in packets {
            now += Span::from_millis(gap);
            generator.on_packet(now, seq, Ecn::NotEct);
            for _ in 0..4 {
                let _ = generator.poll(now);
            }
        }
    }
}
