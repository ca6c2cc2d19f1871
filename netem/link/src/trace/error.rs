//! Why a trace cannot be read or written.

use std::fmt;
use std::io;

/// What is wrong, where, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceError {
    /// The line at fault, from 1, when it is one.
    pub line: Option<u64>,
    /// What was found and what was expected.
    pub message: String,
}

impl TraceError {
    /// An error of the whole file.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            line: None,
            message: message.into(),
        }
    }

    /// An error of one line.
    pub(super) fn at(line: u64, message: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            message: message.into(),
        }
    }
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for TraceError {}

impl From<io::Error> for TraceError {
    fn from(error: io::Error) -> Self {
        Self::new(error.to_string())
    }
}
