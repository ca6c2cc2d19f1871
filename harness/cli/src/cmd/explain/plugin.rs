//! A plug-in: what it does, its parameters and how it is written.

use serde_json::{Map, Value};
use weaknet_harness::metrics::Definition;
use weaknet_harness::registry::Entry;

use super::{example, wrap};

/// Everything there is to say about a plug-in; `metrics` are those that it
/// yields, if it is a set of metrics.
pub(super) fn text(entry: &Entry, metrics: &[Definition]) -> String {
    let mut text = format!(
        "{} {}\n\n{}\n",
        entry.kind,
        entry.name,
        wrap(entry.summary, "  ")
    );
    let mut generator = schemars::generate::SchemaSettings::draft07().into_generator();
    let schema = entry.schema(&mut generator).to_value();
    let shared = Shared(generator.take_definitions(false));
    text.push_str("\nparameters:\n");
    text.push_str(&parameters(entry, &schema, &shared));
    if !metrics.is_empty() {
        text.push_str("\nmetrics, scored in every run:\n");
    }
    for metric in metrics {
        text.push_str(&format!("  {:28} {}\n", metric.name, metric.summary));
    }
    if let Some(example) = example::of(entry, &schema) {
        text.push_str("\nexample:\n");
        text.push_str(&example);
    }
    if !entry.references.is_empty() {
        text.push_str("\nfollows:\n");
    }
    for reference in entry.references {
        text.push_str(&format!("{}\n", wrap(reference, "  ")));
    }
    text
}

/// Everything there is to say about a key of a flow with fields of its own, of
/// which `names` can be set.
pub(super) fn structure<T: schemars::JsonSchema + serde::Serialize + Default>(
    key: &str,
    about: &str,
    names: Option<&[&str]>,
    example: &str,
) -> String {
    let mut generator = schemars::generate::SchemaSettings::draft07().into_generator();
    let schema = T::json_schema(&mut generator).to_value();
    let shared = Shared(generator.take_definitions(false));
    let defaults = serde_json::to_value(T::default()).unwrap_or_default();
    let mut text = format!(
        "`{key}:` of a flow\n\n{}\n\nparameters:\n",
        wrap(about, "  ")
    );
    let all: Vec<&str> = schema
        .get("properties")
        .and_then(Value::as_object)
        .map_or_else(Vec::new, |all| all.keys().map(String::as_str).collect());
    let names = names.unwrap_or(&all).iter().copied();
    fields(names, (&schema, &defaults), &shared, "  ", &mut text);
    text.push_str("\nexample:\n");
    for line in example.lines() {
        text.push_str(&format!("  {line}\n"));
    }
    text
}

/// The definitions that schemas refer to.
struct Shared(Map<String, Value>);

impl Shared {
    /// What a schema stands for: itself, what it refers to or, when the value
    /// may be absent, what it is otherwise.
    fn form<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let target = schema
            .get("$ref")
            .or_else(|| schema.pointer("/anyOf/0/$ref"))
            .and_then(Value::as_str)
            .and_then(|path| path.strip_prefix("#/definitions/"));
        let found = target.and_then(|name| self.0.get(name));
        found.unwrap_or(schema)
    }
}

fn parameters(entry: &Entry, schema: &Value, shared: &Shared) -> String {
    let mut text = String::new();
    let defaults = entry.defaults();
    match entry.parameters {
        Some([]) => text.push_str("  none\n"),
        Some(names) => fields(
            names.iter().copied(),
            (schema, &defaults),
            shared,
            "  ",
            &mut text,
        ),
        None => {
            // The value itself is the configuration.
            let about = description(schema);
            text.push_str(&format!("{}\n", wrap(&about, "  ")));
            text.push_str(&format!("  default: {}\n", example::flow(&defaults)));
        }
    }
    text
}

/// Lists the fields of a schema with defaults and meaning, nested ones
/// indented.
fn fields<'a>(
    names: impl Iterator<Item = &'a str>,
    (schema, defaults): (&Value, &Value),
    shared: &Shared,
    margin: &str,
    text: &mut String,
) {
    let deeper = format!("{margin}    ");
    for name in names {
        let property = schema.pointer(&format!("/properties/{name}"));
        let property = property.unwrap_or(&Value::Null);
        let form = shared.form(property);
        let inner = form.get("properties").and_then(Value::as_object);
        let default = defaults.get(name).unwrap_or(&Value::Null);
        let shown = match default {
            _ if inner.is_some() => String::new(),
            Value::Null => format!(": not set; {}", expected(form)),
            Value::String(empty) if empty.is_empty() => format!(": needed; {}", expected(form)),
            default => format!(" = {}", example::flow(default)),
        };
        text.push_str(&format!("{margin}{name}{shown}\n"));
        let about = description(property);
        if !about.is_empty() {
            text.push_str(&format!("{}\n", wrap(&about, &deeper)));
        }
        for (choice, about) in choices(form) {
            let line = wrap(&format!("{choice}: {about}"), &format!("{deeper}  "));
            text.push_str(&format!("{deeper}- {}\n", line.trim_start()));
        }
        if let Some(inner) = inner {
            let names = inner.keys().map(String::as_str);
            let margin = format!("{margin}  ");
            fields(names, (form, default), shared, &margin, text);
        }
    }
}

/// What a value without default looks like.
fn expected(form: &Value) -> String {
    let kind = match form.get("type") {
        Some(Value::Array(types)) => types.first().and_then(Value::as_str),
        Some(Value::String(one)) => Some(one.as_str()),
        _ => None,
    };
    match kind {
        Some("number" | "integer") => "a number".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        // Quantities say themselves what they look like.
        Some("string") if form.get("pattern").is_some() => description(form),
        Some("string") => "a text".to_owned(),
        _ => "a value".to_owned(),
    }
}

fn description(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str);
    text.unwrap_or_default().replace('\n', " ")
}

/// The values of an enumeration with their meanings.
fn choices(form: &Value) -> Vec<(String, String)> {
    let choice = |value: &Value| {
        let name = value.get("const").and_then(Value::as_str)?;
        Some((name.to_owned(), description(value)))
    };
    let values = form.get("oneOf").and_then(Value::as_array);
    values.map_or_else(Vec::new, |values| {
        values.iter().filter_map(choice).collect()
    })
}
