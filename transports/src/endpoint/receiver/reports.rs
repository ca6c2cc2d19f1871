//! Counters that receiver reports are made of.

use weaknet_core::packet::{Media, Rtcp, Rtp, RtpKind};
use weaknet_core::{Span, Time};

/// Counters of receiver reports (RFC 3550, section 6.4).
#[derive(Debug, Clone, Default)]
pub(super) struct ReportState {
    highest: Option<u64>,
    first: u64,
    received: u64,
    expected_prior: u64,
    received_prior: u64,
    jitter: f64,
    transit: Option<i64>,
    pub(super) last_sr: Option<(Time, Time)>,
}

impl ReportState {
    pub(super) fn on_packet(&mut self, now: Time, rtp: &Rtp) {
        if rtp.kind != RtpKind::Media || rtp.media != Media::Video {
            return;
        }
        if self.highest.is_none() {
            self.first = rtp.seq;
        }
        self.received += 1;
        self.highest = self.highest.max(Some(rtp.seq));
        // RFC 3550, appendix A.8, in ticks of 1/90000 s.
        let arrival = now.ticks(90_000) as i64;
        let transit = arrival - rtp.timestamp as i64;
        if let Some(last) = self.transit.replace(transit) {
            self.jitter += ((transit - last).abs() as f64 - self.jitter) / 16.0;
        }
    }

    pub(super) fn report(&mut self, now: Time) -> Rtcp {
        let expected_total = self.highest.map_or(0, |highest| highest + 1 - self.first);
        let expected = expected_total
            .saturating_sub(std::mem::replace(&mut self.expected_prior, expected_total));
        let received = self.received - std::mem::replace(&mut self.received_prior, self.received);
        Rtcp::ReceiverReport {
            last_sr: self.last_sr.map(|(ntp, _)| ntp),
            delay_since_last_sr: self
                .last_sr
                .map_or(Span::ZERO, |(_, arrived)| now - arrived),
            expected: u32::try_from(expected).unwrap_or(u32::MAX),
            lost: u32::try_from(expected.saturating_sub(received)).unwrap_or(u32::MAX),
            jitter: self.jitter as u32,
            rrtr: Some(now),
        }
    }
}
