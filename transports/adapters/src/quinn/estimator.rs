//! Where quinn's round-trip time estimators come from.
//!
//! quinn's controllers take an `RttEstimator`, which only a connection of quinn
//! can make. So a source keeps one over loopback, without encryption, resets its
//! path, lets pings take the times that lead to the wanted state, and takes a
//! copy of the estimator when the connection shows it to its controller.
//!
//! With a minimum of m and a smoothed value of s wanted, a first sample of m and
//! a second of 8 s - 7 m do it: (7 m + 8 s - 7 m) / 8 = s (RFC 9002, section
//! 5.3).

use quinn_proto::RttEstimator as QuinnEstimator;
use weaknet_core::Span;
use weaknet_transports::transport::RttEstimator;

use super::loopback::Loopback;
use crate::instants::duration;

/// What an estimator is wanted to say: smoothed and least round-trip time;
/// `None` before the first sample.
type Wanted = Option<(Span, Span)>;

/// Makes estimators to order.
pub(super) struct EstimatorSource {
    /// Absent in a clone that has not been asked yet.
    loopback: Option<Box<Loopback>>,
    made: (Wanted, QuinnEstimator),
}

impl EstimatorSource {
    /// Before the first sample (quinn's default `initial_rtt`).
    pub(super) const INITIAL_RTT: Span = Span::from_millis(333);

    /// `None` when quinn's connections do not come up.
    pub(super) fn new() -> Option<Self> {
        let mut loopback = Box::new(Loopback::new()?);
        let first = loopback.estimator_after(&[])?;
        Some(Self {
            loopback: Some(loopback),
            made: (None, first),
        })
    }

    /// quinn's estimator with the state of ours.
    pub(super) fn estimator(&mut self, rtt: &RttEstimator) -> QuinnEstimator {
        let wanted = rtt.min().map(|min| (rtt.smoothed(), min));
        if wanted != self.made.0
            && let Some(estimator) = self.make(wanted)
        {
            self.made = (wanted, estimator);
        }
        self.made.1
    }

    fn make(&mut self, wanted: Wanted) -> Option<QuinnEstimator> {
        if self.loopback.is_none() {
            self.loopback = Loopback::new().map(Box::new);
        }
        let loopback = self.loopback.as_mut()?;
        let Some((smoothed, min)) = wanted else {
            return loopback.estimator_after(&[]);
        };
        let min = min.min(smoothed);
        let rest = smoothed - min;
        loopback.estimator_after(&[duration(min), duration(min + rest * 8)])
    }
}

/// A clone behaves identically: what a source makes depends on nothing but the
/// order.
impl Clone for EstimatorSource {
    fn clone(&self) -> Self {
        Self {
            loopback: None,
            made: self.made,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::Time;

    /// What quinn's estimator says after ours has seen these round trips.
    fn said(source: &mut EstimatorSource, ours: &RttEstimator) -> (u128, u128) {
        let theirs = source.estimator(ours);
        (theirs.get().as_nanos(), theirs.min().as_nanos())
    }

    #[test]
    fn theirs_says_what_ours_says() {
        let mut source = EstimatorSource::new().expect("a connection");
        let mut ours = RttEstimator::new(EstimatorSource::INITIAL_RTT);
        assert_eq!(said(&mut source, &ours), (333_000_000, 333_000_000));
        for sample in [
            40_000_007,
            73_000_001,
            39_999_999,
            1_200_000_000,
            41_000_003,
        ] {
            ours.on_sample(Time::ZERO, Span::from_nanos(sample), Span::ZERO);
            let min = ours.min().expect("a sample");
            let wanted = [ours.smoothed(), min].map(|span| u128::from(span.as_nanos()));
            assert_eq!(said(&mut source, &ours), wanted.into());
            assert_eq!(said(&mut source.clone(), &ours), wanted.into());
        }
    }
}
