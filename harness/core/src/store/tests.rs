use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::results::testing::case;
use crate::results::{CaseResult, Series, Summary};

/// A directory of its own for each test, gone when the test ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("weaknet-store-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
    fn out(&self) -> PathBuf {
        self.0.join("runs/demo")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn begin(out: &Path, mode: OutMode) -> RunWriter {
    RunWriter::begin(out, mode, "1.0.0").unwrap()
}

fn series(n: u64) -> Series {
    Series {
        step_s: 0.1,
        columns: vec!["flow.call.sent_kbps".into()],
        values: vec![vec![n as f64, 1.5]],
    }
}

/// Case `demo-<seed>`; odd seeds have one metric more.
fn demo(seed: u64) -> CaseResult {
    let metrics = [
        ("freeze_ratio", seed as f64 / 100.0),
        ("send_rate_kbps", 1234.5),
    ];
    let metrics = &metrics[..(seed % 2 + 1) as usize];
    CaseResult {
        id: format!("demo-{seed}"),
        ..case("demo", &[("flows.call.fec", "none, or not")], seed, metrics)
    }
}

fn write(writer: &RunWriter, seeds: impl IntoIterator<Item = u64>) {
    for seed in seeds {
        writer.case(&demo(seed), &series(seed)).unwrap();
    }
}

fn finish(writer: RunWriter, started: &str) -> Summary {
    let plan = ["demo-1", "demo-2", "demo-3"];
    let summary = writer.summary(plan);
    let command = vec!["weaknet".to_owned(), "run".to_owned()];
    let manifest = Manifest::new(
        &summary,
        plan.len(),
        "1.0.0",
        command,
        [started.to_owned(), "later".to_owned()],
    );
    writer.finish(&summary, "name: demo\n", &manifest).unwrap();
    summary
}

/// Every file below a directory, by its path in it, with its bytes.
fn files(root: &Path) -> Vec<(String, Vec<u8>)> {
    fn visit(root: &Path, folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(root, &path, found);
            } else {
                found.push((
                    path.strip_prefix(root).unwrap().display().to_string(),
                    fs::read(&path).unwrap(),
                ));
            }
        }
    }
    let mut found = Vec::new();
    visit(root, root, &mut found);
    found.sort();
    found
}

#[test]
fn what_is_written_is_read_back() {
    let scratch = Scratch::new("round-trip");
    let writer = begin(&scratch.out(), OutMode::Replace);
    // Finished in another order than planned.
    write(&writer, [3, 1, 2]);
    writer.attach("report.html", b"<html>").unwrap();
    let summary = finish(writer, "now");
    let ids: Vec<&str> = summary.cases.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(ids, ["demo-1", "demo-2", "demo-3"]);
    let names: Vec<String> = files(&scratch.out())
        .into_iter()
        .map(|file| file.0)
        .collect();
    let expected = ".weaknet-run cases.csv manifest.json report.html scenario.yaml series/demo-1.csv \
                    series/demo-2.csv series/demo-3.csv summary.json";
    assert_eq!(names.join(" "), expected);
    assert_eq!(
        fs::read_dir(scratch.out().parent().unwrap())
            .unwrap()
            .count(),
        1,
        "nothing is left beside it"
    );

    for path in [scratch.out(), scratch.out().join("summary.json")] {
        let run = RunDir::open(&path).unwrap();
        assert_eq!(run.summary, summary);
        assert_eq!(run.series("demo-2").unwrap(), Some(series(2)));
        assert_eq!(run.series("demo-9").unwrap(), None);
        assert_eq!(run.scenario().unwrap().as_deref(), Some("name: demo\n"));
        let manifest = run.manifest().unwrap().unwrap();
        assert_eq!(
            (manifest.seeds.join(" "), manifest.cases, manifest.planned),
            ("1 2 3".to_owned(), 3, 3)
        );
        assert_eq!(manifest.digest, summary.digest);
    }
    let table = fs::read_to_string(scratch.out().join("cases.csv")).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(
        lines[0],
        "id,scenario,seed,flow,flows.call.fec,freeze_ratio,send_rate_kbps"
    );
    assert_eq!(lines[1], "demo-1,demo,1,call,\"none, or not\",0.01,1234.5");
    assert_eq!(lines[2], "demo-2,demo,2,call,\"none, or not\",0.02,");
}

