//! `--set PATH=VALUE` and `matrix:`: values put into the tree before it is
//! read.
//!
//! A path is made of keys and names of list items, joined by dots. `*` stands
//! for every item, and touches only those that can take the value. A plug-in
//! given by its bare name opens up for its parameters
//! (`flows.call.congestion_control.gcc.start_bitrate`). A key that does not
//! exist yet is made; whether it is known shows when the scenario is read, and
//! the error then points at the path.

use super::error::{Diagnostic, Place, Source};
use super::extends::is_choice;
use super::tree::{self, Entry, Key, Node, Value};

/// What diagnostics call the text of a `--set`.
pub const SOURCE_NAME: &str = "--set";

/// A path with the places of its segments.
#[derive(Debug, Clone)]
pub struct Path {
    /// As written.
    pub written: String,
    segments: Vec<Key>,
}

/// A path and the values that it takes, one per case.
#[derive(Debug, Clone)]
pub struct Axis {
    /// What is set.
    pub path: Path,
    /// To what; at least one.
    pub values: Vec<AxisValue>,
    /// Where it is written.
    pub place: Place,
}

/// Tells what is wrong with a tree.
pub type Judge<'a> = &'a dyn Fn(&Node) -> Vec<Diagnostic>;

/// One value of an axis.
#[derive(Debug, Clone)]
pub struct AxisValue {
    /// As written.
    pub written: String,
    /// The value itself.
    pub node: Node,
}

impl Path {
    fn new(source: &std::sync::Arc<Source>, place: &Place) -> Result<Self, Diagnostic> {
        let written = place.text().trim_matches(|c| c == '"' || c == '\'');
        let mut at = place.bytes().start + place.text().find(written).unwrap_or(0);
        let mut segments = Vec::new();
        for segment in written.split('.') {
            let place = source.place(at..at + segment.len());
            if segment.trim().is_empty() {
                return Err(Diagnostic::new(
                    &place,
                    format!("`{written}` is no path: a part of it is empty"),
                )
                .help("paths look like `flows.call.congestion_control`"));
            }
            at += segment.len() + 1;
            segments.push(Key {
                name: segment.trim().to_owned(),
                place,
            });
        }
        if let Some(first) = segments
            .first()
            .filter(|first| ["extends", "matrix"].contains(&first.name.as_str()))
        {
            return Err(
                Diagnostic::new(&first.place, format!("`{}` cannot be set", first.name))
                    .help("`--set PATH=x|y` makes an axis of a matrix"),
            );
        }
        Ok(Self {
            written: written.to_owned(),
            segments,
        })
    }

    /// Whether a place lies in this path.
    fn contains(&self, place: &Place) -> bool {
        self.segments
            .iter()
            .any(|segment| overlaps(&segment.place, place))
    }

    fn has_star(&self) -> bool {
        self.segments.iter().any(|segment| segment.name == "*")
    }

    /// This path with its `*` as in `other`, when it leads to the same value
    /// or one around it.
    fn onto(&self, other: &Self) -> Option<Self> {
        let same = |(own, other): (&Key, &Key)| own.name == "*" || own.name == other.name;
        if self.segments.len() > other.segments.len()
            || !self.segments.iter().zip(&other.segments).all(same)
        {
            return None;
        }
        let mut path = self.clone();
        for (own, other) in path.segments.iter_mut().zip(&other.segments) {
            own.name.clone_from(&other.name);
        }
        Some(path)
    }

    fn with(&self, at: usize, name: &str) -> Self {
        let mut path = self.clone();
        path.segments[at].name = name.to_owned();
        path
    }
}

fn overlaps(a: &Place, b: &Place) -> bool {
    let (x, y) = (a.bytes(), b.bytes());
    std::sync::Arc::ptr_eq(a.source(), b.source()) && x.start <= y.start && y.end <= x.end
}

