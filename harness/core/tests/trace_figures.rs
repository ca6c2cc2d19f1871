//! Descriptions of recorded traces against the published figures of the
//! weak-network reference, section 2.1, and of the traces' own notes. Needs the
//! library of traces in `WEAKNET_SHARED` (default: `shared` beside the
//! workspace).

use std::fs::File;
use std::path::PathBuf;

use weaknet_harness::trace::{Description, describe};
use weaknet_netem::trace::{Options, TraceReader};

/// A description; `None` without the library, which has to be there in CI.
fn described(name: &str) -> Option<Description> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    let shared = std::env::var_os("WEAKNET_SHARED").map_or_else(beside, PathBuf::from);
    let path = shared.join("traces").join(name);
    let Ok(file) = File::open(&path) else {
        assert!(
            std::env::var_os("CI").is_none(),
            "{} is absent",
            path.display()
        );
        eprintln!(
            "NOTICE: {} is absent, its test has nothing to test",
            path.display()
        );
        return None;
    };
    let reader = TraceReader::open(file, &Options::default()).unwrap();
    Some(describe(reader, &[]).unwrap().0)
}

/// Whether a value is a published one, rounded to so many decimals.
#[track_caller]
fn rounds_to(what: &str, value: Option<f64>, published: f64, decimals: i32) {
    let value = value.unwrap_or_else(|| panic!("{what} is absent"));
    let unit = 10f64.powi(-decimals);
    assert!(
        (value - published).abs() <= unit / 2.0 + 1e-9,
        "{what}: {value}, published {published}"
    );
}

/// A row of the table: mean, CV, autocorrelation, gaps per minute, gap
/// p50/p95/max, time in gaps, halving; and the decimals of mean.
const ROWS: [(&str, [f64; 9], i32); 6] = [
    (
        "mahimahi-cellular/ATT-LTE-driving.down",
        [5.17, 0.56, 0.92, 5.3, 704.0, 1012.0, 1515.0, 5.7, 3.4],
        2,
    ),
    (
        "mahimahi-cellular/ATT-LTE-driving.up",
        [0.83, 0.49, 0.84, 7.4, 340.0, 1965.0, 78319.0, 15.4, 6.6],
        2,
    ),
    (
        "mahimahi-cellular/TMobile-UMTS-driving.down",
        [2.02, 0.78, 0.90, 10.7, 475.0, 2287.0, 5753.0, 13.1, 7.4],
        2,
    ),
    (
        "mahimahi-cellular/TMobile-UMTS-driving.up",
        [0.94, 0.46, 0.85, 7.3, 499.0, 2806.0, 5830.0, 9.9, 5.2],
        2,
    ),
    (
        "nyc-lte/trace-1553114405-bus",
        [8.1, 0.68, 0.83, 2.5, 269.0, 724.0, 1044.0, 1.5, 6.7],
        1,
    ),
    (
        "nyc-lte/trace-1552768760-taxi3",
        [9.6, 0.63, 0.80, 4.6, 252.0, 839.0, 1042.0, 3.0, 9.7],
        1,
    ),
];

#[test]
fn cellular_traces_have_their_published_figures() {
    for (name, row, decimals) in ROWS {
        let Some(found) = described(name) else { return };
        let (rate, gaps) = (found.rate.unwrap(), found.gaps.unwrap());
        let what = |figure: &str| format!("{name}: {figure}");
        rounds_to(&what("mean"), Some(rate.mean_mbps), row[0], decimals);
        rounds_to(&what("CV"), rate.cv, row[1], 2);
        rounds_to(&what("autocorrelation"), rate.autocorrelation_1s, row[2], 2);
        rounds_to(&what("gaps per minute"), Some(gaps.per_minute), row[3], 1);
        rounds_to(&what("gap p50"), gaps.p50_ms, row[4], 0);
        rounds_to(&what("gap p95"), gaps.p95_ms, row[5], 0);
        rounds_to(&what("gap max"), gaps.max_ms, row[6], 0);
        rounds_to(&what("time in gaps"), Some(gaps.time_pct), row[7], 1);
        rounds_to(&what("halving"), rate.halve_pct, row[8], 1);
    }
}

#[test]
fn percentiles_are_those_of_the_notes() {
    for (name, p5, p50, p95) in [
        ("mahimahi-cellular/ATT-LTE-driving.down", 0.68, 5.42, 9.53),
        ("mahimahi-cellular/ATT-LTE-driving.up", 0.00, 1.04, 1.19),
        (
            "mahimahi-cellular/Verizon-LTE-short.down",
            1.08,
            4.34,
            11.11,
        ),
        (
            "mahimahi-cellular/TMobile-UMTS-driving.down",
            0.01,
            1.90,
            5.38,
        ),
        (
            "mahimahi-cellular/TMobile-UMTS-driving.up",
            0.06,
            1.08,
            1.44,
        ),
    ] {
        let Some(found) = described(name) else { return };
        let rate = found.rate.unwrap();
        rounds_to(name, rate.p5_mbps, p5, 2);
        rounds_to(name, rate.p50_mbps, p50, 2);
        rounds_to(name, rate.p95_mbps, p95, 2);
    }
}

#[test]
fn frames_and_delays_are_those_of_the_notes() {
    for (name, kbps, p50, p95, max) in [
        (
            "video-frames-syncodecs/chat_720p_1000.txt",
            977.0,
            4123.0,
            5202.0,
            14567,
        ),
        (
            "video-frames-syncodecs/chat_1080p_1500.txt",
            1497.0,
            6300.0,
            7588.0,
            20489,
        ),
        (
            "video-frames-syncodecs/chat_360p_400.txt",
            336.0,
            1416.0,
            2100.0,
            7109,
        ),
    ] {
        let Some(found) = described(name) else { return };
        let frames = found.frames.unwrap();
        // The notes count time up to the last frame, not to its end: at most
        // 0.1 s of 240.
        let late = frames.bitrate_kbps * 0.1 / 240.0;
        assert!(
            (frames.bitrate_kbps - kbps).abs() <= 0.5 + late,
            "{name}: {frames:?}"
        );
        rounds_to(name, Some(frames.size_p50_bytes), p50, 0);
        rounds_to(name, Some(frames.size_p95_bytes), p95, 0);
        assert_eq!(frames.size_max_bytes, max, "{name}");
    }
    let Some(found) = described("starlink-leoem/Starlink_SD_SEA_15_BP_path.csv") else {
        return;
    };
    let delay = found.delay.unwrap();
    assert!(!delay.half_of_round_trip);
    rounds_to("min", Some(delay.min_ms), 6.5, 1);
    // The median of the notes (10.2) is not that of the rows given (10.26).
    rounds_to("median", Some(delay.p50_ms), 10.3, 1);
    rounds_to("max", Some(delay.max_ms), 20.4, 1);
}
