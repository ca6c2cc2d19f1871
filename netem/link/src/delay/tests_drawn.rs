//! Drawn delays: what they depend on, and what is refused. Their statistics
//! are in the example `model_statistics`.

use proptest::prelude::*;
use weaknet_core::plugin::Assets;
use weaknet_core::{Plugin, Ratio, Span, Time};

use super::tests::{build, build_with};
use super::*;
use crate::model::{Delay, DelayModel, Passage};
use crate::testing::{File, passage};

fn percent(text: &str) -> Ratio {
    text.parse().unwrap()
}

fn at_step(model: &mut dyn DelayModel, draw: u64, step: u64) -> u64 {
    let passage = Passage {
        step,
        ..passage(draw, Time::ZERO)
    };
    model.release(passage).as_nanos()
}

fn error(plugin: &impl Plugin<Kind = Delay>) -> String {
    build_with(plugin, &Assets::default()).err().unwrap()
}

proptest! {
    /// The delay of a step is the same whatever was asked before, and packets
    /// of a step share it.
    #[test]
    fn correlated_delays_depend_on_their_step_only(jumps in prop::collection::vec(0u64..300, 1..20), ppb in 1u64..999_900_000) {
        let config = NormalDelay { correlation: Ratio::from_f64(ppb as f64 / 1e9), ..NormalDelay::default() };
        let (mut jumping, mut walking) = (build(&config), build(&config));
        let (mut step, mut walked, mut at_walk) = (0, None, 0);
        for (draw, jump) in jumps.into_iter().enumerate() {
            step += jump;
            let got = at_step(&mut *jumping, draw as u64, step);
            for each in walked.map_or(0, |last: u64| last + 1)..=step {
                at_walk = at_step(&mut *walking, 0, each);
            }
            walked = Some(step);
            prop_assert_eq!(got, at_walk);
        }
    }

    /// Each quantile rises with its draw and keeps within its bounds.
    #[test]
    fn delays_never_break(draw in any::<u64>(), correlation in prop_oneof![Just("0%"), Just("99.99%")]) {
        let correlation = percent(correlation);
        let reorder = Reorder::Allowed;
        let assets = Assets::new(File("-32768 32767"));
        let mut models = vec![
            build(&UniformDelay { correlation, reorder, ..UniformDelay::default() }),
            build(&NormalDelay { std: Span::MAX, correlation, reorder, ..NormalDelay::default() }),
            build(&LognormalDelay { p95: Span::MAX, correlation, reorder, ..LognormalDelay::default() }),
            build(&ParetoDelay { shape: 1.000_001, scale: Span::MAX, correlation, reorder, ..ParetoDelay::default() }),
            build(&ParetoNormalDelay { jitter: Span::MAX, correlation, reorder, ..ParetoNormalDelay::default() }),
            build(&GammaDelay { std: Span::from_millis(100), correlation, reorder, ..GammaDelay::default() }),
            build(&NrBpdv { std: Span::MAX, base: Span::MAX, ..NrBpdv::default() }),
            build_with(&TableDelay { file: "t".into(), correlation, reorder, ..TableDelay::default() }, &assets).unwrap(),
        ];
        let at = Time::from_nanos(draw >> 1);
        for model in &mut models {
            let passage = Passage { draw, step: draw % 1_000, at, size: u32::MAX };
            prop_assert!(model.release(passage) >= at);
        }
    }
}

#[test]
fn neighbours_are_alike_when_correlated() {
    let config = UniformDelay {
        correlation: percent("99.99%"),
        ..UniformDelay::default()
    };
    let mut model = build(&config);
    let delays: Vec<u64> = (0..1_000).map(|i| at_step(&mut *model, i, i)).collect();
    // The scores move by sqrt(2 (1 - 0.9999)) on average, hence 4.5 times that
    // and 0.4 of the range per score at most.
    let most = (60e6 * 0.4 * 4.5 * 0.014_15) as u64;
    assert!(
        delays
            .windows(2)
            .all(|pair| pair[0].abs_diff(pair[1]) < most)
    );
    assert!(delays.windows(2).any(|pair| pair[0] != pair[1]));
}

