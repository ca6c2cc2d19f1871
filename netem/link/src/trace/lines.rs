//! Text tables: a row per line, read one at a time.

use std::io::{BufRead, Read as _};
use std::ops::Range;

use super::error::TraceError;
use super::row::{Item, Row, Rows};

/// No trace has longer lines; a file without line ends must not fill the
/// memory.
pub(super) const LONGEST_LINE: u64 = 1 << 20;

/// Numbered lines with their ends.
pub(super) struct Lines<'a> {
    input: Box<dyn BufRead + 'a>,
    number: u64,
    buffer: Vec<u8>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(input: Box<dyn BufRead + 'a>) -> Self {
        Self {
            input,
            number: 0,
            buffer: Vec::new(),
        }
    }

    /// The number of the line last read.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Appends the next line to `text`; false at the end of the input.
    pub(super) fn read(&mut self, text: &mut String) -> Result<bool, TraceError> {
        self.buffer.clear();
        let read = (&mut self.input)
            .take(LONGEST_LINE + 1)
            .read_until(b'\n', &mut self.buffer)?;
        if read == 0 {
            return Ok(false);
        }
        self.number += 1;
        if read as u64 > LONGEST_LINE {
            return Err(TraceError::at(
                self.number,
                format!("longer than {LONGEST_LINE} bytes: not a trace"),
            ));
        }
        let line = std::str::from_utf8(&self.buffer)
            .map_err(|_| TraceError::at(self.number, "not a text file"))?;
        text.push_str(line);
        Ok(true)
    }
}

/// What stands between two values of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    /// Any number of blanks, tabs, commas or semicolons.
    Any,
    /// One of this; values may be quoted.
    One(char),
}

/// A table of a line per row.
pub(super) struct Table<'a> {
    lines: Lines<'a>,
    separator: Separator,
    columns: Vec<String>,
    implied: Vec<Implied>,
    /// Cells per row.
    width: usize,
    /// Text before the first row that has been read already.
    ahead: String,
    /// Whether empty lines and values behind the last column are refused.
    strict: bool,
    /// Whether a line of column names may still come.
    heading: bool,
    rows: u64,
}

/// A column that the text does not hold.
pub(super) enum Implied {
    /// The same in every row.
    Constant(&'static str, String),
    /// Number of the row times a step.
    Counter(&'static str, u64),
}

impl<'a> Table<'a> {
    /// A table whose columns have names that the file does not hold.
    pub(super) fn nameless(
        lines: Lines<'a>,
        columns: &[&str],
        implied: Vec<Implied>,
        strict: bool,
    ) -> Self {
        let mut table = Self::named(
            lines,
            Separator::Any,
            columns.iter().map(ToString::to_string).collect(),
            String::new(),
        );
        table.columns.extend(implied.iter().map(|i| match i {
            Implied::Constant(name, _) | Implied::Counter(name, _) => (*name).to_owned(),
        }));
        (table.implied, table.strict, table.heading) = (implied, strict, true);
        table
    }

    /// A table whose names, and all text before its first row, have been read.
    pub(super) fn named(
        lines: Lines<'a>,
        separator: Separator,
        columns: Vec<String>,
        ahead: String,
    ) -> Self {
        Self {
            lines,
            separator,
            width: columns.len(),
            columns,
            implied: Vec::new(),
            ahead,
            strict: false,
            heading: false,
            rows: 0,
        }
    }

    /// Whether the line is a comment, empty, or column names.
    fn without_values(&mut self, line: &str) -> Result<bool, TraceError> {
        let bare = line.trim();
        if bare.starts_with(['#', '%']) {
            return Ok(true);
        }
        if bare.is_empty() {
            return match self.strict {
                true => Err(self.malformed("an empty line")),
                false => Ok(true),
            };
        }
        let heading = std::mem::take(&mut self.heading);
        Ok(heading && bare.starts_with(|c: char| c.is_ascii_alphabetic() || c == '"'))
    }

    fn malformed(&self, found: &str) -> TraceError {
        let names = self.columns[..self.width].join(", ");
        let expected = match (self.width, self.separator) {
            (1, _) => format!("expected one number ({names})"),
            (_, Separator::Any) => format!("expected {} columns ({names})", self.width),
            (_, Separator::One(c)) => {
                format!(
                    "expected {} columns separated by `{}`",
                    self.width,
                    c.escape_default()
                )
            }
        };
        TraceError::at(self.lines.number(), format!("{expected}, found {found}"))
    }
}

impl Rows for Table<'_> {
    fn next(&mut self, row: &mut Row) -> Result<Item, TraceError> {
        row.clear();
        if !self.ahead.is_empty() {
            row.text = std::mem::take(&mut self.ahead);
            return Ok(Item::Text);
        }
        if !self.lines.read(&mut row.text)? {
            return Ok(Item::End);
        }
        row.line = self.lines.number();
        if self.without_values(&row.text)? {
            return Ok(Item::Text);
        }
        let complete = match self.separator {
            Separator::Any => {
                // One more than there should be is enough to refuse a line.
                let most = self.width + usize::from(self.strict);
                split_any(&row.text, most, &mut row.cells)
            }
            Separator::One(separator) => split_one(&row.text, separator, &mut row.cells),
        };
        if !complete || row.cells.len() != self.width {
            return Err(self.malformed(&format!("`{}`", shorten(row.text.trim_end()))));
        }
        row.implied.extend(self.implied.iter().map(|i| match i {
            Implied::Constant(_, value) => value.clone(),
            Implied::Counter(_, step) => self.rows.saturating_mul(*step).to_string(),
        }));
        self.rows += 1;
        Ok(Item::Row)
    }

    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn implied(&self) -> usize {
        self.implied.len()
    }
}

/// The start of a text for a message.
pub(super) fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}

