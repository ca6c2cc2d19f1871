//! The bias against the measured table of standards reference 9.3, and against
//! the model itself.

use proptest::prelude::*;
use weaknet_core::rng::Draws;
use weaknet_core::{Ratio, Time};

use super::*;
use crate::loss::tests::{fates, lost, try_build};

/// Probability, correlation and the loss measured there, in per cent.
const TABLE: [(f64, f64, f64); 15] = [
    (1.0, 10.0, 0.02),
    (1.0, 25.0, 0.0),
    (1.0, 50.0, 0.0),
    (5.0, 10.0, 1.28),
    (5.0, 25.0, 0.20),
    (5.0, 50.0, 0.0),
    (10.0, 10.0, 5.6),
    (10.0, 25.0, 1.76),
    (10.0, 50.0, 0.09),
    (20.0, 10.0, 16.6),
    (20.0, 25.0, 10.2),
    (20.0, 50.0, 2.9),
    (30.0, 10.0, 27.9),
    (30.0, 25.0, 23.4),
    (30.0, 50.0, 12.9),
];

fn config(probability: f64, correlation: f64) -> NetemCompat {
    NetemCompat {
        probability: Ratio::from_f64(probability),
        correlation: Ratio::from_f64(correlation),
    }
}

#[test]
fn theory_gives_the_measured_losses() {
    for (p, rho, measured) in TABLE {
        let loss = actual_loss(p / 100.0, rho / 100.0);
        // Rounding, and three standard deviations of a count in 1e5 packets.
        let tolerance = 0.01 + 300.0 * (loss * (1.0 - loss) / 1e5).sqrt();
        assert!(
            (100.0 * loss - measured).abs() <= tolerance,
            "{p} {rho}: {loss}"
        );
    }
}

#[test]
fn theory_is_exact_where_the_distribution_is_known() {
    // Between rho and 1 - rho all of x' counts: F is a straight line.
    for (p, rho) in [(0.1, 0.1), (0.2, 0.1), (0.3, 0.1), (0.3, 0.25), (0.5, 0.4)] {
        let line = (p - rho / 2.0) / (1.0 - rho);
        assert!((actual_loss(p, rho) - line).abs() < 1e-9, "{p} {rho}");
    }
    // At 50% x has the distribution of Fabius, known at powers of one half.
    for (p, exact) in [
        (0.25, 5.0 / 72.0),
        (0.125, 1.0 / 288.0),
        (0.0625, 143.0 / 2_073_600.0),
    ] {
        let loss = actual_loss(p, 0.5);
        assert!((loss - exact).abs() < 1e-6, "{p}: {loss}");
    }
    // Close to 1 it is narrow around one half, with a known deviation; at one
    // of those, 15.9% are lost.
    let sd = (1.0 / 12.0 * 0.01 / 1.99f64).sqrt();
    assert!((actual_loss(0.5 - sd, 0.99) - 0.1587).abs() < 0.001);
    assert_eq!(actual_loss(0.3, 0.0), 0.3);
    assert_eq!(actual_loss(0.3, 1.0), 0.3);
    assert!((actual_loss(0.5, 0.9) - 0.5).abs() < 1e-6, "symmetric");
}

#[test]
fn losses_are_those_of_theory() {
    for (p, rho) in [(0.05, 0.1), (0.1, 0.25), (0.3, 0.5), (0.02, 0.0)] {
        let n = 400_000;
        let theory = actual_loss(p, rho) * n as f64;
        let count = lost(&fates(&config(p, rho), 3, n));
        // Neighbours share at most rho of their draws: the variance is at most
        // (1 + rho) / (1 - rho) times the binomial one.
        let sd = (theory * (1.0 + rho) / (1.0 - rho)).sqrt();
        assert!(
            (count - theory).abs() < 4.0 * sd,
            "{p} {rho}: {count} {theory}"
        );
    }
    assert_eq!(lost(&fates(&config(0.0, 0.5), 3, 1_000)), 0.0);
    assert_eq!(lost(&fates(&config(1.0, 0.5), 3, 1_000)), 1_000.0);
    let stuck = lost(&fates(&config(0.5, 1.0), 3, 1_000));
    assert!(stuck == 0.0 || stuck == 1_000.0, "{stuck}");
}

#[test]
fn refuses_what_is_no_share() {
    let error = try_build(&config(1.1, 0.0), 1).err().unwrap();
    assert_eq!(error, "expected at most 100%, found 110%");
    assert!(try_build(&config(0.1, 1.1), 1).is_err());
}

proptest! {
    /// A jump over many slots gives what walking gives.
    #[test]
    fn jumping_is_walking(
        steps in prop::collection::vec(0u64..5_000, 1..8),
        rho in prop_oneof![Just(0.0), Just(0.25), Just(0.9), Just(0.999), Just(1.0)],
    ) {
        let correlation = Ratio::from_f64(rho);
        let model = || Model {
            draws: Draws::from_key(5),
            probability: 1 << 31,
            weight: share(correlation),
            last: 12_345,
            steps: 0,
        };
        let (mut jumping, mut walking) = (model(), model());
        let mut step = 0;
        for by in steps {
            let passage = |step| Passage { draw: step, step, at: Time::ZERO, size: 100 };
            for k in step..step + by {
                walking.lose(passage(k));
            }
            step += by;
            prop_assert_eq!(jumping.lose(passage(step)), walking.lose(passage(step)));
            prop_assert_eq!(jumping.last, walking.last);
        }
    }
}
