//! From sources to the pacer: capture, packetisation, repair packets.

use weaknet_core::packet::{Media, Picture, RepairPacket, Rtp, RtpKind};
use weaknet_core::{Bytes, Event, Outbox, Time};

use super::transmit::Outgoing;
use super::{Sender, gives_window_only};
use crate::cc::CcEvent;
use crate::fec::Source;
use crate::media::{EncodedFrame, SILENCE_BYTES};
use crate::pacing::{Paced, Priority};
use crate::rtp::packetize;

const VIDEO_TICKS_PER_SECOND: u32 = 90_000;
const AUDIO_TICKS_PER_SECOND: u32 = 48_000;

impl Sender {
    pub(super) fn take_audio(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        let overhead = self.parts.overhead;
        let mut news = false;
        if self.still.pauses(Media::Audio) {
            return;
        }
        while let Some((source, _)) = &mut self.parts.audio
            && source.next_packet().is_some_and(|at| at <= now)
        {
            let Some(audio) = source.packet(now) else {
                continue;
            };
            let rtp = Rtp {
                media: Media::Audio,
                kind: RtpKind::Media,
                seq: self.audio_packets,
                transport_seq: 0,
                timestamp: audio.captured.ticks(AUDIO_TICKS_PER_SECOND),
                frame: self.audio_packets,
                part: 0,
                parts: 1,
                key: true,
                payload: u16::try_from(audio.size).unwrap_or(u16::MAX),
                picture: Picture::default(),
                captured: audio.captured,
            };
            self.audio_packets += 1;
            let protected = self.parts.audio_protection.protect(rtp, audio.length);
            let packet = protected.map_or(Outgoing::Plain(rtp), |packet| {
                Outgoing::Audio(Box::new(packet))
            });
            if rtp.payload > SILENCE_BYTES {
                let (rate, added) = (self.audio_rate, packet.rtp().payload - rtp.payload);
                let added = u32::from(added);
                news |= self.budget.set_audio(rate, audio.length, added, &overhead);
            }
            self.enqueue(now, packet, Priority::Audio);
        }
        if news {
            self.set_encoder(out);
        }
    }

    pub(super) fn take_video(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        if self.still.pauses(Media::Video) {
            return;
        }
        loop {
            if let Some(frame) = self.encoded.take_if(|frame| frame.ready <= now) {
                self.packetize(out, frame);
            }
            let Some((source, _)) = &mut self.parts.video else {
                return;
            };
            if self.encoded.is_some() || source.next_capture().is_none_or(|at| at > now) {
                return;
            }
            if gives_window_only(&self.output) {
                self.reconsider_window(now);
                self.apply_output(out);
            }
            if let Some((source, _)) = &mut self.parts.video {
                self.encoded = source.capture(now);
            }
        }
    }

    fn packetize(&mut self, out: &mut Outbox<'_>, frame: EncodedFrame) {
        let now = out.now();
        let overhead = self.parts.overhead;
        let split = packetize(frame.size, overhead.max_video_payload(), overhead.remainder);
        let number = self.number(frame.captured);
        out.event(Event::FrameEncoded {
            flow: self.parts.flow,
            frame: number,
            key: frame.key,
            size: frame.size,
            picture: frame.picture,
        });
        let parts = u16::try_from(split.count()).unwrap_or(u16::MAX);
        self.budget.on_frame(now, parts, &overhead);
        if let Some(fec) = &mut self.parts.fec {
            fec.control.on_frame(now, frame.key, parts, frame.size);
        }
        let headers = u64::from(parts) * u64::from(overhead.media(Media::Video));
        let size = Bytes::new(u64::from(frame.size) + headers);
        self.parts.controller.on_event(now, &CcEvent::Frame(size));
        for part in 0..parts {
            let rtp = Rtp {
                media: Media::Video,
                kind: RtpKind::Media,
                seq: self.kept.next(),
                transport_seq: 0,
                timestamp: frame.captured.ticks(VIDEO_TICKS_PER_SECOND),
                frame: number,
                part,
                parts,
                key: frame.key,
                payload: u16::try_from(split.size(u32::from(part))).unwrap_or(u16::MAX),
                picture: frame.picture,
                captured: frame.captured,
            };
            self.kept.push(rtp);
            self.enqueue(now, Outgoing::Plain(rtp), Priority::Video);
        }
    }

    /// The number of the frame of this moment, which its simulcast layers share.
    fn number(&mut self, captured: Time) -> u64 {
        if self.last_captured.replace(captured) != Some(captured) {
            self.frames += 1;
        }
        self.frames - 1
    }

    /// A packet has left: repair packets that are due now join the queue, as in
    /// libwebrtc (`PacketSender::FetchFec`).
    pub(super) fn protect(&mut self, now: Time, media: &Rtp) {
        let Some(fec) = &mut self.parts.fec else {
            return;
        };
        let source = Source {
            seq: media.seq,
            payload: media.payload,
            frame: media.frame,
            part: media.part,
            parts: media.parts,
            key: media.key,
        };
        let protection = fec.control.protection(now, media.key);
        fec.encoder
            .on_media(now, &source, &protection, &mut self.repairs);
        for repair in std::mem::take(&mut self.repairs) {
            let numbers = repair.protects.iter();
            let protects = numbers.filter_map(|seq| self.kept.get(*seq).copied());
            let packet = RepairPacket {
                rtp: Rtp {
                    kind: RtpKind::Fec,
                    payload: repair.payload,
                    ..*media
                },
                symbol: repair.symbol,
                protects: protects.collect(),
            };
            self.enqueue(now, Outgoing::Repair(Box::new(packet)), Priority::Video);
        }
    }

    pub(super) fn enqueue(&mut self, now: Time, packet: Outgoing, priority: Priority) {
        let rtp = packet.rtp();
        let size = Bytes::new(u64::from(self.parts.overhead.size_of(&rtp)));
        let handle = self.waiting.push(packet);
        self.parts.pacer.enqueue(
            now,
            Paced {
                handle,
                size,
                priority,
            },
        );
    }
}
