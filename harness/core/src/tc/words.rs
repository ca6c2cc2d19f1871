//! Splits command lines into words that know their place.

use std::ops::Range;
use std::sync::Arc;

use crate::scenario::error::{Diagnostic, Source};

/// A word of a command line.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) bytes: Range<usize>,
}

/// The commands of a text: a line each, or parts of a line between `;` or `&&`;
/// a backslash at the end joins lines, `#` begins a comment.
pub(super) fn commands(source: &Source) -> Vec<Vec<Word>> {
    let mut all = vec![Vec::new()];
    let mut at = 0;
    let mut joined = false;
    for line in source.text.split_inclusive('\n') {
        if !joined {
            all.push(Vec::new());
        }
        let content = line.split('#').next().unwrap_or_default().trim_end();
        joined = content.ends_with('\\');
        let content = content.strip_suffix('\\').unwrap_or(content);
        let mut start = None;
        for (i, c) in content.char_indices().chain([(content.len(), ' ')]) {
            if !c.is_whitespace() && c != ';' {
                start = start.or(Some(i));
                continue;
            }
            if let Some(from) = start.take() {
                let text = &content[from..i];
                if text == "&&" {
                    all.push(Vec::new());
                } else if let Some(last) = all.last_mut() {
                    last.push(Word {
                        text: text.to_owned(),
                        bytes: at + from..at + i,
                    });
                }
            }
            if c == ';' {
                all.push(Vec::new());
            }
        }
        at += line.len();
    }
    all.retain(|words| !words.is_empty());
    all
}

/// Reads the words of one command in order.
pub(super) struct Words<'a> {
    source: &'a Arc<Source>,
    words: &'a [Word],
    next: usize,
}

impl<'a> Words<'a> {
    pub(super) const fn new(source: &'a Arc<Source>, words: &'a [Word]) -> Self {
        Self {
            source,
            words,
            next: 0,
        }
    }

    pub(super) fn peek(&self) -> Option<&'a str> {
        self.words.get(self.next).map(|word| word.text.as_str())
    }

    pub(super) fn next(&mut self) -> Option<&'a Word> {
        let word = self.words.get(self.next);
        self.next += usize::from(word.is_some());
        word
    }

    /// The next word if it is that one.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let found = self.peek() == Some(text);
        self.next += usize::from(found);
        found
    }

    /// The word that an option needs.
    pub(super) fn value(&mut self, option: &str, expected: &str) -> Result<&'a Word, Diagnostic> {
        match self.next() {
            Some(word) => Ok(word),
            None => Err(self.after(format!("`{option}` needs {expected}"))),
        }
    }

    /// The next word read by `parse`.
    pub(super) fn read<T>(
        &mut self,
        option: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Diagnostic> {
        let word = self.value(option, expected)?;
        parse(&word.text).ok_or_else(|| self.at(word, format!("`{}` is not {expected}", word.text)))
    }

    /// The next word if `parse` accepts it and it looks like a number.
    pub(super) fn optional<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self
            .peek()
            .filter(|text| text.starts_with(|c: char| c.is_ascii_digit() || c == '.'))?;
        let value = parse(text)?;
        self.next += 1;
        Some(value)
    }

    pub(super) fn at(&self, word: &Word, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(&self.source.place(word.bytes.clone()), message)
    }

    pub(super) fn unknown(&self, word: &Word, what: &str, known: &[&str]) -> Diagnostic {
        let place = self.source.place(word.bytes.clone());
        Diagnostic::unknown(&place, what, &word.text, known.iter().copied())
    }

    /// A message about what should follow the last word read.
    pub(super) fn after(&self, message: impl Into<String>) -> Diagnostic {
        let end = self
            .next
            .checked_sub(1)
            .and_then(|last| self.words.get(last))
            .map_or(0, |word| word.bytes.end);
        Diagnostic::new(&self.source.place(end..end), message)
    }
}
