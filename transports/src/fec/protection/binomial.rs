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

/// The fewest repair packets per block on average, at most `most`, that leave no
/// more than `target`: blocks with one more and blocks with one less take turns,
/// since few packets allow few steps. When losses come in runs of `burst` on average,
/// runs are counted in place of packets, as if all had that length; independent
/// losses come in runs of 1 / (1 - `loss`), which counts as one.
pub(super) fn repairs_for(media: u32, loss: f64, burst: f64, target: f64, most: u32) -> f64 {
    if media == 0 || loss <= target || loss >= 1.0 {
        return if loss <= target { 0.0 } else { f64::from(most) };
    }
    let run = (burst * (1.0 - loss)).max(1.0);
    let blocks = (f64::from(media) / run).ceil() as u32;
    let left = |repairs: u32| residual(blocks, (f64::from(repairs) / run) as u32, loss);
    match (0..most).find(|repairs| left(*repairs) <= target) {
        None => f64::from(most),
        Some(0) => 0.0,
        Some(enough) => {
            let (more, less) = (left(enough), left(enough - 1));
            f64::from(enough - 1) + (less - target) / (less - more)
        }
    }
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
        let needed = |media, loss, most| repairs_for(media, loss, 1.0, 1e-3, most);
        assert_eq!([needed(10, 0.0, 10), needed(10, 0.9, 10)], [0.0, 10.0]);
        assert_eq!(needed(10, 1.0, 7), 7.0);
    }

    #[test]
    fn blocks_with_one_more_and_one_less_leave_the_target_together() {
        for (media, loss) in [(4, 0.05), (10, 0.05), (10, 0.01), (30, 0.1), (2, 0.02)] {
            let needed = repairs_for(media, loss, 1.0, 1e-3, 30);
            let less = needed as u32;
            let share = needed - f64::from(less);
            let left = (1.0 - share) * residual(media, less, loss)
                + share * residual(media, less + 1, loss);
            assert!(
                (left - 1e-3).abs() < 1e-9,
                "{media} {loss}: {needed}, {left}"
            );
        }
    }

    #[test]
    fn four_packets_at_five_percent_need_half_as_many_again() {
        // Two leave the chance of 3 and more of 6: 6 x 0.05 - sum of k C(6, k)
        // 0.05^k 0.95^(6-k) for k up to 2, by 6: 0.11 %. Three leave 0.009 %.
        let needed = repairs_for(4, 0.05, 1.0 / 0.95, 1e-3, 4);
        assert!((2.0..2.2).contains(&needed), "{needed}");
    }

    #[test]
    fn independent_losses_are_no_bursts() {
        for loss in [0.02, 0.1, 0.3] {
            let of = |burst| repairs_for(12, loss, burst, 1e-3, 24);
            assert_eq!(of(1.0 / (1.0 - loss)), of(1.0));
        }
    }

    #[test]
    fn bursts_need_more_at_the_same_loss() {
        let needed = [1.0, 2.0, 4.0].map(|burst| repairs_for(16, 0.05, burst, 1e-3, 16));
        assert!(needed.is_sorted() && needed[0] < needed[2], "{needed:?}");
    }
}
