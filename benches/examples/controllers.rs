//! Prints what a report costs each built-in congestion controller, as a Markdown
//! table: the least of nine series of 4,000 reports.
//!
//! With a name as argument only that controller runs, for a profiler:
//! `valgrind --tool=callgrind target/release/examples/controllers gcc`.
#![allow(clippy::print_stdout)]

use std::time::Duration;

use weaknet_benches::feed::{Feed, Pattern, controllers};

const SERIES: usize = 9;
const REPORTS: u64 = 4_000;

/// Nanoseconds per report, packets per report.
fn cost(name: &str, pattern: Pattern) -> (f64, f64) {
    let mut feed = Feed::new(name, pattern);
    let (mut least, mut packets) = (Duration::MAX, 0);
    for _ in 0..SERIES {
        let (time, told) = feed.time(REPORTS);
        least = least.min(time);
        packets += told;
    }
    let reports = REPORTS as f64;
    (
        least.as_nanos() as f64 / reports,
        packets as f64 / (reports * SERIES as f64),
    )
}

fn main() {
    if let Some(name) = std::env::args().nth(1) {
        let (time, packets) = cost(&name, Pattern::Call);
        println!("{name}: {time:.0} ns per report of {packets:.1} packets");
        return;
    }
    let fixed = [Pattern::Call, Pattern::Bulk].map(|pattern| cost("fixed", pattern));
    println!(
        "| controller | call: ns per report of {:.1} packets | bulk: ns per report of {:.1} |",
        fixed[0].1, fixed[1].1
    );
    println!("|---|---|---|");
    for name in controllers() {
        let call = cost(name, Pattern::Call).0;
        let bulk = cost(name, Pattern::Bulk).0;
        println!("| {name} | {call:.0} | {bulk:.0} |");
    }
}
