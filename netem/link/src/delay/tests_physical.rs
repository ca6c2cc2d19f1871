//! Delays that follow the clock: ovens, satellites, handovers, ramps.

use weaknet_core::plugin::Assets;
use weaknet_core::{Plugin, Span, Time};

use super::tests::{build, build_with, ms};
use super::*;
use crate::model::{Delay, DelayModel};
use crate::testing::passage;

fn span(text: &str) -> Span {
    text.parse().unwrap()
}

fn error(plugin: &impl Plugin<Kind = Delay>) -> String {
    build_with(plugin, &Assets::default()).err().unwrap()
}

/// Release of a packet that leaves the serialiser so many microseconds after
/// the start, in microseconds.
fn release(model: &mut dyn DelayModel, us: u64) -> f64 {
    model.release(passage(0, Time::from_micros(us))).as_nanos() as f64 / 1e3
}

#[test]
fn ramps_are_straight_between_their_points() {
    let list = [("0s", "10ms"), ("1s", "20ms"), ("2s", "5ms")].map(|(at, d)| (span(at), span(d)));
    let mut model = build(&DelayRamps(list.to_vec()));
    let mut delay = |us| release(&mut *model, us) - us as f64;
    assert_eq!(delay(0), 10_000.0);
    assert_eq!(delay(500_000), 15_000.0);
    assert_eq!(delay(1_000_000), 20_000.0);
    assert_eq!(delay(1_200_000), 17_000.0);
    assert_eq!(delay(9_000_000), 5_000.0);
    let late = DelayRamps(vec![(span("1s"), span("1ms"))]);
    assert_eq!(error(&late), "the first step must be at 0s");
    let steep = DelayRamps(vec![(Span::ZERO, Span::MAX), (Span::MAX, Span::ZERO)]);
    assert!(build(&steep).release(passage(0, Time::from_secs(1))) > Time::from_secs(1));
}

#[test]
fn an_oven_blocks_the_first_half_of_each_cycle() {
    let mut oven = build(&MicrowaveOven::default());
    // 10 ms of delay, blocked from 0 to 10 ms of each 20 ms.
    let mut at = |us| release(&mut *oven, us);
    assert_eq!(at(0), 10_000.0);
    assert_eq!(at(9_999), 19_999.0);
    assert_eq!(at(10_000), 30_000.0);
    assert_eq!(at(19_999), 30_000.0);
    assert_eq!(at(20_000), 30_000.0);
    assert_eq!(at(20_001), 30_001.0);
}

#[test]
fn cycles_of_60_hz_do_not_drift() {
    let mut oven = build(&MicrowaveOven {
        base: Span::ZERO,
        mains: Mains::Hz60,
        ..MicrowaveOven::default()
    });
    // Cycle 6 000 000 000 / 60 s is blocked from its first nanosecond to
    // 8 333 333.3 ns after it.
    let start = Time::from_secs(100_000_000);
    let mut at = |t| oven.release(passage(0, t));
    let before = Time::from_nanos(start.as_nanos() - 1);
    assert_eq!(at(before), before);
    assert_eq!(at(start), start + Span::from_nanos(8_333_334));
    let after = start + Span::from_nanos(8_333_334);
    assert_eq!(at(after), after);
}

#[test]
fn an_oven_runs_its_time() {
    let mut oven = build(&MicrowaveOven {
        base: Span::ZERO,
        on_at: span("1003ms"),
        runs: Some(span("25ms")),
        blocked: "75%".parse().unwrap(),
        ..MicrowaveOven::default()
    });
    let mut at = |t| oven.release(passage(0, ms(t))).as_millis();
    assert_eq!([at(0), at(1_002)], [0, 1_002]);
    assert_eq!([at(1_003), at(1_017), at(1_018)], [1_018, 1_018, 1_018]);
    assert_eq!([at(1_022), at(1_023)], [1_022, 1_028]);
    // Switched off within a cycle.
    assert_eq!([at(1_027), at(1_028), at(2_000)], [1_028, 1_028, 2_000]);
    let always = MicrowaveOven {
        blocked: "100%".parse().unwrap(),
        ..MicrowaveOven::default()
    };
    assert_eq!(error(&always), "expected less than 100%, found 100%");
}

