//! s2n-quic's controllers on simulated links.

mod support;

use support::{bulk, metric, refusal, run};
use weaknet_adapters::s2n::{S2nBbr, S2nCubic};
use weaknet_harness::registry::Registry;
use weaknet_harness::runner::Outcome;

fn outcome(controller: &str, loss: &str) -> Outcome {
    let registry = Registry::builtin().add::<S2nBbr>().add::<S2nCubic>();
    run(&bulk(controller, loss), &registry, &|_, _, _| None)
}

fn utilisation(controller: &str, loss: &str) -> f64 {
    metric(&outcome(controller, loss), "forward", "utilisation")
}

#[test]
fn every_controller_fills_the_link() {
    for (controller, least) in [("s2n_cubic", 0.995), ("s2n_bbr", 0.96)] {
        let found = utilisation(controller, "0%");
        assert!(found >= least, "{controller}: {found}");
    }
}

#[test]
fn loss_holds_cubic_back_as_much_as_ours() {
    // RFC 8312 and RFC 9438 differ little where windows are small.
    let (found, wanted) = (utilisation("s2n_cubic", "1%"), utilisation("cubic", "1%"));
    assert!((found / wanted - 1.0).abs() < 0.1, "{found}, {wanted}");
    assert!(found < 0.8, "it does not heed loss: {found}");
}

#[test]
fn bbr_does_not_mind_such_loss() {
    assert!(utilisation("s2n_bbr", "1%") >= 0.95);
}

#[test]
fn the_same_flow_twice_is_the_same_to_the_last_event() {
    for controller in ["s2n_cubic", "s2n_bbr"] {
        let once = || outcome(controller, "1%").result;
        assert_eq!(once().trajectory, once().trajectory, "{controller}");
    }
}

#[test]
fn a_build_without_it_says_which_feature_it_needs() {
    for name in ["s2n_bbr", "s2n_cubic"] {
        let said = refusal(&bulk(name, "0%"), &Registry::builtin());
        assert!(said.contains("--features s2n"), "{said}");
    }
}
