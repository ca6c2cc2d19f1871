use super::*;
use crate::metrics::builtin_definitions;
use crate::results::testing::case;

fn run(metric: &str, values: &[f64]) -> Summary {
    let seeds = values.iter().enumerate();
    Summary::new(
        seeds
            .map(|(n, &value)| case("s", &[], n as u64 + 1, &[(metric, value)]))
            .collect(),
    )
}

/// The row of one metric with these values per seed.
fn row(metric: &str, base: &[f64], new: &[f64]) -> Row {
    let mut found = compare(&run(metric, base), &run(metric, new), builtin_definitions()).unwrap();
    assert_eq!(found.rows.len(), 1);
    found.rows.remove(0)
}

const LOW: [f64; 5] = [10.0, 11.0, 12.0, 13.0, 14.0];
const HIGH: [f64; 5] = [15.0, 16.5, 17.0, 18.5, 19.0];

#[test]
fn every_metric_has_its_direction() {
    for definition in builtin_definitions() {
        let (rise, fall) = match definition.better {
            Better::Lower => (Verdict::Worse, Verdict::Better),
            Better::Higher => (Verdict::Better, Verdict::Worse),
            Better::Neither => (Verdict::Changed, Verdict::Changed),
        };
        assert_eq!(
            row(definition.name, &LOW, &HIGH).verdict,
            rise,
            "{}",
            definition.name
        );
        assert_eq!(
            row(definition.name, &HIGH, &LOW).verdict,
            fall,
            "{}",
            definition.name
        );
        assert_eq!(
            row(definition.name, &LOW, &LOW).verdict,
            Verdict::NoChange,
            "{}",
            definition.name
        );
    }
    assert_eq!(
        row("of_somebody_else", &LOW, &HIGH).verdict,
        Verdict::Changed
    );
}

#[test]
fn pairs_see_what_means_do_not() {
    // Seeds differ by 1, the change is 0.1 in each.
    let moved = LOW.map(|v| v + 0.1);
    let found = row("freeze_ratio", &LOW, &moved);
    assert_eq!((found.verdict, found.seeds), (Verdict::Worse, 5));
    assert!((found.difference - 0.1).abs() < 1e-9 && (found.base - 12.0).abs() < 1e-9);
    let [low, high] = found.interval.unwrap();
    assert!(low > 0.09 && high < 0.11);
    // Ups and downs that cancel.
    let noisy = [10.5, 10.4, 12.6, 12.4, 14.1];
    assert_eq!(row("freeze_ratio", &LOW, &noisy).verdict, Verdict::NoChange);
}

#[test]
fn one_seed_decides_nothing_but_equality() {
    let found = row("freeze_ratio", &[0.1], &[0.2]);
    assert_eq!((found.verdict, found.interval), (Verdict::Unclear, None));
    assert_eq!(found.verdict.words(), "unclear (one seed)");
    assert_eq!(
        row("freeze_ratio", &[0.1], &[0.1]).verdict,
        Verdict::NoChange
    );
}

#[test]
fn what_a_whole_run_sets_is_the_change_under_test() {
    let run = |fec: &[&str], more: &[(&'static str, &'static str)]| {
        let cases = fec.iter().map(|fec| {
            let mut params = vec![("fec", *fec)];
            params.extend(more);
            case("s", &params, 1, &[("freeze_ratio", 0.5)])
        });
        Summary::new(cases.collect())
    };
    let compared = |base: &Summary, new: &Summary| compare(base, new, builtin_definitions());
    // One value each: fec itself is under test, and so is loss.
    let (none, lossy) = (run(&["none"], &[]), run(&["ulp"], &[("loss", "5%")]));
    let found = compared(&none, &lossy).unwrap();
    let changes: Vec<_> = found
        .changes
        .iter()
        .map(|c| (c.param.as_str(), c.base.as_deref(), c.new.as_deref()))
        .collect();
    assert_eq!(
        changes,
        [
            ("fec", Some("none"), Some("ulp")),
            ("loss", None, Some("5%"))
        ]
    );
    assert_eq!((found.rows.len(), found.unmatched_cases.len()), (1, 0));
    // Two values in the base: they tell cases apart, and the new run has one of them.
    let both = run(&["none", "ulp"], &[]);
    let found = compared(&both, &lossy).unwrap();
    assert_eq!((found.rows.len(), found.unmatched_cases.len()), (1, 1));
    assert_eq!(found.unmatched_cases[0].params["fec"], "none");
    assert_eq!(found.changes.len(), 1);
    assert_eq!(
        compared(&both, &run(&["xor"], &[])),
        Err(CompareError::NothingInCommon)
    );
}

