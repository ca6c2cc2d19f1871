//! What a sender pads with when its pacer asks for padding.
//!
//! Implements: `RTPSender::GeneratePadding` of libwebrtc (July 2026) for a video
//! stream with RTX: useful bytes first, by sending an old packet again, as long
//! as that does not overshoot the request threefold; then padding packets of
//! full size, whatever is left; without overhead, as in the harness of the
//! reference traces, of the size that is left.
//! Not modelled: which old packet is chosen; the sender offers one.

use super::overhead::Overhead;

/// Least rest of a request that an old packet is sent again for.
const MIN_USEFUL: u64 = 50;

/// One packet of padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaddingPacket {
    /// The offered packet, again.
    Retransmission,
    /// A padding packet with this many payload bytes.
    Padding(u32),
}

/// The next packet for a request of `wanted` payload bytes of which `sent` are
/// sent already, where `old` is the payload of a packet that could be sent
/// again; `None` when the request is met.
#[must_use]
pub const fn next_padding(
    wanted: u64,
    sent: u64,
    old: Option<u32>,
    overhead: &Overhead,
) -> Option<PaddingPacket> {
    let left = wanted.saturating_sub(sent);
    if left == 0 {
        return None;
    }
    if let Some(payload) = old
        && left >= MIN_USEFUL
        && payload as u64 + overhead.rtx as u64 <= wanted.saturating_mul(2).saturating_add(left)
    {
        return Some(PaddingPacket::Retransmission);
    }
    let full = overhead.max_padding;
    Some(PaddingPacket::Padding(
        if overhead.full_padding || left > full as u64 {
            full
        } else {
            left as u32
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_requests_get_a_full_padding_packet() {
        let next = |wanted, sent, old| next_padding(wanted, sent, old, &Overhead::WEBRTC);
        assert_eq!(next(1, 0, Some(700)), Some(PaddingPacket::Padding(255)));
        assert_eq!(next(1, 255, Some(700)), None);
        assert_eq!(next(0, 0, None), None);
        assert_eq!(next(500, 460, Some(10)), Some(PaddingPacket::Padding(255)));
    }

    #[test]
    fn without_overhead_padding_is_what_was_asked_for() {
        let next = |wanted, sent| next_padding(wanted, sent, None, &Overhead::NONE);
        assert_eq!(next(305, 0), Some(PaddingPacket::Padding(305)));
        assert_eq!(next(305, 305), None);
        assert_eq!(next(1_500, 0), Some(PaddingPacket::Padding(1_200)));
        assert_eq!(next(1_500, 1_200), Some(PaddingPacket::Padding(300)));
    }

    #[test]
    fn old_packets_are_sent_again_up_to_three_times_the_request() {
        let next = |wanted, old| next_padding(wanted, 0, Some(old), &Overhead::WEBRTC);
        assert_eq!(next(300, 898), Some(PaddingPacket::Retransmission));
        assert_eq!(next(300, 899), Some(PaddingPacket::Padding(255)));
    }
}
