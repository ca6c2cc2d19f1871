//! Laws for any input.

use proptest::prelude::*;
use weaknet_harness::scenario::error::Source;
use weaknet_harness::scenario::overrides::parse_set;
use weaknet_harness::scenario::resolve::{Terms, resolve};
use weaknet_harness::scenario::tree::{self, Node, Value};

use crate::{call, plan, plugins};

/// Loads a text as far as it goes; every message must be printable.
fn load(text: &str) {
    let registry = plugins::registry();
    let source = Source::new("any.yaml", text);
    let tree = match tree::parse(&source) {
        Ok(tree) => tree,
        Err(error) => return drop(error.to_string()),
    };
    check_places(&tree, text);
    let terms = Terms {
        registry: &registry,
        metrics: &[],
        stem: "any",
        seeds: None,
        cases: 1,
        limit: 100,
    };
    if let Err(errors) = resolve(&tree, terms) {
        assert!(!errors.0.is_empty());
        drop(errors.to_string());
    }
}

/// Every place lies in the text, and a plain scalar's place holds its text.
fn check_places(node: &Node, text: &str) {
    let bytes = node.place().bytes();
    assert_eq!(node.place().text(), &text[bytes]);
    match &node.value {
        Value::Scalar(scalar)
            if !scalar.quoted && !scalar.text.is_empty() && !scalar.text.contains(['\n', ' ']) =>
        {
            // An anchor counts as part of its value.
            assert!(node.place().text().ends_with(&scalar.text), "{scalar:?}");
        }
        Value::Scalar(_) => {}
        Value::List(items) => items.iter().for_each(|item| check_places(item, text)),
        Value::Map(entries) => entries
            .iter()
            .for_each(|entry| check_places(&entry.value, text)),
    }
}

/// Pieces that scenarios are made of.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "name",
        "duration",
        "network",
        "forward",
        "rate",
        "loss",
        "flows",
        "media",
        "video",
        "matrix",
        "expect",
        "extends",
        "seeds",
        "call",
        "gcc",
        "3Mbps",
        "-1",
        "20ms",
        "2%",
        "1e999",
        ".nan",
        "[",
        "]",
        "{",
        "}",
        ": ",
        ":",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        ", ",
        "\"",
        "'",
        "&a ",
        "*a",
        "!t ",
        "<<",
        "|",
        ">",
        "#",
        "ß",
        "?",
        "---\n",
        "...",
        "%YAML 1.2\n",
        "\t",
        "\r\n",
        "~",
        "0x",
        "@",
        "`",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,80}") {
        load(&text);
    }

    #[test]
    fn arbitrary_yaml_never_panics(text in pieces()) {
        load(&text);
        if let Err(error) = parse_set(&text) {
            drop(error.to_string());
        }
    }

    #[test]
    fn a_broken_scenario_never_panics(at in 0usize..200, piece in pieces()) {
        let mut text = call("network: {forward: {rate: 3Mbps, loss: {gilbert_elliott: {average: 2%}}}}\n");
        let at = at.min(text.len());
        text.insert_str(at, &piece);
        load(&text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_matrix_has_the_product_of_its_axes(a in 1usize..5, b in 1usize..5, seeds in 1u64..4) {
        let list = |n: usize, unit: &str| (1..=n).map(|i| format!("{i}{unit}")).collect::<Vec<_>>().join(", ");
        let matrix = format!(
            "seeds: {seeds}\nmatrix: {{network.forward.rate: [{}], network.forward.delay: [{}]}}\n",
            list(a, "Mbps"), list(b, "ms"),
        );
        let plan = plan(&call(&matrix), &[]).unwrap();
        prop_assert_eq!(plan.cases.len() as u64, (a * b) as u64 * seeds);
        let mut ids: Vec<&String> = plan.cases.iter().map(|case| &case.id).collect();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), plan.cases.len());
        prop_assert!(plan.cases.iter().enumerate().all(|(at, case)| case.index == at));
    }
}
