//! Theory of losses whose probability depends on the state of a Markov chain.

/// A chain of `N` states; in each one packets are lost with its own
/// probability.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HiddenChain<const N: usize> {
    /// Probability to go from one state (row) to another (column).
    pub(crate) moves: [[f64; N]; N],
    /// Loss in each state.
    pub(crate) loss: [f64; N],
}

impl<const N: usize> HiddenChain<N> {
    fn step(&self, from: &[f64; N]) -> [f64; N] {
        std::array::from_fn(|to| (0..N).map(|i| from[i] * self.moves[i][to]).sum())
    }

    fn lose(&self, from: &[f64; N]) -> [f64; N] {
        std::array::from_fn(|i| from[i] * self.loss[i])
    }

    /// Share of time in each state, by iteration from the first one.
    pub(crate) fn stationary(&self) -> [f64; N] {
        let mut pi: [f64; N] = std::array::from_fn(|i| f64::from(u8::from(i == 0)));
        for _ in 0..100_000 {
            // Half a step each: converges for periodic chains too.
            let next = self.step(&pi);
            pi = std::array::from_fn(|i| (pi[i] + next[i]) / 2.0);
        }
        pi
    }

    /// Long-run share of lost packets.
    pub(crate) fn loss_rate(&self) -> f64 {
        self.lose(&self.stationary()).iter().sum()
    }

    /// Covariances of the fates of packets 1, 2, .. apart until they vanish.
    fn covariances(&self) -> impl Iterator<Item = f64> + '_ {
        let pi = self.stationary();
        let rate: f64 = self.lose(&pi).iter().sum();
        // Deviation from stationarity given that a packet is lost.
        let mut off = self.lose(&pi);
        for i in 0..N {
            off[i] -= rate * pi[i];
        }
        std::iter::from_fn(move || {
            off = self.step(&off);
            off.iter()
                .any(|x| x.abs() > 1e-15)
                .then(|| self.lose(&off).iter().sum())
        })
    }

    /// How many times more the number of losses varies than if packets were
    /// independent.
    pub(crate) fn variance_inflation(&self) -> f64 {
        let rate = self.loss_rate();
        1.0 + 2.0 * self.covariances().sum::<f64>() / (rate * (1.0 - rate))
    }

    /// Correlation of the fates of neighbours.
    pub(crate) fn autocorrelation(&self) -> f64 {
        let rate = self.loss_rate();
        self.covariances().next().unwrap_or(0.0) / (rate * (1.0 - rate))
    }

    /// Probabilities that a run of losses is longer than 0, 1, 2, .. packets.
    pub(crate) fn run_longer(&self) -> impl Iterator<Item = f64> + '_ {
        let pi = self.stationary();
        let kept: [f64; N] = std::array::from_fn(|i| pi[i] * (1.0 - self.loss[i]));
        let mut state = self.lose(&self.step(&kept));
        let starts: f64 = state.iter().sum();
        std::iter::from_fn(move || {
            let longer = state.iter().sum::<f64>() / starts;
            state = self.lose(&self.step(&state));
            Some(longer)
        })
    }

    /// Mean length of a run of losses.
    pub(crate) fn mean_run(&self) -> f64 {
        self.run_longer().take_while(|p| *p > 1e-15).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two(p: f64, r: f64, good: f64, bad: f64) -> HiddenChain<2> {
        HiddenChain {
            moves: [[1.0 - p, p], [r, 1.0 - r]],
            loss: [good, bad],
        }
    }

    /// Loss rate, mean run, correlation of neighbours and the share of runs of
    /// one packet, to the digits given; the variance inflation by its formula.
    #[test]
    fn closed_forms_of_the_two_state_chain() {
        let rows = [
            ([0.01, 0.25, 0.0, 1.0], [0.038_461_538_5, 4.0, 0.74, 0.25]),
            (
                [0.02, 0.2, 0.01, 0.7],
                [0.072_727_272_7, 1.979_120, 0.455_096, 0.567_976],
            ),
            (
                [0.005, 0.1, 0.001, 0.5],
                [0.024_761_904_8, 1.763_429, 0.418_524, 0.580_085],
            ),
        ];
        for ([p, r, good, bad], [rate, run, correlation, one]) in rows {
            let chain = two(p, r, good, bad);
            assert!((chain.loss_rate() - rate).abs() < 1e-10);
            assert!((chain.mean_run() - run).abs() < 6e-7);
            assert!((chain.autocorrelation() - correlation).abs() < 6e-7);
            let longer: Vec<f64> = chain.run_longer().take(2).collect();
            assert!((longer[0] - 1.0).abs() < 1e-12);
            assert!((1.0 - longer[1] - one).abs() < 6e-7);
            let (rate, lambda) = (chain.loss_rate(), 1.0 - p - r);
            let spread = p * r / (p + r).powi(2) * (bad - good).powi(2);
            let inflation = 2.0 * spread * lambda / ((1.0 - lambda) * rate * (1.0 - rate));
            assert!((chain.variance_inflation() - 1.0 - inflation).abs() < 1e-9);
        }
    }
}
