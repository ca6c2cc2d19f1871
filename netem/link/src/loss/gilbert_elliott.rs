//! Losses in bursts: a Markov chain with a good and a bad state.
//!
//! Implements: Gilbert 1960 and Elliott 1963, as in standards reference 9.1:
//! p = P(good to bad), r = P(bad to good), loss 1-k in the good and 1-h in the
//! bad state. The chain starts good. The state of a packet decides its fate,
//! then the state moves: once per packet, or once per slot of time when draws
//! are keyed by time.
//! Average L and mean burst b of the simple chain (k=1, h=0) give r = 1/b and
//! p = L / (b (1-L)).
//! Differs: netem draws the move first and then tests the old state: the same
//! statistics, another sequence.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::Draws;
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio};

use super::at_most_all;
use crate::model::{Loss, LossModel, Passage};

/// Either `average` and `burst`, or `p` and `r` (and `h`, `k`).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"average": "2%", "burst": 5}]))]
pub struct GilbertElliott {
    /// Long-run share of lost packets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average: Option<Ratio>,
    /// Mean number of packets lost in a row, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<f64>,
    /// Probability to go from good to bad after a packet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p: Option<Ratio>,
    /// Probability to go from bad to good after a packet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r: Option<Ratio>,
    /// Share of packets that pass in the bad state; default 0%.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub h: Option<Ratio>,
    /// Share of packets that pass in the good state; default 100%.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k: Option<Ratio>,
}

impl GilbertElliott {
    /// p, r and the losses in the good and the bad state.
    pub(super) fn chain(&self) -> Result<[f64; 4], BuildError> {
        match (self.average, self.burst, self.p, self.r) {
            (Some(average), Some(burst), None, None) if self.h.is_none() && self.k.is_none() => {
                simple(average, burst)
            }
            (None, None, Some(p), Some(r)) => {
                let (h, k) = (self.h.unwrap_or(Ratio::ZERO), self.k.unwrap_or(Ratio::ONE));
                for (field, ratio) in [("p", p), ("r", r), ("h", h), ("k", k)] {
                    at_most_all(field, ratio)?;
                }
                Ok([p.as_f64(), r.as_f64(), 1.0 - k.as_f64(), 1.0 - h.as_f64()])
            }
            _ => Err(BuildError::new(
                "expected either `average` and `burst`, or `p` and `r` (with `h` and `k` if you like), not a mix",
            )),
        }
    }
}

/// p, r and the losses of the chain that loses everything in its bad state and
/// nothing in its good one.
fn simple(average: Ratio, burst: f64) -> Result<[f64; 4], BuildError> {
    at_most_all("average", average)?;
    if !(burst >= 1.0 && burst.is_finite()) {
        return Err(BuildError::field(
            "burst",
            format!("expected a number of packets, 1 or more, found {burst}"),
        ));
    }
    // p <= 1 is L <= b / (1 + b).
    let most = burst / (1.0 + burst);
    let average = average.as_f64();
    if average > most {
        let message = format!(
            "bursts of {burst} allow at most {}: expected a smaller average or longer bursts",
            Ratio::from_f64(most)
        );
        return Err(BuildError::field("average", message));
    }
    Ok([average / (burst * (1.0 - average)), 1.0 / burst, 0.0, 1.0])
}

impl Plugin for GilbertElliott {
    type Kind = Loss;
    const NAME: &'static str = "gilbert_elliott";
    const SUMMARY: &'static str = "losses in bursts: a good and a bad state";
    const REFERENCES: &'static [&'static str] = &[
        "Gilbert, Bell System Technical Journal 39, 1960",
        "Elliott, Bell System Technical Journal 42, 1963",
        "tc-netem(8): loss gemodel",
    ];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn LossModel>, BuildError> {
        let [p, r, in_good, in_bad] = self.chain()?;
        let draws = cx.streams.draws(cx.path, "loss");
        Ok(Box::new(Chain {
            draws,
            good: State {
                loss: in_good,
                leave: p,
            },
            bad: State {
                loss: in_bad,
                leave: r,
            },
            is_bad: false,
            step: 0,
        }))
    }
}

struct State {
    loss: f64,
    leave: f64,
}

struct Chain {
    draws: Draws,
    good: State,
    bad: State,
    is_bad: bool,
    /// Moves made so far.
    step: u64,
}

impl LossModel for Chain {
    fn lose(&mut self, Passage { draw, step, .. }: Passage) -> bool {
        while self.step < step {
            let leave = self.state().leave;
            if self.draws.unit(moves(self.step)) < leave {
                self.is_bad = !self.is_bad;
            }
            self.step += 1;
        }
        self.draws.unit(fate(draw)) < self.state().loss
    }
}

impl Chain {
    const fn state(&self) -> &State {
        if self.is_bad { &self.bad } else { &self.good }
    }
}

/// Fates use the even draws of the stream, moves the odd ones.
const fn fate(draw: u64) -> u64 {
    draw.wrapping_mul(2)
}

const fn moves(step: u64) -> u64 {
    step.wrapping_mul(2).wrapping_add(1)
}
