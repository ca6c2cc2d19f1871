//! From the pacer to the link, and into the send history.

use weaknet_core::packet::{
    Ecn, Leg, Media, Packet, Payload, Picture, Protocol, RedundantAudio, RepairPacket, Rtp, RtpKind,
};
use weaknet_core::{Bytes, Event, Outbox, Time};

use super::Sender;
use crate::cc::{ProbeCluster, SentKind, SentPacket};
use crate::pacing::PacerAction;
use crate::rtp::{FeedbackFormat, PaddingPacket, next_padding};

/// What waits in the pacer.
#[derive(Debug, Clone)]
pub(super) enum Outgoing {
    /// Media, or media again on request.
    Plain(Rtp),
    /// A repair packet.
    Repair(Box<RepairPacket>),
    /// An audio packet with older sound.
    Audio(Box<RedundantAudio>),
    /// Padding, be it media again.
    Padding(Rtp),
}

impl Outgoing {
    pub(super) const fn rtp(&self) -> Rtp {
        match self {
            Self::Plain(rtp) | Self::Padding(rtp) => *rtp,
            Self::Repair(repair) => repair.rtp,
            Self::Audio(audio) => audio.rtp,
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
            path: 0,
            hop: 0,
            ecn: Ecn::NotEct,
            damaged: false,
            protocol: self.parts.session.protocol(),
            size,
            sent: now,
            payload,
        }
    }

    pub(super) fn send_control(&mut self, out: &mut Outbox<'_>, size: u32, payload: Payload) {
        let protocol = self.parts.session.protocol();
        self.send_by(out, protocol, size, payload);
    }

