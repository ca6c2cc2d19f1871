//! The two-state chain of losses: its likelihood, its fit and its moments.
//!
//! Implements: the scaled Baum-Welch recursion (Rabiner 1989) for a chain that
//! starts in its stationary state; variance of the number of losses and the
//! distribution of loss runs in closed form.

const ROUNDS: usize = 60;

/// A Gilbert-Elliott chain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Chain {
    pub(super) p: f64,
    pub(super) r: f64,
    pub(super) loss_in_good: f64,
    pub(super) loss_in_bad: f64,
}

pub(super) struct Fitted {
    pub(super) chain: Chain,
    pub(super) log_likelihood: f64,
}

impl Chain {
    /// Share of the packets that meet the bad state.
    pub(super) fn in_bad(&self) -> f64 {
        self.p / (self.p + self.r).max(1e-300)
    }

    /// Var of the number lost among `n` packets in a row.
    pub(super) fn variance_of_losses(&self, n: f64) -> f64 {
        let bad = self.in_bad();
        let loss = (1.0 - bad) * self.loss_in_good + bad * self.loss_in_bad;
        let lambda = 1.0 - self.p - self.r;
        let c = bad * (1.0 - bad) * (self.loss_in_bad - self.loss_in_good).powi(2);
        let geometric = if (1.0 - lambda).abs() < 1e-12 {
            0.0
        } else {
            lambda * (n - 1.0 - n * lambda + libm::pow(lambda, n)) / (1.0 - lambda).powi(2)
        };
        (n * loss * (1.0 - loss) + 2.0 * c * geometric).max(0.0)
    }

    /// Probabilities of runs of 1, 2, .. `most` losses.
    pub(super) fn run_lengths(&self, most: usize) -> Vec<f64> {
        let e = [self.loss_in_good, self.loss_in_bad];
        let step = [[1.0 - self.p, self.p], [self.r, 1.0 - self.r]];
        let pi = [1.0 - self.in_bad(), self.in_bad()];
        // A run starts after a packet that passed.
        let mut state = [0.0; 2];
        for (to, s) in state.iter_mut().enumerate() {
            *s = (0..2)
                .map(|from| pi[from] * (1.0 - e[from]) * step[from][to])
                .sum::<f64>()
                * e[to];
        }
        let start: f64 = state.iter().sum();
        let mut tail = 1.0;
        let mut lengths = Vec::with_capacity(most);
        for _ in 0..most {
            let mut next = [0.0; 2];
            for (to, s) in next.iter_mut().enumerate() {
                *s = (0..2).map(|from| state[from] * step[from][to]).sum::<f64>() * e[to];
            }
            state = next;
            let longer = state.iter().sum::<f64>() / start.max(1e-300);
            lengths.push((tail - longer).max(0.0));
            tail = longer;
        }
        lengths
    }
}

/// The chain of greatest likelihood near `start`, with losses in both states.
pub(super) fn baum_welch(sequences: &[Vec<bool>], start: Chain) -> Fitted {
    let mut chain = Chain {
        p: (start.p * 0.7).clamp(1e-6, 0.5),
        r: (start.r * 0.7).clamp(1e-4, 0.9),
        loss_in_good: (start.p * 0.3).clamp(1e-6, 0.3),
        loss_in_bad: 0.8,
    };
    let mut likelihood = f64::NEG_INFINITY;
    for _ in 0..ROUNDS {
        let (next, reached) = round(sequences, &chain);
        let gained = reached - likelihood;
        likelihood = reached;
        if gained < 1e-3 {
            break;
        }
        chain = next;
    }
    Fitted {
        chain,
        log_likelihood: likelihood,
    }
}

/// One step of expectation and maximisation, and the likelihood before it.
fn round(sequences: &[Vec<bool>], chain: &Chain) -> (Chain, f64) {
    let step = [[1.0 - chain.p, chain.p], [chain.r, 1.0 - chain.r]];
    let emit = |lost: bool| {
        let e = [chain.loss_in_good, chain.loss_in_bad];
        if lost { e } else { [1.0 - e[0], 1.0 - e[1]] }
    };
    let pi = [1.0 - chain.in_bad(), chain.in_bad()];
    let mut log_likelihood = 0.0;
    let mut moves = [[0.0; 2]; 2];
    let mut seen = [0.0; 2];
    let mut lost_in = [0.0; 2];
    let (mut forward, mut scales) = (Vec::new(), Vec::new());
    for sequence in sequences {
        forward.clear();
        scales.clear();
        let mut state = pi;
        for (t, lost) in sequence.iter().enumerate() {
            if t > 0 {
                state = [
                    state[0] * step[0][0] + state[1] * step[1][0],
                    state[0] * step[0][1] + state[1] * step[1][1],
                ];
            }
            let e = emit(*lost);
            let scale = (state[0] * e[0] + state[1] * e[1]).max(1e-300);
            state = [state[0] * e[0] / scale, state[1] * e[1] / scale];
            log_likelihood += libm::log(scale);
            forward.push(state);
            scales.push(scale);
        }
        let mut backward = [1.0, 1.0];
        for t in (0..sequence.len()).rev() {
            for s in 0..2 {
                let here = forward[t][s] * backward[s];
                seen[s] += here;
                if sequence[t] {
                    lost_in[s] += here;
                }
            }
            if t == 0 {
                break;
            }
            let e = emit(sequence[t]);
            let ahead = [
                e[0] * backward[0] / scales[t],
                e[1] * backward[1] / scales[t],
            ];
            for from in 0..2 {
                for to in 0..2 {
                    moves[from][to] += forward[t - 1][from] * step[from][to] * ahead[to];
                }
            }
            backward = [
                step[0][0] * ahead[0] + step[0][1] * ahead[1],
                step[1][0] * ahead[0] + step[1][1] * ahead[1],
            ];
        }
    }
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    let next = Chain {
        p: share(moves[0][1], moves[0][0] + moves[0][1]),
        r: share(moves[1][0], moves[1][0] + moves[1][1]),
        loss_in_good: share(lost_in[0], seen[0]),
        loss_in_bad: share(lost_in[1], seen[1]),
    };
    (next, log_likelihood)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_known_chains() {
        // Exact enumeration over 40 packets; run lengths of the closed form.
        for (p, r, good, bad, variance, runs) in [
            (
                0.01,
                0.25,
                0.0,
                1.0,
                9.090_197_680,
                [0.25, 0.1875, 0.140_625],
            ),
            (
                0.02,
                0.2,
                0.01,
                0.7,
                12.589_639_812,
                [0.567_976, 0.191_317, 0.105_911],
            ),
            (
                0.005,
                0.1,
                0.001,
                0.5,
                6.854_647_640,
                [0.580_085, 0.230_983, 0.103_913],
            ),
        ] {
            let chain = Chain {
                p,
                r,
                loss_in_good: good,
                loss_in_bad: bad,
            };
            assert!((chain.variance_of_losses(40.0) - variance).abs() < 1e-8);
            for (got, want) in chain.run_lengths(3).iter().zip(runs) {
                assert!((got - want).abs() < 1e-6, "{got} {want}");
            }
        }
    }
}
