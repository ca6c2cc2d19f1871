//! `extends`: a scenario file that builds on others.
//!
//! Maps are merged key by key, lists of named items item by item, and every
//! other value is replaced. So is a plug-in by another one: their parameters
//! have nothing to do with each other. `name` and `about` belong to one file
//! and are not inherited. Every value keeps its place in its own file.

use std::fs;
use std::path::{Component, Path, PathBuf};

use weaknet_core::text::nearest;

use super::de;
use super::document::Files;
use super::error::{Diagnostic, Diagnostics, Place, Source};
use super::tree::{self, Entry, Node, Value};

/// Larger files are no scenarios.
const MAX_BYTES: u64 = 4_000_000;
/// Keys whose value is a plug-in.
const CHOICES: [&str; 16] = [
    "rate",
    "delay",
    "loss",
    "corrupt",
    "duplicate",
    "reorder",
    "queue",
    "congestion_control",
    "fec",
    "protection",
    "arq",
    "jitter_buffer",
    "audio_buffer",
    "pacer",
    "source",
    "traffic",
];

/// A file with all that it builds on merged in.
#[derive(Debug)]
pub struct Merged {
    /// The tree, without `extends`.
    pub tree: Node,
    /// The folders of all files that had a part in it, the first file's first.
    pub folders: Vec<PathBuf>,
}

/// Loads a file and all that it builds on.
///
/// # Errors
/// Files that cannot be read or are no YAML, and circles.
pub fn load(path: &Path) -> Result<Merged, Diagnostics> {
    let mut folders = Vec::new();
    let tree = load_into(path, None, &mut Vec::new(), &mut folders)?;
    Ok(Merged { tree, folders })
}

/// Whether the value of a key is a plug-in.
#[must_use]
pub fn is_choice(key: &str) -> bool {
    CHOICES.contains(&key)
}

fn load_into(
    path: &Path,
    asked: Option<&Place>,
    chain: &mut Vec<PathBuf>,
    folders: &mut Vec<PathBuf>,
) -> Result<Node, Diagnostics> {
    let path = normalise(path);
    let text = read(&path, asked)?;
    if let (Some(start), Some(place)) = (chain.iter().position(|above| *above == path), asked) {
        let names: Vec<String> = chain[start..]
            .iter()
            .chain([&path])
            .map(|p| p.display().to_string())
            .collect();
        return Err(Diagnostic::new(
            place,
            format!(
                "files extend each other in a circle: {}",
                names.join(" -> ")
            ),
        )
        .into());
    }
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    if !folders.contains(&folder) {
        folders.push(folder.clone());
    }
    let mut tree = tree::parse(&Source::new(path.display().to_string(), text))?;
    let Some(extends) = tree.take("extends") else {
        return Ok(tree);
    };
    let bases: Files = de::read(&extends.value)?;
    let places: Vec<&Place> = match &extends.value.value {
        Value::List(items) => items.iter().map(Node::place).collect(),
        _ => vec![extends.value.place()],
    };
    chain.push(path);
    let mut merged: Option<Node> = None;
    for (base, place) in bases.0.iter().zip(places) {
        let mut base = load_into(&folder.join(base), Some(place), chain, folders)?;
        base.take("name");
        base.take("about");
        merged = Some(match merged {
            Some(before) => merge(before, base, false),
            None => base,
        });
    }
    chain.pop();
    Ok(match merged {
        Some(base) => merge(base, tree, false),
        None => tree,
    })
}

fn read(path: &Path, asked: Option<&Place>) -> Result<String, Diagnostic> {
    let name = path.display();
    let at = |message: String| match asked {
        Some(place) => Diagnostic::new(place, message),
        None => Diagnostic::bare(message),
    };
    match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => {
            return Err(at(format!(
                "`{name}` is a folder: expected a scenario file"
            )));
        }
        Ok(meta) if meta.len() > MAX_BYTES => {
            return Err(at(format!(
                "`{name}` is no scenario file: it has {} bytes, {MAX_BYTES} at most",
                meta.len()
            )));
        }
        _ => {}
    }
    let bytes = fs::read(path).map_err(|error| {
        if error.kind() != std::io::ErrorKind::NotFound {
            return at(format!("`{name}` cannot be read: {error}"));
        }
        let missing = at(format!("there is no file `{name}`"));
        match neighbour(path) {
            Some(near) => missing.help(format!("did you mean `{near}`?")),
            None => missing,
        }
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let byte = error.utf8_error().valid_up_to();
        at(format!(
            "`{name}` is not a text file: byte {byte} is not UTF-8"
        ))
        .help("expected a scenario file in YAML")
    })
}

/// The file in the same folder whose name is most like the missing one's.
fn neighbour(path: &Path) -> Option<String> {
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    let mut names: Vec<String> = fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    let near = nearest(
        path.file_name()?.to_str()?,
        names.iter().map(String::as_str),
    )?;
    Some(path.with_file_name(near).display().to_string())
}

/// The same path without `.` and without `x/..`.
fn normalise(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(out.components().next_back(), Some(Component::Normal(_))) =>
            {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

/// `over` on top of `base`; `choice`: they are plug-ins.
fn merge(base: Node, mut over: Node, choice: bool) -> Node {
    let merged = match (base.value, over.value) {
        (Value::Map(below), Value::Map(above)) if !(choice && other_plugin(&below, &above)) => {
            Value::Map(merge_maps(below, above))
        }
        (Value::List(below), Value::List(above)) if all_named(&below) && all_named(&above) => {
            Value::List(merge_lists(below, above))
        }
        (_, above) => above,
    };
    over.value = merged;
    over
}

fn other_plugin(below: &[Entry], above: &[Entry]) -> bool {
    !matches!((below, above), ([below], [above]) if below.key.name == above.key.name)
}

fn merge_maps(mut below: Vec<Entry>, above: Vec<Entry>) -> Vec<Entry> {
    for entry in above {
        match below.iter_mut().find(|old| old.key.name == entry.key.name) {
            Some(old) => {
                let choice = is_choice(&entry.key.name);
                old.value = merge(old.value.clone(), entry.value, choice);
                old.key = entry.key;
            }
            None => below.push(entry),
        }
    }
    below
}

fn all_named(items: &[Node]) -> bool {
    !items.is_empty() && items.iter().all(|item| item.item_name().is_some())
}

fn merge_lists(mut below: Vec<Node>, above: Vec<Node>) -> Vec<Node> {
    let mut open = vec![true; below.len()];
    for item in above {
        // Each item of the base once: two of the same name in one file are an
        // error that must stay visible.
        let same = |(at, open): (usize, &bool)| *open && below[at].item_name() == item.item_name();
        match open.iter().enumerate().position(same) {
            Some(at) => {
                open[at] = false;
                below[at] = merge(below[at].clone(), item, false);
            }
            None => below.push(item),
        }
    }
    below
}
