//! Losses that repair packets leave, by the binomial distribution.

/// The expected share of media packets that stays lost when a block of `media`
/// packets has `repairs` repair packets, each packet is lost with probability
/// `loss`, independently, and any `media` of them suffice for all (RFC 8854's
/// ideal; codes by XOR leave more).
pub(super) fn residual(media: u32, repairs: u32, loss: f64) -> f64 {
    let all = media + repairs;
    let mut chance = 1.0; // of no loss
    for _ in 0..all {
        chance *= 1.0 - loss;
    }
    let mut harmless = 0.0;
    for lost in 0..=repairs {
        harmless += chance * f64::from(lost);
        chance *= loss / (1.0 - loss) * f64::from(all - lost) / f64::from(lost + 1);
    }
    // Of the mean number of losses, what comes in harmless blocks.
    ((f64::from(all) * loss - harmless) / f64::from(all)).max(0.0)
}

/// The fewest repair packets, at most `most`, that leave no more than `target`.
/// When losses come in runs of `burst` on average, runs are counted in place of
/// packets, as if all had that length.
pub(super) fn repairs_for(media: u32, loss: f64, burst: f64, target: f64, most: u32) -> u32 {
    if media == 0 || loss <= target || loss >= 1.0 {
        return if loss <= target { 0 } else { most };
    }
    let run = burst.max(1.0);
    let units = |packets: u32| (f64::from(packets) / run).ceil() as u32;
    let enough = |repairs: &u32| {
        let runs = (f64::from(*repairs) / run) as u32;
        residual(units(media), runs, loss) <= target
    };
    (0..most).find(enough).unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All patterns of losses, one by one.
    fn by_patterns(media: u32, repairs: u32, loss: f64) -> f64 {
        let all = media + repairs;
        let share = |pattern: u32| {
            let lost = pattern.count_ones();
            let chance = (0..all).fold(1.0, |c, bit| {
                c * if pattern & 1 << bit == 0 {
                    1.0 - loss
                } else {
                    loss
                }
            });
            let gone = (pattern & ((1 << media) - 1)).count_ones();
            if lost > repairs {
                chance * f64::from(gone) / f64::from(media)
            } else {
                0.0
            }
        };
        (0..1 << all).map(share).sum()
    }

    #[test]
    fn the_sum_is_that_over_all_patterns() {
        for (media, repairs, loss) in [
            (1, 0, 0.3),
            (4, 1, 0.1),
            (8, 3, 0.2),
            (10, 4, 0.05),
            (5, 5, 0.5),
        ] {
            let (sum, patterns) = (
                residual(media, repairs, loss),
                by_patterns(media, repairs, loss),
            );
            assert!((sum - patterns).abs() < 1e-12, "{sum} {patterns}");
        }
    }

    #[test]
    fn as_few_repair_packets_as_will_do() {
        assert_eq!(repairs_for(10, 0.0, 1.0, 1e-3, 10), 0);
        let needed = repairs_for(10, 0.05, 1.0, 1e-3, 10);
        assert!(residual(10, needed, 0.05) <= 1e-3 && residual(10, needed - 1, 0.05) > 1e-3);
        assert_eq!(needed, 3);
        assert_eq!(repairs_for(10, 0.9, 1.0, 1e-3, 10), 10);
        assert_eq!(repairs_for(10, 1.0, 1.0, 1e-3, 7), 7);
    }

    #[test]
    fn bursts_need_more_at_the_same_loss() {
        let needed = [1.0, 2.0, 4.0].map(|burst| repairs_for(16, 0.05, burst, 1e-3, 16));
        assert!(needed.is_sorted() && needed[0] < needed[2], "{needed:?}");
    }
}
