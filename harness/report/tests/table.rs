//! The terminal table and the Markdown report of small runs, to the letter.

use weaknet_harness::metrics::{Better, Definition, Subject};
use weaknet_harness::results::{
    CaseResult, ExpectationResult, SUMMARY_SCHEMA, SubjectScores, Summary,
};
use weaknet_report::{ReportInput, markdown, table};

const DEFINITIONS: &[Definition] = &[
    definition("freeze_ratio", Better::Lower),
    definition("frame_delay_p95_ms", Better::Lower),
    definition("video_bitrate_kbps", Better::Higher),
    definition("utilisation", Better::Higher),
];

const fn definition(name: &'static str, better: Better) -> Definition {
    Definition {
        name,
        subjects: &[Subject::Flow],
        better,
        summary: "",
        formula: "",
        source: "",
    }
}

/// Least and greatest: an interval whose numbers are seen at a glance.
fn range(values: &[f64]) -> Option<(f64, f64)> {
    let low = values.iter().copied().min_by(f64::total_cmp)?;
    let high = values.iter().copied().max_by(f64::total_cmp)?;
    (values.len() > 1).then_some((low, high))
}

fn scores(name: &str, metrics: &[(&str, f64)]) -> SubjectScores {
    let metrics = metrics
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value))
        .collect();
    SubjectScores {
        name: name.to_owned(),
        metrics,
    }
}

fn case(controller: &str, seed: u32, freeze: f64, delay: f64, bitrate: f64) -> CaseResult {
    CaseResult {
        id: format!("{controller}-{seed}"),
        scenario: "lte".to_owned(),
        params: [(
            "flows.call.congestion_control".to_owned(),
            controller.to_owned(),
        )]
        .into(),
        seed: seed.to_string(),
        digest: String::new(),
        trajectory: String::new(),
        flows: vec![scores(
            "call",
            &[
                ("freeze_ratio", freeze),
                ("frame_delay_p95_ms", delay),
                ("video_bitrate_kbps", bitrate),
            ],
        )],
        links: vec![scores("forward", &[("utilisation", 0.8)])],
        expectations: vec![ExpectationResult {
            expr: "call.freeze_ratio <= 1%".to_owned(),
            ok: freeze <= 0.01,
            value: Some(freeze),
        }],
    }
}

fn two_controllers() -> Vec<CaseResult> {
    vec![
        case("gcc", 1, 0.02, 210.0, 1480.0),
        case("gcc", 2, 0.03, 230.0, 1520.0),
        case("gcc", 3, 0.025, 220.0, 1500.0),
        case("scream", 1, 0.0, 140.0, 1470.0),
        case("scream", 2, 0.01, 150.0, 1490.0),
        case("scream", 3, 0.005, 145.0, 1480.0),
    ]
}

