//! `weaknet list`: what there is.

use serde_json::{Value, json};
use weaknet_harness::files::Folders;
use weaknet_harness::registry::Registry;

use super::shipped;
use crate::args::{List, Listed};
use crate::exit::{Exit, Failure};
use crate::screen;

pub(super) fn run(args: &List, registry: &Registry) -> Result<(), Failure> {
    let all = [
        Listed::Scenarios,
        Listed::Plugins,
        Listed::Metrics,
        Listed::Traces,
    ];
    let wanted = args.what.map_or_else(|| all.to_vec(), |one| vec![one]);
    let mut document = serde_json::Map::new();
    let mut text = String::new();
    for what in &wanted {
        let (key, rows) = rows(*what, args, registry)?;
        if wanted.len() > 1 {
            text.push_str(&format!(
                "{}{key}\n",
                if text.is_empty() { "" } else { "\n" }
            ));
        }
        text.push_str(&columns(&rows, wanted.len() > 1));
        let items = rows.into_iter().map(|row| row.json).collect();
        document.insert(key.to_owned(), Value::Array(items));
    }
    if args.json {
        let value = match (args.what, document.len()) {
            (Some(_), 1) => document
                .into_iter()
                .next()
                .map_or(Value::Null, |(_, items)| items),
            _ => Value::Object(document),
        };
        text = format!("{value:#}\n");
    }
    screen::print(&text);
    Ok(())
}

/// One line of a list.
struct Row {
    name: String,
    note: String,
    json: Value,
}

fn rows(
    what: Listed,
    args: &List,
    registry: &Registry,
) -> Result<(&'static str, Vec<Row>), Failure> {
    let rows = match what {
        Listed::Scenarios => shipped::scenarios().into_iter().map(|found| Row {
            json: json!({"name": found.name, "about": found.about, "path": found.path}),
            name: found.path.display().to_string(),
            note: found.about,
        }),
        Listed::Plugins => {
            let entries = registry.entries().iter().map(|entry| Row {
                name: format!("{} {}", entry.kind, entry.name),
                note: entry.summary.to_owned(),
                json: json!({
                    "kind": entry.kind, "name": entry.name, "summary": entry.summary,
                    "references": entry.references, "defaults": entry.defaults(),
                }),
            });
            return Ok(("plugins", entries.collect()));
        }
        Listed::Metrics => {
            let definitions = registry
                .definitions()
                .map_err(|message| Failure::new(Exit::Internal, message))?;
            let rows = definitions.iter().map(|metric| Row {
                name: metric.name.to_owned(),
                note: metric.summary.to_owned(),
                json: json!(metric),
            });
            return Ok(("metrics", rows.collect()));
        }
        Listed::Traces => {
            let names = Folders::from_env(args.trace_dir.as_deref()).names();
            let rows = names
                .into_iter()
                .filter(|name| is_data(name))
                .map(|name| Row {
                    json: json!(name),
                    name,
                    note: String::new(),
                });
            return Ok(("traces", rows.collect()));
        }
    };
    Ok(("scenarios", rows.collect()))
}

/// Whether a file of a collection is something else than its papers.
fn is_data(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let papers = ["README", "LICENSE", "LICENCE", "COPYING", "NOTICE"];
    !papers.iter().any(|paper| file.starts_with(paper))
}

/// Names and notes side by side. On a terminal the notes are wrapped; in a pipe
/// every name has one line.
fn columns(rows: &[Row], indent: bool) -> String {
    let names = rows.iter().map(|row| row.name.chars().count());
    let width = names.max().unwrap_or(0).min(48);
    let margin = if indent { "  " } else { "" };
    let room = screen::terminal_width().map_or(usize::MAX, |all| {
        all.saturating_sub(margin.len() + width + 2)
    });
    let mut text = String::new();
    for row in rows {
        let notes = screen::wrap(&row.note, room.max(24));
        let mut notes = notes.iter();
        let first = notes.next().map_or("", String::as_str);
        let line = format!("{margin}{:width$}  {first}", row.name);
        text.push_str(&format!("{}\n", line.trim_end()));
        for more in notes {
            text.push_str(&format!("{margin}{:width$}  {more}\n", ""));
        }
    }
    text
}
