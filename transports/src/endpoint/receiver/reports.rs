//! Counters that receiver reports are made of.
//!
//! Implements: expected and lost packets and the interarrival jitter of RFC 3550
//! (section 6.4.1, appendix A.3 and A.8). Retransmissions count for a stream of
//! their own, which is not reported.
//! Differs: audio and video are added up in one report; jitter is that of video.

use weaknet_core::packet::{Media, Rtcp, Rtp, RtpKind};
use weaknet_core::{Span, Time};

/// Counters of one stream.
#[derive(Debug, Clone, Default)]
struct Stream {
    first: Option<u64>,
    highest: u64,
    received: u64,
    expected_prior: u64,
    received_prior: u64,
}

impl Stream {
    fn on_packet(&mut self, seq: u64) {
        self.first.get_or_insert(seq);
        self.highest = self.highest.max(seq);
        self.received += 1;
    }

    /// Packets expected and lost since the last call. Duplicates and packets
    /// from before the first one offset losses.
    fn interval(&mut self) -> (u64, u64) {
        let total = self.first.map_or(0, |first| self.highest + 1 - first);
        let expected = total - std::mem::replace(&mut self.expected_prior, total);
        let received = self.received - std::mem::replace(&mut self.received_prior, self.received);
        (expected, expected.saturating_sub(received))
    }
}

/// Counters of receiver reports.
#[derive(Debug, Clone, Default)]
pub(super) struct ReportState {
    audio: Stream,
    video: Stream,
    jitter: f64,
    transit: Option<i64>,
    /// Time of the newest sender report, and when it arrived.
    pub(super) last_sr: Option<(Time, Time)>,
}

impl ReportState {
    pub(super) fn on_packet(&mut self, now: Time, rtp: &Rtp) {
        match (rtp.kind, rtp.media) {
            (RtpKind::Media, Media::Audio) => self.audio.on_packet(rtp.seq),
            (RtpKind::Media, Media::Video) => {
                self.video.on_packet(rtp.seq);
                // In ticks of 1/90000 s.
                let arrival = now.ticks(90_000) as i64;
                let transit = arrival.saturating_sub_unsigned(rtp.timestamp);
                if let Some(last) = self.transit.replace(transit) {
                    self.jitter += (transit.abs_diff(last) as f64 - self.jitter) / 16.0;
                }
            }
            (RtpKind::Rtx | RtpKind::Fec | RtpKind::Padding, _) => {}
        }
    }

    pub(super) fn report(&mut self, now: Time) -> Rtcp {
        let (audio, video) = (self.audio.interval(), self.video.interval());
        Rtcp::ReceiverReport {
            last_sr: self.last_sr.map(|(ntp, _)| ntp),
            delay_since_last_sr: self
                .last_sr
                .map_or(Span::ZERO, |(_, arrived)| now - arrived),
            expected: u32::try_from(audio.0 + video.0).unwrap_or(u32::MAX),
            lost: u32::try_from(audio.1 + video.1).unwrap_or(u32::MAX),
            jitter: self.jitter as u32,
            rrtr: Some(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(media: Media, kind: RtpKind, seq: u64) -> Rtp {
        Rtp {
            media,
            kind,
            seq,
            transport_seq: 0,
            timestamp: seq * 900,
            frame: seq,
            part: 0,
            parts: 1,
            key: false,
            payload: 100,
            picture: weaknet_core::packet::Picture::default(),
            captured: Time::ZERO,
        }
    }

    fn counts(report: &Rtcp) -> (u32, u32, u32) {
        match *report {
            Rtcp::ReceiverReport {
                expected,
                lost,
                jitter,
                ..
            } => (expected, lost, jitter),
            _ => panic!("{report:?}"),
        }
    }

    #[test]
    fn both_streams_count_and_repair_does_not() {
        let mut state = ReportState::default();
        assert_eq!(counts(&state.report(Time::ZERO)), (0, 0, 0));
        for seq in [3, 4, 7] {
            let at = Time::from_millis(seq * 10);
            state.on_packet(at, &packet(Media::Video, RtpKind::Media, seq));
            state.on_packet(at, &packet(Media::Audio, RtpKind::Media, seq - 3));
            state.on_packet(at, &packet(Media::Video, RtpKind::Rtx, 5));
        }
        // Two of five missing in each; 900 ticks are 10 ms, so no jitter.
        assert_eq!(counts(&state.report(Time::from_millis(100))), (10, 4, 0));
        assert_eq!(counts(&state.report(Time::from_millis(200))), (0, 0, 0));
        // A late one makes up for a loss.
        for seq in [6, 9] {
            let at = Time::from_millis(210);
            state.on_packet(at, &packet(Media::Video, RtpKind::Media, seq));
        }
        assert_eq!(counts(&state.report(Time::from_millis(300))).0, 2);
        assert_eq!(counts(&state.report(Time::from_millis(400))).1, 0);
    }

    #[test]
    fn jitter_grows_by_a_sixteenth_of_the_change() {
        let mut state = ReportState::default();
        for (seq, ms) in [(0, 0), (1, 26)] {
            let at = Time::from_millis(ms);
            state.on_packet(at, &packet(Media::Video, RtpKind::Media, seq));
        }
        // 16 ms late are 1440 ticks.
        assert_eq!(counts(&state.report(Time::from_millis(30))).2, 90);
    }
}