/// The first `most` values of a line that ends at a comment; further ones are
/// none of ours.
fn split_any(text: &str, most: usize, cells: &mut Vec<Option<Range<usize>>>) -> bool {
    let text = text.split('#').next().unwrap_or_default();
    let separator = |c: char| c.is_ascii_whitespace() || c == ',' || c == ';' || c == '\u{feff}';
    let mut at = 0;
    while cells.len() < most {
        let Some(start) = text[at..].find(|c| !separator(c)) else {
            break;
        };
        let start = at + start;
        at = text[start..]
            .find(separator)
            .map_or(text.len(), |n| start + n);
        cells.push(Some(start..at));
    }
    true
}

/// All values of a line, without blanks and quotes around them; false when a
/// quote stays open.
pub(super) fn split_one(
    text: &str,
    separator: char,
    cells: &mut Vec<Option<Range<usize>>>,
) -> bool {
    let line = text.trim_end_matches(['\n', '\r']);
    let mut start = 0;
    loop {
        let rest = &line[start..];
        let blank = rest.len() - rest.trim_start_matches([' ', '\u{feff}']).len();
        let begin = start + blank;
        if line[begin..].starts_with('"') {
            let Some(close) = closing_quote(&line[begin + 1..]) else {
                return false;
            };
            let end = begin + 1 + close;
            cells.push(Some(begin + 1..end));
            let after = line[end + 1..].trim_start_matches(' ');
            match after.strip_prefix(separator) {
                Some(rest) => start = line.len() - rest.len(),
                None => return after.is_empty(),
            }
            continue;
        }
        let next = line[begin..].find(separator).map(|n| begin + n);
        let end = next.unwrap_or(line.len());
        let value = line[begin..end].trim_end_matches(' ');
        cells.push(Some(begin..begin + value.len()));
        match next {
            Some(next) => start = next + separator.len_utf8(),
            None => return true,
        }
    }
}

/// Where the quote closes; a doubled quote is part of the value.
fn closing_quote(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let quote = at + text[at..].find('"')?;
        if text[quote + 1..].starts_with('"') {
            at = quote + 2;
        } else {
            return Some(quote);
        }
    }
}
