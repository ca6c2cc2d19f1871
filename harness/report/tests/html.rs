//! The page: complete, safe, deterministic, bounded.

use weaknet_harness::results::{SUMMARY_SCHEMA, Series, Summary};
use weaknet_report::{ReportInput, html};

mod synthetic;

/// Two scenarios, changed, one case of them captured.
const COMMAND: [&str; 10] = [
    "weaknet",
    "run",
    "scenarios/lte-drive-call.yaml",
    "two words.yaml",
    "--set",
    "duration=9s",
    "--case",
    "abc",
    "--capture",
    "qlog",
];

fn with_input<'s>(
    summary: &'s Summary,
    series: &'s dyn Fn(&str) -> Option<Series>,
) -> ReportInput<'s> {
    ReportInput {
        rank: &[],
        title: "lte-drive-call",
        summary,
        series,
        definitions: synthetic::DEFINITIONS,
        interval: synthetic::interval,
        scenario_yaml: synthetic::SCENARIO,
        command: &COMMAND,
        version: "0.1.0",
    }
}

/// The data that the script gets.
fn data(page: &str) -> serde_json::Value {
    let open = "<script type=\"application/json\" id=\"data\">";
    let start = page.find(open).expect("a data element") + open.len();
    let end = start + page[start..].find("</script>").expect("its end");
    serde_json::from_str(&page[start..end]).expect("JSON")
}

/// Checks that elements nest, by a stack of the open ones.
fn assert_nested(page: &str) {
    const VOID: [&str; 3] = ["meta", "br", "hr"];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page
        .strip_prefix("<!DOCTYPE html>")
        .expect("a document type");
    while let Some(at) = rest.find('<') {
        let tag = &rest[at + 1..];
        let end = tag.find('>').expect("a tag ends");
        let name = tag[..end].split([' ', '\n']).next().unwrap_or_default();
        rest = &tag[end + 1..];
        if let Some(closed) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed));
        } else if !VOID.contains(&name) {
            open.push(name);
        }
        if name == "script" || name == "style" {
            let close = format!("</{name}>");
            rest = &rest[rest.find(&close).expect("raw text ends")..];
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

#[test]
fn the_page_is_whole_and_needs_no_network() {
    let summary = synthetic::summary(5);
    let page = html(&with_input(&summary, &synthetic::series_by_id));
    assert_nested(&page);
    for id in [
        "scores",
        "links",
        "scatter",
        "timelines",
        "definitions",
        "reproduce",
    ] {
        assert_eq!(
            page.matches(&format!("<section id=\"{id}\"")).count(),
            1,
            "{id}"
        );
    }
    for outside in [
        "src=",
        "@import",
        "url(http",
        "fetch(",
        "XMLHttpRequest",
        "<link",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    let addresses = page.matches("http://").count() + page.matches("https://").count();
    assert_eq!(
        addresses, 1,
        "the SVG name space alone looks like an address"
    );
    assert!(page.contains("default-src 'none'"));
    // What was changed stays, what was selected and captured goes.
    let again = &data(&page)["timelines"][0]["command"];
    let case = summary.cases[0].id.as_str();
    assert_eq!(
        again.as_str().unwrap(),
        format!(
            "weaknet run scenarios/lte-drive-call.yaml 'two words.yaml' --set duration=9s --case {case}"
        )
    );
}

#[test]
fn equal_input_gives_equal_bytes() {
    let summary = synthetic::summary(3);
    let input = with_input(&summary, &synthetic::series_by_id);
    assert_eq!(html(&input), html(&input));
}

#[test]
fn nothing_from_files_becomes_markup() {
    let evil = "</script></title><script>alert('x')</script><!--";
    let mut summary = synthetic::summary(2);
    for case in &mut summary.cases {
        case.scenario = evil.to_owned();
        case.id.push_str(evil);
        case.seed.push_str(evil);
        case.flows[0].name = evil.to_owned();
        case.links[0].name = evil.to_owned();
        case.expectations[0].expr = format!("{evil}.freeze_ratio <= 1%");
        case.flows[0].metrics.insert(format!("{evil}_ms"), 1.0);
        let value = case.params.values().next().cloned().unwrap_or_default();
        case.params
            .insert(format!("flows.{evil}"), format!("{value}{evil}"));
    }
    summary.digest = evil.to_owned();
    let series = |id: &str| {
        let mut series = synthetic::series_by_id(id)?;
        for column in &mut series.columns {
            *column = column.replace("call", evil).replace("forward", evil);
        }
        Some(series)
    };
    let mut input = with_input(&summary, &series);
    (input.title, input.scenario_yaml, input.version) = (evil, evil, evil);
    let command = [evil; 3];
    input.command = &command;
    let page = html(&input);
    assert_nested(&page);
    assert!(!page.contains("<script>alert"));
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("<!--").count(), 0);
    let timeline = &data(&page)["timelines"][0];
    assert_eq!(timeline["flows"][0], evil);
    assert!(
        timeline["columns"]
            .as_array()
            .is_some_and(|columns| columns.len() > 10)
    );
}

#[test]
fn a_typical_page_is_below_a_megabyte_and_holds_every_seed() {
    let summary = synthetic::summary(5);
    let page = html(&with_input(&summary, &synthetic::series_by_id));
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    assert_eq!(data(&page)["timelines"].as_array().map(Vec::len), Some(15));
}

#[test]
fn beyond_twenty_cases_first_seeds_alone_have_timelines() {
    let summary = synthetic::summary(9);
    let page = html(&with_input(&summary, &synthetic::series_by_id));
    let timelines = data(&page)["timelines"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let seeds: Vec<&str> = timelines
        .iter()
        .filter_map(|timeline| timeline["seed"].as_str())
        .collect();
    assert_eq!(seeds, ["1", "1", "1"]);
    assert!(page.contains("3 of 27 cases are in this page"));
}

#[test]
fn the_worst_case_is_bounded() {
    let one = synthetic::case("lte-drive-call", &[], 0, 1);
    let series = synthetic::series(0, 1, 60.0);
    let cases = (0..5000).map(|index| {
        let mut case = one.clone();
        case.id = format!("{index:016x}");
        case.params = [(
            "flows.call.media".to_owned(),
            format!("variant {index} {}", "x".repeat(500)),
        )]
        .into();
        case
    });
    let summary = Summary {
        schema: SUMMARY_SCHEMA.to_owned(),
        digest: String::new(),
        cases: cases.collect(),
    };
    let yaml = "# a comment\n".repeat(100_000);
    let find = |_: &str| Some(series.clone());
    let mut input = with_input(&summary, &find);
    input.scenario_yaml = &yaml;
    let page = html(&input);
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
    assert_nested(&page);
}

#[test]
fn a_run_without_series_says_so() {
    let summary = synthetic::summary(1);
    let page = html(&with_input(&summary, &|_| None));
    assert!(page.contains("This run recorded no time series."));
    assert_nested(&page);
}

#[test]
fn an_empty_run_is_a_page() {
    let summary = Summary {
        schema: SUMMARY_SCHEMA.to_owned(),
        digest: String::new(),
        cases: vec![],
    };
    assert_nested(&html(&with_input(&summary, &|_| None)));
}
