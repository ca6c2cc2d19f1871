//! Laws that every built-in plug-in keeps.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use weaknet_core::plugin::{Assets, ReadFile};
use weaknet_core::{BuildContext, Kind, Streams};
use weaknet_harness::metrics::Metrics;
use weaknet_harness::registry::{Registry, Spec};
use weaknet_harness::scenario::error::Source;
use weaknet_harness::scenario::tree;
use weaknet_netem::model::{Corruption, Delay, Duplication, Loss, Qdisc, Rate, Reordering};
use weaknet_transports::arq::Arq;
use weaknet_transports::cc::CongestionControl;
use weaknet_transports::fec::{Fec, ProtectionControl};
use weaknet_transports::jitter::{AudioJitter, Jitter};
use weaknet_transports::media::{Audio, Video};
use weaknet_transports::pacing::Pacing;
use weaknet_transports::traffic::Traffic;

/// Nothing to follow, and why.
const WITHOUT_REFERENCES: [(&str, &str, &str); 16] = [
    ("congestion_control", "fixed", "a constant"),
    ("congestion_control", "oracle", "is told the answer"),
    ("corrupt", "none", "does nothing"),
    ("delay", "constant", "a constant"),
    ("delay", "lognormal", "a distribution"),
    ("delay", "ramps", "a list of constants"),
    ("delay", "steps", "a list of constants"),
    ("duplicate", "none", "does nothing"),
    ("fec", "none", "does nothing"),
    ("loss", "none", "does nothing"),
    ("loss", "periodic", "a constant"),
    ("loss", "windows", "a list of times"),
    ("rate", "constant", "a constant"),
    ("rate", "ramps", "a list of constants"),
    ("rate", "unlimited", "does nothing"),
    ("reorder", "none", "does nothing"),
];

