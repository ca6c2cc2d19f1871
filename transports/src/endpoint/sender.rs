//! The sending end of a media flow.
//!
//! Way of the data: source -> packetiser -> pacer -> link; reports come back
//! to the send history, which feeds the controller, whose output drives
//! encoder and pacer.
//!
//! Implements: libwebrtc's sender (2026-07) in its structure. The encoder gets
//! what the controller's target leaves after audio, packet headers
//! (`RtpVideoSender`'s overhead rule: packets per frame rounded up) and the
//! share that retransmission and FEC took over the last second, at most half
//! (`media_opt` protection rule). Key-frame requests within 300 ms of the last
//! are ignored.
//!
//! Differs: padding is sent as padding packets, never as old media in RTX form.
//! Not modelled: pausing the encoder below its minimum, simulcast, degradation
//! of resolution.

use weaknet_core::event::SessionStage;
use weaknet_core::packet::{FlowId, Leg, Media, Packet, Payload, Rtcp, Rtp, RtpKind};
use weaknet_core::{Bitrate, Bytes, Event, Node, Outbox, Span, Time};

use super::store::Numbered;
use crate::arq::Responder;
use crate::cc::{
    CcEvent, CcOutput, CongestionController, Constraints, Feedback, FeedbackKind, PacketResult,
    SentKind, SentPacket, Visitor,
};
use crate::fec::{FecEncoder, Repair};
use crate::media::{AudioSource, EncodedFrame, VideoFormat, VideoSource};
use crate::pacing::{Paced, Pacer, PacerAction, Priority};
use crate::rtp::{Overhead, packetize, rtcp_size};
use crate::session::Session;
use crate::transport::{RateCounter, SendHistory};

/// Sender reports and the like.
const REPORT_INTERVAL: Span = Span::from_secs(1);
/// Key-frame requests closer to the last one are ignored.
const KEY_FRAME_INTERVAL: Span = Span::from_millis(300);
const VIDEO_TICKS_PER_SECOND: u64 = 90_000;
const AUDIO_TICKS_PER_SECOND: u64 = 48_000;

/// The parts of a sender.
pub struct SenderConfig {
    /// The flow.
    pub flow: FlowId,
    /// When call set-up starts.
    pub start: Time,
    /// When the sender falls silent.
    pub stop: Time,
    /// Video, if any.
    pub video: Option<(Box<dyn VideoSource>, VideoFormat)>,
    /// Audio, if any, and its rate of payload.
    pub audio: Option<(Box<dyn AudioSource>, Bitrate)>,
    /// Decides the rate.
    pub controller: Box<dyn CongestionController>,
    /// Bounds for the controller.
    pub constraints: Constraints,
    /// Spreads packets.
    pub pacer: Box<dyn Pacer>,
    /// Answers requests for retransmission.
    pub responder: Box<dyn Responder>,
    /// Adds repair packets.
    pub fec: Option<Box<dyn FecEncoder>>,
    /// Header sizes.
    pub overhead: Overhead,
    /// Call set-up.
    pub session: Session,
}

/// The sending end of a media flow.
pub struct Sender {
    parts: SenderConfig,
    ready: bool,
    ids: u64,
    history: SendHistory,
    /// Packets in the pacer, by handle.
    waiting: Numbered<Outgoing>,
    /// Video packets that may be asked for again, by sequence number.
    kept: Numbered<Rtp>,
    /// A frame that the encoder still works on.
    encoded: Option<EncodedFrame>,
    frames: u64,
    audio_packets: u64,
    output: CcOutput,
    /// What audio takes on the wire.
    audio_rate: Bitrate,
    last_key_request: Option<Time>,
    next_report: Time,
    last_loss_report: Time,
    /// The receiver's newest reference time and when it arrived.
    rrtr: Option<(Time, Time)>,
    repair_rate: RateCounter,
    media_rate: RateCounter,
    results: Vec<PacketResult>,
    repairs: Vec<Repair>,
    wake_at: Option<Time>,
}

