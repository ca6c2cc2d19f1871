//! The canonical form: named columns below a head of `#` lines, from which the
//! file that it was made of can be made again, byte for byte.
//!
//! ```text
//! # weaknet-trace 1
//! # kind: segments
//! # format: seconds_mbps
//! # time: time_s
//! # rate: rate_mbps
//! time_s,rate_mbps
//! #= {time_s}\t{rate_mbps}\n
//! 0.0,21.7
//! ```
//! Values stand as they were written. `#=` is how the rows after it were laid
//! out, `#|` is text of the original without values: comments, a header. Both
//! escape line ends, tabs, `\` and `{`. A file without them is a trace as well;
//! the usual layout of its format takes their place.

use std::io::Write;

use super::columns::Names;
use super::error::TraceError;
use super::format::Format;
use super::interpret::Interpreter;
use super::lines::{Lines, Separator, Table, split_one};
use super::reader::TraceReader;
use super::row::{Item, Row};

/// How every canonical file begins.
pub(super) const MAGIC: &str = "# weaknet-trace ";

const VERSION: &str = "1";

/// What the head of a canonical file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// The format of the file that it was made of.
    pub source: Option<Format>,
    /// Entries in order: `kind`, columns (`time`, `rate`, ...), and whatever a
    /// person wants to say: `title`, `licence`, `filtering`, `note`.
    pub entries: Vec<(String, String)>,
    /// The text, when it was read from a file.
    text: String,
}

impl Head {
    /// A head of a trace that comes from a format.
    #[must_use]
    pub fn new(source: Format) -> Self {
        Self {
            source: Some(source),
            ..Self::default()
        }
    }

    /// The value of an entry.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.entries.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    /// Sets an entry.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        let value = value.into().replace(['\n', '\r'], " ");
        match self.entries.iter_mut().find(|(name, _)| name == key) {
            Some(entry) => entry.1 = value,
            None => self.entries.push((key.to_owned(), value)),
        }
    }

    /// Says which columns hold what.
    pub(super) fn describe(&mut self, names: &[String], interpreter: &Interpreter) {
        let columns = interpreter.columns();
        self.set("kind", interpreter.kind().name());
        let found = [
            ("time", columns.time),
            (
                "duration",
                columns.duration.filter(|_| columns.time.is_none()),
            ),
            ("rate", columns.rate),
            ("loss", columns.loss),
            ("delay", columns.delay),
            ("jitter", columns.jitter),
            ("bytes", columns.bytes),
        ];
        for (key, column) in found {
            let Some(column) = column else { continue };
            let Some(name) = names.get(column.index) else {
                continue;
            };
            let unit = match (key, column.scale) {
                ("rate", 0) => ":bps",
                ("rate", 3) => ":kbps",
                ("rate", 6) => ":mbps",
                ("rate", _) => ":gbps",
                ("loss", 7) => ":pct",
                ("loss" | "bytes", _) => "",
                (_, 9) => ":s",
                (_, 6) => ":ms",
                (_, 3) => ":us",
                _ => ":ns",
            };
            let said = name.to_ascii_lowercase().ends_with(&unit.replace(':', "_"));
            self.set(key, format!("{name}{}", if said { "" } else { unit }));
        }
    }

    /// The columns of the head where the user names none.
    pub(super) fn names(&self, given: &Names) -> Names {
        let or = |given: &Option<String>, key: &str| {
            given.clone().or_else(|| self.get(key).map(str::to_owned))
        };
        Names {
            time: or(&given.time, "time"),
            rate: or(&given.rate, "rate"),
            loss: or(&given.loss, "loss"),
            delay: or(&given.delay, "delay"),
            jitter: or(&given.jitter, "jitter"),
        }
    }

    /// Writes the head and the line of column names.
    pub(super) fn write(&self, columns: &[String], out: &mut dyn Write) -> Result<(), TraceError> {
        writeln!(out, "{MAGIC}{VERSION}")?;
        if let Some(source) = self.source {
            writeln!(out, "# format: {}", source.name())?;
        }
        for (key, value) in &self.entries {
            writeln!(out, "# {key}: {value}")?;
        }
        let columns: Vec<_> = columns.iter().map(|name| quoted(name)).collect();
        writeln!(out, "{}", columns.join(","))?;
        Ok(())
    }
}

