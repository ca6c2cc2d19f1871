//! Reordering models against their closed forms.

use weaknet_core::{Plugin, Ratio, Span, Time};

use super::*;
use crate::model::{Displacement, Reordering};
use crate::testing::{build, passage, refusal};

/// The numbers of the packets that leave their place, all in the same way.
fn displaced(plugin: &impl Plugin<Kind = Reordering>, n: u64, expected: Displacement) -> Vec<u64> {
    let mut model = build(plugin).unwrap();
    let mut numbers = Vec::new();
    for number in 0..n {
        let displacement = model.displace(passage(number, Time::ZERO));
        if displacement != Displacement::None {
            assert_eq!(displacement, expected);
            numbers.push(number);
        }
    }
    numbers
}

/// Four standard deviations of a binomial count.
fn assert_binomial(count: usize, n: f64, p: f64) {
    let off = count as f64 - n * p;
    assert!(off.abs() < 4.0 * (n * p * (1.0 - p)).sqrt(), "{count}");
}

#[test]
fn early_ones_keep_the_gap() {
    let early = |probability, gap| Early {
        probability: Ratio::from_f64(probability),
        gap,
    };
    let n = 100_000;
    let all = displaced(&early(0.25, 1), n, Displacement::SkipDelay);
    assert_binomial(all.len(), n as f64, 0.25);
    // Certain ones: exactly every fifth.
    let fifth = displaced(&early(1.0, 5), 20, Displacement::SkipDelay);
    assert_eq!(fifth, [4, 9, 14, 19]);
    // Distance: gap - 1 and a geometric number of packets, mean 4 + 1 / p.
    let some = displaced(&early(0.25, 5), n, Displacement::SkipDelay);
    assert!(some.windows(2).all(|pair| pair[1] - pair[0] >= 5));
    let distances = (some.len() - 1) as f64;
    let mean = (some[some.len() - 1] - some[0]) as f64 / distances;
    assert!(
        (mean - 8.0).abs() < 4.0 * (12.0 / distances).sqrt(),
        "{mean}"
    );
    assert_eq!(refusal(&early(0.1, 0)).1, "expected at least 1 packet");
    assert_eq!(
        refusal(&early(1.1, 1)).1,
        "expected at most 100%, found 110%"
    );
}

#[test]
fn late_and_passed_ones_are_binomial() {
    let (n, by) = (100_000, Span::from_millis(7));
    let probability = Ratio::from_f64(0.03);
    let late = Late { probability, by };
    let numbers = displaced(&late, n, Displacement::Late(by));
    assert_binomial(numbers.len(), n as f64, 0.03);
    let behind = Behind {
        probability,
        packets: 3,
        at_most: by,
    };
    let same = displaced(&behind, n, Displacement::Behind(3, by));
    assert_eq!(same, numbers, "the same packets are chosen");
    let none = Behind {
        packets: 0,
        ..behind
    };
    assert_eq!(refusal(&none).1, "expected at least 1 packet");
}
