//! The shapes that a call's course has, as single figures.

use crate::course::{Course, SETTLED, Second};

/// A fall of the estimate within one second by more than this is a cut.
const CUT: f64 = 0.9;

fn mean(seconds: &[Second], of: fn(&Second) -> f64) -> f64 {
    seconds.iter().map(of).sum::<f64>() / seconds.len() as f64
}

impl Course {
    fn between(&self, from: f64, to: f64) -> &[Second] {
        let at = |time: f64| self.seconds.partition_point(|second| second.end <= time);
        &self.seconds[at(from)..at(to)]
    }

    /// The end of the first second with 90 % of what the last 20 s have.
    pub(crate) fn reaches_90_percent(&self, of: fn(&Second) -> f64) -> f64 {
        let end = self.seconds.len() as f64;
        let steady = mean(self.between(end - 20.0, end), of);
        let reached = self.seconds.iter().find(|s| of(s) >= 0.9 * steady);
        reached.map_or(f64::INFINITY, |second| second.end)
    }

    /// Mean link rate over the last 20 s.
    pub(crate) fn steady_link(&self) -> f64 {
        let end = self.seconds.len() as f64;
        mean(self.between(end - 20.0, end), |s| s.link)
    }

    /// Mean target of the encoder over the last 20 s.
    pub(crate) fn steady_encoder(&self) -> f64 {
        let end = self.seconds.len() as f64;
        mean(self.between(end - 20.0, end), |s| s.encoder)
    }

    /// The estimate at the end of a second.
    pub(crate) fn estimate_at(&self, end: f64) -> f64 {
        self.between(end - 1.0, end)[0].estimate
    }

    /// Estimates before and after each cut, and the time of it.
    fn cuts(&self) -> Vec<(f64, f64, f64)> {
        let seconds = self.between(SETTLED, f64::MAX);
        let cut = |pair: &[Second]| {
            let [before, after] = [pair[0].estimate, pair[1].estimate];
            (after < CUT * before).then_some((pair[1].end, before, after))
        };
        seconds.windows(2).filter_map(cut).collect()
    }

    /// Mean time between two cuts, in seconds.
    pub(crate) fn sawtooth_period(&self) -> f64 {
        let cuts = self.cuts();
        (cuts[cuts.len() - 1].0 - cuts[0].0) / (cuts.len() - 1) as f64
    }

    /// What a cut leaves of the estimate, on average.
    pub(crate) fn sawtooth_depth(&self) -> f64 {
        let cuts = self.cuts();
        cuts.iter().map(|cut| cut.2 / cut.1).sum::<f64>() / cuts.len() as f64
    }

    /// Mean estimate before a cut.
    pub(crate) fn sawtooth_peak(&self) -> f64 {
        let cuts = self.cuts();
        cuts.iter().map(|cut| cut.1).sum::<f64>() / cuts.len() as f64
    }

    /// What left the link of what it could carry, once settled.
    pub(crate) fn utilisation(&self) -> f64 {
        let seconds = self.between(SETTLED, f64::MAX);
        mean(seconds, |s| s.link) / mean(seconds, |s| s.capacity)
    }

    /// Seconds after `from` until the end of the first whose longest wait is
    /// below `ms`.
    pub(crate) fn drained(&self, from: f64, ms: f64) -> f64 {
        let after = self.between(from, f64::MAX);
        let drained = after.iter().find(|s| s.longest_wait < ms);
        drained.map_or(f64::INFINITY, |second| second.end - from)
    }

    /// Growth of the estimate per second, from the end of one second to that of
    /// another.
    pub(crate) fn growth(&self, from: f64, to: f64) -> f64 {
        let times = self.estimate_at(to) / self.estimate_at(from);
        times.powf(1.0 / (to - from)) - 1.0
    }
}