/// Whether a file begins as a canonical one.
pub(super) fn is(beginning: &[u8]) -> bool {
    let text = beginning
        .strip_prefix("\u{feff}".as_bytes())
        .unwrap_or(beginning);
    text.starts_with(MAGIC.as_bytes())
}

/// Reads the head.
pub(super) fn open(mut lines: Lines<'_>) -> Result<(Head, Table<'_>), TraceError> {
    let mut head = Head::default();
    loop {
        let from = head.text.len();
        if !lines.read(&mut head.text)? {
            return Err(TraceError::new("the trace ends within its head"));
        }
        if head.text.len() > 1 << 20 {
            return Err(TraceError::new("the head is longer than any trace has"));
        }
        let line = head.text[from..].trim_end().trim_start_matches('\u{feff}');
        let number = lines.number();
        if let Some(version) = line.strip_prefix(MAGIC) {
            if version.trim() != VERSION {
                return Err(TraceError::at(
                    number,
                    format!("version {version} of the form is not known: expected {VERSION}"),
                ));
            }
        } else if let Some(entry) = line.strip_prefix('#') {
            let Some((key, value)) = entry.split_once(':') else {
                continue;
            };
            let (key, value) = (key.trim(), value.trim());
            if key == "format" {
                let format = value
                    .parse()
                    .map_err(|e: String| TraceError::at(number, e))?;
                head.source = Some(format);
            } else {
                head.entries.push((key.to_owned(), value.to_owned()));
            }
        } else if !line.is_empty() {
            let mut cells = Vec::new();
            if !split_one(line, ',', &mut cells) {
                return Err(TraceError::at(number, "a quote is not closed"));
            }
            let columns = cells
                .into_iter()
                .flatten()
                .map(|cell| line[cell].to_owned());
            let table = Table::named(lines, Separator::One(','), columns.collect(), String::new());
            return Ok((head, table));
        }
    }
}

/// Copies a trace into the canonical form. `entries` are added to the head.
/// Returns the number of records.
///
/// # Errors
/// When the trace is wrong or the output fails.
pub fn transcribe(
    mut reader: TraceReader<'_>,
    entries: &[(String, String)],
    out: &mut dyn Write,
) -> Result<u64, TraceError> {
    let mut head = reader.head().clone();
    for (key, value) in entries {
        head.set(key, value);
    }
    let canonical = reader.format() == Format::Canonical;
    let columns = reader.columns().to_vec();
    match canonical && entries.is_empty() {
        true => out.write_all(head.text.as_bytes())?,
        false => head.write(&columns, out)?,
    }
    let cells = columns.len() - reader.implied();
    let (mut layout, mut next) = (String::new(), String::new());
    let mut line = String::new();
    loop {
        let (item, _) = reader.item()?;
        let row = reader.row();
        line.clear();
        match item {
            Item::End => return Ok(reader.records()),
            _ if canonical => line.push_str(&row.text),
            Item::Text => {
                line.push_str("#| ");
                escape(&row.text, &mut line);
                line.push('\n');
            }
            Item::Row => {
                next.clear();
                lay_out(row, &columns[..cells], &mut next);
                if next != layout {
                    line.push_str("#= ");
                    line.push_str(&next);
                    line.push('\n');
                    std::mem::swap(&mut layout, &mut next);
                }
                for column in 0..columns.len() {
                    if column > 0 {
                        line.push(',');
                    }
                    line.push_str(&quoted(row.cell(column)));
                }
                line.push('\n');
            }
        }
        out.write_all(line.as_bytes())?;
    }
}