#[test]
fn percentiles_are_those_asked_for() {
    let config = LognormalDelay {
        base: Span::from_millis(30),
        median: Span::from_millis(5),
        p95: Span::from_millis(40),
        ..LognormalDelay::default()
    };
    let mut model = build(&config);
    let n = 100_000;
    let count = |limit: u64, delays: &[u64]| delays.iter().filter(|d| **d <= limit).count() as f64;
    let delays: Vec<u64> = (0..n).map(|i| at_step(&mut *model, i, i)).collect();
    assert!(delays.iter().all(|delay| *delay > 30_000_000));
    for (limit, p) in [(35_000_000, 0.5), (70_000_000, 0.95)] {
        let n = n as f64;
        let z = (count(limit, &delays) - n * p) / (n * p * (1.0 - p)).sqrt();
        assert!(z.abs() < 4.5, "{limit}: {z}");
    }
}

#[test]
fn a_table_gives_its_entries() {
    let assets = Assets::new(File("# three\n-8192 0\n8192\n"));
    let config = TableDelay {
        file: "three.dist".into(),
        mean: Span::from_millis(5),
        ..TableDelay::default()
    };
    let mut model = build_with(&config, &assets).unwrap();
    let mut seen: Vec<u64> = (0..100).map(|i| at_step(&mut *model, i, i)).collect();
    seen.sort_unstable();
    seen.dedup();
    // 5 ms - 10 ms is at once.
    assert_eq!(seen, [0, 5_000_000, 15_000_000]);
    assert_eq!(
        error(&TableDelay::default()),
        "expected the name of a distribution table"
    );
    assert_eq!(
        error(&SampledDelay::default()),
        "expected the name of a file of samples"
    );
}

#[test]
fn what_makes_no_distribution_is_refused() {
    let all = NormalDelay {
        correlation: percent("100%"),
        ..NormalDelay::default()
    };
    assert_eq!(error(&all), "expected at most 99.99%, found 100%");
    let (none, one) = (Span::ZERO, Span::from_millis(1));
    assert_eq!(
        error(&LognormalDelay {
            median: none,
            ..LognormalDelay::default()
        }),
        "expected a time above 0s"
    );
    assert_eq!(
        error(&LognormalDelay {
            p95: one,
            ..LognormalDelay::default()
        }),
        "expected at least `median`, 5ms, found 1ms"
    );
    assert_eq!(
        error(&GammaDelay {
            std: none,
            ..GammaDelay::default()
        }),
        "expected from 0.01 to 10 times `mean`, 10ms, found 0ns"
    );
    assert!(
        error(&GammaDelay {
            mean: none,
            ..GammaDelay::default()
        })
        .contains("above 0s")
    );
    for shape in [1.0, 1_001.0, f64::NAN, -2.0] {
        let config = ParetoDelay {
            shape,
            ..ParetoDelay::default()
        };
        assert!(error(&config).starts_with("expected a number above 1, 1000 at most"));
    }
    assert!(
        error(&ParetoDelay {
            scale: none,
            ..ParetoDelay::default()
        })
        .contains("above 0s")
    );
    let far = NrBpdv {
        n_std: 8.5,
        ..NrBpdv::default()
    };
    assert_eq!(error(&far), "expected a number from 0 to 8, found 8.5");
    let stuck = NrBpdv {
        lowest_rate: Some("0bps".parse().unwrap()),
        ..NrBpdv::default()
    };
    assert_eq!(error(&stuck), "expected a rate above 0bps");
}

#[test]
fn bounded_jitter_never_reorders() {
    let config = NrBpdv {
        lowest_rate: Some("1Mbps".parse().unwrap()),
        ..NrBpdv::default()
    };
    let (mut together, mut alone) = (build(&config), build(&config));
    let mut last: Option<Time> = None;
    let (mut held, mut most) = (0, Span::ZERO);
    for i in 0..10_000 {
        // 1200 bytes take 9.6 ms at the lowest rate, and come 10 ms apart.
        let at = Time::from_millis(10 * i);
        let release = together.release(passage(i, at));
        let far = Time::from_secs(100 * i);
        let own = alone.release(passage(i, far)) - far;
        most = most.max(own);
        let earliest = last.map(|last| last + Span::from_micros(9_600));
        let want = earliest.map_or(at + own, |earliest| earliest.max(at + own));
        assert_eq!(release, want, "packet {i}");
        held += u32::from(release > at + own);
        last = Some(release);
    }
    assert!(held > 1_000);
    // Clamped, not drawn again: the bound itself occurs.
    assert_eq!(most, Span::from_millis(65));
}
