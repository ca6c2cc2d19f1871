//! The way of audio packets to their buffer.
//!
//! Implements: `RedPayloadSplitter` and the order of `NetEqImpl::InsertPacket` of
//! libwebrtc (2026-07): block by block from the newest on, the packet's own
//! in-band redundancy before its sound; all copies go to the buffer, which keeps the
//! best one of each.
//! Differs: deep redundancy (DRED) goes to the buffer only for sound of which
//! nothing has come.

use weaknet_core::packet::{AudioCopy, Media, Rtp};
use weaknet_core::{Event, Outbox, Span};

use super::Receiver;
use super::seen::SeenWindow;
use crate::jitter::{AudioLevel, AudioPacket};
use crate::media::SILENCE_BYTES;

/// Ticks of the 48 kHz clock in one millisecond.
const TICKS_PER_MS: u64 = 48;
/// Length of a packet until two have come (Opus in browsers).
const USUAL_TICKS: u64 = 20 * TICKS_PER_MS;
/// The longest Opus packet (RFC 6716, section 2.1.4).
const MAX_TICKS: u64 = 120 * TICKS_PER_MS;
/// Codec level of deep redundancy.
const DEEP: u8 = 2;

/// What is known of the audio stream.
///
/// On the wire an Opus packet tells how long it is; here the timestamps of two
/// packets do, the nearest ones: between others there was a pause.
#[derive(Debug)]
pub(super) struct AudioInput {
    /// Packets that came.
    seen: SeenWindow,
    /// Packets that came, or a copy of them.
    known: SeenWindow,
    /// Length of the packets; `None` until two have come.
    ticks: Option<u64>,
    /// Sequence number and timestamp of the newest packet.
    newest: Option<(u64, u64)>,
}

impl AudioInput {
    pub(super) const fn new() -> Self {
        Self {
            seen: SeenWindow::new(),
            known: SeenWindow::new(),
            ticks: None,
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
                    if (1..=self.ticks.unwrap_or(MAX_TICKS)).contains(&ticks) {
                        self.ticks = Some(ticks);
                    }
                }
                self.newest = Some((seq, timestamp));
            }
        }
        Some(self.length())
    }

    fn length(&self) -> Span {
        let ticks = self.ticks.unwrap_or(USUAL_TICKS);
        Span::from_nanos(ticks * 1_000_000 / TICKS_PER_MS)
    }
}

impl Receiver {
    /// An audio packet with copies of older ones, of which `redundant` bytes are
    /// for those.
    pub(super) fn on_audio(
        &mut self,
        out: &mut Outbox<'_>,
        rtp: &Rtp,
        copies: &[AudioCopy],
        redundant: u16,
    ) {
        if self.parts.audio.is_none() {
            return;
        }
        let Some(length) = self.audio.on_packet(rtp.seq, rtp.timestamp) else {
            return;
        };
        let payload = rtp.payload.saturating_sub(redundant);
        if let Some(sync) = &mut self.lip_sync {
            sync.on_audio(out.now(), rtp.captured);
        }
        let own = copies.partition_point(|copy| copy.red == 0);
        let (in_band, blocks) = copies.split_at(own);
        self.audible(out, rtp.seq, payload, false);
        for copy in in_band.iter().rev() {
            self.on_copy(out, copy, length);
        }
        self.buffer(
            out,
            AudioPacket {
                seq: rtp.seq,
                timestamp: rtp.timestamp,
                length,
                level: AudioLevel::default(),
                silence: payload <= SILENCE_BYTES,
                captured: rtp.captured,
            },
        );
        for copy in blocks {
            self.on_copy(out, copy, length);
        }
    }

    fn on_copy(&mut self, out: &mut Outbox<'_>, copy: &AudioCopy, length: Span) {
        let fresh = self.audible(out, copy.seq, copy.size, true);
        if !fresh && copy.codec == DEEP {
            return;
        }
        self.buffer(
            out,
            AudioPacket {
                seq: copy.seq,
                timestamp: copy.timestamp,
                length,
                level: AudioLevel {
                    codec: copy.codec,
                    red: copy.red,
                },
                silence: false,
                captured: copy.captured,
            },
        );
    }

    /// Sound came, be it as a copy; whether that is the first time.
    fn audible(&mut self, out: &mut Outbox<'_>, seq: u64, size: u16, repaired: bool) -> bool {
        let fresh = self.audio.known.insert(seq);
        if fresh {
            out.event(Event::MediaUsable {
                flow: self.parts.flow,
                media: Media::Audio,
                seq,
                payload: u32::from(size),
                repaired,
            });
        }
        fresh
    }

    fn buffer(&mut self, out: &Outbox<'_>, packet: AudioPacket) {
        let now = self.loudspeaker.local(out.now());
        if let Some(buffer) = &mut self.parts.audio {
            buffer.on_packet(now, packet);
        }
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
