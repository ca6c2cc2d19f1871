//! Where a sender learns round trips and losses from, apart from the feedback
//! to its controller.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Span, Time};

use crate::cc::{CcEvent, PacketResult};

/// Time between two reports that are derived from feedback.
const INTERVAL: Span = Span::from_secs(1);

/// Who reports round trips and losses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportSource {
    /// Sender and receiver reports (RFC 3550, section 6.4).
    #[default]
    Rtcp,
    /// Nobody: the sender takes them from the feedback, at most once a second,
    /// and no such reports are sent.
    Feedback,
}

/// Derives round trips and losses from feedback: with the first feedback that
/// tells of an arrival, and then with the first at least a second later.
#[derive(Debug, Default)]
pub(super) struct DerivedReports {
    last: Option<Time>,
    lost: u32,
    received: u32,
}

impl DerivedReports {
    /// The round trip of the newest packet that arrived, its time at the
    /// receiver included, and the losses since the last report, when they are
    /// due. `results` are the packets of a feedback, ascending.
    pub(super) fn on_feedback(
        &mut self,
        now: Time,
        results: &[PacketResult],
    ) -> Option<(Span, CcEvent)> {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let arrived = results.iter().filter(|r| r.received.is_some()).count();
        self.received = self.received.saturating_add(count(arrived));
        self.lost = self.lost.saturating_add(count(results.len() - arrived));
        let newest = results.iter().rev().find(|r| r.received.is_some())?;
        if self.last.is_some_and(|last| now.since(last) < INTERVAL) {
            return None;
        }
        self.last = Some(now);
        let losses = CcEvent::LossReport {
            lost: std::mem::take(&mut self.lost),
            received: std::mem::take(&mut self.received),
            interval: INTERVAL,
        };
        Some((now.since(newest.sent.at), losses))
    }
}

#[cfg(test)]
mod tests {
    use weaknet_core::Bytes;
    use weaknet_core::packet::Ecn;

    use super::*;
    use crate::cc::{DeliverySnapshot, SentKind, SentPacket};

    fn result(number: u64, received: bool) -> PacketResult {
        PacketResult {
            sent: SentPacket {
                number,
                at: Time::from_millis(number),
                size: Bytes::new(1_000),
                kind: SentKind::Video,
                probe: None,
                in_flight: Bytes::ZERO,
                app_limited: false,
            },
            received: received.then(|| Time::from_millis(number + 25)),
            ecn: Ecn::NotEct,
            recovered: false,
            delivery: DeliverySnapshot::default(),
        }
    }

    #[test]
    fn once_a_second_with_all_losses_since() {
        let mut reports = DerivedReports::default();
        let at = Time::from_millis;
        let losses = |lost, received| CcEvent::LossReport {
            lost,
            received,
            interval: Span::from_secs(1),
        };
        assert_eq!(reports.on_feedback(at(60), &[result(0, false)]), None);
        let first = [result(1, true), result(2, true), result(3, false)];
        let told = reports.on_feedback(at(100), &first);
        assert_eq!(told, Some((Span::from_millis(98), losses(2, 2))));
        let next = [result(4, true), result(5, false)];
        assert_eq!(reports.on_feedback(at(1_099), &next), None);
        let told = reports.on_feedback(at(1_100), &[result(1_000, true)]);
        assert_eq!(told, Some((Span::from_millis(100), losses(1, 2))));
    }
}
