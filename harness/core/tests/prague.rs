//! Prague over DualPI2: the scenarios of `scenarios/validation/prague`, figure by
//! figure. Delays are those of single packets in the queue, their own service
//! excluded.

use std::path::Path;

use weaknet_harness::plan::{Plan, Request};
use weaknet_harness::registry::Registry;
use weaknet_harness::runner::{Outcome, run_case};

/// The first seed of a scenario: nothing in these is random but frame sizes.
fn run(name: &str) -> Outcome {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/validation/prague");
    let request = Request {
        paths: vec![folder.join(name).display().to_string()],
        sets: vec!["seeds=[1]".to_owned()],
        ..Request::default()
    };
    let registry = Registry::builtin();
    let plan = Plan::load(&request, &registry).unwrap_or_else(|error| panic!("{error}"));
    run_case(&plan.cases[0], &registry).unwrap()
}

fn figure(outcome: &Outcome, subject: &str, metric: &str) -> f64 {
    let value = outcome.result.metric(subject, metric);
    let value = value.unwrap_or_else(|| panic!("{subject} has no {metric}"));
    eprintln!("{subject}.{metric} = {value:.3}");
    value
}

/// The queue marks from 0.8 ms on and everything above 1.2 ms (RFC 9332,
/// appendix A.1); a packet takes 0.24 ms. One packet above that is left to the
/// first round trip after a mark.
#[test]
fn alone_it_waits_for_a_millisecond_and_fills_the_link() {
    let outcome = run("alone.yaml");
    assert!(figure(&outcome, "prague", "queue_delay_p99_ms") <= 1.2 + 0.24);
    assert!(figure(&outcome, "prague", "queue_delay_p50_ms") <= 0.8);
    assert!(figure(&outcome, "prague", "utilisation") > 0.99);
    assert_eq!(figure(&outcome, "prague", "loss_ratio"), 0.0);
}

/// The classic queue has its 15 ms and the other one does not notice. Rates: a
/// window of 2 / p_L against 1.22 / sqrt(p_C) with p_L = 2 sqrt(p_C) (RFC 9332,
/// section 2.1) is 0.82, times the round trips of 38 and 26 ms 1.2; a single
/// CUBIC flow makes p_C swing, so that the mean of its root is lower than the
/// root of its mean, up to 2.
#[test]
fn beside_cubic_only_cubic_waits() {
    let outcome = run("beside-cubic.yaml");
    assert!(figure(&outcome, "prague", "queue_delay_p99_ms") <= 1.2 + 0.24);
    let classic = figure(&outcome, "cubic", "queue_delay_p50_ms");
    assert!((8.0..=20.0).contains(&classic), "{classic}");
    let prague = figure(&outcome, "prague", "receive_rate_kbps");
    let ratio = prague / figure(&outcome, "cubic", "receive_rate_kbps");
    assert!((0.82..=2.0).contains(&ratio), "{ratio}");
    assert!(figure(&outcome, "forward", "utilisation") > 0.98);
}

/// Windows that grew by a packet per real round trip would give the flow of 5 ms
/// five times the rate of the other, a Jain index of 0.69.
#[test]
fn round_trips_below_the_virtual_one_share_alike() {
    let outcome = run("two-rtts.yaml");
    assert!(figure(&outcome, "bottleneck", "queue_delay_p99_ms") <= 1.2 + 0.24);
    let short = figure(&outcome, "short", "receive_rate_kbps");
    let ratio = short / figure(&outcome, "long", "receive_rate_kbps");
    assert!((0.8..=1.25).contains(&ratio), "{ratio}");
    assert!(figure(&outcome, "short", "rtt_p50_ms") < 7.0);
    assert!(figure(&outcome, "bottleneck", "utilisation") > 0.95);
}

/// A frame of five packets takes 6 ms of 10 Mbit/s to send: more cannot wait.
#[test]
fn a_call_waits_for_its_own_frames_only() {
    let outcome = run("call.yaml");
    assert!(figure(&outcome, "call", "queue_delay_p99_ms") < 10.0);
    assert!(figure(&outcome, "cubic", "queue_delay_p50_ms") > 10.0);
    assert_eq!(figure(&outcome, "call", "freeze_ratio"), 0.0);
    assert_eq!(figure(&outcome, "call", "loss_ratio"), 0.0);
}
