//! YAML as a tree in which every key and value knows its place.
//!
//! `extends`, `--set` and `matrix` work on this tree, so that an error found
//! later still points at the very words that caused it.
//!
//! Implements: YAML 1.2.2, core schema (section 10.3). Integers up to 64 bits,
//! signed or not, stay exact.
//! Differs: one document per file, mapping keys are scalars and unique; tags
//! and `<<` are refused; nesting and the growth by aliases are limited. An
//! alias has the places of its anchor.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};

use super::error::{Diagnostic, Place, Source};

/// Lists and maps may be nested this deep.
const MAX_DEPTH: usize = 64;
/// Nodes that one text may yield, aliases followed.
const MAX_NODES: usize = 200_000;

/// A value with its place.
#[derive(Debug, Clone)]
pub struct Node {
    place: Place,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Debug, Clone)]
pub enum Value {
    /// A single value.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A map in the order of the file, with unique keys.
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Node,
}

/// A key with its place.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
}

/// A single value as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// Its text, escapes resolved.
    pub text: String,
    /// Whether it is quoted or a block, hence text whatever it looks like.
    pub quoted: bool,
}

/// A scalar's meaning in the core schema.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Meaning<'a> {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number that is not negative.
    Unsigned(u64),
    /// A negative number.
    Signed(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(&'a str),
}

impl Scalar {
    /// What the scalar means.
    #[must_use]
    pub fn meaning(&self) -> Meaning<'_> {
        let text = self.text.as_str();
        if self.quoted {
            return Meaning::Text(text);
        }
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Meaning::Null,
            "true" | "True" | "TRUE" => return Meaning::Bool(true),
            "false" | "False" | "FALSE" => return Meaning::Bool(false),
            ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
                return Meaning::Float(f64::INFINITY);
            }
            "-.inf" | "-.Inf" | "-.INF" => return Meaning::Float(f64::NEG_INFINITY),
            ".nan" | ".NaN" | ".NAN" => return Meaning::Float(f64::NAN),
            _ => {}
        }
        let radix = |prefix, radix| u64::from_str_radix(text.strip_prefix(prefix)?, radix).ok();
        if let Some(number) = radix("0x", 16)
            .or_else(|| radix("0o", 8))
            .or_else(|| text.parse().ok())
        {
            return Meaning::Unsigned(number);
        }
        if let Ok(number) = text.parse() {
            return Meaning::Signed(number);
        }
        // Rust also takes `inf` and `nan` for numbers.
        let numeric = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        match text.parse() {
            Ok(number) if numeric && text.contains(|c: char| c.is_ascii_digit()) => {
                Meaning::Float(number)
            }
            _ => Meaning::Text(text),
        }
    }
}

impl Node {
    /// A plain scalar at a place.
    #[must_use]
    pub fn plain(place: Place, text: impl Into<String>) -> Self {
        Self {
            place,
            value: Value::Scalar(Scalar {
                text: text.into(),
                quoted: false,
            }),
        }
    }

    /// A map at a place.
    #[must_use]
    pub const fn map(place: Place, entries: Vec<Entry>) -> Self {
        Self {
            place,
            value: Value::Map(entries),
        }
    }

    /// Where it stands.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.meaning() == Meaning::Null)
    }

    /// Its text when it is a scalar.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    /// Its entries; none when it is no map.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries()
            .iter()
            .find(|entry| entry.key.name == key)
            .map(|entry| &entry.value)
    }

    /// Removes a key and returns its entry.
    pub fn take(&mut self, key: &str) -> Option<Entry> {
        let Value::Map(entries) = &mut self.value else {
            return None;
        };
        let at = entries.iter().position(|entry| entry.key.name == key)?;
        Some(entries.remove(at))
    }

    /// The name of a list's item.
    #[must_use]
    pub fn item_name(&self) -> Option<&str> {
        self.get("name").and_then(Self::text)
    }

    /// What lies at a path of keys, item names and item numbers.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Self> {
        path.split('.')
            .try_fold(self, |node, part| match &node.value {
                Value::Map(_) => node.get(part),
                Value::List(items) => items
                    .iter()
                    .find(|item| item.item_name() == Some(part))
                    .or_else(|| items.get(part.parse::<usize>().ok()?)),
                Value::Scalar(_) => None,
            })
    }
}

/// Parses a whole text.
///
/// # Errors
/// When it is not one YAML document that is allowed here.
pub fn parse(source: &Arc<Source>) -> Result<Node, Diagnostic> {
    parse_part(source, 0..source.text.len())
}

