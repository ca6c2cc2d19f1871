//! The closed loop against libwebrtc's goog_cc (July 2026) in its reference
//! harness: steady rates within 5 %, median one-way delay within 10 ms.
//!
//! Not compared: the exact sequence of decisions (the open-loop replay does
//! that). Our flow begins 102 ms later, with its call set-up; round trips come
//! from receiver reports, without the time that the receiver held them; our
//! queue of 300 ms counts what waits, the reference's also what is being sent,
//! so that a full one takes one packet more.

use std::path::{Path, PathBuf};

use weaknet_harness::plan::{Plan, Request};
use weaknet_harness::registry::Registry;
use weaknet_harness::results::Series;
use weaknet_harness::runner::run_case;

/// Bins of 100 ms: time, target, received (kbit/s), one-way delay (ms).
type Bins = Vec<[f64; 4]>;

fn shared() -> PathBuf {
    std::env::var_os("WEAKNET_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    )
}

fn reference(name: &str) -> Option<Bins> {
    let path = shared().join(format!("oracles/congestion-control/goog_{name}_series.csv"));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            assert!(
                std::env::var_os("CI").is_none(),
                "no oracle at {}: {error}",
                path.display()
            );
            eprintln!("skipped: no oracle at {}: {error}", path.display());
            return None;
        }
    };
    let rows = text.lines().skip(1).map(|line| {
        let fields: Vec<f64> = line
            .split(',')
            .map(|f| f.parse().unwrap_or(f64::NAN))
            .collect();
        // Rows carry the end of their bin.
        [
            fields[0] / 1e3 - 0.1,
            fields[2] / 1e3,
            fields[5] / 1e3,
            fields[7],
        ]
    });
    Some(rows.collect())
}

fn ours(name: &str) -> Bins {
    let file = format!("../../scenarios/validation/goog-{name}.yaml");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let request = Request {
        paths: vec![path.display().to_string()],
        ..Request::default()
    };
    let registry = Registry::builtin();
    let plan = Plan::load(&request, &registry).unwrap_or_else(|error| panic!("{error}"));
    let Series {
        step_s,
        columns,
        values,
    } = run_case(&plan.cases[0], &registry).unwrap().series;
    assert!((step_s - 0.1).abs() < 1e-9);
    let column = |name: &str| {
        let column = columns
            .iter()
            .position(|c| c == &format!("flow.call.{name}"));
        &values[column.unwrap_or_else(|| panic!("no {name} in {columns:?}"))]
    };
    let (target, received, delay) = (
        column("target_kbps"),
        column("received_kbps"),
        column("one_way_delay_ms"),
    );
    (0..target.len())
        .map(|i| [i as f64 * step_s, target[i], received[i], delay[i]])
        .collect()
}

/// Mean target, mean rate received, median delay of a stretch of seconds.
fn stretch(bins: &Bins, from: f64, to: f64) -> (f64, f64, f64) {
    let inside: Vec<_> = bins
        .iter()
        .filter(|b| (from..to).contains(&(b[0] + 0.05)))
        .collect();
    let mean = |k: usize| inside.iter().map(|b| b[k]).sum::<f64>() / inside.len() as f64;
    let mut delays: Vec<f64> = inside
        .iter()
        .map(|b| b[3])
        .filter(|d| d.is_finite())
        .collect();
    delays.sort_by(f64::total_cmp);
    (mean(1), mean(2), delays[delays.len() / 2])
}

/// When the mean rate of a second first reaches `kbps` after `from`.
fn reaches(bins: &Bins, from: f64, kbps: f64) -> f64 {
    let start = bins.iter().position(|b| b[0] + 0.05 >= from).unwrap();
    let second = |w: &[[f64; 4]]| w.iter().map(|b| b[2]).sum::<f64>() / w.len() as f64;
    let windows = bins[start..].windows(10);
    let first = windows.clone().position(|w| second(w) >= kbps).unwrap();
    first as f64 / 10.0 + 1.0
}

fn steady(name: &str, stretches: &[(f64, f64)]) -> Option<(Bins, Bins)> {
    let (theirs, ours) = (reference(name)?, ours(name));
    for &(from, to) in stretches {
        let (t, o) = (stretch(&theirs, from, to), stretch(&ours, from, to));
        let context = format!("{name} {from} to {to} s: ours {o:?}, theirs {t:?}");
        assert!((o.0 / t.0 - 1.0).abs() < 0.05, "target: {context}");
        assert!((o.1 / t.1 - 1.0).abs() < 0.05, "rate: {context}");
        assert!((o.2 - t.2).abs() < 10.0, "delay: {context}");
    }
    Some((theirs, ours))
}

#[test]
fn constant_link() {
    let Some((theirs, ours)) = steady("const1M", &[(5.0, 30.0), (30.0, 60.0)]) else {
        return;
    };
    let (theirs, ours) = (reaches(&theirs, 0.0, 800.0), reaches(&ours, 0.0, 800.0));
    assert!((ours - theirs).abs() <= 0.25, "{ours} {theirs}");
}

#[test]
fn stepping_link() {
    let stretches = [(5.0, 30.0), (15.0, 30.0), (45.0, 60.0), (75.0, 90.0)];
    let Some((theirs, ours)) = steady("step", &stretches) else {
        return;
    };
    // The queue stays full at the lower rate, as it does for the reference.
    assert!(stretch(&ours, 45.0, 60.0).2 > 300.0);
    // How long the way up takes hangs on how the last losses fell: 8.3 s there.
    let (theirs, ours) = (
        reaches(&theirs, 60.0, 2_000.0),
        reaches(&ours, 60.0, 2_000.0),
    );
    assert!((ours / theirs - 1.0).abs() < 0.3, "{ours} {theirs}");
}
