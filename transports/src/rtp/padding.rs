//! What a sender pads with when its pacer asks for padding.
//!
//! Implements: `RTPSender::GeneratePadding` of libwebrtc (July 2026). For a video
//! stream with RTX useful bytes first, by sending an old packet again, as long
//! as that does not overshoot the request threefold; then padding packets of
//! full size, whatever is left. A call of audio only pads with packets of what is
//! left, but 50 bytes at least. Without overhead, as in the harness of the
//! reference traces, of the size that is left.
//! Not modelled: which old packet is chosen; the sender offers one.

use weaknet_core::packet::Media;

use super::overhead::Overhead;

/// Least rest of a request that an old packet is sent again for.
const MIN_USEFUL: u64 = 50;
/// Least payload of a padding packet beside audio (`kMinAudioPaddingLength`).
const MIN_BESIDE_AUDIO: u64 = 50;

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
/// again; `None` when the request is met. `media` is video if the call has any.
#[must_use]
pub fn next_padding(
    media: Media,
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
        && u64::from(payload + overhead.rtx) <= wanted.saturating_mul(2).saturating_add(left)
    {
        return Some(PaddingPacket::Retransmission);
    }
    let full = u64::from(overhead.max_padding);
    let least = match media {
        _ if !overhead.full_padding => 0,
        Media::Video => full,
        Media::Audio => MIN_BESIDE_AUDIO.min(full),
    };
    Some(PaddingPacket::Padding(left.clamp(least, full) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_requests_get_a_full_padding_packet() {
        let next =
            |wanted, sent, old| next_padding(Media::Video, wanted, sent, old, &Overhead::WEBRTC);
        assert_eq!(next(1, 0, Some(700)), Some(PaddingPacket::Padding(255)));
        assert_eq!(next(1, 255, Some(700)), None);
        assert_eq!(next(0, 0, None), None);
        assert_eq!(next(500, 460, Some(10)), Some(PaddingPacket::Padding(255)));
    }

    #[test]
    fn without_overhead_padding_is_what_was_asked_for() {
        let next = |wanted, sent| next_padding(Media::Video, wanted, sent, None, &Overhead::NONE);
        assert_eq!(next(305, 0), Some(PaddingPacket::Padding(305)));
        assert_eq!(next(305, 305), None);
        assert_eq!(next(1_500, 0), Some(PaddingPacket::Padding(1_200)));
        assert_eq!(next(1_500, 1_200), Some(PaddingPacket::Padding(300)));
    }

    #[test]
    fn old_packets_are_sent_again_up_to_three_times_the_request() {
        let next =
            |wanted, old| next_padding(Media::Video, wanted, 0, Some(old), &Overhead::WEBRTC);
        assert_eq!(next(300, 898), Some(PaddingPacket::Retransmission));
        assert_eq!(next(300, 899), Some(PaddingPacket::Padding(255)));
    }

    #[test]
    fn beside_audio_padding_is_small() {
        let next = |wanted| next_padding(Media::Audio, wanted, 0, None, &Overhead::WEBRTC);
        let sizes = [1, 80, 400].map(next);
        assert_eq!(
            sizes,
            [50, 80, 255].map(|n| Some(PaddingPacket::Padding(n)))
        );
    }
}