/// Plug-ins that say nothing by themselves: what they need, and what a file that
/// they name may hold.
const NEEDS: [(&str, &str, &str, &str); 7] = [
    ("delay", "samples", r#"{"file": "f.txt"}"#, "20\n25.5\n31\n"),
    ("delay", "table", r#"{"file": "f.txt"}"#, "-8192 0 8192\n"),
    (
        "delay",
        "trace",
        r#"{"file": "f.txt"}"#,
        "0 20\n1 30\n2 25\n",
    ),
    (
        "loss",
        "gilbert_elliott",
        r#"{"average": "2%", "burst": 3}"#,
        "",
    ),
    ("loss", "trace", r#"{"file": "f.txt"}"#, "0 0.1\n1 0.2\n"),
    ("rate", "trace", r#"{"file": "f.txt"}"#, "1\n2\n4\n"),
    (
        "video_source",
        "frame_trace",
        r#"{"file": "f.txt", "skip": 1}"#,
        "0 I X 0 5000\n1 P X 33 900\n2 P X 67 950\n3 P X 100 875\n",
    ),
];

struct OneFile(&'static str);

impl ReadFile for OneFile {
    fn read(&self, _: &str) -> Result<Vec<u8>, String> {
        Ok(self.0.as_bytes().to_vec())
    }
}

/// Runs the laws of one kind; the names that it has.
fn laws<K: Kind>(registry: &Registry) -> Vec<(&'static str, &'static str)> {
    let mut names = Vec::new();
    for entry in registry.of_kind(K::NAME) {
        names.push((entry.kind, entry.name));
        let chosen = registry.default_of::<K>(entry.name).unwrap();
        // What is printed can be read again and means the same.
        let printed = chosen.canonical();
        assert_eq!(printed, json!({ entry.name: entry.defaults() }));
        let again = read::<K>(registry, &printed);
        assert_eq!(again.canonical(), printed, "{} {}", entry.kind, entry.name);
        builds(&again, entry.kind, entry.name, registry);
    }
    assert!(!names.is_empty(), "no {}", K::NAME);
    names
}

fn read<K: Kind>(registry: &Registry, printed: &Value) -> Spec<K> {
    let source = Source::new("printed", printed.to_string());
    let node = tree::parse(&source).unwrap();
    let chosen = registry.choose::<K>(&node);
    chosen.unwrap_or_else(|error| panic!("{printed}: {error}"))
}

fn builds<K: Kind>(spec: &Spec<K>, kind: &str, name: &str, registry: &Registry) {
    let streams = Streams::new(1);
    let build = |spec: &Spec<K>, assets: &Assets| {
        let cx = BuildContext {
            path: "call/part",
            streams: &streams,
            assets,
        };
        spec.build(&cx).map(drop)
    };
    let nothing = Assets::default();
    let Some((.., needs, file)) = NEEDS.iter().find(|n| (n.0, n.1) == (kind, name)) else {
        build(spec, &nothing).unwrap_or_else(|error| panic!("{kind} {name}: {error}"));
        return;
    };
    let error = build(spec, &nothing).expect_err("something is missing");
    assert!(
        error.message.starts_with("expected "),
        "{kind} {name}: {error}"
    );
    let mut config = spec.config().clone();
    let needs: BTreeMap<String, Value> = serde_json::from_str(needs).unwrap();
    for (parameter, value) in needs {
        config[parameter] = value;
    }
    let complete = read::<K>(registry, &json!({ name: config }));
    if !file.is_empty() {
        let error = build(&complete, &nothing).expect_err("there is no such file");
        assert_eq!(error.field.as_deref(), Some("file"));
        assert!(error.message.contains("f.txt"), "{kind} {name}: {error}");
    }
    let assets = Assets::new(OneFile(file));
    build(&complete, &assets).unwrap_or_else(|error| panic!("{kind} {name}: {error}"));
}

#[test]
fn defaults_build_and_print_to_what_they_were_read_from() {
    let registry = Registry::builtin();
    registry.check().unwrap();
    let mut checked = Vec::new();
    macro_rules! kinds {
        ($($kind:ty),+ $(,)?) => { $(checked.extend(laws::<$kind>(&registry));)+ };
    }
    kinds!(
        Arq,
        Audio,
        AudioJitter,
        CongestionControl,
        Corruption,
        Delay,
        Duplication,
        Fec,
        Jitter,
        Loss,
        Metrics,
        Pacing,
        ProtectionControl,
        Qdisc,
        Rate,
        Reordering,
        Traffic,
        Video,
    );
    checked.sort_unstable();
    let all: Vec<_> = registry
        .entries()
        .iter()
        .map(|e| (e.kind, e.name))
        .collect();
    assert_eq!(checked, all, "every kind is checked");
}

#[test]
fn every_plugin_says_what_it_is_and_what_it_follows() {
    let registry = Registry::builtin();
    let mut without = Vec::new();
    for entry in registry.entries() {
        let what = format!("{} {}", entry.kind, entry.name);
        let words = entry.summary.split_whitespace().count();
        assert!((3..=25).contains(&words), "{what}: {}", entry.summary);
        assert!(!entry.summary.ends_with('.'), "{what}: {}", entry.summary);
        assert!(!entry.kind_about.is_empty(), "{what}");
        let snake = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(entry.name.chars().all(snake), "{what}");
        if entry.references.is_empty() {
            without.push((entry.kind, entry.name));
        }
        assert!(entry.references.iter().all(|r| r.len() > 3), "{what}");
    }
    let explained: Vec<_> = WITHOUT_REFERENCES.iter().map(|w| (w.0, w.1)).collect();
    assert_eq!(without, explained);
}

#[test]
fn every_parameter_is_documented() {
    for entry in Registry::builtin().entries() {
        let mut generator = schemars::SchemaGenerator::default();
        let schema = entry.schema(&mut generator).to_value();
        let what = format!("{} {}", entry.kind, entry.name);
        assert!(
            schema["description"].is_string(),
            "{what} has no description"
        );
        for name in entry.parameters.unwrap_or_default() {
            let parameter = &schema["properties"][*name];
            let text = parameter["description"].as_str().unwrap_or_default();
            assert!(
                text.len() > 10,
                "{what}: `{name}` is not documented: {parameter}"
            );
        }
    }
}