/// What waits in the pacer.
#[derive(Debug, Clone)]
enum Outgoing {
    Plain(Rtp),
    Repair(Rtp, Vec<Rtp>),
}

impl Sender {
    /// A sender that has not begun yet.
    #[must_use]
    pub fn new(parts: SenderConfig) -> Self {
        let output = parts.controller.output();
        let start = parts.start;
        Self {
            parts,
            ready: false,
            ids: 0,
            history: SendHistory::new(),
            waiting: Numbered::new(),
            kept: Numbered::new(),
            encoded: None,
            frames: 0,
            audio_packets: 0,
            output,
            audio_rate: Bitrate::ZERO,
            last_key_request: None,
            next_report: Time::MAX,
            last_loss_report: start,
            rrtr: None,
            repair_rate: RateCounter::new(),
            media_rate: RateCounter::new(),
            results: Vec::with_capacity(256),
            repairs: Vec::new(),
            wake_at: Some(start),
        }
    }

    fn packet(&mut self, now: Time, size: u32, payload: Payload) -> Packet {
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

    fn send_control(&mut self, out: &mut Outbox<'_>, size: u32, payload: Payload) {
        let packet = self.packet(out.now(), size, payload);
        out.event(Event::Sent {
            packet: packet.tag(),
            payload: 0,
        });
        out.send(packet);
    }

    /// Everything that is due now, then the next wake-up.
    fn pump(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        if now >= self.parts.stop {
            self.wake_at = None;
            return;
        }
        self.set_up(out);
        if self.ready {
            if self
                .parts
                .controller
                .next_timer()
                .is_some_and(|at| at <= now)
            {
                self.parts.controller.on_timer(now);
                self.follow_controller(out);
            }
            self.take_audio(now);
            self.take_video(out);
            self.drain_pacer(out);
            if self.next_report <= now {
                self.next_report = now + REPORT_INTERVAL;
                let dlrr = self.rrtr.map(|(rrtr, arrived)| (rrtr, now - arrived));
                let report = vec![Rtcp::SenderReport { ntp: now, dlrr }];
                self.send_control(
                    out,
                    rtcp_size(&report, &self.parts.overhead),
                    Payload::Rtcp(report),
                );
            }
        }
        self.wake_at = self.earliest(now);
    }

    fn earliest(&self, now: Time) -> Option<Time> {
        let mut next = self.parts.session.next_wake();
        let mut consider = |at: Option<Time>| {
            if let Some(at) = at {
                next = Some(next.map_or(at, |n| n.min(at)));
            }
        };
        consider(Some(self.parts.stop));
        if self.ready {
            consider(self.parts.controller.next_timer());
            consider(self.parts.pacer.next_wake(now));
            consider(
                self.parts
                    .audio
                    .as_ref()
                    .and_then(|(source, _)| source.next_packet()),
            );
            consider(match self.encoded {
                Some(frame) => Some(frame.ready),
                None => self
                    .parts
                    .video
                    .as_ref()
                    .and_then(|(source, _)| source.next_capture()),
            });
            consider(Some(self.next_report));
        }
        next
    }

    fn set_up(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        if self.parts.session.stage().is_none() && now >= self.parts.start {
            self.parts.session.start(now);
            out.event(Event::Session {
                flow: self.parts.flow,
                stage: SessionStage::Started,
            });
        }
        let before = self.parts.session.stage();
        while let Some((message, size)) = self.parts.session.poll(now) {
            self.send_control(out, size, Payload::Session(message));
        }
        let stage = self.parts.session.stage();
        if stage != before {
            if let Some(stage) = stage {
                out.event(Event::Session {
                    flow: self.parts.flow,
                    stage,
                });
            }
        }
        if !self.ready
            && matches!(
                stage,
                Some(SessionStage::SenderReady | SessionStage::Connected)
            )
        {
            self.begin_media(out);
        }
    }

    fn begin_media(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        self.ready = true;
        self.next_report = now + REPORT_INTERVAL;
        self.last_loss_report = now;
        let constraints = self.parts.constraints;
        self.parts
            .controller
            .on_event(now, &CcEvent::Start(constraints));
        self.parts
            .controller
            .on_event(now, &CcEvent::MaxAllocated(constraints.max));
        if let Some((source, bitrate)) = &mut self.parts.audio {
            source.start(now, *bitrate);
        }
        if let Some((source, format)) = &mut self.parts.video {
            source.start(now, *format, constraints.start);
        }
        self.follow_controller(out);
    }

    /// Takes the controller's output over into encoder and pacer.
    fn follow_controller(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        while let Some(cluster) = self.parts.controller.poll_probe() {
            self.parts.pacer.add_probe(now, cluster);
        }
        let output = self.parts.controller.output();
        self.parts.pacer.set_congested(
            now,
            output
                .cwnd
                .is_some_and(|cwnd| self.history.in_flight() >= cwnd),
        );
        if output == self.output {
            return;
        }
        self.output = output;
        let target = output.target.unwrap_or(self.parts.constraints.start);
        let pacing = output.pacing.unwrap_or(target);
        self.parts.pacer.set_rates(now, pacing, output.padding);
        self.parts.responder.on_target(now, target);
        out.event(Event::Target {
            flow: self.parts.flow,
            target,
            pacing,
        });
        self.set_encoder(now);
    }

    /// What the target leaves for the encoder.
    fn set_encoder(&mut self, now: Time) {
        let target = self.output.target.unwrap_or(self.parts.constraints.start);
        let repair = self.repair_rate.rate(now).as_bps_f64();
        let media = self.media_rate.rate(now).as_bps_f64();
        let Some((source, format)) = &mut self.parts.video else {
            return;
        };
        let video = target - self.audio_rate;
        let payload = video - header_rate(&self.parts.overhead, video, format.fps);
        let share = if repair > 0.0 {
            (repair / (repair + media)).min(0.5)
        } else {
            0.0
        };
        source.set_target(now, payload.mul_f64(1.0 - share), self.output.frame_drop);
    }

    fn take_audio(&mut self, now: Time) {
        let Some((source, _)) = &mut self.parts.audio else {
            return;
        };
        while source.next_packet().is_some_and(|at| at <= now) {
            let Some(audio) = source.packet(now) else {
                continue;
            };
            let rtp = Rtp {
                media: Media::Audio,
                kind: RtpKind::Media,
                seq: self.audio_packets,
                transport_seq: 0,
                timestamp: ticks(audio.captured, AUDIO_TICKS_PER_SECOND),
                frame: self.audio_packets,
                part: 0,
                parts: 1,
                key: true,
                payload: u16::try_from(audio.size).unwrap_or(u16::MAX),
                captured: audio.captured,
            };
            self.audio_packets += 1;
            let size = self.parts.overhead.size_of(&rtp);
            self.audio_rate = Bytes::new(u64::from(size)).per(audio.length);
            let handle = self.waiting.push(Outgoing::Plain(rtp));
            self.parts.pacer.enqueue(
                now,
                Paced {
                    handle,
                    size: Bytes::new(u64::from(size)),
                    priority: Priority::Audio,
                },
            );
        }
    }

    fn take_video(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
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
            self.encoded = source.capture(now);
        }
    }

