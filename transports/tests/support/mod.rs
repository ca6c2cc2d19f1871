//! Recorded reports in, the recorded decisions out.

use std::path::PathBuf;

use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, Plugin, Streams};
use weaknet_transports::cc::replay::{ReplayConfig, UPDATES_HEADER, replay};
use weaknet_transports::cc::{CongestionControl, CongestionController};

/// Rates may differ by this share (last digits of `pow` and `log`).
const TOLERANCE: f64 = 1e-6;

fn oracle(name: &str) -> Option<String> {
    let shared = std::env::var_os("WEAKNET_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let path = shared.join("oracles/congestion-control").join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) => {
            assert!(
                std::env::var_os("CI").is_none(),
                "no oracle at {}: {error}",
                path.display()
            );
            eprintln!("skipped: no oracle at {}: {error}", path.display());
            None
        }
    }
}

/// A controller with its defaults.
fn built<P: Plugin<Kind = CongestionControl> + Default>() -> Box<dyn CongestionController> {
    let (streams, assets) = (Streams::new(1), Assets::default());
    let context = BuildContext {
        path: "call",
        streams: &streams,
        assets: &assets,
    };
    P::default().build(&context).expect("defaults are valid")
}

/// Whether two fields are the same, rates within the tolerance.
fn same(ours: &str, theirs: &str, is_rate: bool) -> bool {
    if ours == theirs || !is_rate {
        return ours == theirs;
    }
    let (Ok(ours), Ok(theirs)) = (ours.parse::<f64>(), theirs.parse::<f64>()) else {
        return false;
    };
    (ours - theirs).abs() <= TOLERANCE * theirs.abs()
}

fn same_row(ours: &str, theirs: &str) -> bool {
    let (ours, theirs): (Vec<_>, Vec<_>) = (ours.split(',').collect(), theirs.split(',').collect());
    ours.len() == theirs.len()
        && ours
            .iter()
            .zip(&theirs)
            .enumerate()
            .all(|(k, (a, b))| same(a, b, (1..=3).contains(&k)))
}

/// Replays the recorded packets of `case` and compares with its `rows` recorded
/// decisions.
pub(crate) fn check<P: Plugin<Kind = CongestionControl> + Default>(case: &str, rows: usize) {
    let Some(packets) = oracle(&format!("{case}_packets.csv")) else {
        return;
    };
    let Some(expected) = oracle(&format!("{case}_updates.csv")) else {
        return;
    };
    let decisions = replay(&packets, built::<P>().as_mut(), &ReplayConfig::default())
        .expect("the trace is valid");
    let (ours, theirs): (Vec<_>, Vec<_>) =
        (decisions.lines().collect(), expected.lines().collect());
    assert_eq!(ours[0], UPDATES_HEADER);
    assert_eq!(theirs.len() - 1, rows, "the oracle itself");
    let differing: Vec<_> = ours
        .iter()
        .zip(&theirs)
        .enumerate()
        .filter(|(_, (ours, theirs))| !same_row(ours, theirs))
        .collect();
    if let Some((row, (ours, theirs))) = differing.first() {
        panic!(
            "{} of {rows} rows differ, the first is row {row}:\n  ours   {ours}\n  theirs {theirs}",
            differing.len()
        );
    }
    assert_eq!(ours.len(), theirs.len(), "number of decisions");
}
