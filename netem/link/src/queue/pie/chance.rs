//! From a probability to a decision, at random or spread out.
//!
//! Implements: RFC 8033 section 4 (each packet at random); section 5.4 and
//! appendix B (drops neither too close to each other nor too far apart), in
//! units of 2^-32. The accumulated probability starts anew at every drop and
//! mark.

/// 0.85: below, nothing is dropped.
const LOW: u64 = 3_650_722_201;
/// 8.5: from there on, the next packet is dropped.
const HIGH: u64 = 36_507_222_016;

/// A probability in units of 2^-32.
pub(super) fn q32(probability: f64) -> u64 {
    (probability * 4_294_967_296.0) as u64
}

/// Probability that has gone by since the last drop.
#[derive(Debug, Default)]
pub(super) struct Spread {
    passed: u64,
}

impl Spread {
    /// Whether to act on the next packet, whose draw is `draw`.
    pub(super) fn decide(&mut self, probability: u64, draw: u32) -> bool {
        if probability == 0 {
            self.passed = 0;
        }
        self.passed = self.passed.saturating_add(probability);
        self.passed >= HIGH || (self.passed >= LOW && u64::from(draw) < probability)
    }

    /// A packet was dropped or marked.
    pub(super) const fn restart(&mut self) {
        self.passed = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::rng::Draws;

    /// The packet after a drop, counted from 1, on which `draw` is acted.
    fn spacing(probability: u64, mut draw: impl FnMut() -> u32) -> u64 {
        let mut spread = Spread::default();
        (1..).find(|_| spread.decide(probability, draw())).unwrap()
    }

    /// queues-and-wire 1.3, vector P5.
    #[test]
    fn drops_have_a_least_and_a_greatest_distance() {
        for (p, least, greatest) in [
            (0.05, 18, 171),
            (0.01, 86, 851),
            (0.1, 9, 86),
            (0.2, 5, 43),
            (0.001, 851, 8501),
        ] {
            let p = q32(p);
            assert_eq!(
                (spacing(p, || 0), spacing(p, || u32::MAX)),
                (least, greatest)
            );
        }
        assert_eq!(q32(0.05), 214_748_364);
        assert_eq!(q32(1.0), 1 << 32);
    }

    /// P5: at p = 5 % drops are 36.9926 packets apart, not 20. The distance is
    /// 18 packets and a geometric number cut at 153, of standard deviation
    /// below sqrt(0.95)/0.05 = 19.5: over 20 000 drops 0.138, times 4.
    #[test]
    fn the_real_rate_is_about_half() {
        let draws = Draws::from_key(8033);
        let mut index = 0;
        let mut draw = || {
            index += 1;
            (draws.bits(index) >> 32) as u32
        };
        let drops = 20_000;
        let total: u64 = (0..drops).map(|_| spacing(q32(0.05), &mut draw)).sum();
        let mean = total as f64 / f64::from(drops);
        assert!((mean - 36.9926).abs() < 4.0 * 0.138, "{mean}");
    }

    #[test]
    fn no_probability_forgets_what_has_passed() {
        let mut spread = Spread::default();
        for _ in 0..80 {
            assert!(!spread.decide(q32(0.01), 0));
        }
        assert!(!spread.decide(0, 0));
        for _ in 0..80 {
            assert!(!spread.decide(q32(0.01), 0));
        }
    }
}
