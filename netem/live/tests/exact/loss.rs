//! Losses are those of the model: how many, and how they follow each other.

use weaknet_core::Ratio;
use weaknet_live::doctor::runs::Chain;
use weaknet_netem::model::LossModel;
use weaknet_netem::{Parts, loss};

use super::support::{build, exchange, over, plain};

const PACKETS: u64 = 20_000;

/// Sends packets through a link with these losses. The seed is fixed and the k-th packet
/// of a run is lost or not whatever the clock says, so that the test does not fail by
/// chance: a value below 1 in 1000 means that packets were lost by something else.
fn assert_losses(model: Box<dyn LossModel>, chain: Chain) {
    let parts = Parts {
        loss: vec![model],
        ..plain()
    };
    let Some((come, seen)) = over(parts, |site| exchange(site, PACKETS, 60)) else {
        return;
    };
    let mut lost = vec![true; PACKETS as usize];
    come.iter()
        .for_each(|number| lost[*number as usize] = false);
    let numbers = (0..PACKETS).filter(|number| lost[*number as usize]);
    assert_eq!(
        numbers.collect::<Vec<_>>(),
        seen.dropped,
        "by the link only"
    );
    let fit = chain.test(&lost);
    for (what, p) in [
        ("count", fit.count),
        ("loss runs", fit.losses),
        ("pass runs", fit.passes),
    ] {
        assert!(p > 0.001, "{what}: {p}, {} lost", seen.dropped.len());
    }
}

#[test]
fn independent_losses() {
    for share in [0.01, 0.2] {
        let model = build(&loss::Bernoulli(Ratio::from_f64(share)));
        assert_losses(model, Chain::independent(share));
    }
}

#[test]
fn losses_in_bursts() {
    for (average, burst) in [(0.05, 5.0), (0.1, 2.0)] {
        let model = build(&loss::GilbertElliott {
            average: Some(Ratio::from_f64(average)),
            burst: Some(burst),
            ..loss::GilbertElliott::default()
        });
        assert_losses(model, Chain::bursts(average, burst));
    }
}
