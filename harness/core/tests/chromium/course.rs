//! Calls second by second: recorded between two Chromium processes, and ours.

use std::path::{Path, PathBuf};

use weaknet_harness::plan::{Plan, Request};
use weaknet_harness::registry::Registry;
use weaknet_harness::runner::{Outcome, run_case};

/// Until then a call starts; means are taken from here on.
pub(crate) const SETTLED: f64 = 10.0;

/// What happened in one second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Second {
    /// Its end, in seconds.
    pub(crate) end: f64,
    /// Of the link, at its end (`availableOutgoingBitrate`), in kbit/s.
    pub(crate) estimate: f64,
    /// The video encoder's target at its end, in kbit/s.
    pub(crate) encoder: f64,
    /// IP rate that left the link, in kbit/s.
    pub(crate) link: f64,
    /// What the link could carry, in kbit/s.
    pub(crate) capacity: f64,
    /// Longest wait in the queue, in ms.
    pub(crate) longest_wait: f64,
}

/// One call.
#[derive(Debug, Clone)]
pub(crate) struct Course {
    pub(crate) seconds: Vec<Second>,
    /// Mean wait of packets that came to the queue after [`SETTLED`], in ms.
    pub(crate) mean_wait: f64,
}

/// A file of the recordings; `None`, with a notice, where they are not there.
pub(crate) fn shared_file(name: &str) -> Option<String> {
    let shared = std::env::var_os("WEAKNET_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = shared.join("oracles/chromium").join(name);
    let text = std::fs::read_to_string(&path);
    if let Err(error) = &text {
        let notice = format!("no recording at {}: {error}", path.display());
        assert!(std::env::var_os("CI").is_none(), "{notice}");
        eprintln!("skipped: {notice}");
    }
    text.ok()
}

/// The recorded calls of a condition.
pub(crate) fn recorded(condition: &str, runs: &[u32]) -> Option<Vec<Course>> {
    let texts = recordings(condition, runs)?;
    Some(texts.iter().map(|text| parse(text)).collect())
}

/// The same as tables, a row a second.
pub(crate) fn recordings(condition: &str, runs: &[u32]) -> Option<Vec<String>> {
    let read = |run: &u32| shared_file(&format!("{condition}.run{run}.persec.csv"));
    runs.iter().map(read).collect()
}

fn parse(text: &str) -> Course {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let column = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let names = [
        "t_s",
        "s_avail_out_kbps",
        "s_target_kbps",
        "l_out_kbps",
        "capacity_kbps",
        "l_q_max_ms",
        "l_q_mean_ms",
        "l_pkts",
    ];
    let columns = names.map(column);
    let mut seconds = Vec::new();
    let (mut waits, mut packets) = (0.0, 0.0);
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        let [
            end,
            estimate,
            encoder,
            link,
            capacity,
            longest_wait,
            mean_wait,
            count,
        ] = columns.map(|at| fields[at].parse().unwrap_or(f64::NAN));
        seconds.push(Second {
            end,
            estimate,
            encoder,
            link,
            capacity,
            longest_wait,
        });
        if end > SETTLED {
            waits += mean_wait * count;
            packets += count;
        }
    }
    Course {
        seconds,
        mean_wait: waits / packets,
    }
}

/// The path of our scenario for a condition.
pub(crate) fn scenario(letter: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/validation");
    let path = folder.join(format!("chromium-{letter}.yaml"));
    path.display().to_string()
}

/// Our runs of `scenarios/validation/chromium-<letter>.yaml` with these seeds:
/// how many, or a list.
pub(crate) fn run(letter: &str, seeds: &str) -> Vec<Outcome> {
    let request = Request {
        paths: vec![scenario(letter)],
        sets: vec![format!("measure.from={SETTLED}s"), format!("seeds={seeds}")],
        ..Request::default()
    };
    let registry = Registry::builtin();
    let plan = Plan::load(&request, &registry).unwrap_or_else(|error| panic!("{error}"));
    let run = |case| run_case(case, &registry).unwrap();
    plan.cases.iter().map(run).collect()
}

/// A column of a run's time series.
pub(crate) fn column<'o>(outcome: &'o Outcome, name: &str) -> &'o [f64] {
    let names = &outcome.series.columns;
    let at = names.iter().position(|column| column == name);
    &outcome.series.values[at.unwrap_or_else(|| panic!("no {name} in {names:?}"))]
}

impl Course {
    /// The course of one of our runs.
    pub(crate) fn of(outcome: &Outcome) -> Self {
        let [estimate, encoder, link, capacity, wait] = [
            "flow.call.target_kbps",
            "flow.call.encoder_target_bps",
            "link.forward.delivered_kbps",
            "link.forward.capacity_kbps",
            "link.forward.queue_ms",
        ]
        .map(|name| column(outcome, name));
        let bins = (1.0 / outcome.series.step_s).round() as usize;
        let second = |k: usize| {
            let bins = k * bins..(k + 1) * bins;
            Second {
                end: (k + 1) as f64,
                estimate: estimate[bins.end - 1],
                // Absent in a tenth of a second without a report.
                encoder: encoder[bins.clone()]
                    .iter()
                    .rfind(|target| target.is_finite())
                    .map_or(f64::NAN, |target| target / 1e3),
                link: link[bins.clone()].iter().sum::<f64>() / bins.len() as f64,
                capacity: capacity[bins.start],
                longest_wait: wait[bins].iter().copied().fold(0.0, f64::max),
            }
        };
        let mean_wait = outcome.result.metric("forward", "queue_delay_mean_ms");
        Self {
            seconds: (0..link.len() / bins).map(second).collect(),
            mean_wait: mean_wait.unwrap(),
        }
    }
}
