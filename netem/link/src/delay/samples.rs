//! Delays drawn from recorded ones.
//!
//! Implements: the empirical quantile of the samples, linear between one and
//! the next (definition 7 of Hyndman and Fan 1996), so that a delay can lie
//! between two samples but not beyond any. The first column of a table,
//! milliseconds, with or without a line of column names; columns are separated
//! by blanks, commas or semicolons. Correlation: see [`super::drawn`].
//! Not modelled: the order of the samples; play a trace for that.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio, Span};

use super::Reorder;
use super::drawn::{Drawn, Quantile, Score, Scores, independent};
use crate::model::{Delay, DelayModel};
use crate::text_lines;
use crate::trace::decimal;

/// A base delay and a rest drawn from a file of samples.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"file": "one-way-delays.csv"}]))]
pub struct SampledDelay {
    /// The file's name, looked for in the trace folders.
    pub file: String,
    /// What is added to every sample.
    pub base: Span,
    /// Correlation of the normal scores from packet to packet (from slot to
    /// slot when draws are keyed by time), up to 99.99%.
    #[serde(skip_serializing_if = "independent")]
    pub correlation: Ratio,
    /// Whether packets may overtake each other.
    pub reorder: Reorder,
}

impl Plugin for SampledDelay {
    type Kind = Delay;
    const NAME: &'static str = "samples";
    const SUMMARY: &'static str = "delays drawn from a file of recorded ones, in milliseconds";
    const REFERENCES: &'static [&'static str] =
        &["Hyndman and Fan, The American Statistician 50, 1996: sample quantiles"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn DelayModel>, BuildError> {
        let unusable = |message| BuildError::field("file", message);
        if self.file.is_empty() {
            return Err(unusable("expected the name of a file of samples".into()));
        }
        let scores = Scores::new(cx, self.correlation)?;
        let samples = cx.assets.get(&self.file, parse).map_err(unusable)?;
        let base = self.base.as_nanos() as f64;
        Ok(Drawn::boxed(
            scores,
            Empirical { samples, base },
            self.reorder,
        ))
    }
}

/// Nanoseconds: not empty, ascending.
#[derive(Debug)]
struct Samples(Vec<u64>);

fn parse(bytes: &[u8]) -> Result<Samples, String> {
    let mut samples = Vec::new();
    let mut header_allowed = true;
    for (number, line) in text_lines::numbered(bytes)? {
        let text = line
            .split([' ', '\t', ',', ';'])
            .find(|column| !column.is_empty())
            .ok_or_else(|| format!("line {number}: expected a delay in milliseconds"))?;
        let is_name = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '"');
        if std::mem::take(&mut header_allowed) && is_name {
            continue;
        }
        let nanos = decimal(text, 6)
            .ok_or_else(|| format!("line {number}: `{text}` is not a delay in milliseconds"))?;
        samples.push(nanos);
    }
    if samples.is_empty() {
        return Err("there are no samples".to_owned());
    }
    samples.sort_unstable();
    Ok(Samples(samples))
}

struct Empirical {
    samples: Arc<Samples>,
    base: f64,
}

impl Quantile for Empirical {
    fn nanos(&self, score: Score) -> f64 {
        let Samples(samples) = &*self.samples;
        let place = score.below() * (samples.len() - 1) as f64;
        let index = place as usize;
        let low = samples[index] as f64;
        let high = samples.get(index + 1).map_or(low, |next| *next as f64);
        self.base + low + (high - low) * (place - index as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_the_first_column() {
        let read = |text: &str| parse(text.as_bytes()).map(|Samples(nanos)| nanos);
        assert_eq!(
            read("owd_ms,seq\n3.5,1\n0.25,2 # early\n").unwrap(),
            [250_000, 3_500_000]
        );
        assert_eq!(read("owd_ms\n").unwrap_err(), "there are no samples");
        assert_eq!(
            read("1\n-2\n").unwrap_err(),
            "line 2: `-2` is not a delay in milliseconds"
        );
        assert_eq!(
            read("1\n\n").unwrap_err(),
            "line 2: expected a delay in milliseconds"
        );
    }

    #[test]
    fn delays_lie_on_the_line_through_the_samples() {
        let samples = Arc::new(parse(b"10\n20\n60\n").unwrap());
        let empirical = Empirical { samples, base: 1e6 };
        let at = |p: f64| empirical.nanos(Score::Bits((p * 2f64.powi(64)) as u64)) / 1e6;
        assert_eq!(
            [at(0.0), at(0.25), at(0.5), at(0.75)],
            [11.0, 16.0, 21.0, 41.0]
        );
        assert!((at(1.0) - 61.0).abs() < 1e-9);
        let one = Empirical {
            samples: Arc::new(parse(b"7").unwrap()),
            base: 0.0,
        };
        assert_eq!(one.nanos(Score::Normal(9.0)), 7e6);
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_politely(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[-+0-9.eE,; \t\r\n#]{0,80}") {
            let _ = parse(&bytes);
            let _ = parse(text.as_bytes());
        }
    }
}