#[test]
fn equal_runs_are_equal_bytes_but_for_the_manifest() {
    let [a, b] = [("a", [1, 2, 3]), ("b", [3, 2, 1])].map(|(name, order)| {
        let scratch = Scratch::new(&format!("equal-{name}"));
        let writer = begin(&scratch.out(), OutMode::Replace);
        write(&writer, order);
        finish(writer, name);
        files(&scratch.out())
    });
    let different: Vec<&str> = a
        .iter()
        .zip(&b)
        .filter(|(a, b)| a != b)
        .map(|(a, _)| a.0.as_str())
        .collect();
    assert_eq!((a.len(), different), (b.len(), vec!["manifest.json"]));
}

#[test]
fn a_killed_run_goes_on_where_it_was() {
    let scratch = Scratch::new("killed");
    let writer = begin(&scratch.out(), OutMode::Replace);
    write(&writer, [1]);
    drop(writer);
    assert!(!scratch.out().exists());
    // The second case was being written.
    let work = scratch.out().with_file_name("demo.partial");
    fs::write(work.join("partial/demo-2.json.tmp"), b"{\"id\":").unwrap();

    let writer = begin(&scratch.out(), OutMode::Resume);
    let finished = ["demo-1", "demo-2", "demo-3"].map(|id| writer.is_finished(id));
    assert_eq!(finished, [true, false, false]);
    write(&writer, [2, 3]);
    finish(writer, "now");

    let reference = Scratch::new("killed-reference");
    let writer = begin(&reference.out(), OutMode::Replace);
    write(&writer, [1, 2, 3]);
    finish(writer, "now");
    assert_eq!(files(&scratch.out()), files(&reference.out()));
}

#[test]
fn an_interrupted_run_is_a_run_and_can_be_resumed() {
    let scratch = Scratch::new("interrupted");
    let writer = begin(&scratch.out(), OutMode::Replace);
    write(&writer, [2]);
    finish(writer, "now");
    let run = RunDir::open(&scratch.out()).unwrap();
    assert_eq!(
        (
            run.summary.cases.len(),
            run.manifest().unwrap().unwrap().planned
        ),
        (1, 3)
    );

    let writer = begin(&scratch.out(), OutMode::Resume);
    assert!(writer.is_finished("demo-2") && !writer.is_finished("demo-1"));
    write(&writer, [1]);
    assert_eq!(finish(writer, "now").cases.len(), 2);
    assert_eq!(
        RunDir::open(&scratch.out())
            .unwrap()
            .series("demo-2")
            .unwrap(),
        Some(series(2))
    );
    // Another version does not mix with it.
    let error = RunWriter::begin(&scratch.out(), OutMode::Resume, "1.1.0")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("was made by weaknet 1.0.0, this is 1.1.0"),
        "{error}"
    );
}

#[test]
fn a_resumed_run_with_another_plan_keeps_nothing_of_the_old_one() {
    let scratch = Scratch::new("other-plan");
    let writer = begin(&scratch.out(), OutMode::Replace);
    write(&writer, [1, 7]);
    drop(writer);
    assert_eq!(
        finish(begin(&scratch.out(), OutMode::Resume), "now")
            .cases
            .len(),
        1
    );
    assert!(!scratch.out().join("series/demo-7.csv").exists());
}

#[test]
fn directories_of_weaknet_are_replaced_whole_at_the_end() {
    let scratch = Scratch::new("replace");
    let out = scratch.out();
    // An empty directory is fine.
    fs::create_dir_all(&out).unwrap();
    let writer = begin(&out, OutMode::Replace);
    write(&writer, [1]);
    finish(writer, "now");
    fs::write(out.join("report.html"), b"old").unwrap();
    let writer = RunWriter::begin(&out, OutMode::Replace, "2.0.0").unwrap();
    assert!(!writer.is_finished("demo-1"));
    assert!(
        out.join("report.html").exists(),
        "the earlier run stays until the new one is finished"
    );
    write(&writer, [2]);
    finish(writer, "now");
    assert!(!out.join("report.html").exists() && !out.join("series/demo-1.csv").exists());
}

