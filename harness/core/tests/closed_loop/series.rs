//! Time series of ours and of the reference, in bins of 100 ms.

use std::path::{Path, PathBuf};

use weaknet_harness::plan::{Plan, Request};
use weaknet_harness::registry::Registry;
use weaknet_harness::results::Series;
use weaknet_harness::runner::run_case;

use crate::draws::ReferenceJitter;

/// What happened in 100 ms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bin {
    /// Its end, in seconds.
    pub(crate) end: f64,
    /// In kbit/s; `target` as it is at the end.
    pub(crate) target: f64,
    pub(crate) sent: f64,
    pub(crate) received: f64,
    /// Mean one-way delay in ms; not a number when nothing arrived.
    pub(crate) delay: f64,
}

/// One run.
#[derive(Debug, Clone)]
pub(crate) struct Run(pub(crate) Vec<Bin>);

impl Run {
    fn within(&self, from: f64, to: f64) -> impl Iterator<Item = &Bin> {
        let inside = move |bin: &&Bin| (from..to).contains(&(bin.end - 0.05));
        self.0.iter().filter(inside)
    }

    pub(crate) fn mean(&self, of: fn(&Bin) -> f64, from: f64, to: f64) -> f64 {
        let (sum, n) = self
            .within(from, to)
            .map(of)
            .fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
        sum / n
    }

    /// A quantile of the bins' delays.
    pub(crate) fn delay(&self, quantile: f64, from: f64, to: f64) -> f64 {
        let delays = self.within(from, to).map(|bin| bin.delay);
        let mut delays: Vec<f64> = delays.filter(|delay| delay.is_finite()).collect();
        delays.sort_by(f64::total_cmp);
        delays[(delays.len() as f64 * quantile) as usize]
    }

    /// Seconds after `from` until the mean rate of a second first reaches
    /// `kbps`; infinite when it never does.
    pub(crate) fn reaches(&self, kbps: f64, from: f64) -> f64 {
        let bins: Vec<f64> = self.within(from, f64::MAX).map(|b| b.received).collect();
        let first = bins
            .windows(10)
            .position(|second| second.iter().sum::<f64>() / 10.0 >= kbps);
        first.map_or(f64::INFINITY, |at| at as f64 / 10.0 + 1.0)
    }
}

/// Our runs of a scenario file, one for each of its seeds.
pub(crate) fn ours(file: &str, sets: &[String]) -> Vec<Run> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/validation");
    let request = Request {
        paths: vec![folder.join(file).display().to_string()],
        sets: sets.to_vec(),
        ..Request::default()
    };
    let registry = Registry::builtin().add::<ReferenceJitter>();
    let plan = Plan::load(&request, &registry).unwrap_or_else(|error| panic!("{error}"));
    let run = |case| Run::of(&run_case(case, &registry).unwrap().series);
    plan.cases.iter().map(run).collect()
}

impl Run {
    fn of(series: &Series) -> Self {
        let column = |name: &str| {
            let name = format!("flow.call.{name}");
            let at = series.columns.iter().position(|column| *column == name);
            &series.values[at.unwrap_or_else(|| panic!("no {name} in {:?}", series.columns))]
        };
        let target = column("target_kbps");
        let (sent, received) = (column("sent_kbps"), column("received_kbps"));
        let delay = column("one_way_delay_ms");
        let bin = |i: usize| Bin {
            end: (i + 1) as f64 * series.step_s,
            target: target[i],
            sent: sent[i],
            received: received[i],
            delay: delay[i],
        };
        Self((0..target.len()).map(bin).collect())
    }
}

/// The reference's own series; `None`, with a notice, where the recordings are
/// not there.
pub(crate) fn reference(name: &str) -> Option<Run> {
    let shared = std::env::var_os("WEAKNET_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = shared.join(format!("oracles/congestion-control/{name}_series.csv"));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            let notice = format!("no oracle at {}: {error}", path.display());
            assert!(std::env::var_os("CI").is_none(), "{notice}");
            eprintln!("skipped: {notice}");
            return None;
        }
    };
    let bins = text.lines().skip(1).map(|line| {
        let field = |at: usize| -> f64 {
            let text = line.split(',').nth(at).unwrap_or_default();
            text.parse().unwrap_or(f64::NAN)
        };
        Bin {
            end: field(0) / 1e3,
            target: field(2) / 1e3,
            sent: field(4) / 1e3,
            received: field(5) / 1e3,
            // -1 where nothing arrived.
            delay: Some(field(7)).filter(|d| *d >= 0.0).unwrap_or(f64::NAN),
        }
    });
    Some(Run(bins.collect()))
}
