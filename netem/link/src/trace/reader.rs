//! Reads a trace of any format, a record at a time.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use weaknet_core::{Bytes, Span};

use super::canonical::{self, Head};
use super::columns::{Columns, Names};
use super::detect::{self, detect};
use super::error::TraceError;
use super::format::{Direction, Format};
use super::interpret::Interpreter;
use super::json::Document;
use super::lines::{Implied, Lines, Separator, Table, split_one};
use super::record::{Kind, Quantity, Record};
use super::row::{Item, Row, Rows};

/// IP bytes of a Mahimahi opportunity.
pub const OPPORTUNITY: Bytes = Bytes::new(1_500);

/// How a trace is to be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Its format; absent: told from its beginning.
    pub format: Option<Format>,
    /// What it is read for, when it could be anything.
    pub wanted: Option<Quantity>,
    /// What an opportunity of a Mahimahi trace carries.
    pub opportunity: Bytes,
    /// The direction, of traces with two.
    pub direction: Option<Direction>,
    /// Columns, of tables with names.
    pub columns: Names,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            format: None,
            wanted: None,
            opportunity: OPPORTUNITY,
            direction: None,
            columns: Names::default(),
        }
    }
}

/// A trace that is being read. Memory does not grow with the file.
pub struct TraceReader<'a> {
    format: Format,
    head: Head,
    rows: Box<dyn Rows + 'a>,
    interpreter: Interpreter,
    row: Row,
    records: u64,
}

impl std::fmt::Debug for TraceReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TraceReader")
            .field("format", &self.format)
            .field("records", &self.records)
            .finish_non_exhaustive()
    }
}

impl<'a> TraceReader<'a> {
    /// Reads the beginning of a trace.
    ///
    /// # Errors
    /// When it cannot be read, its format cannot be told, or its columns do
    /// not make a trace.
    pub fn open(mut input: impl Read + 'a, options: &Options) -> Result<Self, TraceError> {
        let mut beginning = Vec::new();
        (&mut input)
            .take(detect::HEAD)
            .read_to_end(&mut beginning)?;
        let format = match options.format {
            Some(Format::Csv) if canonical::is(&beginning) => Format::Canonical,
            Some(format) => format,
            None => detect(&beginning, options.wanted)?,
        };
        let input: Box<dyn BufRead + 'a> = Box::new(BufReader::with_capacity(
            1 << 16,
            Cursor::new(beginning).chain(input),
        ));
        let mut names = options.columns.clone();
        let mut head = Head::new(format);
        let strict = !matches!(format, Format::Frames);
        let rows: Box<dyn Rows + 'a> = match format {
            Format::Opennetlab => Box::new(Document::new(input, format.columns())),
            Format::Csv => Box::new(csv(Lines::new(input))?),
            Format::Canonical => {
                let (read, table) = canonical::open(Lines::new(input))?;
                names = read.names(&names);
                head = read;
                Box::new(table)
            }
            _ => {
                let implied = match format {
                    Format::Mahimahi => {
                        let bytes = options.opportunity.get().to_string();
                        vec![Implied::Constant("bytes", bytes)]
                    }
                    Format::Leoreplayer => vec![Implied::Counter("time_ms", 10)],
                    _ => Vec::new(),
                };
                let lines = Lines::new(input);
                Box::new(Table::nameless(lines, format.columns(), implied, strict))
            }
        };
        let columns = Columns::find(rows.columns(), &names)?;
        let replaces = matches!(head.source.unwrap_or(format), Format::Oboe);
        let interpreter = Interpreter::new(rows.columns(), columns, replaces, options.direction)?;
        if format != Format::Canonical {
            head.describe(rows.columns(), &interpreter);
        }
        Ok(Self {
            format,
            head,
            rows,
            interpreter,
            row: Row::default(),
            records: 0,
        })
    }

    /// How it is written.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// What its records are.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.interpreter.kind()
    }

    /// What is known about it.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// The names of its columns, also of those that the text only implies.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        self.rows.columns()
    }

    /// The column that a quantity is read from.
    #[must_use]
    pub fn column(&self, quantity: Quantity) -> Option<&str> {
        let columns = self.interpreter.columns();
        let column = match quantity {
            Quantity::Rate => columns.rate,
            Quantity::Loss => columns.loss,
            Quantity::Delay => columns.delay,
            Quantity::Jitter => columns.jitter,
        };
        self.columns().get(column?.index).map(String::as_str)
    }

    /// Whether its delays are halves of the round-trip times that it holds.
    #[must_use]
    pub fn halves_delay(&self) -> bool {
        self.interpreter
            .columns()
            .delay
            .is_some_and(|column| column.half)
    }

    /// Columns of a table with names that no record speaks of.
    #[must_use]
    pub fn ignored(&self) -> Vec<&str> {
        if self.head.source.is_some_and(|source| source != Format::Csv) {
            return Vec::new();
        }
        let columns = self.interpreter.columns();
        let read = |index: usize| {
            let known = [
                columns.time,
                columns.duration,
                columns.rate,
                columns.loss,
                columns.delay,
                columns.jitter,
                columns.bytes,
            ];
            let other = [columns.frame, columns.direction];
            known.iter().flatten().any(|column| column.index == index)
                || other.contains(&Some(index))
                || (self.kind() == Kind::Frames && self.columns()[index] == "frame")
        };
        let names = self.columns().iter().enumerate();
        names
            .filter(|(index, _)| !read(*index))
            .map(|(_, name)| name.as_str())
            .collect()
    }

    /// Whether a segment of it can say something about a quantity.
    #[must_use]
    pub fn carries(&self, quantity: Quantity) -> bool {
        self.kind() == Kind::Segments && self.column(quantity).is_some()
    }

    /// The next record.
    ///
    /// # Errors
    /// With the line that is wrong.
    #[expect(
        clippy::should_implement_trait,
        reason = "it can fail: not an iterator"
    )]
    pub fn next(&mut self) -> Result<Option<Record>, TraceError> {
        loop {
            match self.item()? {
                (Item::End, _) => return Ok(None),
                (_, Some(record)) => return Ok(Some(record)),
                _ => {}
            }
        }
    }

    /// The number of records read.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.records
    }

    /// The length of the trace, once it has been read to its end: it repeats
    /// after that. `None` where a single value holds for ever.
    #[must_use]
    pub fn length(&self) -> Option<Span> {
        self.interpreter.length()
    }

    /// What comes next in the text, and the record in it.
    pub(super) fn item(&mut self) -> Result<(Item, Option<Record>), TraceError> {
        match self.rows.next(&mut self.row)? {
            Item::Row => {
                let record = self.interpreter.read(&self.row)?;
                self.records += u64::from(record.is_some());
                Ok((Item::Row, record))
            }
            Item::End => {
                self.check_end()?;
                Ok((Item::End, None))
            }
            Item::Text => Ok((Item::Text, None)),
        }
    }

    /// The row last read.
    pub(super) const fn row(&self) -> &Row {
        &self.row
    }

    pub(super) fn implied(&self) -> usize {
        self.rows.implied()
    }

    fn check_end(&self) -> Result<(), TraceError> {
        if self.records == 0 {
            return Err(TraceError::new(
                "the trace is empty: expected at least one row",
            ));
        }
        if self.kind() == Kind::Opportunities && self.length() == Some(Span::ZERO) {
            return Err(TraceError::new(
                "the last opportunity is at 0 ms: the trace has no length",
            ));
        }
        Ok(())
    }
}

