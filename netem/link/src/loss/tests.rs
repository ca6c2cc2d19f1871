//! Loss models against their closed forms (queues reference 2.2 and 2.5).

use weaknet_core::{Plugin, Ratio, Span, Time};

use super::*;
use crate::model::{Loss, LossModel};
use crate::testing::{build_seeded, passage};

pub(super) fn try_build(
    plugin: &impl Plugin<Kind = Loss>,
    seed: u64,
) -> Result<Box<dyn LossModel>, String> {
    build_seeded(plugin, seed).map_err(|e| e.to_string())
}

pub(super) fn fates(plugin: &impl Plugin<Kind = Loss>, seed: u64, n: u64) -> Vec<bool> {
    let mut model = try_build(plugin, seed).unwrap();
    (0..n).map(|i| model.lose(passage(i, Time::ZERO))).collect()
}

pub(super) fn lost(fates: &[bool]) -> f64 {
    fates.iter().filter(|lost| **lost).count() as f64
}

pub(super) fn percent(text: &str) -> Ratio {
    text.parse().unwrap()
}

fn chain(p: &str, r: &str, h: &str, k: &str) -> GilbertElliott {
    let [p, r, h, k] = [p, r, h, k].map(|text| Some(percent(text)));
    GilbertElliott {
        p,
        r,
        h,
        k,
        ..GilbertElliott::default()
    }
}

fn simple(average: &str, burst: f64) -> GilbertElliott {
    GilbertElliott {
        average: Some(percent(average)),
        burst: Some(burst),
        ..GilbertElliott::default()
    }
}

/// Lengths of the complete runs of lost packets.
pub(super) fn runs(fates: &[bool]) -> Vec<usize> {
    let first = fates.iter().position(|lost| !lost).unwrap_or(0);
    let last = fates.iter().rposition(|lost| !lost).unwrap_or(0);
    fates[first..=last]
        .split(|lost| !lost)
        .map(<[bool]>::len)
        .filter(|n| *n > 0)
        .collect()
}

#[test]
fn bernoulli_counts_are_binomial() {
    let n = 100_000u64;
    for seed in 1..=5 {
        let count = lost(&fates(&Bernoulli(percent("2%")), seed, n));
        // Four standard deviations.
        assert!(
            (count - 2_000.0).abs() < 4.0 * (n as f64 * 0.02 * 0.98).sqrt(),
            "seed {seed}: {count}"
        );
    }
    assert_eq!(lost(&fates(&Bernoulli(Ratio::ONE), 1, 1_000)), 1_000.0);
    assert_eq!(lost(&fates(&Bernoulli(Ratio::ZERO), 1, 1_000)), 0.0);
    assert_eq!(lost(&fates(&NoLoss {}, 1, 1_000)), 0.0);
    assert_eq!(
        try_build(&Bernoulli(percent("101%")), 1).err().unwrap(),
        "expected at most 100%, found 101%"
    );
}

#[test]
fn gilbert_elliott_counts_lie_in_their_ranges() {
    // Range of the count in 1e5 packets (3 sigma, with the chain's own
    // variance) and mean run, from the closed forms.
    let rows = [
        (chain("1%", "25%", "0%", "100%"), 3_374.2..4_318.1, 4.0),
        (
            chain("2%", "20%", "30%", "99%"),
            6_714.3..7_831.1,
            1.979_120,
        ),
        (
            chain("0.5%", "10%", "50%", "99.9%"),
            2_034.6..2_917.8,
            1.763_429,
        ),
    ];
    for (config, range, mean_run) in rows {
        let fates = fates(&config, 11, 100_000);
        assert!(
            range.contains(&lost(&fates)),
            "{config:?}: {}",
            lost(&fates)
        );
        let runs = runs(&fates);
        let n = runs.len() as f64;
        let mean = runs.iter().sum::<usize>() as f64 / n;
        let sd = (runs.iter().map(|r| (*r as f64 - mean).powi(2)).sum::<f64>() / n).sqrt();
        // Successive runs are hardly correlated: four standard errors.
        assert!(
            (mean - mean_run).abs() < 4.0 * sd / n.sqrt(),
            "{config:?}: mean run {mean}"
        );
    }
}

#[test]
fn gilbert_elliott_variance_is_that_of_the_chain() {
    // Number lost in 1e4 packets: standard deviations from the closed form.
    let rows = [
        (chain("1%", "25%", "0%", "100%"), 384.615, 49.741),
        (chain("2%", "20%", "30%", "99%"), 727.273, 58.849),
        (chain("0.5%", "10%", "50%", "99.9%"), 247.619, 46.527),
    ];
    let samples = 400u64;
    for (config, mean, sd) in rows {
        let counts: Vec<f64> = (0..samples)
            .map(|seed| lost(&fates(&config, seed, 10_000)))
            .collect();
        let n = samples as f64;
        let got_mean = counts.iter().sum::<f64>() / n;
        let got_var = counts.iter().map(|c| (c - got_mean).powi(2)).sum::<f64>() / (n - 1.0);
        assert!(
            (got_mean - mean).abs() < 4.0 * sd / n.sqrt(),
            "{config:?}: mean {got_mean}"
        );
        // The relative standard error of a variance is sqrt(2/n).
        assert!(
            (got_var / (sd * sd) - 1.0).abs() < 4.0 * (2.0 / n).sqrt(),
            "{config:?}: sd {}",
            got_var.sqrt()
        );
    }
}

