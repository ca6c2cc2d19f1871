//! A loss rate that no queue explains.
//!
//! Implements: the authors' code (genericCC, 18299d6, ReduceOnLoss): more than
//! 30 % lost, over at least two round trips and 20 packets.

use weaknet_core::{Span, Time};

const SHARE: f64 = 0.3;
const LEAST_PACKETS: u32 = 20;
const RTTS: u64 = 2;
/// What is left of the window.
pub(super) const FACTOR: f64 = 0.7;

/// Counts packets and losses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct HeavyLoss {
    began: Option<Time>,
    packets: u32,
    lost: u32,
}

impl HeavyLoss {
    /// Takes the fate of a packet in. Whether too many were lost.
    pub(super) fn on_packet(&mut self, now: Time, lost: bool, rtt: Span) -> bool {
        let began = *self.began.get_or_insert(now);
        self.packets += 1;
        self.lost += u32::from(lost);
        if now - began <= rtt * RTTS || self.packets <= LEAST_PACKETS {
            return false;
        }
        let heavy = f64::from(self.lost) > SHARE * f64::from(self.packets);
        *self = Self::default();
        heavy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuts(every: u64, lost: u64) -> usize {
        let mut loss = HeavyLoss::default();
        let rtt = Span::from_millis(40);
        let heavy = |n: &u64| loss.on_packet(Time::from_millis(*n), *n % every < lost, rtt);
        (0..810).filter(heavy).count()
    }

    #[test]
    fn more_than_thirty_percent_are_heavy() {
        assert_eq!(cuts(4, 1), 0);
        // Once in the 82 packets of 81 ms.
        assert_eq!(cuts(3, 1), 9);
    }
}
