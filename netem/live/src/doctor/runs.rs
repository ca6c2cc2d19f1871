//! Whether lost packets are those of a chain: how many there are, and how they
//! follow each other.
//!
//! Runs of lost and of passed packets of a chain of two states of which one loses
//! everything and the other nothing are independent and geometric; independent losses
//! are the chain whose next state does not depend on the last one. The lengths of both
//! kinds of runs and the number of losses are all that there is to know.
//!
//! Implements: Pearson's chi-square test against geometric lengths, in bins that expect
//! at least five runs each; the number of losses against the normal distribution,
//! with the variance of a chain of two states (Gilbert 1960).
//! Differs: parameters are known, so that no degree of freedom is spent on them. The
//! first and the last run are left out, since their other ends are not seen.

use weaknet_core::gamma::Gamma;

/// Runs that a bin expects at least, so that chi-square is a good approximation.
const LEAST: f64 = 5.0;
/// A bin has this share of the runs, where lengths come that fine: more bins find less.
const SHARE: f64 = 0.1;

/// A chain that loses every packet in its bad state and none in its good one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chain {
    /// Probability to go from good to bad after a packet.
    pub p: f64,
    /// Probability to go from bad to good after a packet.
    pub r: f64,
}

/// What a test says: how likely chance alone is so far off or farther.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// Of the number of losses.
    pub count: f64,
    /// Of the lengths of runs of lost packets.
    pub losses: f64,
    /// Of the lengths of runs of passed packets.
    pub passes: f64,
}

impl Chain {
    /// Independent losses.
    #[must_use]
    pub const fn independent(loss: f64) -> Self {
        Self {
            p: loss,
            r: 1.0 - loss,
        }
    }

    /// Losses on average, and how many in a row.
    #[must_use]
    pub fn bursts(average: f64, burst: f64) -> Self {
        Self {
            p: average / (burst * (1.0 - average)),
            r: 1.0 / burst,
        }
    }

    /// Tests which packets were lost, in the order in which they were sent.
    #[must_use]
    pub fn test(self, lost: &[bool]) -> Fit {
        let [passes, losses] = runs(lost);
        Fit {
            count: self.test_count(lost),
            losses: geometric(&losses, self.r),
            passes: geometric(&passes, self.p),
        }
    }

    fn test_count(self, lost: &[bool]) -> f64 {
        let share = self.p / (self.p + self.r);
        let memory = 1.0 - self.p - self.r;
        let n = lost.len() as f64;
        let variance = n * share * (1.0 - share) * (1.0 + memory) / (1.0 - memory);
        let found = lost.iter().filter(|lost| **lost).count() as f64;
        chi_square_tail((found - n * share).powi(2) / variance, 1)
    }
}

/// Lengths of the runs of `false` and of `true` that begin and end within.
fn runs(values: &[bool]) -> [Vec<usize>; 2] {
    let mut runs = [Vec::new(), Vec::new()];
    let chunks: Vec<&[bool]> = values.chunk_by(|a, b| a == b).collect();
    if let [_, inner @ .., _] = chunks.as_slice() {
        for run in inner {
            runs[usize::from(run[0])].push(run.len());
        }
    }
    runs
}

/// How likely lengths are so far from a geometric distribution with this probability to
/// end after each; 1 when there are too few to say.
fn geometric(lengths: &[usize], end: f64) -> f64 {
    let n = lengths.len() as f64;
    let (mut statistic, mut bins) = (0.0, 0);
    // Longest length of the last bin, and the share of lengths beyond it.
    let (mut from, mut beyond) = (0, 1.0_f64);
    let mut add = |expected: f64, found: usize| {
        statistic += (found as f64 - expected).powi(2) / expected;
        bins += 1;
    };
    loop {
        let share = SHARE.max(LEAST / n) / beyond;
        let within = (1.0 - share).max(0.0).ln() / (1.0 - end).max(0.0).ln();
        let to = from + within.clamp(1.0, 1e9).ceil() as usize;
        let rest = (1.0 - end).powi(i32::try_from(to).unwrap_or(i32::MAX));
        if n * rest < LEAST || n * (beyond - rest) < LEAST {
            let found = lengths.iter().filter(|length| **length > from);
            add(n * beyond, found.count());
            break;
        }
        let found = lengths
            .iter()
            .filter(|length| (from + 1..=to).contains(length));
        add(n * (beyond - rest), found.count());
        (from, beyond) = (to, rest);
    }
    if bins < 2 {
        return 1.0;
    }
    chi_square_tail(statistic, bins - 1)
}

