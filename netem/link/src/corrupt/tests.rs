//! Corruption models against their closed forms.

use weaknet_core::{Plugin, Ratio, Time};

use super::*;
use crate::model::{Corruption, Passage};
use crate::testing::{build, refusal};

fn flips(plugin: &impl Plugin<Kind = Corruption>, size: u32, n: u64) -> Vec<Option<u64>> {
    let mut model = build(plugin).unwrap();
    (0..n)
        .map(|number| {
            model.flip(Passage {
                draw: number,
                step: number,
                at: Time::ZERO,
                size,
            })
        })
        .collect()
}

/// Four standard deviations of a count.
fn assert_count(count: usize, n: f64, p: f64) {
    let off = count as f64 - n * p;
    assert!(off.abs() < 4.0 * (n * p * (1.0 - p)).sqrt(), "{count}");
}

#[test]
fn damage_is_binomial_and_its_place_uniform() {
    let n = 200_000;
    let flipped: Vec<u64> = flips(&IndependentCorruption(Ratio::from_f64(0.05)), 125, n)
        .into_iter()
        .flatten()
        .collect();
    assert_count(flipped.len(), n as f64, 0.05);
    for tenth in 0..10u64 {
        let within = flipped.iter().filter(|bit| **bit / 100 == tenth).count();
        assert_count(within, flipped.len() as f64, 0.1);
    }
    assert!(flipped.iter().all(|bit| *bit < 1_000));
    assert!(
        flips(&IndependentCorruption(Ratio::ZERO), 100, 1_000)
            .iter()
            .all(Option::is_none)
    );
    assert_eq!(
        refusal(&IndependentCorruption(Ratio::from_f64(2.0))).1,
        "expected at most 100%, found 200%"
    );
}

#[test]
fn damage_by_bits_grows_with_the_size() {
    let n = 200_000;
    let errors = BitErrors { rate: 1e-5 };
    let mut before = vec![None; n as usize];
    for size in [40, 200, 1_500] {
        let flipped = flips(&errors, size, n);
        let p = 1.0 - libm::pow(1.0 - 1e-5, f64::from(size) * 8.0);
        assert_count(flipped.iter().flatten().count(), n as f64, p);
        // Whoever was damaged stays so, at the same bit.
        for (small, large) in before.iter().zip(&flipped) {
            assert!(small.is_none() || small == large);
        }
        before = flipped;
    }
    assert!(
        flips(&BitErrors { rate: 0.0 }, 1_500, 10_000)
            .iter()
            .all(Option::is_none)
    );
    // Half of the packets of one byte of bits with an error each 11.5 bits.
    let dense = flips(&BitErrors { rate: 0.083_f64 }, 1, n);
    let p = 1.0 - libm::pow(0.917, 8.0);
    assert_count(dense.iter().flatten().count(), n as f64, p);
    let first = dense.iter().filter(|bit| **bit == Some(0)).count();
    assert_count(first, n as f64, 0.083);
}

#[test]
fn bit_error_rates_are_shares() {
    for rate in [1.0, -0.1, f64::NAN] {
        let error = refusal(&BitErrors { rate }).1;
        assert!(
            error.starts_with("expected a number from 0 to below 1, found"),
            "{error}"
        );
    }
}
