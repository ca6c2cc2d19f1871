//! What a live run says at its end.

use serde_json::{Map, Value, json};
use weaknet_core::{Span, Time};
use weaknet_harness::capture::reason_name;
use weaknet_harness::live::Setup;
use weaknet_live::{DirectionReport, Quantiles, Report};

use super::snapshot::Change;
use super::steward::Ended;

/// More processor time than this stolen is worth a word.
const STOLEN: f64 = 0.01;
/// More bytes than this over loopback are worth a word.
const LOOPBACK: u64 = 10_000;

/// A run at its end.
pub(super) struct Summary<'a> {
    name: &'a str,
    seed: u64,
    /// The limit of a trustworthy run.
    limit: Span,
    report: &'a Report,
    changes: &'a [Change],
    duration: Time,
    warnings: Vec<String>,
}

impl<'a> Summary<'a> {
    pub(super) fn new(setup: &'a Setup, ended: &'a Ended, stolen: f64, loopback: [u64; 2]) -> Self {
        let mut warnings = Vec::new();
        warnings.extend(warning_of_steal(stolen));
        for (name, bytes) in ["left", "right"].into_iter().zip(loopback) {
            if bytes > LOOPBACK {
                warnings.push(format!(
                    "{bytes} bytes at the {name} end went over loopback, past the link"
                ));
            }
        }
        for (name, direction) in ["forward", "backward"]
            .into_iter()
            .zip(&ended.report.directions)
        {
            for (count, place) in [(direction.unseen, "before"), (direction.refused, "behind")] {
                if count > 0 {
                    warnings.push(format!(
                        "{count} packets {name} were dropped by the system {place} the link, \
                         not by the link"
                    ));
                }
            }
        }
        let case = setup.case();
        Self {
            name: &case.scenario.name,
            seed: case.seed,
            limit: case.scenario.max_error_p99,
            report: &ended.report,
            changes: &ended.changes,
            duration: ended.duration,
            warnings,
        }
    }

    /// Lines for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = report_lines(self.report, self.limit);
        lines.extend(self.warnings.iter().map(|text| format!("warning: {text}")));
        lines
    }

    /// The same for programs, on one line.
    pub(super) fn json(&self) -> Value {
        let [forward, backward] = &self.report.directions;
        let mut all = json!({
            "schema": "weaknet.live/1",
            "scenario": self.name,
            "seed": self.seed.to_string(),
            "duration_s": self.duration.as_secs_f64(),
            "links": [link("forward", forward), link("backward", backward)],
            "verdict": verdict(self.report, self.limit),
            "max_error_p99_us": self.limit.as_nanos() as f64 / 1e3,
            "changes": self.changes,
            "warnings": self.warnings,
        });
        if let Some(map) = all.as_object_mut() {
            map.extend(error(&self.report.lateness));
        }
        all
    }
}

/// Whether departures were as exact as they have to be.
fn verdict(report: &Report, limit: Span) -> &'static str {
    if report.lateness.p99 <= limit {
        "trustworthy"
    } else {
        "degraded"
    }
}

/// What both directions did and how exactly, for people.
pub(super) fn report_lines(report: &Report, limit: Span) -> Vec<String> {
    let [forward, backward] = &report.directions;
    let late = &report.lateness;
    let verdict = match verdict(report, limit) {
        "trustworthy" => format!("trustworthy (p99 within {})", micros(limit)),
        other => format!("{other} (p99 above {})", micros(limit)),
    };
    vec![
        direction("forward", forward),
        direction("backward", backward),
        format!(
            "emulation error: p50 {}, p99 {}, p99.9 {}, max {}: {verdict}",
            micros(late.p50),
            micros(late.p99),
            micros(late.p999),
            micros(late.max)
        ),
    ]
}

/// Words on processor time that was stolen, if they are worth it.
pub(super) fn warning_of_steal(share: f64) -> Option<String> {
    (share > STOLEN).then(|| {
        format!(
            "{:.1} % of the processor time went to other machines of this host (steal)",
            share * 100.0
        )
    })
}

/// The emulation error under the names of its metrics; nothing without packets.
fn error(late: &Quantiles) -> Map<String, Value> {
    let micros = |span: Span| json!(span.as_nanos() as f64 / 1e3);
    let mut map = Map::new();
    if late.count > 0 {
        for (name, span) in [
            ("p50", late.p50),
            ("p99", late.p99),
            ("p999", late.p999),
            ("max", late.max),
        ] {
            map.insert(format!("emulation_error_{name}_us"), micros(span));
        }
    }
    map
}

fn link(name: &str, report: &DirectionReport) -> Value {
    let drops: Map<String, Value> = report
        .drops
        .iter()
        .map(|(reason, count)| (reason_name(*reason).to_owned(), json!(count)))
        .collect();
    let mut link = json!({
        "name": name,
        "packets_in": report.arrived.packets,
        "bytes_in": report.arrived.bytes,
        "packets_out": report.delivered.packets,
        "bytes_out": report.delivered.bytes,
        "drops": drops,
        "system_drops": report.refused + report.unseen,
        "not_ip": report.strange,
    });
    if let Some(map) = link.as_object_mut() {
        map.extend(error(&report.lateness));
    }
    link
}

fn direction(name: &str, report: &DirectionReport) -> String {
    let mut line = format!(
        "{name}: {} packets in, {} out",
        report.arrived.packets, report.delivered.packets
    );
    for (reason, count) in &report.drops {
        line += &format!(", {count} {}", reason_name(*reason));
    }
    if report.strange > 0 {
        line += &format!(", {} not IP", report.strange);
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
