//! Delay models against their definitions.

use weaknet_core::plugin::Assets;
use weaknet_core::{Plugin, Span, Time};

use super::*;
use crate::model::{Delay, DelayModel};
use crate::testing::{self, File, passage};

pub(super) fn build_with(
    plugin: &impl Plugin<Kind = Delay>,
    assets: &Assets,
) -> Result<Box<dyn DelayModel>, String> {
    testing::build_with(plugin, 7, assets).map_err(|e| e.to_string())
}

pub(super) fn build(plugin: &impl Plugin<Kind = Delay>) -> Box<dyn DelayModel> {
    build_with(plugin, &Assets::default()).unwrap()
}

pub(super) fn ms(t: u64) -> Time {
    Time::from_millis(t)
}

#[test]
fn uniform_fills_its_range_evenly() {
    let config = UniformDelay {
        min: Span::from_nanos(10),
        max: Span::from_nanos(13),
        ..UniformDelay::default()
    };
    let mut model = build(&config);
    let mut seen = [0u32; 4];
    for index in 0..40_000 {
        seen[(model.release(passage(index, Time::ZERO)).as_nanos() - 10) as usize] += 1;
    }
    // Four cells of 10 000 each: chi-square with 3 degrees, 0.001 level.
    let chi: f64 = seen
        .iter()
        .map(|n| (f64::from(*n) - 1e4).powi(2) / 1e4)
        .sum();
    assert!(chi < 16.266, "{seen:?}");
    assert!(!model.reorders());
}

#[test]
fn uniform_covers_every_span() {
    let config = UniformDelay {
        min: Span::ZERO,
        max: Span::MAX,
        reorder: Reorder::Allowed,
        ..UniformDelay::default()
    };
    let mut model = build(&config);
    assert!(model.reorders());
    assert!((0..100).any(|i| model.release(passage(i, Time::ZERO)).as_nanos() > u64::MAX / 2));
    let wrong = UniformDelay {
        min: Span::from_millis(2),
        max: Span::from_millis(1),
        ..config
    };
    assert_eq!(
        build_with(&wrong, &Assets::default()).err().unwrap(),
        "expected at least `min`, 2ms, found 1ms"
    );
}

#[test]
fn normal_has_its_moments_and_never_goes_back_in_time() {
    let mut model = build(&NormalDelay::default());
    let n = 100_000u64;
    let delays: Vec<f64> = (0..n)
        .map(|i| (model.release(passage(i, ms(5))) - ms(5)).as_millis_f64())
        .collect();
    let mean = delays.iter().sum::<f64>() / n as f64;
    let var = delays.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / n as f64;
    // Four standard errors: 10/sqrt(n) and 100 sqrt(2/n).
    assert!((mean - 50.0).abs() < 4.0 * 10.0 / 1e5f64.sqrt(), "{mean}");
    assert!(
        (var - 100.0).abs() < 4.0 * 100.0 * (2.0 / 1e5f64).sqrt(),
        "{var}"
    );
    // Mean 0: half of the draws are cut.
    let mut cut = build(&NormalDelay {
        mean: Span::ZERO,
        ..NormalDelay::default()
    });
    let at_once = (0..n)
        .filter(|i| cut.release(passage(*i, ms(5))) == ms(5))
        .count();
    assert!(
        (at_once as f64 - 5e4).abs() < 4.0 * (n as f64 / 4.0).sqrt(),
        "{at_once}"
    );
}

#[test]
fn draws_depend_on_the_packets_number_only() {
    let (mut one, mut two) = (
        build(&UniformDelay::default()),
        build(&UniformDelay::default()),
    );
    one.release(passage(0, ms(1)));
    one.release(passage(1, ms(2)));
    assert_eq!(
        one.release(passage(2, ms(3))),
        two.release(passage(2, ms(3)))
    );
}

#[test]
fn stalls_release_together_at_their_end() {
    let mut model = build(&Stalls {
        phase: Span::from_secs(1),
        ..Stalls::default()
    });
    let mut at = |t| model.release(passage(0, ms(t)));
    assert_eq!(at(0), ms(25));
    assert_eq!(at(974), ms(999));
    assert_eq!(at(975), ms(1_100));
    assert_eq!(at(1_074), ms(1_100));
    assert_eq!(at(1_075), ms(1_100));
    assert_eq!(at(1_076), ms(1_101));
    assert_eq!(at(2_975), ms(3_100));
    let long = Stalls {
        length: Span::from_secs(2),
        ..Stalls::default()
    };
    assert_eq!(
        build_with(&long, &Assets::default()).err().unwrap(),
        "expected less than `every`, 2s, found 2s"
    );
    let never = Stalls {
        every: Span::ZERO,
        ..Stalls::default()
    };
    assert!(build_with(&never, &Assets::default()).is_err());
}

#[test]
fn steps_apply_to_packets_that_enter_the_pipe() {
    let steps = DelaySteps(vec![
        (Span::ZERO, Span::from_millis(10)),
        (Span::from_secs(1), Span::from_millis(3)),
    ]);
    let mut model = build(&steps);
    assert_eq!(model.release(passage(0, ms(999))), ms(1_009));
    assert_eq!(model.release(passage(1, ms(1_000))), ms(1_003));
    let late = DelaySteps(vec![(Span::from_secs(1), Span::ZERO)]);
    assert_eq!(
        build_with(&late, &Assets::default()).err().unwrap(),
        "the first step must be at 0s"
    );
}

#[test]
fn traces_hold_and_repeat() {
    let assets = Assets::new(File("t_s,owd_ms,hops\n1,43.904,15\n2,43.906,15\n"));
    let trace = DelayTrace {
        file: "path.csv".into(),
        ..DelayTrace::default()
    };
    let mut model = build_with(&trace, &assets).unwrap();
    let mut nanos = |t| (model.release(passage(0, ms(t))) - ms(t)).as_nanos();
    assert_eq!(
        [
            nanos(0),
            nanos(999),
            nanos(1_000),
            nanos(1_999),
            nanos(2_000)
        ]
        .map(|n| n / 1_000),
        [43_904, 43_904, 43_906, 43_906, 43_904]
    );
    let bad = Assets::new(File("0 1\n0 2\n"));
    let message = build_with(&trace, &bad).err().unwrap();
    assert_eq!(
        message,
        "`path.csv`: line 2: the time 0 is also that of the row before"
    );
}
