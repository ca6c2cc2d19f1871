//! Outages at regular intervals: handovers, satellites that change every 15 s.
//!
//! Implements: outage k covers [first + k every, first + k every + length);
//! within it packets are lost independently, outside none is. The instant at
//! which a packet reaches the place of loss counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::Draws;
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio, Span, Time};

use crate::model::{Loss, LossModel, Passage};
use crate::share::at_most_all;

/// Outages of the same length at regular intervals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Outages {
    /// Time from the start of one outage to the start of the next.
    pub every: Span,
    /// How long each lasts, at most `every`.
    pub length: Span,
    /// Start of the first one, since the start of the run.
    pub first: Span,
    /// Share of the packets that is lost within an outage.
    pub loss: Ratio,
}

impl Default for Outages {
    fn default() -> Self {
        Self {
            every: Span::from_secs(15),
            length: Span::from_millis(200),
            first: Span::from_secs(15),
            loss: Ratio::ONE,
        }
    }
}

impl Plugin for Outages {
    type Kind = Loss;
    const NAME: &'static str = "outages";
    const SUMMARY: &'static str = "outages at regular intervals of time";
    const REFERENCES: &'static [&'static str] =
        &["arXiv 2601.08439: Starlink assigns paths anew every 15 s"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn LossModel>, BuildError> {
        at_most_all("loss", self.loss)?;
        if self.every.is_zero() {
            return Err(BuildError::field("every", "expected a time above 0s"));
        }
        if self.length > self.every {
            let message = format!(
                "expected at most `every`, {}, found {}",
                self.every, self.length
            );
            return Err(BuildError::field("length", message));
        }
        Ok(Box::new(Model {
            draws: cx.streams.draws(cx.path, "loss"),
            config: self.clone(),
        }))
    }
}

struct Model {
    draws: Draws,
    config: Outages,
}

impl LossModel for Model {
    fn lose(&mut self, Passage { draw, at, .. }: Passage) -> bool {
        let Outages {
            every,
            length,
            first,
            loss,
        } = self.config;
        at >= Time::from(first)
            && at.since(Time::from(first)).as_nanos() % every.as_nanos() < length.as_nanos()
            && self.draws.unit(draw) < loss.as_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::tests::try_build;
    use crate::testing::passage;

    #[test]
    fn outages_come_round() {
        let config = Outages {
            first: Span::from_secs(5),
            ..Outages::default()
        };
        let mut model = try_build(&config, 1).unwrap();
        let lost: Vec<u64> = (0..60_000)
            .filter(|ms| model.lose(passage(*ms, Time::from_millis(*ms))))
            .collect();
        let expected: Vec<u64> = [5_000, 20_000, 35_000, 50_000]
            .into_iter()
            .flat_map(|start| start..start + 200)
            .collect();
        assert_eq!(lost, expected);
    }

    #[test]
    fn within_an_outage_some_may_pass() {
        let config = Outages {
            every: Span::from_secs(1),
            length: Span::from_millis(500),
            first: Span::ZERO,
            loss: Ratio::from_f64(0.3),
        };
        let mut model = try_build(&config, 1).unwrap();
        let lost = (0..40_000u64)
            .filter(|ms| model.lose(passage(*ms, Time::from_millis(*ms))))
            .inspect(|ms| assert!(ms % 1_000 < 500))
            .count() as f64;
        // 20 000 draws of 30%: four standard deviations.
        assert!((lost - 6_000.0).abs() < 4.0 * 4_200f64.sqrt(), "{lost}");
    }

    #[test]
    fn says_what_is_wrong() {
        let error = |every, length| {
            let config = Outages {
                every,
                length,
                ..Outages::default()
            };
            try_build(&config, 1).err().unwrap()
        };
        assert_eq!(error(Span::ZERO, Span::ZERO), "expected a time above 0s");
        assert_eq!(
            error(Span::from_secs(1), Span::from_secs(2)),
            "expected at most `every`, 1s, found 2s"
        );
    }
}
