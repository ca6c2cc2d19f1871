//! Losses in bursts with holes, and single losses between the bursts: a Markov
//! chain with four states.
//!
//! Implements: the General and Intuitive model (Salsano, Ludovici, Ordine,
//! "Definition of a general and intuitive loss model for packet networks",
//! 2009), standards reference 9.2: 1 passes between bursts, 2 passes within a
//! burst, 3 is lost within a burst, 4 is lost alone and leads back to 1. The
//! chain starts in 1. The state of a packet decides its fate, then the state
//! moves: once per packet, or once per slot of time when draws are keyed by
//! time; then all packets of a slot share their fate.
//! With a = p13/p31 the share of lost packets is (a + p14) / (1 + a (1 +
//! p32/p23) + p14).
//! Differs: netem moves before the first packet; the same chain, one step
//! later.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::Draws;
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio};

use super::walk::Walk;
use crate::model::{Loss, LossModel, Passage};
use crate::share::at_most_all;

/// Probabilities to go from one state to another: 1 passes between bursts, 2
/// passes within a burst, 3 is lost within a burst, 4 is lost alone. Defaults
/// are those of `tc`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"p13": "1%", "p31": "20%", "p32": "10%", "p23": "30%", "p14": "0.5%"}]))]
pub struct FourState {
    /// Probability that a burst begins after a packet between bursts.
    pub p13: Ratio,
    /// Probability that a burst ends after a lost packet; default 100% less
    /// `p13`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p31: Option<Ratio>,
    /// Probability that packets pass again, within the burst, after a lost one;
    /// default 0%.
    pub p32: Ratio,
    /// Probability that the next packet of the burst is lost after one that has
    /// passed; default 100%.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p23: Option<Ratio>,
    /// Probability that a single packet is lost after one between bursts;
    /// default 0%.
    pub p14: Ratio,
}

impl FourState {
    fn chain(&self) -> Result<Chain, BuildError> {
        let p31 = self.p31.unwrap_or(Ratio::ONE - self.p13);
        let p23 = self.p23.unwrap_or(Ratio::ONE);
        at_most_all("p23", p23)?;
        for (field, other, sum) in [
            ("p13", "p14", self.p13 + self.p14),
            ("p31", "p32", p31 + self.p32),
        ] {
            if sum > Ratio::ONE {
                let message = format!("expected at most 100% with `{other}`, found {sum}");
                return Err(BuildError::field(field, message));
            }
        }
        Ok(Chain {
            p13: self.p13.as_f64(),
            p31: p31.as_f64(),
            p32: self.p32.as_f64(),
            p23: p23.as_f64(),
            p14: self.p14.as_f64(),
        })
    }
}

impl Plugin for FourState {
    type Kind = Loss;
    const NAME: &'static str = "four_state";
    const SUMMARY: &'static str = "bursts of losses with holes, and single losses between them";
    const REFERENCES: &'static [&'static str] = &[
        "Salsano, Ludovici, Ordine 2009: General and Intuitive loss model",
        "tc-netem(8): loss state",
    ];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn LossModel>, BuildError> {
        Ok(Box::new(Model {
            draws: cx.streams.draws(cx.path, "loss"),
            chain: self.chain()?,
            walk: Walk::new(),
        }))
    }
}

#[derive(Clone, Copy)]
struct Chain {
    p13: f64,
    p31: f64,
    p32: f64,
    p23: f64,
    p14: f64,
}

impl Chain {
    /// Where a draw leads from states 1, 2, 3 and 4, all counted from 0.
    fn step(self, u: f64) -> [u8; 4] {
        let among = |first: f64, to: u8, second: f64, other: u8, else_to: u8| {
            if u < first {
                to
            } else if u < first + second {
                other
            } else {
                else_to
            }
        };
        [
            among(self.p14, 3, self.p13, 2, 0),
            among(self.p23, 2, 0.0, 2, 1),
            among(self.p32, 1, self.p31, 0, 2),
            0,
        ]
    }
}

struct Model {
    draws: Draws,
    chain: Chain,
    walk: Walk<4>,
}

impl LossModel for Model {
    fn lose(&mut self, Passage { step, .. }: Passage) -> bool {
        let (draws, chain) = (self.draws, self.chain);
        self.walk.after(step, |k| chain.step(draws.unit(k))) >= 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::tests::{fates, lost, percent, runs, try_build};

    fn config(p13: &str, p31: &str, p32: &str, p23: &str, p14: &str) -> FourState {
        FourState {
            p13: percent(p13),
            p31: Some(percent(p31)),
            p32: percent(p32),
            p23: Some(percent(p23)),
            p14: percent(p14),
        }
    }

    /// Queues reference 2.3: mean and deviation of the number lost in 1e4
    /// packets, mean run and share of runs of one packet.
    #[test]
    fn losses_and_runs_are_those_of_the_closed_form() {
        let fates = fates(&config("1%", "10%", "20%", "30%", "0.5%"), 5, 1_000_000);
        let off = lost(&fates) - 89_615.9;
        assert!(off.abs() < 4.0 * 107.8 * 10.0, "{off}");
        let runs = runs(&fates);
        let n = runs.len() as f64;
        let mean = runs.iter().sum::<usize>() as f64 / n;
        let squares: f64 = runs.iter().map(|run| (*run as f64 - mean).powi(2)).sum();
        assert!((mean - 3.0).abs() < 4.0 * squares.sqrt() / n, "{mean}");
        let single = runs.iter().filter(|run| **run == 1).count() as f64;
        assert!(
            (single - 0.4 * n).abs() < 4.0 * (0.24 * n).sqrt(),
            "{single}"
        );
    }

    #[test]
    fn certain_moves_make_a_pattern() {
        // 1, 3, 2, 3, 2, .. and 1, 4, 1, 4, ..
        let bursts = config("100%", "0%", "100%", "100%", "0%");
        assert_eq!(fates(&bursts, 1, 5), [false, true, false, true, false]);
        let single = config("0%", "0%", "0%", "0%", "100%");
        assert_eq!(fates(&single, 1, 5), [false, true, false, true, false]);
    }

    #[test]
    fn what_is_not_given_is_as_in_tc() {
        let only = FourState {
            p13: percent("30%"),
            ..FourState::default()
        };
        let full = config("30%", "70%", "0%", "100%", "0%");
        assert_eq!(fates(&only, 9, 1_000), fates(&full, 9, 1_000));
    }

    #[test]
    fn refuses_moves_of_more_than_everything() {
        let error = |config: FourState| try_build(&config, 1).err().unwrap();
        assert_eq!(
            error(config("60%", "0%", "0%", "0%", "41%")),
            "expected at most 100% with `p14`, found 101%"
        );
        assert_eq!(
            error(config("60%", "60%", "41%", "0%", "0%")),
            "expected at most 100% with `p32`, found 101%"
        );
        assert_eq!(
            error(config("0%", "0%", "0%", "101%", "0%")),
            "expected at most 100%, found 101%"
        );
    }
}
