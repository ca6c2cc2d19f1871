//! The way of audio packets to their buffer.

use weaknet_core::packet::Rtp;
use weaknet_core::{Outbox, Span};

use super::seen::SeenWindow;
use super::{Receiver, usable};
use crate::jitter::{AudioLevel, AudioPacket};

/// Ticks of the 48 kHz clock in one millisecond.
const TICKS_PER_MS: u64 = 48;
/// Length of a packet until two have come (Opus in browsers).
const USUAL_TICKS: u64 = 20 * TICKS_PER_MS;
/// The longest Opus packet (RFC 6716, section 2.1.4).
const MAX_TICKS: u64 = 120 * TICKS_PER_MS;
/// An Opus packet of this size or less says that there is silence (RFC 6716,
/// section 2.1.9; `IsDtxPacket` of libwebrtc's decoder).
const SILENCE_BYTES: u16 = 2;

/// What is known of the audio stream.
///
/// On the wire an Opus packet tells how long it is; here the timestamps of two
/// packets do.
#[derive(Debug)]
pub(super) struct AudioInput {
    seen: SeenWindow,
    ticks: u64,
    /// Sequence number and timestamp of the newest packet.
    newest: Option<(u64, u64)>,
}

impl AudioInput {
    pub(super) const fn new() -> Self {
        Self {
            seen: SeenWindow::new(),
            ticks: USUAL_TICKS,
            newest: None,
        }
    }

    /// How long the packet is; `None` when it was here before.
    fn on_packet(&mut self, seq: u64, timestamp: u64) -> Option<Span> {
        if !self.seen.insert(seq) {
            return None;
        }
        match self.newest {
            Some((last, _)) if seq <= last => {}
            last => {
                if let Some((last, at)) = last {
                    let ticks = timestamp.saturating_sub(at) / (seq - last);
                    if (1..=MAX_TICKS).contains(&ticks) {
                        self.ticks = ticks;
                    }
                }
                self.newest = Some((seq, timestamp));
            }
        }
        Some(Span::from_nanos(self.ticks * 1_000_000 / TICKS_PER_MS))
    }
}

impl Receiver {
    pub(super) fn on_audio(&mut self, out: &mut Outbox<'_>, rtp: &Rtp) {
        let Some(buffer) = &mut self.parts.audio else {
            return;
        };
        let Some(length) = self.audio.on_packet(rtp.seq, rtp.timestamp) else {
            return;
        };
        usable(out, self.parts.flow, rtp, false);
        if let Some(sync) = &mut self.lip_sync {
            sync.on_audio(out.now(), rtp.captured);
        }
        buffer.on_packet(
            self.loudspeaker.local(out.now()),
            AudioPacket {
                seq: rtp.seq,
                timestamp: rtp.timestamp,
                length,
                level: AudioLevel::default(),
                silence: rtp.payload <= SILENCE_BYTES,
                captured: rtp.captured,
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_packets_tell_their_length() {
        let mut input = AudioInput::new();
        let ms = |span: Option<Span>| span.map(|span| span.as_millis());
        assert_eq!(ms(input.on_packet(7, 1_000)), Some(20));
        assert_eq!(ms(input.on_packet(7, 1_000)), None, "again");
        assert_eq!(ms(input.on_packet(9, 1_000 + 2 * 2_880)), Some(60));
        assert_eq!(ms(input.on_packet(8, 1_000 + 2_880)), Some(60), "late");
        // A pause of the microphone is not a packet of ten seconds.
        assert_eq!(ms(input.on_packet(10, 480_000)), Some(60));
        assert_eq!(ms(input.on_packet(11, 0)), Some(60));
    }
}
