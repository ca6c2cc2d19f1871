//! Calls between two real browsers behind `weaknet live`, beside the same calls through
//! another emulator, as recorded.
//!
//! A short call runs wherever there is Chromium. Whole conditions take minutes and want
//! a machine without other work:
//!
//! ```sh
//! WEAKNET_CALLS=3 cargo test -p weaknet --test browser -- --ignored --nocapture condition_a
//! ```
#![cfg(target_os = "linux")]

mod call;
mod camera;
mod devtools;
mod figures;
mod second;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use call::{Call, Condition, NoCall};
use figures::{Course, FIGURES, Part};

/// A recorded condition.
struct Recorded {
    name: &'static str,
    runs: &'static [u32],
    condition: Condition,
    parts: &'static [Part],
    /// What its summaries call the parts.
    keys: &'static [&'static str],
}

const A: Recorded = Recorded {
    name: "a_clean3M",
    runs: &[1, 2],
    condition: Condition {
        seconds: 65,
        rates: &[(0, 3_000)],
    },
    parts: &[part("all", 0, 65)],
    keys: &["all"],
};

const B: Recorded = Recorded {
    name: "b_steps",
    runs: &[1, 2, 4],
    condition: Condition {
        seconds: 85,
        rates: &[(0, 2_500), (20, 1_000), (40, 400), (60, 2_000)],
    },
    parts: &[
        part("2.5 Mbit/s", 0, 20),
        part("1 Mbit/s", 20, 40),
        part("0.4 Mbit/s", 40, 60),
        part("2 Mbit/s", 60, 85),
    ],
    keys: &["2500k@0-20s", "1000k@20-40s", "400k@40-60s", "2000k@60-85s"],
};

const fn part(name: &'static str, from: u16, to: u16) -> Part {
    Part {
        name,
        from: from as f64,
        to: to as f64,
    }
}

/// Says it past the capture of output.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// A call, where there can be one.
#[track_caller]
fn call(condition: &Condition, folder: &Path) -> Option<Call> {
    match call::run(condition, folder) {
        Ok(call) => Some(call),
        Err(NoCall::Impossible(why)) => {
            let required = std::env::var_os("WEAKNET_REQUIRE_LIVE").is_some();
            assert!(!required, "{why}");
            say(&format!("skipped: {why}"));
            None
        }
        Err(NoCall::Failed(trouble)) => {
            for log in ["weaknet.log", "left.log", "right.log"] {
                let text = fs::read_to_string(folder.join(log)).unwrap_or_default();
                let tail: Vec<&str> = text.lines().rev().take(10).collect();
                for line in tail.iter().rev() {
                    say(&format!("{log}: {line}"));
                }
            }
            panic!("{trouble}");
        }
    }
}

#[test]
fn two_browsers_call_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let condition = Condition {
        seconds: 10,
        rates: &[(0, 1_000)],
    };
    let Some(call) = call(&condition, folder.path()) else {
        return;
    };
    say(&call.summary);
    let rates: Vec<f64> = call.seconds.iter().filter_map(|s| s.l_out_kbps).collect();
    let steady = rates.iter().rev().take(4).sum::<f64>() / 4.0;
    // Recorded calls reach 0.9 of a link of 1 Mbit/s within 2 s; a busy machine may take
    // longer, but no link may carry more than it can, as far as the times of getStats go.
    assert!((400.0..1_030.0).contains(&steady), "{rates:?}");
    let rtt = call
        .seconds
        .iter()
        .filter_map(|s| s.s_stun_rtt_ms)
        .next_back();
    assert!(rtt.is_some_and(|ms| ms >= 50.0), "{rtt:?}: two times 25 ms");
    assert!(call.frames.len() > 60, "{} frames", call.frames.len());
}

