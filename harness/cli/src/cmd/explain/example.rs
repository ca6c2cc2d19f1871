//! How a plug-in is written in a scenario file.

use serde_json::Value;
use weaknet_harness::registry::Entry;

/// Parameters shown at most.
const MOST: usize = 2;

/// The part of a scenario that chooses the plug-in; `None` for kinds that
/// scenarios do not choose.
pub(super) fn of(entry: &Entry, schema: &Value) -> Option<String> {
    let choice = choice(entry, schema);
    let flow = |media: &str| format!("  flows:\n    - name: call\n      media:{media}");
    Some(match entry.kind {
        kind @ ("rate" | "delay" | "loss" | "corrupt" | "duplicate" | "reorder" | "queue") => {
            format!("  network:\n    forward:\n      {kind}: {choice}\n")
        }
        // A controller needs something to find: a link with a limit.
        "congestion_control" => {
            let network = "  network:\n    forward: {rate: 2Mbps, delay: 50ms}\n";
            let flow = flow(" {video: {max_bitrate: 2.5Mbps}}");
            format!("{network}{flow}\n      congestion_control: {choice}\n")
        }
        "fec" => {
            let flow = flow(" {video: {max_bitrate: 2.5Mbps}, audio: {}}");
            format!("{flow}\n      fec: {choice}\n")
        }
        kind @ ("protection" | "arq" | "jitter_buffer" | "pacer") => {
            let flow = flow(" {video: {max_bitrate: 2.5Mbps}}");
            format!("{flow}\n      {kind}: {choice}\n")
        }
        "traffic" => format!("  flows:\n    - name: cross\n      traffic: {choice}\n"),
        "audio_buffer" => {
            let flow = flow(" {audio: {bitrate: 32kbps}}");
            format!("{flow}\n      audio_buffer: {choice}\n")
        }
        "video_source" => flow(&format!("\n        video:\n          source: {choice}\n")),
        "audio_source" => flow(&format!("\n        audio:\n          source: {choice}\n")),
        _ => return None,
    })
}

/// The name, with the example that the plug-in's schema gives or else with a
/// few of its parameters at their defaults.
fn choice(entry: &Entry, schema: &Value) -> String {
    let with = |config: &str| match (entry.shorthand, entry.parameters) {
        (true, None) => config.to_owned(),
        _ => format!("{{{}: {config}}}", entry.name),
    };
    if let Some(example) = schema.pointer("/examples/0") {
        return with(&flow(example));
    }
    let defaults = entry.defaults();
    let Some(names) = entry.parameters else {
        return with(&flow(&defaults));
    };
    let plain = |name: &&&str| {
        let value = defaults.get(**name);
        value.is_some_and(|value| !value.is_null() && !value.is_object())
    };
    let pairs = names.iter().filter(plain).take(MOST);
    let pairs: Vec<String> = pairs
        .map(|name| format!("{name}: {}", flow(&defaults[*name])))
        .collect();
    if pairs.is_empty() {
        entry.name.to_owned()
    } else {
        with(&format!("{{{}}}", pairs.join(", ")))
    }
}

/// A value in YAML's flow form.
pub(super) fn flow(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let pairs = map.iter().filter(|(_, value)| !value.is_null());
            let pairs: Vec<String> = pairs
                .map(|(key, value)| format!("{key}: {}", flow(value)))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::String(text) if is_plain(text) => text.clone(),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), decimal),
        other => other.to_string(),
    }
}

/// Whether YAML reads a text as it stands wherever it stands.
fn is_plain(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || "._-/%+".contains(c))
}

/// As few digits as the number was written with, be it in single precision.
fn decimal(number: f64) -> String {
    let single = number as f32;
    if f64::from(single) == number {
        single.to_string()
    } else {
        number.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_take_their_shortest_form() {
        assert_eq!(
            flow(&json!({"a": 0.1_f32, "b": [0.85, 3, "5%"], "c": null, "d": "x, y"})),
            r#"{a: 0.1, b: [0.85, 3, 5%], d: "x, y"}"#
        );
        assert_eq!(flow(&json!(16_777_217_u64)), "16777217");
    }
}
