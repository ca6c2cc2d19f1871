//! Which packet is sent again as padding.
//!
//! Implements: `PaddingMode::kRecentLargePacket` of libwebrtc
//! (`rtp_packet_history.cc`, 2026-07): the last packet sent that was not more
//! than 100 bytes smaller than the one before it in this role, unless that one
//! is 8192 packets old.

use weaknet_core::packet::Rtp;

/// How much smaller a newer packet may be (`kOldPayloadPaddingSizeHysteresis`).
const HYSTERESIS: u16 = 100;
/// How far behind the newest (`kMaxOldPayloadPaddingSequenceNumber`).
const MAX_AGE: u64 = 1 << 13;

/// The packet that serves as padding.
#[derive(Debug, Default)]
pub(super) struct LargePacket(Option<Rtp>);

impl LargePacket {
    /// A video packet was sent for the first time.
    pub(super) fn on_sent(&mut self, rtp: &Rtp) {
        let replace = self.0.is_none_or(|old| {
            rtp.payload.saturating_add(HYSTERESIS) > old.payload
                || rtp.seq > old.seq.saturating_add(MAX_AGE)
        });
        if replace {
            self.0 = Some(*rtp);
        }
    }

    pub(super) const fn get(&self) -> Option<Rtp> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::Time;
    use weaknet_core::packet::{Media, RtpKind};

    fn rtp(seq: u64, payload: u16) -> Rtp {
        Rtp {
            media: Media::Video,
            kind: RtpKind::Media,
            seq,
            transport_seq: 0,
            timestamp: 0,
            frame: 0,
            part: 0,
            parts: 1,
            key: false,
            payload,
            picture: weaknet_core::packet::Picture::default(),
            captured: Time::ZERO,
        }
    }

    #[test]
    fn recent_and_large() {
        let mut large = LargePacket::default();
        let chosen = [
            (1, 1000, 1),
            (2, 901, 2),
            (3, 801, 2),
            (4, 802, 4),
            (5, 100, 4),
            (4 + 8192, 100, 4),
            (5 + 8192, 100, 5 + 8192),
        ];
        for (seq, payload, expected) in chosen {
            large.on_sent(&rtp(seq, payload));
            assert_eq!(large.get().map(|rtp| rtp.seq), Some(expected), "{seq}");
        }
    }
}
