//! quinn's controllers on simulated links.

mod support;

use support::{bulk, metric, outcome};
use weaknet_adapters::quinn::{QuinnBbr, QuinnCubic, QuinnNewReno};
use weaknet_harness::registry::Registry;

fn registry() -> Registry {
    Registry::builtin()
        .add::<QuinnBbr>()
        .add::<QuinnCubic>()
        .add::<QuinnNewReno>()
}

fn run(controller: &str, rate: &str, loss: &str) -> [f64; 3] {
    let outcome = outcome(&bulk(controller, rate, loss), &registry());
    [
        metric(&outcome, "forward", "utilisation"),
        metric(&outcome, "bulk", "loss_ratio"),
        metric(&outcome, "bulk", "queue_delay_p50_ms"),
    ]
}

#[test]
fn print() {
    for cc in [
        "quinn_cubic",
        "cubic",
        "quinn_new_reno",
        "new_reno",
        "quinn_bbr",
        "bbr1",
    ] {
        for loss in ["0%", "1%"] {
            eprintln!("{cc} {loss} {:?}", run(cc, "10Mbps", loss));
        }
    }
}
