//! Random loss: independent, or in bursts.
//!
//! Implements: the Bernoulli model; the simple Gilbert chain by its maximum
//! likelihood, the shares of transitions; the Gilbert-Elliott chain by the
//! Baum-Welch recursion (Rabiner 1989, scaled). The model with the least
//! Bayesian information criterion is chosen, and Pearson's chi-square of the
//! lengths of loss runs tells how well it fits (bins of at least 5 expected).
//! Differs: runs of the full chain are treated as independent.

use serde::Serialize;

use super::gilbert_elliott::{Chain, baum_welch};
use super::special::chi_square_tail;

/// Fewer losses than this allow no statement on bursts.
const FEWEST: usize = 20;

/// A loss model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LossModel {
    /// Nothing was lost.
    None,
    /// Independent losses.
    Bernoulli,
    /// Bursts: everything is lost in the bad state, nothing in the good one.
    Gilbert {
        /// Probability to go from good to bad.
        p: f64,
        /// Probability to go from bad to good.
        r: f64,
    },
    /// Bursts, with losses in both states.
    GilbertElliott {
        /// Probability to go from good to bad.
        p: f64,
        /// Probability to go from bad to good.
        r: f64,
        /// Share that passes in the bad state.
        h: f64,
        /// Share that passes in the good state.
        k: f64,
    },
}

/// A test of observed against expected counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ChiSquare {
    /// The statistic.
    pub x: f64,
    /// Degrees of freedom.
    pub df: usize,
    /// Probability of a larger value when the model is right.
    pub p: f64,
}

/// The random loss of a link.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LossFit {
    /// The chosen model.
    pub model: LossModel,
    /// Share of packets lost.
    pub average: f64,
    /// Its standard error, bursts taken into account.
    pub average_error: f64,
    /// Mean number of packets lost in a row, and its standard error.
    pub burst: Option<(f64, f64)>,
    /// Packets looked at.
    pub packets: usize,
    /// How well the lengths of loss runs agree.
    pub runs: Option<ChiSquare>,
    /// Bayesian information criterion of the models tried, less the best one.
    pub bic: Vec<(&'static str, f64)>,
    /// Losses that found the queue full.
    pub overflow: usize,
    /// Of these, losses that may have been random.
    pub unclear: usize,
}

/// Transitions within the sequences.
#[derive(Default)]
struct Counts {
    packets: usize,
    lost: usize,
    /// From received to lost, and all from received.
    falls: f64,
    from_received: f64,
    /// From lost to received, and all from lost.
    rises: f64,
    from_lost: f64,
    /// Sequences that begin with a loss, and the others.
    begins_lost: f64,
    begins_received: f64,
    /// Lengths of the complete runs of losses.
    runs: Vec<usize>,
}

impl Counts {
    fn of(sequences: &[Vec<bool>]) -> Self {
        let mut c = Self::default();
        for sequence in sequences {
            c.packets += sequence.len();
            c.lost += sequence.iter().filter(|lost| **lost).count();
            match sequence.first() {
                Some(true) => c.begins_lost += 1.0,
                Some(false) => c.begins_received += 1.0,
                None => {}
            }
            for pair in sequence.windows(2) {
                if pair[0] {
                    c.from_lost += 1.0;
                    c.rises += f64::from(!pair[1]);
                } else {
                    c.from_received += 1.0;
                    c.falls += f64::from(pair[1]);
                }
            }
            let mut run = None;
            for lost in sequence {
                match (*lost, run) {
                    (true, Some(n)) => run = Some(n + 1),
                    (false, Some(n)) if n > 0 => {
                        c.runs.push(n);
                        run = Some(0);
                    }
                    (false, _) => run = Some(0),
                    // Cut at its start.
                    (true, None) => {}
                }
            }
        }
        c
    }
}

