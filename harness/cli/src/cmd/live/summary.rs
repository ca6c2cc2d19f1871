//! What a live run says at its end.

use weaknet_core::Span;
use weaknet_live::{DirectionReport, Report};

/// Lines for people.
pub(super) fn lines(report: &Report) -> Vec<String> {
    let [forward, backward] = &report.directions;
    let late = &report.lateness;
    vec![
        direction("forward", forward),
        direction("backward", backward),
        format!(
            "emulation error: p50 {}, p99 {}, p99.9 {}, max {}",
            micros(late.p50),
            micros(late.p99),
            micros(late.p999),
            micros(late.max)
        ),
    ]
}

fn direction(name: &str, report: &DirectionReport) -> String {
    let mut line = format!(
        "{name}: {} packets in, {} out",
        report.arrived.packets, report.delivered.packets
    );
    for (reason, count) in &report.drops {
        line += &format!(
            ", {count} {}",
            weaknet_harness::capture::reason_name(*reason)
        );
    }
    for (count, what) in [
        (report.refused, "not taken by the device"),
        (report.strange, "not IP"),
    ] {
        if count > 0 {
            line += &format!(", {count} {what}");
        }
    }
    line
}

fn micros(span: Span) -> String {
    let micros = span.as_nanos().div_ceil(1_000);
    if micros < 10_000 {
        format!("{micros} us")
    } else {
        format!("{:.1} ms", span.as_millis_f64())
    }
}