    fn packetize(&mut self, out: &mut Outbox<'_>, frame: EncodedFrame) {
        let now = out.now();
        let overhead = self.parts.overhead;
        let split = packetize(frame.size, overhead.max_video_payload(), overhead.remainder);
        let number = self.frames;
        self.frames += 1;
        out.event(Event::FrameEncoded {
            flow: self.parts.flow,
            frame: number,
            key: frame.key,
            size: frame.size,
        });
        let parts = u16::try_from(split.count()).unwrap_or(u16::MAX);
        for part in 0..parts {
            let rtp = Rtp {
                media: Media::Video,
                kind: RtpKind::Media,
                seq: self.kept.next(),
                transport_seq: 0,
                timestamp: ticks(frame.captured, VIDEO_TICKS_PER_SECOND),
                frame: number,
                part,
                parts,
                key: frame.key,
                payload: u16::try_from(split.size(u32::from(part))).unwrap_or(u16::MAX),
                captured: frame.captured,
            };
            self.kept.push(rtp);
            self.enqueue(now, Outgoing::Plain(rtp), Priority::Video);
            self.protect(now, &rtp);
        }
    }

    fn protect(&mut self, now: Time, media: &Rtp) {
        let Some(encoder) = &mut self.parts.fec else {
            return;
        };
        encoder.on_media(
            now,
            media.seq,
            media.payload,
            media.part + 1 == media.parts,
            media.key,
            &mut self.repairs,
        );
        for repair in std::mem::take(&mut self.repairs) {
            let protects: Vec<Rtp> = repair
                .protects
                .iter()
                .filter_map(|seq| self.kept.get(*seq).copied())
                .collect();
            let rtp = Rtp {
                kind: RtpKind::Fec,
                payload: repair.payload,
                ..*media
            };
            self.enqueue(now, Outgoing::Repair(rtp, protects), Priority::Video);
        }
    }

