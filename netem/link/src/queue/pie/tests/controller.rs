//! The controller of RFC 8033.

use weaknet_core::Span;

use crate::queue::pie::chance::q32;
use crate::queue::pie::controller::{Controller, Gains};
use crate::queue::pie::{Decay, Pie};

fn gains(cap_step: bool, decay: Decay) -> Gains {
    let config = Pie {
        cap_step,
        decay,
        ..Pie::default()
    };
    config.rfc8033().gains
}

/// The probabilities after each update; the delay in us by number of the
/// update, from 1.
fn updates(gains: &Gains, n: u64, delay_us: impl Fn(u64) -> u64) -> Vec<f64> {
    let mut controller = Controller::default();
    let update = |i| {
        controller.update(gains, Span::from_micros(delay_us(i)));
        controller.probability
    };
    (1..=n).map(update).collect()
}

#[track_caller]
fn assert_at(probabilities: &[f64], want: &[(usize, f64)]) {
    for (i, want) in want {
        assert_eq!(probabilities[i - 1], *want, "update {i}");
    }
}

/// Vector P1, bit for bit.
#[test]
fn constant_30_ms() {
    let p = updates(&gains(false, Decay::AtZero), 60, |_| 30_000);
    assert_at(
        &p,
        &[
            (1, 1.922607421875e-05),
            (2, 3.3874511718749996e-05),
            (3, 4.8522949218749996e-05),
            (5, 7.781_982_421_875e-5),
            (10, 0.000_282_897_949_218_75),
            (20, 0.000_868_835_449_218_750_2),
            (30, 0.002_685_241_699_218_751),
            (40, 0.005_028_991_699_218_753),
            (50, 0.007_372_741_699_218_755),
            (60, 0.009_716_491_699_218_757),
        ],
    );
    let in_q32 = [82575, 145489, 208404];
    assert_eq!([0, 1, 2].map(|i| q32(p[i])), in_q32);
    assert_eq!(
        [5, 10, 20, 30, 60].map(|i| q32(p[i - 1])),
        [334233, 1215037, 3731619, 11533025, 41732014]
    );
}

/// Vector P2; the cap changes nothing, a step is 0.0106.
#[test]
fn constant_100_ms() {
    for cap in [false, true] {
        let p = updates(&gains(cap, Decay::AtZero), 40, |_| 100_000);
        assert_at(
            &p,
            &[
                (1, 6.622_314_453_125e-5),
                (2, 0.00014923095703125002),
                (3, 0.00048126220703125004),
                (5, 0.00114532470703125),
                (10, 0.007_785_949_707_031_252),
                (20, 0.052_942_199_707_031_24),
                (30, 0.11137969970703122),
                (40, 0.217_629_699_707_031_2),
            ],
        );
        assert_eq!(q32(p[39]), 934_712_442);
    }
}

/// Vector P3. Its delays are products of floats, ours quotients of integers:
/// they may differ in the last digit.
#[test]
fn delay_that_grows_by_5_ms_per_update() {
    let p = updates(&gains(false, Decay::AtZero), 30, |n| 5_000 * n);
    for (i, want) in [
        (1, 2.4414062500000005e-06),
        (2, 1.3427734375000002e-05),
        (3, 6.225_585_937_499_999e-5),
        (5, 0.000_350_341_796_875),
        (10, 0.0037487792968750005),
        (20, 0.050623779296875004),
        (30, 0.19656127929687497),
    ] {
        assert!(
            (p[i - 1] / want - 1.0).abs() < 1e-12,
            "update {i}: {}",
            p[i - 1]
        );
    }
}

/// Vector P4.
#[test]
fn decay_when_the_queue_is_empty() {
    let delay = |n| if n <= 40 { 100_000 } else { 0 };
    let p = updates(&gains(false, Decay::AtZero), 50, delay);
    assert_at(
        &p,
        &[
            (41, 0.090_754_699_707_031_2),
            (42, 0.088_020_855_712_890_59),
            (45, 0.080_143_032_730_126_93),
            (50, 0.068_029_315_606_384_84),
        ],
    );
}

/// The table of updates until the probability is so high.
#[test]
fn time_to_reach_a_probability() {
    let thresholds = [1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1.0];
    for (ms, want) in [
        (20, [1, 1, 19, 66, 181, 469, 1909]),
        (30, [1, 1, 7, 23, 62, 158, 638]),
        (50, [1, 1, 3, 10, 27, 68, 274]),
        (100, [1, 1, 2, 5, 12, 29, 114]),
        (200, [1, 1, 1, 3, 6, 14, 53]),
    ] {
        let p = updates(&gains(false, Decay::AtZero), 2_000, |_| 1_000 * ms);
        let reached = thresholds.map(|t| 1 + p.iter().position(|p| *p >= t).unwrap());
        assert_eq!(reached, want, "{ms} ms");
    }
}

/// Vector P6: Linux's integers, a scale of 2^56 - 1, truncate at every step; six
/// digits agree. (They themselves are tested in `linux`.)
#[test]
fn linux_gives_the_same_to_six_digits() {
    let p = updates(&gains(false, Decay::AtZero), 60, |_| 30_000);
    let linux = 700_147_010_625_000.0 / ((1u64 << 56) - 1) as f64;
    assert!((p[59] / linux - 1.0).abs() < 1e-6);
}

/// Section 5.5: from 10 % on, at most 2 % per update.
#[test]
fn a_step_is_capped() {
    let delay = |n| if n <= 30 { 100_000 } else { 600_000 };
    let free = updates(&gains(false, Decay::AtZero), 31, delay);
    let capped = updates(&gains(true, Decay::AtZero), 31, delay);
    assert_eq!(free[..30], capped[..30]);
    assert!((capped[30] - capped[29] - 0.02).abs() < 1e-15);
    assert!(free[30] - free[29] > 0.6);
}

/// Appendix B decays below half the target, appendix A at zero only.
#[test]
fn decay_below_half_the_target() {
    let delay = |n| if n <= 40 { 100_000 } else { 7_499 };
    let [a, b] = [Decay::AtZero, Decay::BelowHalfTarget]
        .map(|decay| updates(&gains(false, decay), 42, delay));
    // The second update below half is the first to decay.
    assert_eq!(a[..41], b[..41]);
    assert!((b[41] / a[41] - 0.98).abs() < 1e-12);
    let half = |n| if n <= 40 { 100_000 } else { 7_500 };
    let [a, b] = [Decay::AtZero, Decay::BelowHalfTarget]
        .map(|decay| updates(&gains(false, decay), 42, half));
    assert_eq!(a, b);
}

#[test]
fn short_queues_and_short_delays_are_safe() {
    let gains = gains(false, Decay::AtZero);
    let with = |probability, old_us| Controller {
        probability,
        old: Span::from_micros(old_us),
        burst: Span::ZERO,
    };
    assert!(with(0.9, 90_000).is_safe(&gains, 3000, 1500));
    assert!(!with(0.9, 90_000).is_safe(&gains, 3001, 1500));
    assert!(with(0.19, 7_499).is_safe(&gains, 90_000, 1500));
    assert!(!with(0.19, 7_500).is_safe(&gains, 90_000, 1500));
    assert!(!with(0.2, 7_499).is_safe(&gains, 90_000, 1500));
}