fn with_input<T>(cases: Vec<CaseResult>, report: impl FnOnce(&ReportInput<'_>) -> T) -> T {
    ranked(cases, &[], report)
}

fn ranked<T>(
    cases: Vec<CaseResult>,
    rank: &[&str],
    report: impl FnOnce(&ReportInput<'_>) -> T,
) -> T {
    let summary = Summary {
        schema: SUMMARY_SCHEMA.to_owned(),
        digest: String::new(),
        cases,
    };
    report(&ReportInput {
        rank,
        title: "lte",
        summary: &summary,
        series: &|_| None,
        definitions: DEFINITIONS,
        interval: range,
        scenario_yaml: "",
        command: &[],
        version: "0.1.0",
    })
}

#[test]
fn table_to_the_letter() {
    let expected = "\
lte · flow call · 3 seeds
                freeze      frame       video
congestion       ratio  delay p95     bitrate
control              %         ms        kbps
─────────────────────────────────────────────
gcc         2.5 ±0.5    220 ±10    1500 ±20 ~
scream      0.5 ±0.5 *  145 ±5  *  1480 ±10

± half the 95 % interval (blank: 0) · * best · ~ best mean, intervals overlap

expectations that fail on the median
FAIL  gcc  call.freeze_ratio <= 1%  median 2.5 %, 0 of 3 seeds
pass  1 other

1 of 2 expectations fails: call.freeze_ratio <= 1% in gcc (found 2.5 %). Lowest freeze ratio (0.5 %)
and lowest frame delay p95 (145 ms): scream. Highest video bitrate (1500 kbps, intervals overlap):
gcc.
";
    let found = with_input(two_controllers(), |input| table(input, 100, false));
    assert_eq!(found, expected);
}

#[test]
fn rows_are_ranked_by_one_metric_then_the_next() {
    let cases = || {
        let one = |name, freeze, delay| case(name, 1, freeze, delay, 1000.0);
        vec![
            one("worst", 0.04, 100.0),
            one("slow", 0.010_004, 200.0),
            one("quick", 0.010_001, 150.0),
            one("best", 0.0, 300.0),
        ]
    };
    let order = |rank: &[&str]| -> Vec<String> {
        let text = ranked(cases(), rank, |input| table(input, 100, false));
        let names = ["worst", "slow", "quick", "best"];
        let words = text
            .lines()
            .filter_map(|line| line.split_whitespace().next());
        let rows = words.filter(|word| names.contains(word));
        rows.take(4).map(str::to_owned).collect()
    };
    assert_eq!(order(&[]), ["worst", "slow", "quick", "best"]);
    let by_freezes = ["freeze_ratio", "frame_delay_p95_ms"];
    assert_eq!(order(&by_freezes), ["best", "quick", "slow", "worst"]);
    assert_eq!(
        order(&["frame_delay_p95_ms"]),
        ["worst", "quick", "slow", "best"]
    );
}

#[test]
fn markdown_to_the_letter() {
    let expected = "\
## lte

1 of 2 expectations fails: call.freeze_ratio &lt;= 1% in gcc (found 2.5 %). \
Lowest freeze ratio (0.5 %) and lowest frame delay p95 (145 ms): scream. \
Highest video bitrate (1500 kbps, intervals overlap): gcc.

**lte · flow call · 3 seeds**

| congestion control | freeze ratio % | frame delay p95 ms | video bitrate kbps |
| :-- | --: | --: | --: |
| gcc | 2.5 ±0.5 | 220 ±10 | *1500 ±20* |
| scream | **0.5 ±0.5** | **145 ±5** | 1480 ±10 |

**lte · link forward · 3 seeds**

| congestion control | utilisation % |
| :-- | --: |
| gcc | 80.0 |
| scream | 80.0 |

|  | case | expectation | median | seeds |
| :-- | :-- | :-- | --: | --: |
| **FAIL** | gcc | `call.freeze_ratio <= 1%` | 2.5 % | 0 of 3 |
| pass | scream | `call.freeze_ratio <= 1%` | 0.50 % | 3 of 3 |
";
    assert_eq!(with_input(two_controllers(), markdown), expected);
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for columns in [40, 60, 80, 100, 140] {
        let text = with_input(two_controllers(), |input| table(input, columns, false));
        for line in text.lines() {
            let cells = line.chars().count();
            assert!(
                cells <= columns,
                "{cells} cells on a terminal of {columns}: {line}"
            );
        }
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    let plain = with_input(two_controllers(), |input| table(input, 100, false));
    let coloured = with_input(two_controllers(), |input| table(input, 100, true));
    assert!(!plain.contains('\u{1b}'));
    let mut stripped = String::new();
    let mut rest = coloured.as_str();
    while let Some(at) = rest.find('\u{1b}') {
        stripped.push_str(&rest[..at]);
        let end = rest[at..].find('m').expect("a style ends with m");
        rest = &rest[at + end + 1..];
    }
    stripped.push_str(rest);
    assert_ne!(plain, coloured);
    assert_eq!(stripped, plain);
}

#[test]
fn names_cannot_steer_the_terminal() {
    let mut cases = two_controllers();
    for case in &mut cases {
        case.scenario = "evil\u{1b}[2J\u{7}\n".to_owned();
        case.flows[0].name = "\u{1b}]0;title".to_owned();
        case.expectations[0].expr = "a\u{9b}b.c <= 1".to_owned();
    }
    cases[0]
        .params
        .insert("network.forward.loss".to_owned(), "\u{1b}[31m".to_owned());
    let text = with_input(cases, |input| table(input, 100, false));
    assert!(
        text.chars().all(|c| c == '\n' || !c.is_control()),
        "{text:?}"
    );
}

#[test]
fn metrics_that_do_not_apply_are_absent_not_zero() {
    let mut cases = two_controllers();
    for case in cases.iter_mut().skip(3) {
        case.flows[0].metrics.remove("video_bitrate_kbps");
    }
    let text = with_input(cases, |input| table(input, 100, false));
    let scream = text
        .lines()
        .find(|line| line.starts_with("scream"))
        .expect("a row");
    assert!(scream.trim_end().ends_with(" -"), "{scream:?}");
}

#[test]
fn calls_that_never_connect_are_named() {
    let mut cases = two_controllers();
    for (at, case) in cases.iter_mut().enumerate() {
        let metrics = &mut case.flows[0].metrics;
        metrics.insert("connected_5s_ratio".to_owned(), 0.0);
        // The first alone connects, though late.
        if at == 0 {
            metrics.insert("setup_time_ms".to_owned(), 9_000.0);
        }
    }
    let text = with_input(cases, |input| table(input, 400, false));
    let told = "Never connected: call in gcc (2 of 3 runs), call in scream (3 of 3 runs).";
    assert!(text.contains(told), "{text}");
}

#[test]
fn conditions_do_not_compete() {
    let mut cases = two_controllers();
    for (index, case) in cases.iter_mut().enumerate() {
        let loss = if index < 3 { "0%" } else { "5%" };
        case.params = [("network.forward.loss".to_owned(), loss.to_owned())].into();
    }
    let text = with_input(cases, |input| table(input, 100, false));
    assert!(!text.contains('*') && !text.contains('~'), "{text}");
}

#[test]
fn a_run_of_nothing_is_reported() {
    let text = with_input(vec![], |input| table(input, 80, false));
    assert_eq!(text, "0 cases ran; nothing was expected or compared.\n");
}

#[test]
fn fewer_than_three_seeds_have_no_interval_and_no_certain_winner() {
    for seeds in 1..3 {
        let mut cases = two_controllers();
        cases.retain(|case| case.seed.parse::<u32>().is_ok_and(|seed| seed <= seeds));
        let text = with_input(cases, |input| table(input, 100, false));
        assert!(!text.contains('±') && !text.contains(" *"), "{text}");
        assert!(text.contains("too few seeds to be sure"), "{text}");
    }
}

#[test]
fn links_are_shown_if_there_is_nothing_else() {
    let mut cases = two_controllers();
    for case in &mut cases {
        case.flows.clear();
        case.links.push(scores("backward", &[("loss_ratio", 0.0)]));
    }
    let text = with_input(cases, |input| table(input, 100, false));
    assert!(text.starts_with("lte · link forward · 3 seeds\n"), "{text}");
    assert!(!text.contains("backward"), "nothing happens there: {text}");
}

#[test]
fn report_and_exit_code_judge_alike() {
    let mut cases = two_controllers();
    for case in &mut cases {
        // The median of two seeds rests on an absent value.
        case.expectations[0].value = (case.seed == "1").then_some(0.0);
        case.expectations[0].ok = case.seed == "1";
    }
    let judged = weaknet_harness::expectations::judge(&cases).expect("conditions");
    assert!(judged.iter().all(|judgement| !judgement.ok));
    let text = with_input(cases, |input| table(input, 100, false));
    assert!(text.contains("2 of 2 expectations fail"), "{text}");
    assert!(text.contains("median absent, 1 of 3 seeds"), "{text}");
}

#[test]
fn expectations_that_cannot_be_judged_are_no_pass() {
    let mut cases = two_controllers();
    cases[0].expectations[0].expr = "nonsense".to_owned();
    let text = with_input(cases, |input| table(input, 100, false));
    assert!(text.contains("The expectations cannot be judged"), "{text}");
}