/// What those who recorded the calls computed from them.
#[test]
fn recorded_calls_have_the_figures_of_their_summaries() {
    let Some(folder) = shared() else {
        return;
    };
    for recorded in [A, B] {
        for run in recorded.runs {
            let name = format!("{}.run{run}", recorded.name);
            let course = Course::read(&folder, &name);
            let summary = fs::read(folder.join(format!("{name}.summary.json"))).unwrap();
            let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
            for (part, key) in recorded.parts.iter().zip(recorded.keys) {
                let theirs = &summary["segments"][key];
                for (figure, key, rounding) in [
                    ("steady link rate, kbit/s", "link_out_kbps_tail", 0.06),
                    ("steady encoder target, kbit/s", "target_kbps_tail", 0.06),
                    ("jitter buffer, ms", "jb_delay_ms", 0.06),
                    ("frozen, s", "freeze_s", 0.000_6),
                ] {
                    let figure = FIGURES.iter().find(|known| known.name == figure).unwrap();
                    let (ours, theirs) = ((figure.of)(&course, *part), theirs[key].as_f64());
                    let differs = (ours - theirs.unwrap()).abs();
                    assert!(differs < rounding, "{name} {key}: {ours} {theirs:?}");
                }
            }
        }
    }
}

#[test]
#[ignore = "takes 80 s and a machine without other work"]
fn condition_a() {
    compare(&A);
}

#[test]
#[ignore = "takes 110 s and a machine without other work"]
fn condition_b() {
    compare(&B);
}

/// Calls as recorded, as often as `WEAKNET_CALLS` says, and prints both; judges the
/// medians of what is to agree.
fn compare(recorded: &Recorded) {
    let calls = std::env::var("WEAKNET_CALLS").map_or(1, |text| text.parse().unwrap());
    let mut ours = Vec::new();
    for number in 1..=calls {
        let folder = tempfile::tempdir().unwrap();
        let before = load();
        let Some(call) = call(&recorded.condition, folder.path()) else {
            return;
        };
        let seconds = kept(recorded, number);
        second::write(&seconds, &call.seconds);
        say(&format!("load before and after: {before}; {}", load()));
        let first = call.first_frame_ms.unwrap_or(f64::NAN);
        say(&format!("first frame shown after {first:.0} ms"));
        say(call.summary.trim_end());
        say(&format!("seconds: {}", seconds.display()));
        ours.push(Course {
            seconds: call.seconds,
            frames: call.frames,
        });
    }
    let theirs = shared().map(|folder| {
        let runs = recorded.runs.iter();
        runs.map(|run| Course::read(&folder, &format!("{}.run{run}", recorded.name)))
            .collect::<Vec<_>>()
    });
    let wrong = table(&ours, &theirs.unwrap_or_default(), recorded.parts);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Where the seconds of a call are kept.
fn kept(recorded: &Recorded, number: u32) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    fs::create_dir_all(&folder).unwrap();
    folder.join(format!("{}.live{number}.persec.csv", recorded.name))
}

/// The recorded calls, where they are.
fn shared() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = std::env::var_os("WEAKNET_SHARED").unwrap_or_else(|| "../shared".into());
    let folder = root.join(shared).join("oracles/chromium");
    if !folder.is_dir() {
        assert!(std::env::var_os("CI").is_none(), "{}", folder.display());
        say(&format!("no recorded calls at {}", folder.display()));
        return None;
    }
    Some(folder)
}

/// Prints all figures; those that do not agree.
fn table(ours: &[Course], theirs: &[Course], parts: &[Part]) -> Vec<String> {
    let mut wrong = Vec::new();
    say("| part | figure | recorded | live | |");
    say("|---|---|---|---|---|");
    for part in parts {
        for figure in &FIGURES {
            let column = |calls: &[Course]| {
                let mut values: Vec<f64> =
                    calls.iter().map(|call| (figure.of)(call, *part)).collect();
                values.sort_by(f64::total_cmp);
                values
            };
            let (runs, live) = (column(theirs), column(ours));
            let verdict = match (figure.within, runs.first(), runs.last()) {
                (Some(share), Some(least), Some(most)) => {
                    let allowed = least * (1.0 - share)..=most * (1.0 + share);
                    let agrees = allowed.contains(&live[live.len() / 2]);
                    if !agrees {
                        let name = figure.name;
                        wrong.push(format!("{}, {name}: {live:?}, {runs:?}", part.name));
                    }
                    let not = if agrees { "" } else { "NOT " };
                    format!("{not}within {:.0} %", share * 100.0)
                }
                _ => String::new(),
            };
            let decimals = figure.decimals;
            let list = |values: &[f64]| {
                let texts = values.iter().map(|value| format!("{value:.decimals$}"));
                texts.collect::<Vec<_>>().join(", ")
            };
            say(&format!(
                "| {} | {} | {} | {} | {verdict} |",
                part.name,
                figure.name,
                list(&runs),
                list(&live)
            ));
        }
    }
    wrong
}
