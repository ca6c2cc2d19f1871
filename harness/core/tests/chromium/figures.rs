//! Figures of whole calls, by segments of the link's schedule: those that were
//! recorded, and ours.

use weaknet_harness::plan::{Plan, Request};
use weaknet_harness::registry::Registry;
use weaknet_harness::runner::run_case;

use crate::course::{scenario, shared_file};

/// What a call was like in a segment.
pub(crate) const FIGURES: [Figure; 7] = [
    Figure {
        name: "link rate, kbit/s",
        factor: 1.1,
    },
    Figure {
        name: "jitter buffer, ms",
        factor: 1.25,
    },
    Figure {
        name: "link to shown p50, ms",
        factor: 1.25,
    },
    Figure {
        name: "link to shown p95, ms",
        factor: 1.25,
    },
    Figure {
        name: "FEC, kbit/s",
        factor: 1.5,
    },
    Figure {
        name: "RTX, kbit/s",
        factor: 1.5,
    },
    Figure {
        name: "frozen, s",
        factor: 1.5,
    },
];

/// A figure, and how far the median of ours may lie outside of the recorded
/// range.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) factor: f64,
}

/// Part of a condition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    /// Of our scenario.
    pub(crate) letter: &'static str,
    /// As the recordings call it.
    pub(crate) name: &'static str,
    /// Its bounds in seconds.
    pub(crate) bounds: (u32, u32),
}

/// The recorded figures of a segment.
pub(crate) fn recorded(condition: &str, run: u32, segment: &Segment) -> Option<[f64; 7]> {
    let text = shared_file(&format!("{condition}.run{run}.summary.json"))?;
    let summary: serde_json::Value = serde_json::from_str(&text).unwrap();
    let part = &summary["segments"][segment.name];
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    // Starts under loss differ by half a minute: the rate is that of the end.
    let rate = if segment.name == "all" {
        "link_out_kbps_tail"
    } else {
        "link_out_kbps"
    };
    let shown = &part["link_to_present_ms"];
    Some([
        number(&part[rate]),
        number(&part["jb_delay_ms"]),
        number(&shown["p50"]),
        number(&shown["p95"]),
        number(&part["fec_kbps_est"]),
        number(&part["rtx_ssrc_kbps"]),
        number(&part["freeze_s"]),
    ])
}

/// Ours, one for each seed.
pub(crate) fn ours(segment: &Segment, seeds: u32) -> Vec<[f64; 7]> {
    let (from, to) = segment.bounds;
    let whole = measure(segment.letter, from, to, seeds);
    if segment.name != "all" {
        return whole;
    }
    let tail = measure(segment.letter, to - 20, to, seeds);
    let with_tail = |(mut figures, tail): ([f64; 7], [f64; 7])| {
        figures[0] = tail[0];
        figures
    };
    whole.into_iter().zip(tail).map(with_tail).collect()
}

fn measure(letter: &str, from: u32, to: u32, seeds: u32) -> Vec<[f64; 7]> {
    let request = Request {
        paths: vec![scenario(letter)],
        sets: vec![
            format!("measure={{from: {from}s, to: {to}s}}"),
            format!("seeds={seeds}"),
        ],
        ..Request::default()
    };
    let registry = Registry::builtin();
    let plan = Plan::load(&request, &registry).unwrap_or_else(|error| panic!("{error}"));
    let figures = |case| {
        let outcome = run_case(case, &registry).unwrap();
        let of = |subject, name| outcome.result.metric(subject, name).unwrap_or_default();
        let call = |name| of("call", name);
        // Rates of repair, of what is sent together with it.
        let (fec, rtx) = (call("fec_overhead_ratio"), call("rtx_overhead_ratio"));
        let media = call("send_rate_kbps") / (1.0 + fec + rtx);
        [
            of("forward", "delivered_kbps"),
            call("jitter_buffer_delay_ms"),
            call("frame_link_to_render_p50_ms"),
            call("frame_link_to_render_p95_ms"),
            fec * media,
            rtx * media,
            call("total_freezes_duration_s"),
        ]
    };
    plan.cases.iter().map(figures).collect()
}
