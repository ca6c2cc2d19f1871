//! Reads the JSON traces of OpenNetLab's gym for AlphaRTC, a piece at a time.
//!
//! Implements: an object whose `uplink` and `downlink` hold a `trace_pattern`,
//! an array of segments with `duration` (ms), `capacity` (kbit/s), `loss` (0 to
//! 1), `rtt` (ms) and `jitter` (ms); all other members are ignored.
//! Source: OpenNetLab/gym, alphartc_gym/tests/data.

use std::io::BufRead;

use super::error::TraceError;
use super::lines::shorten;
use super::row::{Item, Row, Rows};

/// Members of a segment, in the order of the format's columns.
const MEMBERS: [&str; 5] = ["duration", "capacity", "loss", "rtt", "jitter"];

/// Text between two segments that is handed on in one piece.
const PIECE: usize = 1 << 16;

/// A single word or number is never longer.
const TOKEN: usize = 1 << 12;

const DEEPEST: usize = 64;

/// What a container is: an object with the key last read, or an array.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Level {
    Object(String),
    Array,
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    /// A value, or the end of the array that just began.
    FirstValue,
    Key,
    /// A key, or the end of the object that just began.
    FirstKey,
    Colon,
    CommaOrEnd,
    Nothing,
}

/// The segments of a document.
pub(super) struct Document<'a> {
    input: Box<dyn BufRead + 'a>,
    line: u64,
    levels: Vec<Level>,
    expect: Expect,
    columns: Vec<String>,
}

