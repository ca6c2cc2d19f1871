//! `weaknet explain`: what a name means.

use serde_json::Value;
use weaknet_core::text::nearest;
use weaknet_harness::files::Folders;
use weaknet_harness::metrics::Definition;
use weaknet_harness::registry::{Entry, Registry};

use super::shipped;
use crate::args::Explain;
use crate::exit::{Exit, Failure};
use crate::screen;

pub(super) fn run(args: &Explain, registry: &Registry) -> Result<(), Failure> {
    let name = args.name.as_str();
    let definitions = registry
        .definitions()
        .map_err(|message| Failure::new(Exit::Internal, message))?;
    let scenarios = shipped::scenarios();
    let mut found: Vec<String> = Vec::new();
    found.extend(
        registry
            .entries()
            .iter()
            .filter(|e| e.name == name)
            .map(plugin),
    );
    found.extend(kind(name, registry));
    found.extend(definitions.iter().filter(|d| d.name == name).map(metric));
    for scenario in scenarios
        .iter()
        .filter(|s| s.name == name || s.path.to_string_lossy() == name)
    {
        let text = std::fs::read_to_string(&scenario.path).unwrap_or_default();
        let path = scenario.path.display();
        found.push(format!(
            "scenario {} ({path})\n\n{}\n\n{text}",
            scenario.name,
            wrap(&scenario.about, "")
        ));
    }
    if name == "traces" {
        found.push(traces());
    }
    if !found.is_empty() {
        screen::print(&found.join("\n"));
        return Ok(());
    }
    let known = registry
        .entries()
        .iter()
        .flat_map(|entry| [entry.name, entry.kind])
        .chain(definitions.iter().map(|definition| definition.name))
        .chain(scenarios.iter().map(|scenario| scenario.name.as_str()));
    let hint = nearest(name, known).map_or_else(
        || "`weaknet list` shows what there is".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    Err(Failure::new(
        Exit::Usage,
        format!("nothing is called `{name}`: {hint}"),
    ))
}

fn kind(name: &str, registry: &Registry) -> Option<String> {
    let entries: Vec<&Entry> = registry.of_kind(name).collect();
    let first = entries.first()?;
    let mut text = format!("kind {name}: {}\n\n", first.kind_about);
    for entry in entries {
        text.push_str(&format!("  {:20} {}\n", entry.name, entry.summary));
    }
    Some(text)
}

fn metric(definition: &Definition) -> String {
    let subjects: Vec<String> = definition
        .subjects
        .iter()
        .map(|s| format!("{s:?}").to_lowercase())
        .collect();
    format!(
        "metric {} (per {}; better: {})\n\n{}\n\nformula:\n{}\n\nsource:\n{}\n",
        definition.name,
        subjects.join(" and "),
        format!("{:?}", definition.better).to_lowercase(),
        wrap(definition.summary, "  "),
        wrap(definition.formula, "  "),
        wrap(definition.source, "  "),
    )
}

fn plugin(entry: &Entry) -> String {
    let mut text = format!(
        "{} {}\n\n{}\n",
        entry.kind,
        entry.name,
        wrap(entry.summary, "  ")
    );
    text.push_str("\nfollows:\n");
    for reference in entry.references {
        text.push_str(&format!("{}\n", wrap(reference, "  ")));
    }
    let mut generator = schemars::generate::SchemaSettings::draft07()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator();
    let schema = entry.schema(&mut generator).to_value();
    let defaults = entry.defaults();
    text.push_str("\nparameters:\n");
    let before = text.len();
    parameters(&schema, &defaults, "  ", &mut text);
    if text.len() == before {
        text.push_str("  none\n");
    }
    text.push_str("\nexample:\n");
    let example = yaml(&defaults);
    match &defaults {
        Value::Object(map) if map.is_empty() => {
            text.push_str(&format!("  {}: {}\n", entry.kind, entry.name));
        }
        Value::Null => text.push_str(&format!("  {}: {}\n", entry.kind, entry.name)),
        _ => text.push_str(&format!(
            "  {}: {{{}: {example}}}\n",
            entry.kind, entry.name
        )),
    }
    text
}

/// Lists parameters with default, type and meaning, nested ones indented.
fn parameters(schema: &Value, defaults: &Value, margin: &str, text: &mut String) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    for (name, property) in properties {
        let default = defaults.get(name).unwrap_or(&Value::Null);
        let about = property
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or("");
        let inner = property.get("properties").is_some();
        let shown = if inner || default.is_null() {
            String::new()
        } else {
            format!(" = {}", yaml(default))
        };
        text.push_str(&format!("{margin}{name}{shown}\n"));
        if !about.is_empty() {
            text.push_str(&format!("{}\n", wrap(about, &format!("{margin}    "))));
        }
        if inner {
            parameters(property, default, &format!("{margin}  "), text);
        }
    }
}

/// A value in YAML's flow form.
fn yaml(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let pairs: Vec<String> = map
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| format!("{key}: {}", yaml(value)))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(yaml).collect::<Vec<_>>().join(", ")
        ),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn traces() -> String {
    let folders = Folders::from_env(None);
    let mut text =
        "traces are looked for beside the scenario, then in `--trace-dir`, in the folders of\n\
                    WEAKNET_TRACES and in $WEAKNET_SHARED/traces. Here that is:\n"
            .to_owned();
    for folder in &folders.collections {
        text.push_str(&format!("  {}\n", folder.display()));
    }
    if folders.collections.is_empty() {
        text.push_str("  (no folder)\n");
    }
    text
}

/// Breaks text into lines of at most 96 characters behind a margin.
fn wrap(text: &str, margin: &str) -> String {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty()
                && margin.len() + line.chars().count() + 1 + word.chars().count() > 96
            {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
        .iter()
        .map(|line| format!("{margin}{line}").trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_at_the_margin() {
        let long = "word ".repeat(40);
        let wrapped = wrap(&long, "    ");
        assert!(
            wrapped
                .lines()
                .all(|line| line.starts_with("    word") && line.len() <= 96)
        );
        assert_eq!(wrap("one\ntwo", ""), "one\ntwo");
    }
}