/// Reads the argument of `--set`.
///
/// # Errors
/// When it is not `PATH=VALUE`.
pub fn parse_set(argument: &str) -> Result<Axis, Diagnostic> {
    let source = Source::new(SOURCE_NAME, argument);
    let whole = source.place(0..argument.len());
    let Some(equals) = argument.find('=') else {
        return Err(Diagnostic::new(
            &whole,
            "expected PATH=VALUE, such as `flows.call.fec=none`",
        ));
    };
    let path = Path::new(&source, &source.place(0..equals))?;
    let mut values = Vec::new();
    let mut start = equals + 1;
    for end in bars(argument, start).chain([argument.len()]) {
        let part = source.place(start..end);
        let node = if part.text().trim().is_empty() {
            Node::plain(part.clone(), "")
        } else {
            tree::parse_part(&source, part.bytes())?
        };
        values.push(AxisValue {
            written: part.text().trim().to_owned(),
            node,
        });
        start = end + 1;
    }
    Ok(Axis {
        path,
        values,
        place: whole,
    })
}

/// Where `|` separates values: outside of quotes and brackets.
fn bars(text: &str, from: usize) -> impl Iterator<Item = usize> + '_ {
    let (mut depth, mut quote) = (0_usize, None);
    text.char_indices().filter_map(move |(at, c)| {
        if at < from {
            return None;
        }
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth = depth.saturating_sub(1),
            (None, '|') if depth == 0 => return Some(at),
            (None, _) => {}
        }
        None
    })
}

/// Takes the axes of `matrix:` out of the tree, in order of the file.
///
/// # Errors
/// When it is not a map from paths to lists.
pub fn take_matrix(tree: &mut Node) -> Result<Vec<Axis>, Diagnostic> {
    let Some(matrix) = tree.take("matrix") else {
        return Ok(Vec::new());
    };
    if !matches!(matrix.value.value, Value::Map(_)) && !matrix.value.is_null() {
        return Err(Diagnostic::new(
            matrix.value.place(),
            "expected a map from paths to lists of values",
        ));
    }
    matrix.value.entries().iter().map(axis).collect()
}

