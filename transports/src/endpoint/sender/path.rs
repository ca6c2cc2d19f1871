//! What the protection control is told of the path.

use weaknet_core::{Bitrate, Span};

use crate::cc::PacketResult;
use crate::fec::PathState;

/// Runs of losses after which older ones count for half.
const MEMORY: f64 = 50.0;

/// Loss, bursts of loss and round trip.
#[derive(Debug, Default)]
pub(super) struct Path {
    loss: f64,
    rtt: Span,
    /// Fading counts of lost packets and of their runs.
    lost: f64,
    runs: f64,
    last_was_lost: bool,
}

impl Path {
    /// So many packets were lost of so many expected.
    pub(super) fn on_losses(&mut self, lost: u32, expected: u32) {
        if expected > 0 {
            self.loss = f64::from(lost.min(expected)) / f64::from(expected);
        }
    }

    /// The share of packets lost by the latest report.
    pub(super) const fn loss(&self) -> f64 {
        self.loss
    }

    pub(super) const fn on_rtt(&mut self, rtt: Span) {
        self.rtt = rtt;
    }

    /// Fates of packets, in the order in which they were sent.
    pub(super) fn on_results(&mut self, results: &[PacketResult]) {
        for result in results {
            let is_lost = result.received.is_none();
            if is_lost {
                self.lost += 1.0;
                self.runs += f64::from(u8::from(!self.last_was_lost));
            }
            self.last_was_lost = is_lost;
        }
        if self.runs > MEMORY {
            self.lost /= 2.0;
            self.runs /= 2.0;
        }
    }

    /// The state, when video with all that protects it may use `target`.
    pub(super) fn state(&self, target: Bitrate) -> PathState {
        let burst = if self.runs < 1.0 {
            1.0
        } else {
            self.lost / self.runs
        };
        PathState {
            loss: self.loss,
            burst: burst.max(1.0),
            rtt: self.rtt,
            target,
        }
    }
}

#[cfg(test)]
mod tests {
    use weaknet_core::packet::Ecn;
    use weaknet_core::{Bytes, Time};

    use super::*;
    use crate::cc::{DeliverySnapshot, SentKind, SentPacket};

    fn results(fates: &str) -> Vec<PacketResult> {
        let result = |(number, fate)| PacketResult {
            sent: SentPacket {
                number: number as u64,
                at: Time::ZERO,
                size: Bytes::new(1_000),
                kind: SentKind::Video,
                probe: None,
                in_flight: Bytes::ZERO,
                app_limited: false,
            },
            received: (fate == '.').then_some(Time::ZERO),
            ecn: Ecn::NotEct,
            recovered: false,
            delivery: DeliverySnapshot::default(),
        };
        fates.chars().enumerate().map(result).collect()
    }

    #[test]
    fn runs_go_on_from_report_to_report() {
        let mut path = Path::default();
        assert!((path.state(Bitrate::ZERO).burst - 1.0).abs() < 1e-9);
        for fates in ["..x..xx", "x.x", "x."] {
            path.on_results(&results(fates));
        }
        // Runs of 1, 3 and 2.
        assert!((path.state(Bitrate::ZERO).burst - 2.0).abs() < 1e-9);
    }

    #[test]
    fn no_packets_expected_is_no_news() {
        let mut path = Path::default();
        path.on_losses(1, 4);
        path.on_losses(0, 0);
        path.on_rtt(Span::from_millis(30));
        let state = path.state(Bitrate::from_mbps(1));
        assert!((state.loss - 0.25).abs() < 1e-9);
        assert_eq!(
            (state.rtt, state.target),
            (Span::from_millis(30), Bitrate::from_mbps(1))
        );
    }
}
