//! Delays from a distribution table of netem.
//!
//! Implements: mean + jitter t / 8192, cut at zero, where t is an entry drawn
//! evenly from the table; the entries of a sorted table are its quantiles. The
//! format of `tc-netem` (standards reference 9.4): whole numbers from -32768 to
//! 32767 separated by blanks, `#` starts a comment, at most 16384 entries.
//! Differs: correlated draws keep the distribution, see [`super::drawn`]; the
//! table is sorted, so that correlation means the same with any table.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio, Span};

use super::Reorder;
use super::drawn::{Drawn, Quantile, Score, Scores, independent};
use crate::model::{Delay, DelayModel};
use crate::text_lines;

/// Entries are in units of so many parts of the jitter.
const SCALE: f64 = 8_192.0;

/// Entries of the largest table that `tc` takes.
const MOST_ENTRIES: usize = 16_384;

/// A distribution table of netem (`*.dist`), with its centre and width.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"file": "experimental.dist", "mean": "50ms", "jitter": "10ms"}]))]
pub struct TableDelay {
    /// The file's name, looked for in the trace folders.
    pub file: String,
    /// The centre: `delay` in netem.
    pub mean: Span,
    /// The width that an entry of 8192 adds: `jitter` in netem.
    pub jitter: Span,
    /// Correlation of the normal scores from packet to packet (from slot to
    /// slot when draws are keyed by time), up to 99.99%.
    #[serde(skip_serializing_if = "independent")]
    pub correlation: Ratio,
    /// Whether packets may overtake each other.
    pub reorder: Reorder,
}

impl Default for TableDelay {
    fn default() -> Self {
        Self {
            file: String::new(),
            mean: Span::from_millis(50),
            jitter: Span::from_millis(10),
            correlation: Ratio::ZERO,
            reorder: Reorder::Forbidden,
        }
    }
}

impl Plugin for TableDelay {
    type Kind = Delay;
    const NAME: &'static str = "table";
    const SUMMARY: &'static str = "delays from a distribution table of netem";
    const REFERENCES: &'static [&'static str] = &[
        "tc-netem(8): delay with a distribution table",
        "iproute2 tc/q_netem.c: the format of distribution tables",
    ];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn DelayModel>, BuildError> {
        let unusable = |message| BuildError::field("file", message);
        if self.file.is_empty() {
            return Err(unusable("expected the name of a distribution table".into()));
        }
        let scores = Scores::new(cx, self.correlation)?;
        let entries = cx.assets.get(&self.file, parse).map_err(unusable)?;
        let drawn = Entries {
            entries,
            mean: self.mean.as_nanos() as f64,
            jitter: self.jitter.as_nanos() as f64,
        };
        Ok(Drawn::boxed(scores, drawn, self.reorder))
    }
}

/// Not empty, ascending.
#[derive(Debug)]
struct Table(Vec<i16>);

fn parse(bytes: &[u8]) -> Result<Table, String> {
    let mut entries = Vec::new();
    for (number, line) in text_lines::numbered(bytes)? {
        for text in line.split_ascii_whitespace() {
            let entry = text.parse::<i16>().map_err(|_| {
                format!("line {number}: `{text}` is not a whole number from -32768 to 32767")
            })?;
            entries.push(entry);
        }
        if entries.len() > MOST_ENTRIES {
            return Err(format!(
                "line {number}: more than {MOST_ENTRIES} entries, which netem refuses"
            ));
        }
    }
    if entries.is_empty() {
        return Err("there are no entries".to_owned());
    }
    entries.sort_unstable();
    Ok(Table(entries))
}

struct Entries {
    entries: Arc<Table>,
    mean: f64,
    jitter: f64,
}

impl Quantile for Entries {
    fn nanos(&self, score: Score) -> f64 {
        let Table(entries) = &*self.entries;
        let index = (u128::from(score.bits()) * entries.len() as u128) >> 64;
        self.mean + self.jitter * f64::from(entries[index as usize]) / SCALE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_netem_tables() {
        let read = |text: &str| parse(text.as_bytes()).map(|Table(entries)| entries);
        assert_eq!(
            read("# made by hand\n 3 -8192\n\n0 32767 # the cap\n").unwrap(),
            [-8_192, 0, 3, 32_767]
        );
        assert_eq!(read("# none\n").unwrap_err(), "there are no entries");
        assert_eq!(
            read("1\n2 40000\n").unwrap_err(),
            "line 2: `40000` is not a whole number from -32768 to 32767"
        );
        let most = "7\n".repeat(MOST_ENTRIES);
        assert_eq!(read(&most).unwrap().len(), MOST_ENTRIES);
        assert_eq!(
            read(&(most + "7")).unwrap_err(),
            "line 16385: more than 16384 entries, which netem refuses"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_politely(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[-+0-9. \t\r\n#]{0,80}") {
            let _ = parse(&bytes);
            let _ = parse(text.as_bytes());
        }
    }
}