fn axis(entry: &Entry) -> Result<Axis, Diagnostic> {
    let path = Path::new(entry.key.place.source(), &entry.key.place)?;
    let Value::List(items) = &entry.value.value else {
        return Err(Diagnostic::new(
            entry.value.place(),
            "expected a list of values, one per case",
        ));
    };
    if items.is_empty() {
        return Err(Diagnostic::new(
            entry.value.place(),
            "an axis without values: expected at least one",
        ));
    }
    let written = |node: &Node| {
        node.place()
            .text()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let values = items
        .iter()
        .map(|node| AxisValue {
            written: written(node),
            node: node.clone(),
        })
        .collect();
    Ok(Axis {
        path,
        values,
        place: entry.key.place.clone(),
    })
}

/// Puts a value into the tree. `judge` tells what is wrong with a tree; it is
/// asked only about paths with `*`.
///
/// # Errors
/// When the path leads nowhere or, with `*`, no item takes the value.
pub fn apply(
    tree: &mut Node,
    path: &Path,
    value: &Node,
    judge: Judge<'_>,
) -> Result<(), Vec<Diagnostic>> {
    if !path.has_star() {
        return set(tree, None, &path.segments, value).map_err(|error| vec![error]);
    }
    let mut first_refusal = None;
    let mut touched = false;
    for path in expand(tree, path) {
        match attempt(tree, &path, value, judge) {
            Ok(changed) => {
                *tree = changed;
                touched = true;
            }
            Err(refusal) => {
                first_refusal.get_or_insert(refusal);
            }
        }
    }
    if touched {
        return Ok(());
    }
    Err(first_refusal.unwrap_or_else(|| {
        let place = path
            .segments
            .first()
            .map_or_else(|| value.place(), |segment| &segment.place);
        vec![Diagnostic::new(
            place,
            format!("`{}` matches nothing", path.written),
        )]
    }))
}

/// Whether `set` takes the place of an axis of the matrix: it sets the same
/// value or one around it and, with `*`, is accepted there.
pub fn replaces(set: &Axis, axis: &Axis, tree: &Node, judge: Judge<'_>) -> bool {
    let Some(path) = set.path.onto(&axis.path) else {
        return false;
    };
    !set.path.has_star()
        || set
            .values
            .iter()
            .any(|value| attempt(tree, &path, &value.node, judge).is_ok())
}

/// The tree with the value in it, or what is wrong with that.
fn attempt(
    tree: &Node,
    path: &Path,
    value: &Node,
    judge: Judge<'_>,
) -> Result<Node, Vec<Diagnostic>> {
    let mut changed = tree.clone();
    set(&mut changed, None, &path.segments, value).map_err(|error| vec![error])?;
    let mut found = judge(&changed);
    // What was wrong before is not this value's fault.
    found.retain(|found| {
        let place = found.place.as_ref();
        place.is_some_and(|place| path.contains(place) || overlaps(value.place(), place))
    });
    if found.is_empty() {
        Ok(changed)
    } else {
        Err(found)
    }
}

/// The paths that a path with `*` stands for.
fn expand(tree: &Node, path: &Path) -> Vec<Path> {
    let mut paths = vec![path.clone()];
    for at in 0..path.segments.len() {
        if path.segments[at].name != "*" {
            continue;
        }
        paths = paths
            .iter()
            .flat_map(|path| {
                items(tree, path, at)
                    .into_iter()
                    .map(|name| path.with(at, &name))
            })
            .collect();
    }
    paths
}

/// The names of all items where the path has its segment number `at`.
fn items(tree: &Node, path: &Path, at: usize) -> Vec<String> {
    let above: Vec<&str> = path.segments[..at]
        .iter()
        .map(|segment| segment.name.as_str())
        .collect();
    let node = if above.is_empty() {
        Some(tree)
    } else {
        tree.find(&above.join("."))
    };
    let mut names: Vec<String> = match node.map(|node| &node.value) {
        Some(Value::Map(entries)) => entries.iter().map(|entry| entry.key.name.clone()).collect(),
        Some(Value::List(items)) => {
            let name = |(at, item): (usize, &Node)| {
                item.item_name()
                    .map_or_else(|| at.to_string(), str::to_owned)
            };
            items.iter().enumerate().map(name).collect()
        }
        _ => Vec::new(),
    };
    // Both ends' links exist even where the file leaves them out.
    if above == ["network"] && !names.iter().any(|name| name == "links") {
        for end in ["forward", "backward"] {
            if !names.iter().any(|name| name == end) {
                names.push(end.to_owned());
            }
        }
    }
    names
}

fn set(node: &mut Node, key: Option<&str>, path: &[Key], value: &Node) -> Result<(), Diagnostic> {
    let Some((segment, rest)) = path.split_first() else {
        *node = value.clone();
        return Ok(());
    };
    open(node, key, segment)?;
    match &mut node.value {
        Value::Map(entries) => {
            let at = entries
                .iter()
                .position(|entry| entry.key.name == segment.name)
                .unwrap_or_else(|| {
                    entries.push(Entry {
                        key: segment.clone(),
                        value: Node::plain(segment.place.clone(), ""),
                    });
                    entries.len() - 1
                });
            if rest.is_empty() {
                entries[at].key = segment.clone();
            }
            set(&mut entries[at].value, Some(&segment.name), rest, value)
        }
        Value::List(items) => {
            let by_name = items
                .iter()
                .position(|item| item.item_name() == Some(&segment.name));
            let by_number = || segment.name.parse().ok().filter(|at| *at < items.len());
            let Some(at) = by_name.or_else(by_number) else {
                let known = items.iter().filter_map(Node::item_name);
                return Err(Diagnostic::unknown(
                    &segment.place,
                    "item",
                    &segment.name,
                    known,
                ));
            };
            set(&mut items[at], None, rest, value)
        }
        Value::Scalar(scalar) => {
            let message = format!(
                "`{}` is a single value: it has no `{}`",
                scalar.text, segment.name
            );
            Err(Diagnostic::new(&segment.place, message))
        }
    }
}

/// Turns a scalar that a path goes through into a map where that makes sense.
fn open(node: &mut Node, key: Option<&str>, segment: &Key) -> Result<(), Diagnostic> {
    let Value::Scalar(scalar) = &node.value else {
        return Ok(());
    };
    let choice = key.is_some_and(is_choice);
    if node.is_null() {
        *node = Node::map(segment.place.clone(), Vec::new());
    } else if choice && scalar.text == segment.name {
        let value = Node::plain(node.place().clone(), "");
        let key = Key {
            name: segment.name.clone(),
            place: node.place().clone(),
        };
        *node = Node::map(node.place().clone(), vec![Entry { key, value }]);
    } else if choice {
        let message = format!(
            "the {} is `{}`, not `{}`",
            key.unwrap_or_default(),
            scalar.text,
            segment.name
        );
        return Err(Diagnostic::new(&segment.place, message));
    }
    Ok(())
}