#[test]
fn what_others_made_is_never_touched() {
    let scratch = Scratch::new("foreign");
    let foreign = scratch.0.join("photos");
    fs::create_dir_all(&foreign).unwrap();
    fs::write(foreign.join("cat.jpg"), b"cat").unwrap();
    for mode in [OutMode::Replace, OutMode::Resume] {
        for path in [&foreign, &foreign.join("cat.jpg")] {
            let error = RunWriter::begin(path, mode, "1.0.0").unwrap_err();
            assert!(
                matches!(&error, StoreError::NotOurs(p) if p == path),
                "{error}"
            );
        }
    }
    assert_eq!(
        files(&scratch.0),
        [("photos/cat.jpg".to_owned(), b"cat".to_vec())]
    );
    // Put there during the run.
    let writer = begin(&scratch.out(), OutMode::Replace);
    write(&writer, [1]);
    fs::create_dir_all(scratch.out()).unwrap();
    fs::write(scratch.out().join("cat.jpg"), b"cat").unwrap();
    let summary = writer.summary(["demo-1"]);
    let manifest = Manifest::new(&summary, 1, "1.0.0", vec![], [String::new(), String::new()]);
    assert!(matches!(
        writer.finish(&summary, "", &manifest),
        Err(StoreError::NotOurs(_))
    ));
    assert!(scratch.out().join("cat.jpg").exists());
}

#[test]
fn errors_name_the_path() {
    let scratch = Scratch::new("unwritable");
    fs::write(scratch.0.join("file"), b"").unwrap();
    let below_a_file = scratch.0.join("file/run");
    let error = RunWriter::begin(&below_a_file, OutMode::Replace, "1.0.0")
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("failed to create `") && error.contains("file/run.partial"),
        "{error}"
    );
    let error = RunDir::open(&scratch.0.join("nothing"))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("failed to read `") && error.contains("/nothing`"),
        "{error}"
    );
}

#[test]
fn ids_cannot_leave_the_directory() {
    let scratch = Scratch::new("ids");
    let writer = begin(&scratch.out(), OutMode::Replace);
    for id in ["", "..", "../x", "a/b", ".hidden", "a\\b", "a b", "ü"] {
        let case = CaseResult {
            id: id.to_owned(),
            ..demo(1)
        };
        assert!(
            matches!(writer.case(&case, &series(1)), Err(StoreError::Id(_))),
            "{id}"
        );
        let text = serde_json::to_vec(&Summary::new(vec![case])).unwrap();
        assert!(
            matches!(parse_summary(&text), Err(SummaryError::Invalid(_))),
            "{id}"
        );
    }
}

#[test]
fn other_files_are_no_summaries() {
    let message = |text: &str| parse_summary(text.as_bytes()).unwrap_err().to_string();
    assert!(message("name: x").starts_with("is not JSON"));
    assert_eq!(
        message("{}"),
        "is not a summary of weaknet: it has no `schema`"
    );
    assert_eq!(
        message("[1]"),
        "is not a summary of weaknet: it has no `schema`"
    );
    let newer = message(r#"{"schema":"weaknet.summary/9"}"#);
    assert_eq!(
        newer,
        "has schema `weaknet.summary/9`: this version reads `weaknet.summary/1`"
    );
    assert!(message(r#"{"schema":"weaknet.summary/1"}"#).contains("missing field"));
    assert!(message(&"[".repeat(100_000)).starts_with("is not JSON"));
}

#[test]
fn digests_cover_results_and_scenario_only() {
    let base = case("s", &[], 1, &[("freeze_ratio", 0.1)]);
    let digest = |scenario: &str, value: f64| {
        let other = case("another name", &[("a", "b")], 2, &[("freeze_ratio", value)]);
        case_digest(scenario, &other.flows, &other.links)
    };
    assert_eq!(digest("{}", 0.1), base.digest);
    assert_ne!(digest("{}", 0.2), base.digest);
    assert_ne!(digest("{\"a\":1}", 0.1), base.digest);
    assert_eq!(base.digest.len(), 32);
    let [one, two] = [[1, 2], [2, 1]].map(|order| Summary::new(order.map(demo).to_vec()).digest);
    assert_ne!(one, two);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse_summary(&bytes);
    }

    #[test]
    fn damaged_summaries_never_panic(at in 0usize..2000, byte in any::<u8>()) {
        let mut bytes = serde_json::to_vec(&Summary::new(vec![demo(1), demo(2)])).unwrap();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = parse_summary(&bytes);
        let _ = parse_summary(&bytes[..at]);
    }

    #[test]
    fn summaries_survive_json(values in prop::collection::vec(-1e6..1e6f64, 1..5)) {
        let cases = values.iter().map(|&v| case("s", &[], 1, &[("x", crate::results::rounded(v))]));
        let summary = Summary::new(cases.collect());
        prop_assert_eq!(parse_summary(&serde_json::to_vec_pretty(&summary).unwrap()).unwrap(), summary);
    }
}
