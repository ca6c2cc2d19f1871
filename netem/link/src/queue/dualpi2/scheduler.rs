//! Which of DualPI2's two queues is served.
//!
//! Implements: RFC 9332 section 4.2.2, weighted round robin in the form of
//! Linux's credits, by bytes, and appendix A.1, time-shifted FIFO. Strict
//! priority for the L queue would starve the other one.

use weaknet_core::Span;

use super::Side;

/// A billionth of the link.
const PPB: i128 = 1_000_000_000;

/// The scheduler.
#[derive(Debug)]
pub(super) enum Scheduler {
    WeightedRoundRobin {
        /// Share of the classic queue while both wait, in parts per billion.
        classic: i128,
        /// Bytes times share; the L queue is served while there is none.
        credit: i128,
        /// What it starts from.
        start: i128,
    },
    TimeShiftedFifo {
        /// Head start of the L queue.
        shift: Span,
    },
}

/// What waits at the head of a queue, and for how long.
pub(super) type Head = Option<Span>;

impl Scheduler {
    pub(super) fn weighted(classic_ppb: u64, mtu: u64) -> Self {
        let classic = i128::from(classic_ppb);
        let start = i128::from(mtu) * (classic - (PPB - classic));
        Self::WeightedRoundRobin {
            classic,
            credit: start,
            start,
        }
    }

    /// The queue to serve; `None` when both are empty.
    pub(super) fn choose(&mut self, l4s: Head, classic: Head) -> Option<Side> {
        match (self, l4s, classic) {
            (Self::WeightedRoundRobin { credit, start, .. }, None, None) => {
                *credit = *start;
                None
            }
            (_, None, None) => None,
            (_, Some(_), None) => Some(Side::L4s),
            (_, None, Some(_)) => Some(Side::Classic),
            (Self::WeightedRoundRobin { credit, .. }, Some(_), Some(_)) => Some(if *credit <= 0 {
                Side::L4s
            } else {
                Side::Classic
            }),
            (Self::TimeShiftedFifo { shift }, Some(l4s), Some(classic)) => {
                Some(if l4s + *shift >= classic {
                    Side::L4s
                } else {
                    Side::Classic
                })
            }
        }
    }

    /// A packet of `side` is sent while the other queue has packets.
    pub(super) const fn charge(&mut self, side: Side, bytes: u32) {
        if let Self::WeightedRoundRobin {
            classic, credit, ..
        } = self
        {
            *credit += match side {
                Side::L4s => *classic * bytes as i128,
                Side::Classic => -(PPB - *classic) * bytes as i128,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both queues always have packets of these sizes.
    fn order(scheduler: &mut Scheduler, l4s: u32, classic: u32, packets: usize) -> String {
        let serve = |_| {
            let waiting = Some(Span::ZERO);
            match scheduler.choose(waiting, waiting).unwrap() {
                Side::L4s => {
                    scheduler.charge(Side::L4s, l4s);
                    'L'
                }
                Side::Classic => {
                    scheduler.charge(Side::Classic, classic);
                    'C'
                }
            }
        };
        (0..packets).map(serve).collect()
    }

    /// queues-and-wire 1.4, vector D4: 10 and 90 %, as Linux.
    #[test]
    fn nine_to_one_by_bytes() {
        let linux = || Scheduler::weighted(100_000_000, 1514);
        assert_eq!(order(&mut linux(), 1514, 1514, 40), "LLLLLLLLLC".repeat(4));
        let small = order(&mut linux(), 300, 1514, 42);
        assert_eq!(small, "L".repeat(41) + "C");
    }

    /// Section 4.2.2: with a weight of 1/16 a classic head waits for 15 packets
    /// at most.
    #[test]
    fn one_sixteenth() {
        let mut scheduler = Scheduler::weighted(62_500_000, 1500);
        let order = order(&mut scheduler, 1500, 1500, 160);
        assert_eq!(order, "LLLLLLLLLLLLLLLC".repeat(10));
    }

    #[test]
    fn both_empty_starts_anew() {
        let mut scheduler = Scheduler::weighted(100_000_000, 1514);
        assert_eq!(order(&mut scheduler, 1514, 1514, 12), "LLLLLLLLLCLL");
        assert_eq!(scheduler.choose(None, None), None);
        assert_eq!(order(&mut scheduler, 1514, 1514, 10), "LLLLLLLLLC");
    }

    #[test]
    fn time_shifted_fifo_serves_the_older_but_for_the_shift() {
        let mut scheduler = Scheduler::TimeShiftedFifo {
            shift: Span::from_millis(50),
        };
        let mut choose = |l4s_ms, classic_ms| {
            let head = |ms| Some(Span::from_millis(ms));
            scheduler.choose(head(l4s_ms), head(classic_ms))
        };
        assert_eq!(choose(0, 50), Some(Side::L4s));
        assert_eq!(choose(0, 51), Some(Side::Classic));
        assert_eq!(choose(2, 51), Some(Side::L4s));
    }
}
