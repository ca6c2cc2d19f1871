//! The two ends of a flow of video packets with reports: the packets of a call
//! without its algorithms.
//!
//! Implements: 2.5 Mbit/s in 30 frames a second, each in packets of at most
//! 1200 B on the wire that are sent at once, and a report of 80 B each 50 ms.
//! Not modelled: everything that makes a call.

use weaknet_core::packet::{Leg, Media, Packet, Payload, Picture, Rtp, RtpKind};
use weaknet_core::{Node, Outbox, Span, Time};

use super::packet::packet;

/// Bytes on the wire per second: 2.5 Mbit/s.
const BYTES_PER_SECOND: u64 = 312_500;
const FRAMES_PER_SECOND: u64 = 30;
/// Largest packet on the wire.
const LARGEST: u64 = 1_200;
/// IPv4, UDP and RTP headers.
const HEADERS: u64 = 20 + 8 + 12;
/// Size of a report on the wire, and the time between two.
const REPORT: u32 = 80;
const REPORT_EVERY: Span = Span::from_millis(50);

/// When frame number `frame` is captured.
fn captured(frame: u64) -> Time {
    Time::from_nanos(frame * 1_000_000_000 / FRAMES_PER_SECOND)
}

/// Sends frames.
#[derive(Default)]
pub(super) struct MediaSender {
    frame: u64,
    packets: u64,
}

impl Node for MediaSender {
    fn receive(&mut self, _: &mut Packet, _: &mut Outbox<'_>) {}

    fn wake(&mut self, out: &mut Outbox<'_>) {
        let (frame, now) = (self.frame, out.now());
        self.frame += 1;
        let end = |frame: u64| frame * BYTES_PER_SECOND / FRAMES_PER_SECOND;
        let mut left = end(frame + 1) - end(frame);
        let parts = left.div_ceil(LARGEST) as u16;
        for part in 0..parts {
            let size = left.min(LARGEST);
            left -= size;
            let rtp = Rtp {
                media: Media::Video,
                kind: RtpKind::Media,
                seq: self.packets,
                transport_seq: self.packets,
                timestamp: now.ticks(90_000),
                frame,
                part,
                parts,
                key: frame == 0,
                payload: size.saturating_sub(HEADERS) as u16,
                picture: Picture::default(),
                captured: now,
            };
            let payload = Payload::Rtp(rtp);
            out.send(packet(
                Leg::Outward,
                self.packets,
                size as u32,
                now,
                payload,
            ));
            self.packets += 1;
        }
    }

    fn next_wake(&self) -> Option<Time> {
        Some(captured(self.frame))
    }
}

/// Sends reports.
pub(super) struct MediaReceiver {
    reports: u64,
    next: Time,
}

impl Default for MediaReceiver {
    fn default() -> Self {
        Self {
            reports: 0,
            next: Time::ZERO + REPORT_EVERY,
        }
    }
}

impl Node for MediaReceiver {
    fn receive(&mut self, _: &mut Packet, _: &mut Outbox<'_>) {}

    fn wake(&mut self, out: &mut Outbox<'_>) {
        let report = packet(
            Leg::Return,
            self.reports,
            REPORT,
            out.now(),
            Payload::Opaque,
        );
        out.send(report);
        self.reports += 1;
        self.next += REPORT_EVERY;
    }

    fn next_wake(&self) -> Option<Time> {
        Some(self.next)
    }
}