/// Makes the file again that a canonical form was made of; a trace that is none
/// is copied. Returns the number of records.
///
/// # Errors
/// When the trace is wrong, the form is of no other format, or the output fails.
pub fn restore(mut reader: TraceReader<'_>, out: &mut dyn Write) -> Result<u64, TraceError> {
    if reader.format() != Format::Canonical {
        loop {
            if reader.item()?.0 == Item::End {
                return Ok(reader.records());
            }
            out.write_all(reader.row().text.as_bytes())?;
        }
    }
    let source = reader
        .head()
        .source
        .filter(|source| *source != Format::Canonical);
    let source = source.ok_or_else(|| {
        TraceError::new("the canonical form does not say what format it was made of")
    })?;
    let columns = reader.columns().to_vec();
    let mut layout: Option<Vec<Piece>> = None;
    let mut text = String::new();
    loop {
        let (item, _) = reader.item()?;
        let row = reader.row();
        text.clear();
        match item {
            Item::End => return Ok(reader.records()),
            Item::Text => {
                let line = row.text.trim_end_matches(['\n', '\r']);
                if let Some(literal) = line.strip_prefix("#| ") {
                    unescape(literal, &mut text);
                } else if let Some(shape) = line.strip_prefix("#= ") {
                    layout = Some(compile(shape, &columns, row.line)?);
                }
            }
            Item::Row => {
                if layout.is_none() {
                    layout = Some(compile(&usual(source)?, &columns, row.line)?);
                }
                for piece in layout.iter().flatten() {
                    match piece {
                        Piece::Literal(literal) => text.push_str(literal),
                        Piece::Cell(column) => text.push_str(&unquoted(row, *column)),
                    }
                }
            }
        }
        out.write_all(text.as_bytes())?;
    }
}

/// The layout of a row that nobody laid out.
fn usual(source: Format) -> Result<String, TraceError> {
    let columns = source.columns();
    if columns.is_empty() || source == Format::Opennetlab {
        return Err(TraceError::new(format!(
            "the canonical form does not say how its rows of {} were laid out",
            source.name()
        )));
    }
    let cells: Vec<String> = columns.iter().map(|name| format!("{{{name}}}")).collect();
    Ok(format!("{}\\n", cells.join(" ")))
}

/// A piece of a row's text.
enum Piece {
    Literal(String),
    Cell(usize),
}

fn compile(layout: &str, columns: &[String], line: u64) -> Result<Vec<Piece>, TraceError> {
    let mut pieces = Vec::new();
    let mut rest = layout;
    while !rest.is_empty() {
        let mut escaped = false;
        let end = rest.find(|c: char| {
            let brace = c == '{' && !escaped;
            escaped = c == '\\' && !escaped;
            brace
        });
        let end = end.unwrap_or(rest.len());
        if end > 0 {
            let mut literal = String::new();
            unescape(&rest[..end], &mut literal);
            pieces.push(Piece::Literal(literal));
            rest = &rest[end..];
            continue;
        }
        let name = rest[1..].split_once('}');
        let column = name.and_then(|(name, _)| columns.iter().position(|column| column == name));
        let (Some((_, after)), Some(column)) = (name, column) else {
            let columns = columns.join(", ");
            return Err(TraceError::at(
                line,
                format!("the layout `{layout}` names a column that is none of {columns}"),
            ));
        };
        pieces.push(Piece::Cell(column));
        rest = after;
    }
    Ok(pieces)
}

/// The text of a row with names in place of its values.
fn lay_out(row: &Row, columns: &[String], layout: &mut String) {
    let mut cells: Vec<(usize, usize, &str)> = Vec::new();
    for (cell, name) in row.cells.iter().zip(columns) {
        if let Some(range) = cell {
            cells.push((range.start, range.end, name));
        }
    }
    cells.sort_unstable();
    let mut at = 0;
    for (start, end, name) in cells {
        escape(row.text.get(at..start).unwrap_or_default(), layout);
        layout.push('{');
        layout.push_str(name);
        layout.push('}');
        at = end;
    }
    escape(row.text.get(at..).unwrap_or_default(), layout);
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            '{' => out.push_str("\\{"),
            c => out.push(c),
        }
    }
}

fn unescape(text: &str, out: &mut String) {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let c = match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(c) => c,
                None => '\\',
            },
            c => c,
        };
        out.push(c);
    }
}

/// A value as it stands between commas.
fn quoted(value: &str) -> std::borrow::Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "+-._:/%()[]".contains(c);
    let alone = value.is_empty();
    if (alone || value.chars().all(plain)) && !value.starts_with('%') {
        return value.into();
    }
    format!("\"{}\"", value.replace('"', "\"\"")).into()
}

/// The value that stands between commas.
fn unquoted(row: &Row, column: usize) -> std::borrow::Cow<'_, str> {
    let value = row.cell(column);
    let quoted = matches!(row.cells.get(column), Some(Some(range))
        if range.start > 0 && row.text.as_bytes().get(range.start - 1) == Some(&b'"'));
    if quoted && value.contains('"') {
        value.replace("\"\"", "\"").into()
    } else {
        value.into()
    }
}
