//! Messages about scenario files: what is wrong, where exactly, what was
//! expected, and the nearest known name.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use weaknet_core::text::nearest;

/// A text that scenarios are made of: a file or a `--set` argument.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The file as the user knows it, or `--set`.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Source {
    /// A text under a name.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            text: text.into(),
        })
    }

    /// A place in this text, in bytes. Anything beyond the end, or inside of a
    /// character, is moved to the nearest border before it.
    #[must_use]
    pub fn place(self: &Arc<Self>, bytes: Range<usize>) -> Place {
        let border = |mut at: usize| {
            at = at.min(self.text.len());
            while !self.text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = border(bytes.start);
        Place {
            source: Arc::clone(self),
            start,
            end: border(bytes.end).max(start),
        }
    }
}

/// A stretch of a [`Source`].
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    source: Arc<Source>,
    start: usize,
    end: usize,
}

impl Place {
    /// The text that it is in.
    #[must_use]
    pub const fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(&self) -> Range<usize> {
        self.start..self.end
    }

    /// The text as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.source.text[self.bytes()]
    }

    /// The line of its start, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.source.text[..self.start].matches('\n').count() + 1
    }

    /// The column of its start in characters, from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.source.text[self.line_start()..self.start]
            .chars()
            .count()
            + 1
    }

    fn line_start(&self) -> usize {
        self.source.text[..self.start]
            .rfind('\n')
            .map_or(0, |at| at + 1)
    }

    /// The line that it starts in, without its end.
    #[must_use]
    pub fn line_text(&self) -> &str {
        let rest = &self.source.text[self.line_start()..];
        rest.split('\n')
            .next()
            .unwrap_or(rest)
            .trim_end_matches('\r')
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source.name, self.line(), self.column())
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One thing that is wrong with a scenario.
///
/// Prints as the place, the message, the line with a caret and the help:
///
/// ```text
/// call.yaml:3:11: unknown unit `mps`: expected a bit rate such as `3Mbps`
///   |
/// 3 |     rate: 3mps
///   |           ^^^^
///   = help: did you mean `Mbps`?
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong and what was expected.
    pub message: String,
    /// Where; `None` when no text is at fault, as for a file that is missing.
    pub place: Option<Place>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A message about a place.
    pub fn new(place: &Place, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            place: Some(place.clone()),
            help: None,
        }
    }

    /// A message about no text in particular.
    pub fn bare(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            place: None,
            help: None,
        }
    }

    /// The same with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// An unknown name among known ones.
    pub fn unknown<'a>(
        place: &Place,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        let snake = name.replace('-', "_");
        let like = known
            .iter()
            .copied()
            .find(|k| *k == snake)
            .or_else(|| nearest(name, known.iter().copied()));
        let expected = match known.as_slice() {
            [] => "there are none here".to_owned(),
            [one] => format!("expected {one}"),
            many => format!("expected one of {}", many.join(", ")),
        };
        let diagnostic = Self::new(place, format!("unknown {what} `{name}`: {expected}"));
        match like {
            Some(like) => diagnostic.help(format!("did you mean `{like}`?")),
            None => diagnostic,
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(place) = &self.place else {
            write!(f, "{}", self.message)?;
            return self
                .help
                .iter()
                .try_for_each(|help| write!(f, "\n  = help: {help}"));
        };
        write!(f, "{place}: {}", self.message)?;
        let line = place.line().to_string();
        let (text, column) = excerpt(place.line_text(), place.column());
        let margin = " ".repeat(line.len());
        // Tabs stay tabs, so that the caret stands below its character however
        // wide they are shown.
        let before = text
            .chars()
            .take(column - 1)
            .map(|c| if c == '\t' { '\t' } else { ' ' });
        let width = place
            .text()
            .split('\n')
            .next()
            .map_or(0, |marked| marked.trim_end().chars().count())
            .max(1);
        write!(
            f,
            "\n{margin} |\n{line} | {text}\n{margin} | {}{}",
            before.collect::<String>(),
            "^".repeat(width)
        )?;
        self.help
            .iter()
            .try_for_each(|help| write!(f, "\n{margin} = help: {help}"))
    }
}

impl std::error::Error for Diagnostic {}

/// The part of a long line around a column, and the column in it.
fn excerpt(line: &str, column: usize) -> (String, usize) {
    const WIDTH: usize = 160;
    const BEFORE: usize = 60;
    let printable = |c: char| {
        if c.is_control() && c != '\t' {
            '\u{fffd}'
        } else {
            c
        }
    };
    let skipped = if line.chars().count() <= WIDTH {
        0
    } else {
        column.saturating_sub(BEFORE + 1)
    };
    (
        line.chars()
            .skip(skipped)
            .take(WIDTH)
            .map(printable)
            .collect(),
        column - skipped,
    )
}

/// Everything that is wrong with the scenarios asked for; at least one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl From<Diagnostic> for Diagnostics {
    fn from(one: Diagnostic) -> Self {
        Self(vec![one])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.0.iter().enumerate() {
            write!(f, "{}{diagnostic}", if i == 0 { "" } else { "\n\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}
