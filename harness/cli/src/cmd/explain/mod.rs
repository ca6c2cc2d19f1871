//! `weaknet explain`: what a name means.

mod example;
mod flow;
mod plugin;
mod scenario;

use weaknet_core::Kind as _;
use weaknet_core::text::nearest;
use weaknet_harness::files::Folders;
use weaknet_harness::metrics::{Definition, Metrics};
use weaknet_harness::registry::{Entry, Registry};

use super::shipped::{self, Shipped};
use crate::args::Explain;
use crate::exit::{Exit, Failure};
use crate::screen;

pub(super) fn run(args: &Explain, registry: &Registry) -> Result<(), Failure> {
    let name = args.name.as_str();
    let sets = registry
        .definitions_by_set()
        .map_err(|message| Failure::new(Exit::Internal, message))?;
    let definitions: Vec<&Definition> = sets.iter().flat_map(|(_, metrics)| metrics).collect();
    let metrics_of = |entry: &Entry| {
        let own = sets.iter().find(|(set, _)| *set == entry.name);
        own.filter(|_| entry.kind == Metrics::NAME)
            .map_or(&[][..], |(_, metrics)| metrics)
    };
    let scenarios = shipped::scenarios();
    let mut found: Vec<String> = Vec::new();
    found.extend(
        registry
            .entries()
            .iter()
            .filter(|e| e.name == name)
            .map(|entry| plugin::text(entry, metrics_of(entry))),
    );
    found.extend(kind(name, registry));
    found.extend(flow::text(name));
    found.extend(
        definitions
            .iter()
            .filter(|d| d.name == name)
            .map(|d| metric(d)),
    );
    let is_meant = |s: &&Shipped| s.name == name || s.path.to_string_lossy() == name;
    found.extend(scenarios.iter().filter(is_meant).map(scenario::text));
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
        .chain(scenarios.iter().map(|scenario| scenario.name.as_str()))
        .chain(["bulk", "feedback", "messages", "session"]);
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
        "metric {} (of a {}; better: {})\n\n{}\n\nformula:\n{}\n\nsource:\n{}\n",
        definition.name,
        subjects.join(" or a "),
        format!("{:?}", definition.better).to_lowercase(),
        wrap(definition.summary, "  "),
        wrap(definition.formula, "  "),
        wrap(definition.source, "  "),
    )
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

/// Text behind a margin, as wide as the terminal but easy to read.
fn wrap(text: &str, margin: &str) -> String {
    let width = screen::width().min(96).saturating_sub(margin.len());
    let lines = screen::wrap(text, width).into_iter();
    let lines = lines.map(|line| format!("{margin}{line}").trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}
