//! s2n-quic's controllers: round by round, and on simulated links.

mod support;

use support::{bulk, metric, outcome};
use weaknet_adapters::s2n::{S2nBbr, S2nCubic};
use weaknet_harness::registry::Registry;

fn registry() -> Registry {
    Registry::builtin().add::<S2nBbr>().add::<S2nCubic>()
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
    for cc in ["s2n_cubic", "cubic", "s2n_bbr", "bbr3"] {
        for loss in ["0%", "1%"] {
            eprintln!("{cc} {loss} {:?}", run(cc, "10Mbps", loss));
        }
    }
}