pub(super) fn fit(sequences: &[Vec<bool>], overflow: usize, unclear: usize) -> LossFit {
    let counts = Counts::of(sequences);
    let n = counts.packets.max(1) as f64;
    let average = counts.lost as f64 / n;
    let mut fit = LossFit {
        model: if counts.lost == 0 {
            LossModel::None
        } else {
            LossModel::Bernoulli
        },
        average,
        average_error: (average * (1.0 - average) / n).sqrt(),
        burst: None,
        packets: counts.packets,
        runs: None,
        bic: Vec::new(),
        overflow,
        unclear,
    };
    if counts.lost < FEWEST || counts.packets - counts.lost < FEWEST {
        return fit;
    }
    let p = counts.falls / counts.from_received.max(1.0);
    let r = counts.rises / counts.from_lost.max(1.0);
    let gilbert = Chain {
        p,
        r,
        loss_in_good: 0.0,
        loss_in_bad: 1.0,
    };
    let full = baum_welch(sequences, gilbert);
    let penalty = libm::log(n);
    let candidates = [
        ("bernoulli", binary(counts.lost as f64, n), 1.0),
        (
            "gilbert",
            binary(counts.falls, counts.from_received)
                + binary(counts.rises, counts.from_lost)
                + counts.begins_lost * libm::log(gilbert.in_bad().max(1e-300))
                + counts.begins_received * libm::log((1.0 - gilbert.in_bad()).max(1e-300)),
            2.0,
        ),
        ("gilbert_elliott", full.log_likelihood, 4.0),
    ];
    let bic = candidates.map(|(name, likelihood, k)| (name, k * penalty - 2.0 * likelihood));
    let best = bic.iter().map(|(_, b)| *b).fold(f64::INFINITY, f64::min);
    fit.bic = bic.iter().map(|(name, b)| (*name, b - best)).collect();
    let chosen = fit
        .bic
        .iter()
        .find(|(_, b)| *b == 0.0)
        .map_or("bernoulli", |(name, _)| *name);
    let chain = match chosen {
        "gilbert" => gilbert,
        "gilbert_elliott" => full.chain,
        _ => Chain {
            p: average,
            r: 1.0 - average,
            loss_in_good: 0.0,
            loss_in_bad: 1.0,
        },
    };
    fit.model = match chosen {
        "gilbert" => LossModel::Gilbert { p, r },
        "gilbert_elliott" => LossModel::GilbertElliott {
            p: chain.p,
            r: chain.r,
            h: 1.0 - chain.loss_in_bad,
            k: 1.0 - chain.loss_in_good,
        },
        _ => LossModel::Bernoulli,
    };
    fit.average_error = chain.variance_of_losses(n).sqrt() / n;
    if chosen != "bernoulli" {
        let runs: Vec<f64> = counts.runs.iter().map(|run| *run as f64).collect();
        let m = runs.len().max(1) as f64;
        let mean = runs.iter().sum::<f64>() / m;
        let squares = runs.iter().map(|run| (run - mean).powi(2)).sum::<f64>();
        let burst = if chosen == "gilbert" {
            1.0 / r.max(1e-12)
        } else {
            mean
        };
        fit.burst = Some((burst, (squares / m).sqrt() / m.sqrt()));
    }
    // The lengths of runs settle one parameter of Gilbert and three of
    // Gilbert-Elliott; that of independent losses comes from all packets.
    let estimated = match chosen {
        "gilbert" => 1,
        "gilbert_elliott" => 3,
        _ => 0,
    };
    fit.runs = chi_square(&counts.runs, &chain, estimated);
    fit
}

/// Log-likelihood of `k` of `n` at their own share.
fn binary(k: f64, n: f64) -> f64 {
    let term = |x: f64| if x > 0.0 { x * libm::log(x / n) } else { 0.0 };
    term(k) + term(n - k)
}

fn chi_square(runs: &[usize], chain: &Chain, estimated: usize) -> Option<ChiSquare> {
    let n = runs.len() as f64;
    let pmf = chain.run_lengths(200);
    let mut bins: Vec<(f64, f64)> = Vec::new();
    let mut tail = n;
    for (i, share) in pmf.iter().enumerate() {
        let expected = n * share;
        if expected < 5.0 || tail - expected < 5.0 {
            break;
        }
        bins.push((
            runs.iter().filter(|run| **run == i + 1).count() as f64,
            expected,
        ));
        tail -= expected;
    }
    let beyond = runs.iter().filter(|run| **run > bins.len()).count() as f64;
    bins.push((beyond, tail));
    let df = bins.len().checked_sub(1 + estimated).filter(|df| *df > 0)?;
    let x = bins
        .iter()
        .map(|(seen, expected)| (seen - expected).powi(2) / expected)
        .sum();
    Some(ChiSquare {
        x,
        df,
        p: chi_square_tail(x, df),
    })
}