#[test]
fn cases_match_by_scenario_parameters_and_seed() {
    let metrics = [("freeze_ratio", 0.5)];
    let base = Summary::new(vec![
        case("s", &[("fec", "none")], 1, &metrics),
        case("s", &[("fec", "ulp")], 1, &metrics),
        case("gone", &[], 1, &metrics),
    ]);
    let mut renamed = case("s", &[("fec", "ulp")], 1, &[("freeze_ratio", 0.25)]);
    renamed.id = "another".to_owned();
    let new = Summary::new(vec![renamed, case("s", &[("fec", "none")], 2, &metrics)]);
    let found = compare(&base, &new, builtin_definitions()).unwrap();
    assert_eq!(found.rows.len(), 1);
    assert_eq!(
        (
            found.rows[0].params["fec"].as_str(),
            found.rows[0].difference
        ),
        ("ulp", -0.25)
    );
    let alone: Vec<_> = found
        .unmatched_cases
        .iter()
        .map(|c| (c.side, c.scenario.as_str(), c.seed.as_str()))
        .collect();
    assert_eq!(
        alone,
        [
            (Side::Base, "s", "1"),
            (Side::Base, "gone", "1"),
            (Side::New, "s", "2")
        ]
    );
}

#[test]
fn metrics_of_one_side_are_listed() {
    let base = Summary::new(vec![
        case("s", &[], 1, &[("frame_delay_p95_ms", 90.0)]),
        case("s", &[], 2, &[("frame_delay_p95_ms", 80.0)]),
    ]);
    let new = Summary::new(vec![
        case("s", &[], 1, &[]),
        case("s", &[], 2, &[("frame_delay_p95_ms", 80.0)]),
    ]);
    let found = compare(&base, &new, builtin_definitions()).unwrap();
    assert_eq!((found.rows[0].seeds, found.rows[0].base), (1, 80.0));
    assert_eq!(found.unmatched_metrics.len(), 1);
    assert_eq!(
        (
            found.unmatched_metrics[0].side,
            found.unmatched_metrics[0].seeds
        ),
        (Side::Base, 1)
    );
}

#[test]
fn strange_runs_are_refused() {
    let one = run("freeze_ratio", &[1.0]);
    let twice = Summary::new(vec![one.cases[0].clone(), one.cases[0].clone()]);
    let error = compare(&one, &twice, builtin_definitions())
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "new run has scenario `s`, seed 1 more than once with the same parameters"
    );
    let other = Summary::new(vec![case("other", &[], 1, &[])]);
    assert_eq!(
        compare(&one, &other, builtin_definitions()),
        Err(CompareError::NothingInCommon)
    );
}

fn failures(condition: &str, metric: &str, base: &[f64], new: &[f64]) -> usize {
    let comparison = compare(&run(metric, base), &run(metric, new), builtin_definitions()).unwrap();
    condition
        .parse::<FailIf>()
        .unwrap()
        .failures(&comparison)
        .unwrap()
        .len()
}

#[test]
fn conditions_fail_on_what_they_say() {
    for condition in [
        "call.freeze_ratio worse",
        "*.freeze_ratio worse",
        "call.* worse",
        "any worse",
    ] {
        assert_eq!(
            failures(condition, "freeze_ratio", &LOW, &HIGH),
            1,
            "{condition}"
        );
        assert_eq!(
            failures(condition, "freeze_ratio", &HIGH, &LOW),
            0,
            "{condition}"
        );
        assert_eq!(
            failures(condition, "freeze_ratio", &[1.0], &[2.0]),
            0,
            "{condition}: one seed"
        );
    }
    // Worse by 5.2, from 12: 43 %.
    for (margin, want) in [("5", 1), ("5.3", 0), ("43%", 1), ("44%", 0)] {
        assert_eq!(
            failures(
                &format!("any worse by {margin}"),
                "freeze_ratio",
                &LOW,
                &HIGH
            ),
            want,
            "{margin}"
        );
    }
    assert_eq!(failures("any worse by 5", "goodput_kbps", &HIGH, &LOW), 1);
    assert_eq!(
        failures("any worse by 0.5", "freeze_ratio", &[1.0], &[2.0]),
        1
    );
    assert_eq!(failures("any worse by 0", "send_rate_kbps", &LOW, &HIGH), 0);
    // From nothing, any rise is more than any share.
    assert_eq!(
        failures("any worse by 50%", "freeze_ratio", &[0.0; 5], &LOW),
        1
    );
}

#[test]
fn wrong_conditions_say_what_was_expected() {
    for text in [
        "",
        "call.freeze_ratio",
        "freeze_ratio worse",
        "call. worse",
        "call.x worse by",
        "call.x worse by -1",
        "call.x worse by ten",
        "call.x better",
    ] {
        let message = text.parse::<FailIf>().unwrap_err().to_string();
        assert!(
            message.contains("expected `SUBJECT.METRIC worse`"),
            "{message}"
        );
    }
    let check = |text: &str| text.parse::<FailIf>().unwrap().check(builtin_definitions());
    assert_eq!(check("call.freeze_ratio worse"), Ok(()));
    let message = check("call.freeze_rato worse").unwrap_err().to_string();
    assert_eq!(
        message,
        "unknown metric `freeze_rato` (did you mean `freeze_ratio`?)"
    );
    assert!(matches!(
        check("call.send_rate_kbps worse"),
        Err(FailIfError::Neutral(_))
    ));
    let comparison = compare(
        &run("freeze_ratio", &LOW),
        &run("freeze_ratio", &LOW),
        builtin_definitions(),
    )
    .unwrap();
    let message = "cal.freeze_ratio worse"
        .parse::<FailIf>()
        .unwrap()
        .failures(&comparison)
        .unwrap_err()
        .to_string();
    assert!(message.ends_with("(did you mean `call`?)"), "{message}");
}