    fn enqueue(&mut self, now: Time, packet: Outgoing, priority: Priority) {
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

    fn drain_pacer(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        while let Some(action) = self.parts.pacer.poll(now) {
            match action {
                PacerAction::Send { handle, probe } => {
                    if let Some(packet) = self.waiting.take(handle) {
                        self.transmit(out, packet, probe);
                    }
                }
                PacerAction::Pad { size, probe } => {
                    let overhead = self.parts.overhead.rtp_size(Media::Video, RtpKind::Padding, 0);
                    let payload = size.get().saturating_sub(u64::from(overhead)).max(1);
                    let rtp = Rtp {
                        media: Media::Video,
                        kind: RtpKind::Padding,
                        seq: 0,
                        transport_seq: 0,
                        timestamp: ticks(now, VIDEO_TICKS_PER_SECOND),
                        frame: 0,
                        part: 0,
                        parts: 1,
                        key: false,
                        payload: u16::try_from(payload)
                            .unwrap_or(u16::MAX)
                            .min(u16::try_from(self.parts.overhead.max_padding).unwrap_or(u16::MAX)),
                        captured: now,
                    };
                    let sent = self.transmit(out, Outgoing::Plain(rtp), probe);
                    self.parts.pacer.on_padding(now, sent);
                }
            }
        }
    }

    fn transmit(
        &mut self,
        out: &mut Outbox<'_>,
        packet: Outgoing,
        probe: Option<crate::cc::ProbeCluster>,
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

    fn on_rtcp(&mut self, out: &mut Outbox<'_>, rtcp: Rtcp) {
        let now = out.now();
        match rtcp {
            Rtcp::TransportFeedback { arrivals, made } => {
                let told = self
                    .history
                    .on_report(now, made, &arrivals, &mut self.results);
                if let Some(rtt) = told.rtt {
                    out.event(Event::RttSample {
                        flow: self.parts.flow,
                        rtt,
                    });
                }
                let queued = self.parts.pacer.queued();
                self.parts
                    .controller
                    .on_event(now, &CcEvent::PacerQueue(queued));
                self.parts.controller.on_feedback(&Feedback {
                    now,
                    made: Some(made),
                    packets: &self.results,
                    in_flight: self.history.in_flight(),
                    prior_in_flight: told.prior_in_flight,
                    kind: FeedbackKind::PerPacket,
                });
                self.parts.controller.snapshot(&mut Gauges {
                    flow: self.parts.flow,
                    out,
                });
                self.follow_controller(out);
                self.set_encoder(now);
                self.kept.free_below(self.parts.responder.oldest_kept(now));
            }
            Rtcp::Nack {
                media: Media::Video,
                seqs,
            } => {
                for seq in seqs {
                    if self.parts.responder.on_nack(now, seq) {
                        if let Some(rtp) = self.kept.get(seq).copied() {
                            self.enqueue(
                                now,
                                Outgoing::Plain(Rtp {
                                    kind: RtpKind::Rtx,
                                    ..rtp
                                }),
                                Priority::Retransmission,
                            );
                        }
                    }
                }
            }
            Rtcp::Pli => {
                if self
                    .last_key_request
                    .is_none_or(|at| now - at >= KEY_FRAME_INTERVAL)
                {
                    self.last_key_request = Some(now);
                    if let Some((source, _)) = &mut self.parts.video {
                        source.request_key_frame(now);
                    }
                }
            }
            Rtcp::ReceiverReport {
                last_sr,
                delay_since_last_sr,
                expected,
                lost,
                rrtr,
                ..
            } => {
                self.rrtr = rrtr.map(|time| (time, now)).or(self.rrtr);
                if let Some(sr) = last_sr {
                    let rtt = now.since(sr) - delay_since_last_sr;
                    self.parts.responder.on_rtt(now, rtt);
                    self.parts.controller.on_event(now, &CcEvent::Rtt(rtt));
                    let loss = f64::from(lost) / f64::from(expected.max(1));
                    if let Some(encoder) = &mut self.parts.fec {
                        encoder.on_network(now, loss, rtt);
                    }
                }
                let received = expected.saturating_sub(lost);
                let interval = now - self.last_loss_report;
                self.last_loss_report = now;
                self.parts.controller.on_event(
                    now,
                    &CcEvent::LossReport {
                        lost,
                        received,
                        interval,
                    },
                );
                self.follow_controller(out);
            }
            _ => {}
        }
    }
}

impl Node for Sender {
    fn receive(&mut self, packet: Packet, out: &mut Outbox<'_>) {
        let now = out.now();
        out.event(Event::Received {
            packet: packet.tag(),
            one_way: now - packet.sent,
        });
        match packet.payload {
            Payload::Rtcp(reports) if self.ready => {
                for rtcp in reports {
                    self.on_rtcp(out, rtcp);
                }
            }
            Payload::Session(message) => self.parts.session.on_message(now, message),
            _ => {}
        }
        self.pump(out);
    }

    fn wake(&mut self, out: &mut Outbox<'_>) {
        self.pump(out);
    }

    fn next_wake(&self) -> Option<Time> {
        self.wake_at
    }
}

impl Outgoing {
    const fn rtp(&self) -> Rtp {
        match self {
            Self::Plain(rtp) | Self::Repair(rtp, _) => *rtp,
        }
    }
}

/// Publishes a controller's named values.
struct Gauges<'a, 'b> {
    flow: FlowId,
    out: &'a mut Outbox<'b>,
}

impl Visitor for Gauges<'_, '_> {
    fn number(&mut self, name: &'static str, value: f64) {
        self.out.event(Event::Gauge {
            flow: self.flow,
            name,
            value,
        });
    }
}

/// A time in ticks of an RTP clock, from the start of the run.
fn ticks(at: Time, per_second: u64) -> u64 {
    let nanos = u128::from(at.as_nanos());
    u64::try_from(nanos * u128::from(per_second) / 1_000_000_000).unwrap_or(u64::MAX)
}

/// What packet headers take of a video rate (libwebrtc's
/// `CalculateOverheadRate`: whole packets per frame).
fn header_rate(overhead: &Overhead, video: Bitrate, fps: f64) -> Bitrate {
    let per_packet = overhead.media(Media::Video);
    let fps = fps.max(1.0);
    let frame = video.as_bps_f64() / 8.0 / fps;
    let packets = libm::ceil(frame / f64::from(overhead.max_media_packet.max(1))) * fps;
    Bitrate::from_bps_f64(libm::ceil(packets) * f64::from(per_packet) * 8.0)
}
