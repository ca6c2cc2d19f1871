//! Repair packets only for what retransmission cannot repair in time.
//!
//! Implements: the idea of Hairpin (Meng et al., NSDI 2024): a packet that can
//! still be sent again k times before its deadline is late only when all k fail,
//! so redundancy belongs to the last chance. With k rounds left at the first
//! transmission, k = (deadline - RTT / 2 - reaction) / RTT rounded down, repair
//! packets are added until (residual loss of the block) x loss^k is at most the
//! target share of late packets (`binomial`).
//! Differs: Hairpin solves a decision process over all rounds; here is a closed
//! form for the first one.
//! Not modelled: redundancy for retransmissions, which Hairpin spends most on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Span, Time};

use super::estimate::Estimate;
use crate::fec::{PathState, Protect, Protection, ProtectionControl};

/// Retransmission rounds beyond which nothing changes.
const MAX_ROUNDS: u64 = 16;

/// Protection by what is left until the deadline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeadlineProtection {
    /// From sending to the time at which a packet is of no use; default 150 ms.
    pub deadline: Span,
    /// From a loss to the request for it, beside the round trip; default 20 ms.
    pub reaction: Span,
    /// Share of packets that may be late, above 0 to 1; default 0.005.
    pub target_late: f64,
    /// Memory of losses and bursts; default 5 s.
    pub memory: Span,
    /// Most repair packets per media packet; default 1.
    pub max_rate: f64,
}

impl Default for DeadlineProtection {
    fn default() -> Self {
        Self {
            deadline: Span::from_millis(150),
            reaction: Span::from_millis(20),
            target_late: 0.005,
            memory: Span::from_secs(5),
            max_rate: 1.0,
        }
    }
}

impl Plugin for DeadlineProtection {
    type Kind = ProtectionControl;
    const NAME: &'static str = "deadline";
    const SUMMARY: &'static str = "only as much as retransmission cannot repair in time";
    const REFERENCES: &'static [&'static str] =
        &["Meng et al.: Hairpin, NSDI 2024", "RFC 8854 section 5"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn Protect>, BuildError> {
        if !(self.target_late > 0.0 && self.target_late <= 1.0) {
            return Err(BuildError::field(
                "target_late",
                "expected above 0, at most 1",
            ));
        }
        if self.memory.is_zero() {
            return Err(BuildError::field(
                "memory",
                "expected a duration above zero",
            ));
        }
        if !(0.0..=10.0).contains(&self.max_rate) {
            return Err(BuildError::field("max_rate", "expected 0 to 10"));
        }
        Ok(Box::new(Control {
            config: self.clone(),
            estimate: Estimate::new(self.memory),
        }))
    }
}

#[derive(Debug)]
struct Control {
    config: DeadlineProtection,
    estimate: Estimate,
}

impl Control {
    /// Retransmissions that can arrive in time.
    fn rounds(&self) -> u64 {
        let rtt = self.estimate.rtt;
        let left = self.config.deadline - rtt / 2 - self.config.reaction;
        let rounds = left.as_nanos().checked_div(rtt.as_nanos());
        rounds.unwrap_or(MAX_ROUNDS).min(MAX_ROUNDS)
    }
}

impl Protect for Control {
    fn on_frame(&mut self, now: Time, key: bool, packets: u16, _: u32) {
        self.estimate.on_frame(now, key, packets);
    }

    fn on_path(&mut self, now: Time, path: &PathState) {
        self.estimate.on_path(now, path);
    }

    fn protection(&self, _: Time, key: bool) -> Protection {
        let loss = self.estimate.loss();
        let all_fail = (0..self.rounds()).fold(1.0, |chance, _| chance * loss);
        let target = if all_fail > 0.0 {
            self.config.target_late / all_fail
        } else {
            1.0
        };
        let most = self.config.max_rate;
        self.estimate.protection(key, 1, loss, target, most)
    }
}

#[cfg(test)]
mod tests {
    use weaknet_core::Bitrate;

    use super::*;
    use crate::fec::test_support::{build, build_error};

    fn rate(loss: f64, rtt: u64) -> f64 {
        let mut control = build(&DeadlineProtection::default());
        control.on_frame(Time::ZERO, false, 10, 10_000);
        let path = PathState {
            loss,
            burst: 1.0,
            rtt: Span::from_millis(rtt),
            target: Bitrate::from_mbps(1),
        };
        control.on_path(Time::ZERO, &path);
        control.protection(Time::ZERO, false).rate
    }

    #[test]
    fn nothing_while_a_retransmission_can_come_in_time() {
        // One round fits up to (150 - 20) / 1.5 = 86 ms; 5 % twice are 0.25 %.
        assert!(rate(0.05, 20).abs() < 1e-9 && rate(0.05, 86).abs() < 1e-9);
        assert!(rate(0.05, 87) > 0.15 && rate(0.05, 300) > 0.15);
    }

    #[test]
    fn a_lossy_retransmission_needs_some_help() {
        let rates = [20, 50, 87].map(|rtt| rate(0.2, rtt));
        assert!(
            rates.is_sorted() && rates[0] < rates[1] && rates[1] < rates[2],
            "{rates:?}"
        );
    }

    #[test]
    fn before_a_round_trip_is_known_nothing_is_spent() {
        assert!(rate(0.0, 0).abs() < 1e-9 && rate(0.3, 0).abs() < 1e-9);
    }

    #[test]
    fn values_out_of_range_are_refused() {
        let config = DeadlineProtection {
            memory: Span::ZERO,
            ..DeadlineProtection::default()
        };
        assert_eq!(build_error(&config), "memory");
    }
}
