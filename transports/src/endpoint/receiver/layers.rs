//! Which simulcast layer goes to the decoder.
//!
//! Stands for the forwarding unit between sender and viewer, without its second
//! link: everything arrives, the highest layer that is sent is shown.
//!
//! Implements: the switching rule of forwarding units (mediasoup and LiveKit,
//! 2024 to 2026): to another layer only with a key frame of it, from its first
//! packet on; what the old layer sends from that moment on is left out. When
//! the layer that is shown is not sent any more, a key frame is asked for at
//! once and each 300 ms; when a higher one is sent and its key frame does not
//! come, each second. How many layers are sent stands in the packets (the
//! extension video-layers-allocation of libwebrtc, which comes with key frames
//! and changes).
//! Differs: the layers share sequence numbers and frame numbers, so that
//! requests for retransmission and repair packets cover all of them. A frame
//! of which a lower layer is on its way to the screen already is not replaced.
//! Not modelled: a budget of the viewer's link, temporal layers left out.

use weaknet_core::packet::Rtp;
use weaknet_core::{Span, Time};

use crate::media::SIMULCAST_LAYERS;

/// Between two requests while there is nothing to show.
const REPEAT_DOWN: Span = Span::from_millis(300);
/// Before the first request and between two while a lower layer is shown.
const REPEAT_UP: Span = Span::from_secs(1);

/// The choice.
#[derive(Debug, Default)]
pub(super) struct LayerSelector {
    current: Option<u8>,
    /// The first frame of the current layer; those before are of `previous`.
    since: u64,
    previous: Option<u8>,
    /// Number after the newest frame that went on its way to the screen.
    forwarded: u64,
    newest: u64,
    /// The highest layer that is sent.
    highest: u8,
    request_at: Option<Time>,
}

/// The layer of a packet, in range whatever the packet says.
pub(super) fn layer_of(rtp: &Rtp) -> u8 {
    rtp.picture.simulcast.min(SIMULCAST_LAYERS as u8 - 1)
}

impl LayerSelector {
    /// A packet arrived: whether a key frame has to be asked for.
    pub(super) fn on_packet(&mut self, now: Time, rtp: &Rtp) -> bool {
        let layer = layer_of(rtp);
        let Some(current) = self.current else {
            self.current = Some(layer);
            self.note_highest(rtp);
            return false;
        };
        self.note_highest(rtp);
        let off = current > self.highest;
        let better = layer <= self.highest && (off || layer > current);
        if better && rtp.key && rtp.frame >= self.forwarded {
            (self.previous, self.since) = (Some(current), rtp.frame);
            self.current = Some(layer);
        }
        self.wants_key_frame(now)
    }

    fn note_highest(&mut self, rtp: &Rtp) {
        if rtp.frame >= self.newest {
            self.newest = rtp.frame;
            let layers = rtp.picture.simulcast_layers;
            self.highest = layers.clamp(1, SIMULCAST_LAYERS as u8) - 1;
        }
    }

    fn wants_key_frame(&mut self, now: Time) -> bool {
        let (first, repeat) = match self.current {
            Some(current) if current > self.highest => (Span::ZERO, REPEAT_DOWN),
            Some(current) if current < self.highest => (REPEAT_UP, REPEAT_UP),
            _ => {
                self.request_at = None;
                return false;
            }
        };
        // A wait for a higher layer may have begun before this one went off.
        let at = self
            .request_at
            .map_or(now + first, |at| at.min(now + repeat));
        let due = at <= now;
        self.request_at = Some(if due { now + repeat } else { at });
        due
    }

    /// Whether a frame of this layer is for the screen.
    pub(super) fn takes(&self, layer: u8, frame: u64) -> bool {
        if frame >= self.since {
            self.current == Some(layer)
        } else {
            self.previous == Some(layer)
        }
    }

    /// A frame is on its way to the screen.
    pub(super) fn on_forwarded(&mut self, frame: u64) {
        self.forwarded = self.forwarded.max(frame.saturating_add(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::packet::{Media, Picture, RtpKind};

    fn packet(layer: u8, layers: u8, frame: u64, key: bool) -> Rtp {
        Rtp {
            media: Media::Video,
            kind: RtpKind::Media,
            seq: frame,
            transport_seq: 0,
            timestamp: frame * 3_000,
            frame,
            part: 0,
            parts: 1,
            key,
            payload: 100,
            picture: Picture {
                simulcast: layer,
                simulcast_layers: layers,
                ..Picture::default()
            },
            captured: Time::ZERO,
        }
    }

    fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    #[test]
    fn a_stream_without_layers_is_taken_from_its_first_packet() {
        let mut selector = LayerSelector::default();
        assert!(!selector.on_packet(at(0), &packet(0, 1, 7, false)));
        assert!(selector.takes(0, 7) && selector.takes(0, 3) && !selector.takes(1, 7));
    }

    #[test]
    fn goes_up_with_a_key_frame_from_its_first_packet_on() {
        let mut selector = LayerSelector::default();
        selector.on_packet(at(0), &packet(0, 1, 0, true));
        selector.on_forwarded(0);
        // A delta frame of a new layer is no way in.
        assert!(!selector.on_packet(at(33), &packet(1, 2, 1, false)));
        assert!(selector.takes(0, 1) && !selector.takes(1, 1));
        assert!(!selector.on_packet(at(66), &packet(1, 2, 2, true)));
        assert!(selector.takes(1, 2) && !selector.takes(0, 2));
        assert!(
            selector.takes(0, 1),
            "late frames of the old layer still count"
        );
    }

    #[test]
    fn a_frame_on_its_way_is_not_replaced_and_a_request_follows_after_a_second() {
        let mut selector = LayerSelector::default();
        selector.on_packet(at(0), &packet(0, 2, 0, true));
        selector.on_forwarded(0);
        assert!(!selector.on_packet(at(0), &packet(1, 2, 0, true)));
        assert!(!selector.takes(1, 0));
        assert!(!selector.on_packet(at(900), &packet(0, 2, 1, false)));
        assert!(selector.on_packet(at(1_000), &packet(0, 2, 2, false)));
        assert!(!selector.on_packet(at(1_999), &packet(0, 2, 3, false)));
        assert!(selector.on_packet(at(2_000), &packet(0, 2, 4, false)));
    }

    #[test]
    fn a_layer_that_went_off_is_left_at_the_next_key_frame_which_is_asked_for_at_once() {
        let mut selector = LayerSelector::default();
        selector.on_packet(at(0), &packet(2, 3, 0, true));
        selector.on_forwarded(0);
        assert!(selector.on_packet(at(33), &packet(1, 2, 1, false)));
        assert!(!selector.on_packet(at(332), &packet(0, 2, 1, false)));
        assert!(selector.on_packet(at(333), &packet(1, 2, 9, false)));
        assert!(!selector.takes(1, 9));
        assert!(!selector.on_packet(at(366), &packet(1, 2, 10, true)));
        assert!(selector.takes(1, 10) && !selector.takes(2, 10));
    }

    #[test]
    fn old_packets_do_not_say_what_is_sent_now() {
        let mut selector = LayerSelector::default();
        selector.on_packet(at(0), &packet(0, 1, 5, true));
        assert!(!selector.on_packet(at(2_000), &packet(0, 3, 4, false)));
        assert!(!selector.on_packet(at(4_000), &packet(0, 3, 4, false)));
    }
}
