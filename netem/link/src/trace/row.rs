//! A row of a source text, with nothing of the text lost: what is a value and
//! what stands around the values.

use std::ops::Range;

use super::error::TraceError;

/// A piece of a source text with the values in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// The whole text, from the end of the row before, line ends included.
    pub(super) text: String,
    /// Where in it the value of each column is.
    pub(super) cells: Vec<Option<Range<usize>>>,
    /// Values that the text implies but does not hold, after the cells.
    pub(super) implied: Vec<String>,
    /// The line that it begins in, or ends in where it spans lines.
    pub(super) line: u64,
}

/// What comes next in a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    /// A row.
    Row,
    /// Text without values: comments, empty lines, a header.
    Text,
    /// Nothing.
    End,
}

/// A source text cut into rows.
pub(super) trait Rows {
    /// Reads what comes next into `row`.
    fn next(&mut self, row: &mut Row) -> Result<Item, TraceError>;
    /// The columns: those of cells, then the implied ones.
    fn columns(&self) -> &[String];
    /// How many of the columns are implied.
    fn implied(&self) -> usize;
}

impl Row {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.cells.clear();
        self.implied.clear();
    }

    /// The text of a column's value, empty when there is none.
    pub(super) fn cell(&self, column: usize) -> &str {
        match self.cells.get(column) {
            Some(Some(range)) => self.text.get(range.clone()).unwrap_or_default(),
            Some(None) => "",
            None => self
                .implied
                .get(column - self.cells.len())
                .map_or("", String::as_str),
        }
    }
}
