//! From the pacer to the link, and into the send history.

use weaknet_core::packet::{Leg, Media, Packet, Payload, Rtp, RtpKind};
use weaknet_core::{Bytes, Event, Outbox, Time};

use super::Sender;
use crate::cc::{ProbeCluster, SentKind, SentPacket};
use crate::pacing::PacerAction;
use crate::rtp::{PaddingPacket, next_padding};

/// What waits in the pacer.
#[derive(Debug, Clone)]
pub(super) enum Outgoing {
    Plain(Rtp),
    Repair(Rtp, Vec<Rtp>),
}

impl Outgoing {
    pub(super) const fn rtp(&self) -> Rtp {
        match self {
            Self::Plain(rtp) | Self::Repair(rtp, _) => *rtp,
        }
    }
}

impl Sender {
    pub(super) fn packet(&mut self, now: Time, size: u32, payload: Payload) -> Packet {
        self.ids += 1;
        Packet {
            id: u64::from(self.parts.flow.0) << 48 | self.ids,
            flow: self.parts.flow,
            leg: Leg::Outward,
            hop: 0,
            ecn: self.output.ecn,
            size,
            sent: now,
            payload,
        }
    }

    pub(super) fn send_control(&mut self, out: &mut Outbox<'_>, size: u32, payload: Payload) {
        let packet = self.packet(out.now(), size, payload);
        out.event(Event::Sent {
            packet: packet.tag(),
            payload: 0,
        });
        out.send(packet);
    }

    pub(super) fn drain_pacer(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        while let Some(action) = self.parts.pacer.poll(now) {
            match action {
                PacerAction::Send { handle, probe } => {
                    if let Some(packet) = self.waiting.take(handle) {
                        self.transmit(out, packet, probe);
                    }
                }
                PacerAction::Pad { size, probe } => {
                    let sent = self.pad(out, size.get(), probe);
                    self.parts.pacer.on_padding(now, sent);
                }
            }
        }
    }

    /// Sends about `wanted` bytes that carry nothing new: the newest video
    /// packet again, or padding.
    fn pad(&mut self, out: &mut Outbox<'_>, wanted: u64, probe: Option<ProbeCluster>) -> Bytes {
        let mut total = Bytes::ZERO;
        let kept_from = self.parts.responder.oldest_kept(out.now());
        let old = self
            .kept
            .newest()
            .filter(|rtp| rtp.seq >= kept_from)
            .copied();
        let overhead = self.parts.overhead;
        let mut payload = 0;
        while let Some(next) = next_padding(
            wanted,
            payload,
            old.map(|rtp| u32::from(rtp.payload)),
            &overhead,
        ) {
            let rtp = match (next, old) {
                (PaddingPacket::Retransmission, Some(rtp)) => Rtp {
                    kind: RtpKind::Rtx,
                    ..rtp
                },
                (PaddingPacket::Padding(size), _) => padding(out.now(), size),
                (PaddingPacket::Retransmission, None) => break,
            };
            payload += u64::from(rtp.payload).max(1);
            total += self.transmit(out, Outgoing::Plain(rtp), probe);
        }
        total
    }

    fn transmit(
        &mut self,
        out: &mut Outbox<'_>,
        packet: Outgoing,
        probe: Option<ProbeCluster>,
    ) -> Bytes {
        let now = out.now();
        let mut rtp = packet.rtp();
        rtp.transport_seq = self.history.next_number();
        let wire = self.parts.overhead.size_of(&rtp);
        let size = Bytes::new(u64::from(wire));
        let kind = match (rtp.kind, rtp.media) {
            (RtpKind::Rtx, _) => SentKind::Retransmission,
            (RtpKind::Padding, _) => SentKind::Padding,
            (_, Media::Audio) => SentKind::Audio,
            (_, Media::Video) => SentKind::Video,
        };
        match rtp.kind {
            RtpKind::Rtx | RtpKind::Fec => self.repair_rate.add(now, size.get()),
            RtpKind::Media if rtp.media == Media::Video => {
                self.media_rate.add(now, size.get());
                self.parts.responder.on_sent(now, rtp.seq, wire);
            }
            RtpKind::Media | RtpKind::Padding => {}
        }
        let sent = self.history.on_sent(SentPacket {
            number: rtp.transport_seq,
            at: now,
            size,
            kind,
            probe,
            in_flight: Bytes::ZERO,
            app_limited: self.parts.pacer.queued() == Bytes::ZERO,
        });
        let fresh = if rtp.kind == RtpKind::Media {
            u32::from(rtp.payload)
        } else {
            0
        };
        let payload = match packet {
            Outgoing::Plain(_) => Payload::Rtp(rtp),
            Outgoing::Repair(_, protects) => Payload::Repair(Box::new((rtp, protects))),
        };
        let packet = self.packet(now, wire, payload);
        out.event(Event::Sent {
            packet: packet.tag(),
            payload: fresh,
        });
        out.send(packet);
        self.parts.controller.on_sent(&sent);
        self.follow_controller(out);
        size
    }
}

fn padding(now: Time, size: u32) -> Rtp {
    Rtp {
        media: Media::Video,
        kind: RtpKind::Padding,
        seq: 0,
        transport_seq: 0,
        timestamp: 0,
        frame: 0,
        part: 0,
        parts: 1,
        key: false,
        payload: u16::try_from(size).unwrap_or(u16::MAX),
        captured: now,
    }
}