/// A table whose first line names its columns.
fn csv(mut lines: Lines<'_>) -> Result<Table<'_>, TraceError> {
    let (mut ahead, mut header) = (String::new(), String::new());
    loop {
        let from = ahead.len();
        if !lines.read(&mut ahead)? {
            break;
        }
        let line = ahead[from..].trim();
        if !line.is_empty() && !line.starts_with('#') {
            header = ahead[from..].to_owned();
            break;
        }
        if ahead.len() > detect::HEAD as usize {
            return Err(TraceError::new("a csv trace needs a line of column names"));
        }
    }
    let found = [',', ';', '\t'].into_iter().find(|c| header.contains(*c));
    let Some(separator) = found else {
        return Err(TraceError::at(
            lines.number(),
            "expected names of columns separated by commas, semicolons or tabs, such as \
             `time_s,rate_mbps`",
        ));
    };
    let mut cells = Vec::new();
    if !split_one(&header, separator, &mut cells) {
        return Err(TraceError::at(lines.number(), "a quote is not closed"));
    }
    let names = cells
        .into_iter()
        .flatten()
        .map(|cell| header[cell].to_owned());
    let names = unique(names.map(|name| plain(&name)).collect());
    if names
        .iter()
        .all(|name| name.starts_with(|c: char| c.is_ascii_digit()))
    {
        return Err(TraceError::at(
            lines.number(),
            "expected names of columns, such as `time_s,rate_mbps`, found numbers",
        ));
    }
    Ok(Table::named(lines, Separator::One(separator), names, ahead))
}

/// A name without characters that mean something elsewhere.
fn plain(name: &str) -> String {
    let keep = |c: char| c.is_alphanumeric() || " _-.+%/()[]:".contains(c);
    name.chars()
        .map(|c| if keep(c) { c } else { '_' })
        .collect()
}

/// No name twice.
fn unique(names: Vec<String>) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for name in names {
        let mut candidate = name.clone();
        let mut number = 2;
        while candidate.is_empty() || seen.contains(&candidate) {
            candidate = format!("{name}.{number}");
            number += 1;
        }
        seen.push(candidate);
    }
    seen
}

impl From<TraceError> for io::Error {
    fn from(error: TraceError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}
