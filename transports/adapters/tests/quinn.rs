//! quinn's controllers on simulated links.

mod support;

use support::{bulk, metric, refusal, run};
use weaknet_adapters::quinn::{QuinnBbr, QuinnCubic, QuinnNewReno};
use weaknet_harness::registry::Registry;
use weaknet_harness::runner::Outcome;

fn outcome(controller: &str, loss: &str) -> Outcome {
    let registry = Registry::builtin()
        .add::<QuinnBbr>()
        .add::<QuinnCubic>()
        .add::<QuinnNewReno>();
    run(&bulk(controller, loss), &registry, &|_, _, _| None)
}

fn utilisation(controller: &str, loss: &str) -> f64 {
    metric(&outcome(controller, loss), "forward", "utilisation")
}

#[test]
fn every_controller_fills_the_link() {
    // The queue holds a bandwidth-delay product, so that it never runs dry after
    // a cut to 0.7, and hardly after one to 0.5, the sender being paced.
    for (controller, least) in [
        ("quinn_cubic", 0.995),
        ("quinn_new_reno", 0.98),
        ("quinn_bbr", 0.97),
    ] {
        let found = utilisation(controller, "0%");
        assert!(found >= least, "{controller}: {found}");
    }
}

#[test]
fn loss_holds_it_back_as_much_as_ours() {
    // 1 % of loss leaves windows of some 20 packets, the Reno-friendly region.
    // There they differ by the age of RFC 8312 and RFC 9438, by what counts as
    // a packet, and by the spurious losses that ours takes back.
    for (theirs, ours) in [("quinn_cubic", "cubic"), ("quinn_new_reno", "new_reno")] {
        let (found, wanted) = (utilisation(theirs, "1%"), utilisation(ours, "1%"));
        assert!(
            (found / wanted - 1.0).abs() < 0.1,
            "{theirs}: {found}, {wanted}"
        );
        assert!(found < 0.8, "{theirs} does not heed loss: {found}");
    }
}

#[test]
fn bbr_does_not_mind_such_loss() {
    assert!(utilisation("quinn_bbr", "1%") >= 0.95);
}

#[test]
fn the_same_flow_twice_is_the_same_to_the_last_event() {
    for controller in ["quinn_cubic", "quinn_new_reno"] {
        let once = || outcome(controller, "1%").result;
        assert_eq!(once().trajectory, once().trajectory, "{controller}");
    }
}

#[test]
fn a_build_without_it_says_which_feature_it_needs() {
    for name in ["quinn_bbr", "quinn_cubic", "quinn_new_reno"] {
        let said = refusal(&bulk(name, "0%"), &Registry::builtin());
        assert!(said.contains("--features quinn"), "{said}");
    }
}