#[test]
fn runs_of_the_simple_chain_are_geometric() {
    let runs = runs(&fates(&chain("1%", "25%", "0%", "100%"), 3, 1_000_000));
    let n = runs.len() as f64;
    // Bins 1..14 and the rest: 14 degrees of freedom, less than the critical
    // value of 15 at the 0.001 level.
    let probability = |k: i32| 0.25 * 0.75f64.powi(k - 1);
    let tail = 0.75f64.powi(14);
    assert!(n * tail > 5.0);
    let observed = |k: usize| runs.iter().filter(|run| **run == k).count() as f64;
    let mut chi: f64 = (1..=14)
        .map(|k| (observed(k as usize) - n * probability(k)).powi(2) / (n * probability(k)))
        .sum();
    let rest = runs.iter().filter(|run| **run > 14).count() as f64;
    chi += (rest - n * tail).powi(2) / (n * tail);
    assert!(chi < 37.697, "{chi}");
}

#[test]
fn average_and_burst_give_the_simple_chain() {
    // L = 5%, b = 5: r = 20%, p = 0.05 / (5 * 0.95) = 1/95.
    let [p, r, good, bad] = simple("5%", 5.0).chain().unwrap();
    assert!((p - 1.0 / 95.0).abs() < 1e-12 && (r - 0.2).abs() < 1e-12);
    assert_eq!((good, bad), (0.0, 1.0));
    // The extreme of p = 1 is allowed.
    let [p, ..] = simple("50%", 1.0).chain().unwrap();
    assert!((p - 1.0).abs() < 1e-12);
    let fates = fates(&simple("50%", 1.0), 1, 6);
    assert_eq!(fates, [false, true, false, true, false, true]);
}

#[test]
fn starts_good_and_moves_after_the_packet() {
    assert_eq!(
        fates(&chain("100%", "0%", "0%", "100%"), 1, 4),
        [false, true, true, true]
    );
}

#[test]
fn says_which_parameters_belong_together() {
    let error = |config: &GilbertElliott| try_build(config, 1).err().unwrap();
    let mixed = GilbertElliott {
        p: Some(percent("1%")),
        ..simple("5%", 5.0)
    };
    for config in [
        mixed,
        GilbertElliott::default(),
        GilbertElliott {
            h: Some(percent("1%")),
            ..simple("5%", 5.0)
        },
    ] {
        assert!(
            error(&config).starts_with("expected either `average` and `burst`, or `p` and `r`")
        );
    }
    assert_eq!(
        error(&simple("80%", 3.0)),
        "bursts of 3 allow at most 75%: expected a smaller average or longer bursts"
    );
    assert!(error(&simple("100%", 3.0)).starts_with("bursts of 3 allow at most 75%"));
    assert_eq!(
        error(&simple("5%", 0.5)),
        "expected a number of packets, 1 or more, found 0.5"
    );
    assert_eq!(
        error(&simple("5%", f64::NAN)),
        "expected a number of packets, 1 or more, found NaN"
    );
    assert_eq!(
        error(&chain("101%", "1%", "0%", "0%")),
        "expected at most 100%, found 101%"
    );
}

#[test]
fn windows_lose_within_and_nothing_outside() {
    let span = Span::from_secs;
    let windows = LossWindows(vec![
        LossWindow {
            from: span(10),
            to: span(12),
            loss: Ratio::ONE,
        },
        LossWindow {
            from: span(12),
            to: span(20),
            loss: percent("50%"),
        },
    ]);
    let mut model = try_build(&windows, 1).unwrap();
    let mut at = |ms| model.lose(passage(ms, Time::from_millis(ms)));
    assert!(!at(0) && !at(9_999) && at(10_000) && at(11_999));
    let half = (12_000..20_000).filter(|ms| at(*ms)).count() as f64;
    assert!((half - 4_000.0).abs() < 4.0 * 2_000f64.sqrt(), "{half}");
    assert!(!at(20_000) && !at(99_000));

    let error = |windows: Vec<LossWindow>| try_build(&LossWindows(windows), 1).err().unwrap();
    let window = |from, to| LossWindow {
        from: span(from),
        to: span(to),
        loss: Ratio::ONE,
    };
    assert_eq!(
        error(vec![window(2, 2)]),
        "expected a time after `from`, 2s"
    );
    assert!(error(vec![window(2, 4), window(3, 5)]).starts_with("expected 4s or later"));
}