#[test]
fn satellites_change_at_the_edges_of_slots() {
    let config = Starlink {
        phase: span("12s"),
        ..Starlink::default()
    };
    let mut model = build(&config);
    let mut delay = |t: u64| (model.release(passage(0, ms(t))) - ms(t)).as_millis_f64();
    // Edges at 12 s and 27 s: one level between, another one behind.
    let level = delay(20_000);
    assert_eq!(delay(12_140), level);
    assert_eq!(delay(26_925), level);
    assert_ne!(delay(30_000), level);
    assert_ne!(delay(1_000), level);
    // The spike falls by the same amount each millisecond, and rises so before
    // the next edge.
    let height = delay(12_000) - level;
    assert!(height > 0.0);
    assert!((delay(12_070) - level - height / 2.0).abs() < 1e-5);
    let next = delay(27_000) - delay(30_000);
    assert!((delay(26_970) - level - next * 0.6).abs() < 1e-5);
    let wide = Starlink {
        slot: span("200ms"),
        ..Starlink::default()
    };
    assert_eq!(
        error(&wide),
        "expected, with `before`, at most a slot of 200ms, found 215ms"
    );
    assert_eq!(
        error(&Starlink {
            slot: Span::ZERO,
            ..wide
        }),
        "expected a time above 0s"
    );
}

#[test]
fn spikes_have_their_mean_height() {
    let config = Starlink {
        base: span("1s"),
        step: Span::ZERO,
        ..Starlink::default()
    };
    let mut model = build(&config);
    let n = 100_000u64;
    let height = |k| {
        let at = Time::from_secs(15 * k);
        (model.release(passage(0, at)) - at).as_millis_f64() - 1_000.0
    };
    let mean = (1..=n).map(height).sum::<f64>() / n as f64;
    // Exponential: the standard deviation is the mean.
    assert!(
        (mean - 40.0).abs() < 4.5 * 40.0 / (n as f64).sqrt(),
        "{mean}"
    );
}

fn handovers() -> Handovers {
    Handovers {
        base: span("10ms"),
        at: vec![span("1s"), span("1050ms"), span("20s")],
        stop_median: span("100ms"),
        stop_p95: span("100ms"),
        raise: 2.0,
        around: span("200ms"),
        ..Handovers::default()
    }
}

#[test]
fn a_stop_holds_back_and_releases_together() {
    let mut model = build(&handovers());
    let mut at = |t| model.release(passage(0, ms(t))).as_millis();
    assert_eq!([at(0), at(799)], [10, 809]);
    // Raised from 200 ms before the first to 200 ms after the second.
    assert_eq!([at(800), at(979)], [820, 999]);
    // The two stops overlap: 1 s to 1.15 s.
    assert_eq!([at(980), at(1_079), at(1_130)], [1_150, 1_150, 1_150]);
    assert_eq!([at(1_131), at(1_250), at(1_251)], [1_151, 1_270, 1_261]);
    assert_eq!(
        [at(19_790), at(20_100), at(90_000)],
        [19_800, 20_120, 90_010]
    );
}

#[test]
fn stops_do_not_depend_on_the_packets() {
    let config = Handovers {
        every: span("1s"),
        around: Span::ZERO,
        raise: 1.0,
        ..Handovers::default()
    };
    let (mut all, mut few) = (build(&config), build(&config));
    for t in 0..100_000 {
        let release = all.release(passage(t, ms(t)));
        if t % 97 == 0 {
            assert_eq!(few.release(passage(t / 97, ms(t))), release, "at {t} ms");
        }
    }
}

#[test]
fn fixed_spacing_counts_from_the_end_of_a_stop() {
    let mut model = build(&Handovers {
        at: Vec::new(),
        every: span("2s"),
        spacing: Spacing::Fixed,
        raise: 1.0,
        ..handovers()
    });
    let mut at = |t| model.release(passage(0, ms(t))).as_millis();
    assert_eq!([at(1_989), at(1_990), at(2_090)], [1_999, 2_100, 2_100]);
    assert_eq!([at(4_089), at(4_090), at(6_190)], [4_099, 4_200, 6_300]);
}

#[test]
fn impossible_handovers_are_refused() {
    let with = |change: fn(&mut Handovers)| {
        let mut config = handovers();
        change(&mut config);
        error(&config)
    };
    assert_eq!(
        with(|h| h.every = span("9ms")),
        "expected 10ms or more, found 9ms"
    );
    assert_eq!(
        with(|h| h.base = span("2min")),
        "expected at most 1min, found 2min"
    );
    assert_eq!(
        with(|h| h.at.swap(0, 1)),
        "expected a time after the one before it"
    );
    assert!(with(|h| h.raise = 0.5).starts_with("expected a number from 1 to 100"));
    assert_eq!(
        with(|h| h.stop_p95 = span("99ms")),
        "expected at least `stop_median`, 100ms, found 99ms"
    );
    // Stops that go on for ever.
    let mut endless = build(&Handovers {
        stop_p95: Span::MAX,
        at: Vec::new(),
        every: span("10ms"),
        ..handovers()
    });
    for t in 0..1_000 {
        assert!(endless.release(passage(t, Time::from_secs(t))) >= Time::from_secs(t));
    }
    assert_eq!(endless.release(passage(0, Time::MAX)), Time::MAX);
}