impl<'a> Document<'a> {
    pub(super) fn new(input: Box<dyn BufRead + 'a>, columns: &[&str]) -> Self {
        let mut columns: Vec<String> = columns.iter().map(ToString::to_string).collect();
        columns.push("direction".to_owned());
        Self {
            input,
            line: 1,
            levels: Vec::new(),
            expect: Expect::Value,
            columns,
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, TraceError> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    /// Takes the byte just seen.
    fn take(&mut self, text: &mut Vec<u8>) -> Result<(), TraceError> {
        if let Some(byte) = self.peek()? {
            self.line += u64::from(byte == b'\n');
            self.input.consume(1);
            text.push(byte);
        }
        Ok(())
    }

    fn error(&self, message: impl Into<String>) -> TraceError {
        TraceError::at(self.line, message)
    }

    /// The direction whose pattern the innermost container is a segment of.
    fn segment(&self) -> Option<&str> {
        match self.levels.as_slice() {
            [
                Level::Object(direction),
                Level::Object(pattern),
                Level::Array,
                Level::Object(_),
            ] if pattern == "trace_pattern"
                && (direction == "uplink" || direction == "downlink") =>
            {
                Some(direction)
            }
            _ => None,
        }
    }

    /// The text of a string without its quotes; escapes stay as they are.
    fn string(&mut self, text: &mut Vec<u8>) -> Result<(usize, usize), TraceError> {
        self.take(text)?;
        let start = text.len();
        loop {
            match self.peek()? {
                None => return Err(self.error("the file ends within a string")),
                Some(b'"') => break,
                Some(b'\\') => {
                    self.take(text)?;
                    self.take(text)?;
                }
                Some(_) => self.take(text)?,
            }
            if text.len() - start > TOKEN {
                return Err(self.error(format!("a string longer than {TOKEN} bytes")));
            }
        }
        let end = text.len();
        self.take(text)?;
        Ok((start, end))
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self, text: &mut Vec<u8>) -> Result<(usize, usize), TraceError> {
        let start = text.len();
        while let Some(byte) = self.peek()? {
            if !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')) {
                break;
            }
            self.take(text)?;
            if text.len() - start > TOKEN {
                return Err(self.error(format!("a number longer than {TOKEN} bytes")));
            }
        }
        if start == text.len() {
            let found = self.peek()?.map_or_else(
                || "the end of the file".to_owned(),
                |byte| format!("`{}`", char::from(byte).escape_default()),
            );
            return Err(self.error(format!("expected JSON, found {found}")));
        }
        Ok((start, text.len()))
    }

    fn open(&mut self, level: Level) -> Result<(), TraceError> {
        self.expect = match level {
            Level::Object(_) => Expect::FirstKey,
            Level::Array => Expect::FirstValue,
        };
        self.levels.push(level);
        if self.levels.len() > DEEPEST {
            return Err(self.error(format!("nested deeper than {DEEPEST} levels")));
        }
        Ok(())
    }

    fn close(&mut self) {
        self.levels.pop();
        self.after_value();
    }

    fn after_value(&mut self) {
        self.expect = if self.levels.is_empty() {
            Expect::Nothing
        } else {
            Expect::CommaOrEnd
        };
    }

    /// A value begins at the byte just seen.
    fn value(&mut self, byte: u8, text: &mut Vec<u8>, row: &mut Row) -> Result<(), TraceError> {
        let column = match (self.segment(), self.levels.last()) {
            (Some(_), Some(Level::Object(key))) => MEMBERS.iter().position(|m| m == key),
            _ => None,
        };
        match byte {
            b'{' | b'[' if column.is_none() => {
                self.take(text)?;
                let level = match byte {
                    b'{' => Level::Object(String::new()),
                    _ => Level::Array,
                };
                self.open(level)?;
                if self.segment().is_some() {
                    row.cells = vec![None; MEMBERS.len()];
                }
                return Ok(());
            }
            b'"' if column.is_none() => {
                self.string(text)?;
            }
            _ => {
                let (start, end) = self.word(text)?;
                if let Some(cell) = column.and_then(|column| row.cells.get_mut(column)) {
                    *cell = Some(start..end);
                }
            }
        }
        self.after_value();
        Ok(())
    }
}

impl Rows for Document<'_> {
    fn next(&mut self, row: &mut Row) -> Result<Item, TraceError> {
        row.clear();
        let mut text = std::mem::take(&mut row.text).into_bytes();
        let item = loop {
            let Some(byte) = self.peek()? else {
                if self.expect != Expect::Nothing {
                    return Err(self.error("the file ends before its JSON does"));
                }
                break if text.is_empty() {
                    Item::End
                } else {
                    Item::Text
                };
            };
            if text.len() > PIECE && self.segment().is_none() {
                break Item::Text;
            }
            match (self.expect, byte) {
                (_, b' ' | b'\t' | b'\r' | b'\n') => self.take(&mut text)?,
                (Expect::Key | Expect::FirstKey, b'"') => {
                    let (start, end) = self.string(&mut text)?;
                    let name = String::from_utf8_lossy(&text[start..end]).into_owned();
                    if let Some(Level::Object(key)) = self.levels.last_mut() {
                        *key = name;
                    }
                    self.expect = Expect::Colon;
                }
                (Expect::Colon, b':') => {
                    self.take(&mut text)?;
                    self.expect = Expect::Value;
                }
                (Expect::CommaOrEnd, b',') => {
                    self.take(&mut text)?;
                    self.expect = match self.levels.last() {
                        Some(Level::Object(_)) => Expect::Key,
                        _ => Expect::Value,
                    };
                }
                (Expect::CommaOrEnd | Expect::FirstKey, b'}')
                    if matches!(self.levels.last(), Some(Level::Object(_))) =>
                {
                    self.take(&mut text)?;
                    let segment = self.segment().map(str::to_owned);
                    self.close();
                    if let Some(direction) = segment {
                        row.implied.push(direction);
                        break Item::Row;
                    }
                }
                (Expect::CommaOrEnd | Expect::FirstValue, b']')
                    if matches!(self.levels.last(), Some(Level::Array)) =>
                {
                    self.take(&mut text)?;
                    self.close();
                }
                (Expect::Value | Expect::FirstValue, _) => self.value(byte, &mut text, row)?,
                (_, other) => {
                    let other = char::from(other).escape_default().to_string();
                    return Err(self.error(format!("expected JSON, found `{}`", shorten(&other))));
                }
            }
            if text.len() > PIECE * 4 {
                return Err(self.error("a segment longer than any trace has"));
            }
        };
        row.text = String::from_utf8(text).map_err(|_| self.error("not a text file"))?;
        row.line = self.line;
        Ok(item)
    }

    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn implied(&self) -> usize {
        1
    }
}