    pub(super) fn send_by(
        &mut self,
        out: &mut Outbox<'_>,
        protocol: Protocol,
        size: u32,
        payload: Payload,
    ) {
        let mut packet = self.packet(out.now(), size, payload);
        packet.protocol = protocol;
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
                    let packet = self.waiting.take(handle);
                    let paused = |packet: &Outgoing| self.still.pauses(packet.rtp().media);
                    if let Some(packet) = packet.filter(|packet| !paused(packet)) {
                        self.transmit(out, packet, probe);
                    }
                }
                PacerAction::Pad { size, .. } if self.still.pauses(Media::Video) => {
                    self.parts.pacer.on_padding(now, size);
                }
                PacerAction::Pad { size, probe } => {
                    let sent = self.pad(out, size.get(), probe);
                    self.parts.pacer.on_padding(now, sent);
                }
            }
        }
        let history = &mut self.flight.history;
        let in_flight = history.in_flight();
        let room = self.output.cwnd.is_none_or(|cwnd| in_flight < cwnd);
        if room && self.parts.pacer.queued() == Bytes::ZERO {
            history.set_app_limited();
        }
    }

    /// Sends something small that will be reported on, whatever window and pacer
    /// say.
    pub(super) fn probe(&mut self, out: &mut Outbox<'_>) {
        let packet = Outgoing::Padding(padding(out.now(), self.padded(), 1));
        self.transmit(out, packet, None);
    }

    /// Sends about `wanted` bytes that carry nothing new: an old video packet,
    /// or padding.
    fn pad(&mut self, out: &mut Outbox<'_>, wanted: u64, probe: Option<ProbeCluster>) -> Bytes {
        let mut total = Bytes::ZERO;
        let old = self.large.get().filter(|_| self.retransmits(out.now()));
        let overhead = self.parts.overhead;
        let mut payload = 0;
        let media = self.padded();
        while let Some(next) = next_padding(
            media,
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
                (PaddingPacket::Padding(size), _) => padding(out.now(), media, size),
                (PaddingPacket::Retransmission, None) => break,
            };
            payload += u64::from(rtp.payload).max(1);
            total += self.transmit(out, Outgoing::Padding(rtp), probe);
        }
        total
    }

    /// The stream that padding goes with.
    const fn padded(&self) -> Media {
        match self.parts.video {
            Some(_) => Media::Video,
            None => Media::Audio,
        }
    }

    /// Whether this flow has retransmission at all: its scheme keeps packets.
    fn retransmits(&self, now: Time) -> bool {
        self.parts.responder.oldest_kept(now) < self.sent_video
    }

    fn transmit(
        &mut self,
        out: &mut Outbox<'_>,
        packet: Outgoing,
        probe: Option<ProbeCluster>,
    ) -> Bytes {
        let now = out.now();
        let mut rtp = packet.rtp();
        rtp.transport_seq = self.flight.history.next_number();
        let wire = self.parts.overhead.size_of(&rtp);
        let size = Bytes::new(u64::from(wire));
        let kind = match (&packet, rtp.kind, rtp.media) {
            (Outgoing::Padding(_), ..) => SentKind::Padding,
            (_, RtpKind::Rtx, _) => SentKind::Retransmission,
            (_, _, Media::Audio) => SentKind::Audio,
            (_, _, Media::Video) => SentKind::Video,
        };
        match (kind, rtp.kind) {
            (SentKind::Retransmission, _) | (SentKind::Video, RtpKind::Fec) => {
                self.budget.on_repair(now, size.get());
            }
            (SentKind::Video, _) => {
                self.budget.on_media(now, size.get());
                self.parts.responder.on_sent(now, rtp.seq, wire);
                self.large.on_sent(&rtp);
                self.sent_video = self.sent_video.max(rtp.seq + 1);
            }
            _ => {}
        }
        if kind == SentKind::Retransmission {
            self.parts.responder.on_resent(now, rtp.seq);
        }
        let ecn = if self.parts.feedback.format.carries_ecn() {
            self.flight.codepoint(self.output.ecn)
        } else {
            Ecn::NotEct
        };
        let sent = SentPacket {
            number: rtp.transport_seq,
            at: now,
            size,
            kind,
            probe,
            in_flight: Bytes::ZERO,
            app_limited: false,
        };
        let sent = self.flight.on_sent(sent, ecn);
        let redundant = match &packet {
            Outgoing::Audio(audio) => u32::from(audio.redundant),
            _ => 0,
        };
        let fresh = if rtp.kind == RtpKind::Media {
            u32::from(rtp.payload).saturating_sub(redundant)
        } else {
            0
        };
        let payload = match packet {
            Outgoing::Plain(_) | Outgoing::Padding(_) => Payload::Rtp(rtp),
            Outgoing::Repair(repair) => Payload::Repair(Box::new(RepairPacket { rtp, ..*repair })),
            Outgoing::Audio(audio) => Payload::Audio(Box::new(RedundantAudio { rtp, ..*audio })),
        };
        let mut packet = self.packet(now, wire, payload);
        packet.ecn = ecn;
        out.event(Event::Sent {
            packet: packet.tag(),
            payload: fresh,
        });
        if redundant > 0 {
            out.event(Event::RedundancySent {
                flow: self.parts.flow,
                bytes: redundant,
            });
        }
        out.send(packet);
        // What nobody reports on is not told to the controller, as in libwebrtc
        // (`TransportFeedbackAdapter::ProcessSentPacket`).
        if self.parts.feedback.format != FeedbackFormat::Rr {
            self.parts.controller.on_sent(&sent);
        }
        self.follow_controller(out);
        if kind == SentKind::Video && rtp.kind == RtpKind::Media {
            self.protect(now, &rtp);
        }
        size
    }
}

fn padding(now: Time, media: Media, size: u32) -> Rtp {
    Rtp {
        media,
        kind: RtpKind::Padding,
        seq: 0,
        transport_seq: 0,
        timestamp: 0,
        frame: 0,
        part: 0,
        parts: 1,
        key: false,
        payload: u16::try_from(size).unwrap_or(u16::MAX),
        picture: Picture::default(),
        captured: now,
    }
}