/// Parses a part of a text, given in bytes.
///
/// # Errors
/// When the part is not one YAML document that is allowed here.
pub fn parse_part(source: &Arc<Source>, bytes: Range<usize>) -> Result<Node, Diagnostic> {
    let whole = source.place(bytes);
    if let Some(at) = whole
        .text()
        .find(|c: char| c.is_control() && !"\n\r\t\u{85}".contains(c))
    {
        let place = source.place(whole.bytes().start + at..whole.bytes().start + at + 1);
        return Err(Diagnostic::new(
            &place,
            "this is not text: it has control characters in it",
        ));
    }
    let skipped = if whole.text().starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    let base = whole.bytes().start + skipped;
    let text = &source.text[base..whole.bytes().end];
    let mut offsets: Vec<usize> = text.char_indices().map(|(at, _)| base + at).collect();
    offsets.push(base + text.len());
    let mut reader = Reader {
        source,
        offsets,
        parser: Parser::new_from_str(text),
        anchors: BTreeMap::new(),
        nodes: 0,
    };
    reader.document(&whole)
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    /// Byte offset of each character: the parser counts characters.
    offsets: Vec<usize>,
    parser: Parser<'a, StrInput<'a>>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn document(&mut self, whole: &Place) -> Result<Node, Diagnostic> {
        let mut document = None;
        loop {
            let (event, place) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart
                | Event::DocumentStart(_)
                | Event::DocumentEnd
                | Event::Nothing => {}
                _ if document.is_some() => {
                    return Err(Diagnostic::new(
                        &place,
                        "a second YAML document: expected one per file",
                    ));
                }
                event => document = Some(self.node(event, place, 0)?),
            }
        }
        document.ok_or_else(|| {
            let start = self.source.place(whole.bytes().start..whole.bytes().start);
            Diagnostic::new(&start, "nothing in here: expected a scenario")
        })
    }

    fn next(&mut self) -> Result<(Event<'a>, Place), Diagnostic> {
        let at = |index: usize| {
            self.offsets
                .get(index)
                .or_else(|| self.offsets.last())
                .copied()
                .unwrap_or(0)
        };
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                let place = self
                    .source
                    .place(at(span.start.index())..at(span.end.index()));
                Ok((event, place))
            }
            Some(Err(error)) => {
                let start = at(error.marker().index());
                Err(Diagnostic::new(
                    &self.source.place(start..start),
                    format!("this is not YAML: {}", error.info()),
                ))
            }
            None => Ok((Event::StreamEnd, self.source.place(0..0))),
        }
    }

    fn node(&mut self, event: Event<'a>, place: Place, depth: usize) -> Result<Node, Diagnostic> {
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return Err(Diagnostic::new(
                &place,
                "this YAML is nested too deep or too large",
            ));
        }
        let (node, anchor, tagged) = match event {
            Event::Alias(id) => return self.alias(id, &place),
            Event::Scalar(text, style, anchor, tag) => {
                let scalar = Scalar {
                    text: text.into_owned(),
                    quoted: style != ScalarStyle::Plain,
                };
                (
                    Node {
                        place,
                        value: Value::Scalar(scalar),
                    },
                    anchor,
                    tag.is_some(),
                )
            }
            Event::SequenceStart(anchor, tag) => (self.list(place, depth)?, anchor, tag.is_some()),
            Event::MappingStart(anchor, tag) => (self.map(place, depth)?, anchor, tag.is_some()),
            _ => {
                return Err(Diagnostic::new(
                    &place,
                    "this is not YAML: a value is missing",
                ));
            }
        };
        if tagged {
            return Err(Diagnostic::new(
                node.place(),
                "YAML tags have no meaning here",
            ));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn alias(&mut self, id: usize, place: &Place) -> Result<Node, Diagnostic> {
        let Some(node) = self.anchors.get(&id) else {
            return Err(Diagnostic::new(place, "this alias has no anchor before it"));
        };
        self.nodes += size(node);
        if self.nodes > MAX_NODES {
            return Err(Diagnostic::new(
                place,
                "the aliases of this file make it too large",
            ));
        }
        Ok(node.clone())
    }

    fn list(&mut self, start: Place, depth: usize) -> Result<Node, Diagnostic> {
        let mut items = Vec::new();
        loop {
            let (event, place) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Node {
                    place: self.stretch(&start, &place),
                    value: Value::List(items),
                });
            }
            items.push(self.node(event, place, depth + 1)?);
        }
    }

    fn map(&mut self, start: Place, depth: usize) -> Result<Node, Diagnostic> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, place) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Node {
                    place: self.stretch(&start, &place),
                    value: Value::Map(entries),
                });
            }
            let key = self.key(event, place, depth)?;
            if let Some(first) = entries.iter().find(|entry| entry.key.name == key.name) {
                let message = format!(
                    "`{}` is here twice: first on line {}",
                    key.name,
                    first.key.place.line()
                );
                return Err(Diagnostic::new(&key.place, message));
            }
            let (event, place) = self.next()?;
            let mut value = self.node(event, place, depth + 1)?;
            if value.place.text().is_empty() && value.is_null() {
                value.place = key.place.clone();
            }
            entries.push(Entry { key, value });
        }
    }

    fn key(&mut self, event: Event<'a>, place: Place, depth: usize) -> Result<Key, Diagnostic> {
        let node = self.node(event, place, depth + 1)?;
        let Value::Scalar(scalar) = node.value else {
            return Err(Diagnostic::new(
                &node.place,
                "expected a name as key, found a list or a map",
            ));
        };
        if scalar.text == "<<" && !scalar.quoted {
            let error = Diagnostic::new(&node.place, "merge keys `<<` have no meaning here");
            return Err(error.help("`extends` builds on another file"));
        }
        Ok(Key {
            name: scalar.text,
            place: node.place,
        })
    }

    /// From the start of a collection to its last line with content.
    fn stretch(&self, start: &Place, end: &Place) -> Place {
        let bytes = start.bytes().start..end.bytes().end.max(start.bytes().end);
        let place = self.source.place(bytes);
        let trimmed = place.text().trim_end().len();
        self.source
            .place(place.bytes().start..place.bytes().start + trimmed)
    }
}

fn size(node: &Node) -> usize {
    1 + match &node.value {
        Value::Scalar(_) => 0,
        Value::List(items) => items.iter().map(size).sum(),
        Value::Map(entries) => entries.iter().map(|entry| 1 + size(&entry.value)).sum(),
    }
}
