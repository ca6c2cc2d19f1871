//! The JSON Schema of scenario files.

use serde_json::Value;
use weaknet_harness::scenario::schema::schema;

use crate::plugins;

#[test]
fn every_plugin_is_in_the_schema() {
    let registry = plugins::registry();
    let schema = schema(&registry);
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    for entry in registry.entries() {
        if entry.kind == "metric_set" {
            continue;
        }
        let kind = &schema["definitions"][format!("plugin_{}", entry.kind)];
        let forms = kind["anyOf"].as_array().unwrap();
        let names = forms[0]["oneOf"].as_array().unwrap();
        assert!(
            names
                .iter()
                .any(|name| name["const"] == entry.name && name["description"] == entry.summary)
        );
        assert!(
            forms.iter().any(|form| form["required"][0] == entry.name),
            "{}",
            entry.name
        );
    }
    // A bare quantity is the shorthand's own schema or its first field's.
    for (kind, unit) in [("rate", "Mbps"), ("delay", "ms"), ("loss", "%")] {
        let forms = schema["definitions"][format!("plugin_{kind}")]["anyOf"]
            .as_array()
            .unwrap();
        assert!(
            forms.iter().any(|form| is_quantity(&schema, form, unit)),
            "{kind}: {forms:#?}"
        );
    }
}

fn is_quantity(schema: &Value, form: &Value, unit: &str) -> bool {
    let target = form["$ref"]
        .as_str()
        .and_then(|path| schema.pointer(path.trim_start_matches('#')));
    let inner = form["anyOf"]
        .as_array()
        .is_some_and(|forms| forms.iter().any(|form| is_quantity(schema, form, unit)));
    let form = target.unwrap_or(form);
    inner
        || form["type"] == "string"
            && form["pattern"]
                .as_str()
                .is_some_and(|pattern| pattern.contains(unit))
}

#[test]
fn every_reference_has_a_target_and_every_key_a_description() {
    let schema = schema(&plugins::registry());
    let mut open = vec![("#".to_owned(), &schema)];
    let mut references = 0;
    while let Some((path, value)) = open.pop() {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(target)) = map.get("$ref") {
                    references += 1;
                    assert!(
                        schema.pointer(target.trim_start_matches('#')).is_some(),
                        "{path}: {target}"
                    );
                }
                if let (Some(Value::Object(keys)), false) = (
                    map.get("properties"),
                    path.contains("plugin_") || path.contains("oneOf"),
                ) {
                    for (key, value) in keys {
                        let described = value.get("description").is_some();
                        assert!(described, "{path}: `{key}` has no description: {value}");
                    }
                }
                open.extend(
                    map.iter()
                        .map(|(key, value)| (format!("{path}/{key}"), value)),
                );
            }
            Value::Array(items) => open.extend(items.iter().map(|value| (path.clone(), value))),
            _ => {}
        }
    }
    assert!(references > 15, "{references}");
}