/// P(chi-square with `freedom` degrees of freedom > x).
fn chi_square_tail(x: f64, freedom: u32) -> f64 {
    Gamma::new(f64::from(freedom) / 2.0).tails(x / 2.0).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::Streams;

    #[test]
    fn critical_values_of_the_tables_in_print() {
        for (freedom, x, p) in [(1, 3.841, 0.05), (5, 15.086, 0.01), (10, 29.588, 1e-3)] {
            let tail = chi_square_tail(x, freedom);
            assert!((tail / p - 1.0).abs() < 2e-3, "{freedom} {x}: {tail}");
        }
    }

    #[test]
    fn runs_with_both_ends() {
        let lost = [true, false, false, true, true, true, false, true].as_slice();
        assert_eq!(runs(lost), [vec![2, 1], vec![3]]);
        for few in [&lost[..3], &[]] {
            assert!(runs(few).iter().all(Vec::is_empty));
        }
    }

    /// A walk through the chain, with draws of our own.
    fn walk(chain: Chain, seed: u64, packets: usize) -> Vec<bool> {
        let mut draws = Streams::new(seed).sequence("runs", "test");
        let mut bad = false;
        let next = |bad: &mut bool| {
            let u = draws.unit();
            *bad = if *bad { u >= chain.r } else { u < chain.p };
            *bad
        };
        std::iter::repeat_with({
            let mut next = next;
            move || next(&mut bad)
        })
        .take(packets)
        .collect()
    }

    #[test]
    fn chance_alone_is_taken_for_chance() {
        for chain in [Chain::independent(0.05), Chain::bursts(0.05, 5.0)] {
            let fits: Vec<Fit> = (0..400)
                .map(|seed| chain.test(&walk(chain, seed, 20_000)))
                .collect();
            for of in [
                |fit: &Fit| fit.count,
                |fit: &Fit| fit.losses,
                |fit: &Fit| fit.passes,
            ] {
                let below = |p: f64| fits.iter().filter(|fit| of(fit) < p).count();
                // 20 and 200 of 400 are expected: four standard deviations around.
                assert!((3..=37).contains(&below(0.05)), "{}", below(0.05));
                assert!((160..=240).contains(&below(0.5)), "{}", below(0.5));
            }
        }
    }

    #[test]
    fn another_chain_is_found_out() {
        let bursts = Chain::bursts(0.05, 5.0);
        let independent = Chain::independent(0.05);
        for seed in 0..20 {
            let wrong = independent.test(&walk(bursts, seed, 20_000));
            assert!(wrong.losses < 1e-9 && wrong.passes < 1e-9, "{wrong:?}");
            let wrong = bursts.test(&walk(independent, seed, 20_000));
            assert!(wrong.losses < 1e-9, "{wrong:?}");
            let more = independent.test(&walk(Chain::independent(0.06), seed, 20_000));
            assert!(more.count < 1e-3, "{more:?}");
        }
    }

    #[test]
    fn strange_sequences_have_an_answer() {
        for lost in [vec![], vec![true; 100], vec![false; 100], vec![true]] {
            for chain in [Chain::independent(0.05), Chain { p: 1.0, r: 1.0 }] {
                let fit = chain.test(&lost);
                assert_eq!((fit.losses, fit.passes), (1.0, 1.0), "{lost:?}");
            }
        }
    }
}
