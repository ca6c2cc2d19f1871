//! The JSON Schema (draft 7) of scenario files, plug-ins included.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use weaknet_core::Kind;

use super::document::Document;
use crate::metrics::Metrics;
use crate::registry::{Entry, Registry};

/// The key of a kind among the schema's definitions.
#[must_use]
pub fn definition_name(kind: &str) -> String {
    format!("plugin_{kind}")
}

/// The schema with every plug-in of the registry.
#[must_use]
pub fn schema(registry: &Registry) -> Value {
    let mut generator = SchemaSettings::draft07().into_generator();
    let mut by_kind: BTreeMap<&str, Vec<(&Entry, Value)>> = BTreeMap::new();
    for entry in registry
        .entries()
        .iter()
        .filter(|entry| entry.kind != Metrics::NAME)
    {
        let own = entry.schema(&mut generator).to_value();
        by_kind.entry(entry.kind).or_default().push((entry, own));
    }
    let mut root = generator.into_root_schema_for::<Document>().to_value();
    let kinds = by_kind
        .into_iter()
        .map(|(kind, entries)| (definition_name(kind), of_kind(&entries)));
    if let Some(definitions) = root.get_mut("definitions").and_then(Value::as_object_mut) {
        definitions.extend(kinds);
        // The rest of a flow may stand in a file that this one builds on.
        if let Some(flow) = definitions.get_mut("FlowDoc") {
            flow["required"] = json!(["name"]);
            let both = |one: &str, other: &str| json!({ "required": [one, other] });
            flow["not"] = json!({ "anyOf": [
                both("media", "bulk"),
                both("media", "messages"),
                both("media", "traffic"),
                both("bulk", "messages"),
                both("messages", "traffic"),
                both("bulk", "traffic"),
                both("paths", "route"),
                both("paths", "route_back"),
            ] });
        }
    }
    if let Some(root) = root.as_object_mut() {
        root.remove("required");
        root.insert(
            "anyOf".to_owned(),
            json!([{ "required": ["duration"] }, { "required": ["extends"] }]),
        );
    }
    root
}

/// A name, a map from a name to parameters, or a bare quantity.
fn of_kind(entries: &[(&Entry, Value)]) -> Value {
    let names = entries
        .iter()
        .map(|(entry, _)| json!({ "const": entry.name, "description": entry.summary }));
    let mut forms = vec![json!({ "oneOf": names.collect::<Vec<_>>() })];
    for (entry, own) in entries {
        let parameters = parameters(entry, own);
        let mut properties = Map::new();
        properties.insert(entry.name.to_owned(), parameters.clone());
        forms.push(json!({
            "type": "object",
            "description": entry.summary,
            "properties": properties,
            "required": [entry.name],
            "additionalProperties": false,
        }));
        if entry.shorthand {
            forms.push(bare(entry, own).unwrap_or(parameters));
        }
    }
    json!({ "description": entries.first().map(|(entry, _)| entry.kind_about), "anyOf": forms })
}

/// The configuration: what the plug-in says, nothing at all, or the bare value
/// of the parameter that may stand alone.
fn parameters(entry: &Entry, own: &Value) -> Value {
    let forms: Vec<Value> = [own.clone(), json!({ "type": "null" })]
        .into_iter()
        .chain(bare(entry, own))
        .collect();
    json!({ "anyOf": forms })
}

fn bare(entry: &Entry, own: &Value) -> Option<Value> {
    own.get("properties")?.get(entry.bare_parameter()?).cloned()
}
