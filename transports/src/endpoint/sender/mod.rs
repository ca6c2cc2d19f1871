//! The sending end of a media flow.
//!
//! Way of the data: source -> packetiser -> pacer -> link; reports come back
//! to the send history, which feeds the controller, whose output drives
//! encoder and pacer.
//!
//! Implements: libwebrtc's sender (2026-07) in its structure. Every RTP packet
//! counts for congestion control with its bytes on the wire; RTCP and call
//! set-up do not. What the encoder gets says `budget`. Audio is paced only if
//! the pacer does so. Padding is an old video packet in RTX form (`padding`),
//! or padding packets. Key-frame requests within 300 ms of the last are ignored
//! (`video/encoder_rtcp_feedback.cc`). A sender report goes out every second and
//! answers a reference time of the receiver once (RFC 3611, section 4.5). Report
//! blocks that tell of no packet received are no loss report
//! (`RtpTransportControllerSend::OnReport`).
//!
//! A controller that gives a window instead of a target carries a call too, as
//! media in QUIC datagrams (RFC 9221, draft-ietf-avtcore-rtp-over-quic): the
//! target is what the window is worth (`window`), the pacer stops while the
//! window is full, and what is lost is for the ARQ scheme to repair. When no
//! report comes while packets are in flight, a probe goes out after the probe
//! timeout of RFC 9002 section 6.2, so that lost reports do not shut the window
//! for good. With acknowledgements of ranges the sender tells losses itself.
//!
//! At `stop` the sender falls silent; what comes later is heard by no one.
//!
//! Differs: reports go out at a constant interval (libwebrtc: 0.5 to 1.5 times
//! that, at random); one report for both streams; send times are exact
//! (libwebrtc: whole milliseconds).
//! Not modelled: RTCP's share of the bandwidth, a probe when a simulcast layer
//! could be added.

mod budget;
mod media;
mod padding;
mod path;
mod pauses;
mod reports;
mod transmit;
mod window;

use weaknet_core::event::SessionStage;
use weaknet_core::packet::{FlowId, Media, Packet, Payload, Protocol, Rtcp, Rtp};
use weaknet_core::{Bitrate, Bytes, Event, Node, Outbox, Span, Time};

use self::budget::Budget;
use self::padding::LargePacket;
use self::path::Path;
pub use self::pauses::Pauses;
use self::pauses::Stillness;
use self::transmit::Outgoing;
use self::window::WindowTarget;
use super::reports::{DerivedReports, ReportSource};
use super::store::Numbered;
use crate::arq::Responder;
use crate::cc::{
    CcEvent, CcOutput, CongestionController, Constraints, FeedbackKind, PacketResult,
    wants_arrival_times,
};
use crate::fec::audio::AudioProtection;
use crate::fec::{FecEncoder, Protect, Repair};
use crate::media::{AudioFormat, AudioSource, EncodedFrame, VideoFormat, VideoSource};
use crate::pacing::Pacer;
use crate::rtp::{FeedbackConfig, FeedbackFormat, Overhead, rtcp_size};
use crate::session::{OnOutage, Session};
use crate::tcp::Carried;
use crate::transport::{Alarm, Capacity, CapacityNews, Flight, LossRules, Tail, WindowRate};

/// Time between sender reports (libwebrtc, video).
const REPORT_INTERVAL: Span = Span::from_secs(1);

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
    /// Audio, if any.
    pub audio: Option<(Box<dyn AudioSource>, AudioFormat)>,
    /// Decides the rate.
    pub controller: Box<dyn CongestionController>,
    /// Bounds for the controller.
    pub constraints: Constraints,
    /// Spreads packets.
    pub pacer: Box<dyn Pacer>,
    /// Answers requests for retransmission.
    pub responder: Box<dyn Responder>,
    /// Adds repair packets.
    pub fec: Option<FecSender>,
    /// Adds older sound to audio packets.
    pub audio_protection: AudioProtection,
    /// Header sizes.
    pub overhead: Overhead,
    /// How the other end reports on packets. When its reports carry no ECN
    /// codepoints, packets are sent Not-ECT, whatever the controller asks for.
    pub feedback: FeedbackConfig,
    /// When the application pauses streams.
    pub pauses: Pauses,
    /// Call set-up.
    pub session: Session,
    /// Where round trips and losses are learnt from.
    pub reports: ReportSource,
    /// The true capacity of the bottleneck, for validation: only a controller
    /// that asks for it is told.
    pub capacity: Option<Capacity>,
}

/// What makes repair packets, and how many.
pub struct FecSender {
    /// The scheme.
    pub encoder: Box<dyn FecEncoder>,
    /// What it may spend.
    pub control: Box<dyn Protect>,
}

/// The sending end of a media flow.
pub struct Sender {
    parts: SenderConfig,
    /// The stage of call set-up that was published last.
    stage: Option<SessionStage>,
    /// The protocol that was published last.
    protocol: Option<Protocol>,
    ready: bool,
    still: Stillness,
    /// The controller as it was built, for a session that may begin anew.
    fresh: Option<Box<dyn CongestionController>>,
    /// How often that has happened.
    rejoined: u32,
    ids: u64,
    flight: Flight,
    /// Packets in the pacer, by handle.
    waiting: Numbered<Outgoing>,
    /// Video packets that may be asked for again, by sequence number.
    kept: Numbered<Rtp>,
    /// A frame that the encoder still works on.
    encoded: Option<EncodedFrame>,
    /// Frames so far, simulcast layers of one moment counted once.
    frames: u64,
    last_captured: Option<Time>,
    audio_packets: u64,
    /// The rate of payload that audio has now.
    audio_rate: Bitrate,
    output: CcOutput,
    rate: WindowRate,
    window: WindowTarget,
    last_shown: Option<Time>,
    budget: Budget,
    path: Path,
    large: LargePacket,
    /// Number after the highest of a video packet that was sent.
    sent_video: u64,
    last_key_request: Option<Time>,
    /// Number of the last full intra request that was heeded.
    answered_fir: Option<u8>,
    next_report: Time,
    last_loss_report: Time,
    derived: DerivedReports,
    /// The receiver's newest reference time and when it arrived, until it is
    /// answered.
    rrtr: Option<(Time, Time)>,
    results: Vec<PacketResult>,
    repairs: Vec<Repair>,
    capacity: Option<CapacityNews>,
    wake_at: Option<Time>,
}

impl Sender {
    /// A sender that has not begun yet.
    #[must_use]
    pub fn new(mut parts: SenderConfig) -> Self {
        if let Some(fec) = &parts.fec {
            parts.overhead.video_descriptor += fec.encoder.media_header();
        }
        let output = parts.controller.output();
        let capacity = CapacityNews::new(parts.controller.as_ref(), parts.capacity.take());
        let start = parts.start;
        let rejoins = parts.session.config().on_outage == OnOutage::Rejoin;
        let fresh = rejoins.then(|| parts.controller.clone_box());
        let acks = parts.feedback.format == FeedbackFormat::Ack;
        let kind = if acks && !wants_arrival_times(parts.controller.as_ref()) {
            FeedbackKind::AckRanges
        } else {
            FeedbackKind::PerPacket
        };
        Self {
            stage: None,
            protocol: None,
            ready: false,
            still: Stillness::default(),
            fresh,
            rejoined: 0,
            ids: 0,
            flight: Flight::new(loss_rules(&parts.feedback), kind),
            waiting: Numbered::new(),
            kept: Numbered::new(),
            encoded: None,
            frames: 0,
            last_captured: None,
            audio_packets: 0,
            audio_rate: most_audio(&parts),
            rate: WindowRate::of(&output, None, parts.constraints.start, WindowRate::GAIN),
            output,
            window: WindowTarget::new(parts.constraints.start),
            last_shown: None,
            budget: Budget::default(),
            path: Path::default(),
            large: LargePacket::default(),
            sent_video: 0,
            last_key_request: None,
            answered_fir: None,
            next_report: Time::MAX,
            last_loss_report: start,
            derived: DerivedReports::default(),
            rrtr: None,
            results: Vec::with_capacity(256),
            repairs: Vec::new(),
            capacity,
            wake_at: Some(start),
            parts,
        }
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
            self.follow_pauses(out);
            if self.tell_capacity(now) {
                self.follow_controller(out);
            }
            if self
                .parts
                .controller
                .next_timer()
                .is_some_and(|at| at <= now)
            {
                self.parts.controller.on_timer(now);
                self.follow_controller(out);
            }
            if !self.still.is_cut_off() {
                self.run_alarms(out);
                self.take_audio(out);
                self.take_video(out);
                self.drain_pacer(out);
            }
            if self.next_report <= now && !self.still.is_cut_off() {
                self.next_report = now + REPORT_INTERVAL;
                self.forget_old(now);
                let dlrr = self
                    .rrtr
                    .take()
                    .map(|(rrtr, arrived)| (rrtr, now - arrived));
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
        if self.parts.session.stage().is_none() {
            consider(Some(self.parts.start));
        }
        if self.ready {
            consider(self.parts.controller.next_timer());
            consider(self.capacity.as_ref().map(CapacityNews::next));
            consider(self.next_pause(now));
        }
        if self.ready && !self.still.is_cut_off() {
            consider(self.parts.pacer.next_wake(now));
            consider(
                self.parts
                    .audio
                    .as_ref()
                    .filter(|_| !self.still.pauses(Media::Audio))
                    .and_then(|(source, _)| source.next_packet()),
            );
            consider(match self.encoded {
                _ if self.still.pauses(Media::Video) => None,
                Some(frame) => Some(frame.ready),
                None => self
                    .parts
                    .video
                    .as_ref()
                    .and_then(|(source, _)| source.next_capture()),
            });
            consider(Some(self.next_report));
            consider(self.next_alarm().map(|(at, _)| at));
        }
        next
    }

    fn set_up(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        if self.parts.session.stage().is_none() && now >= self.parts.start {
            self.parts.session.start(now);
            self.publish_stage(out);
        }
        while let Some(outgoing) = self.parts.session.poll(now) {
            let payload = Payload::Session(outgoing.message);
            self.send_by(out, outgoing.protocol, outgoing.size, payload);
        }
        self.publish_stage(out);
        if !self.ready
            && matches!(
                self.stage,
                Some(SessionStage::SenderReady | SessionStage::Connected)
            )
        {
            self.begin_media(out);
        }
        let rejoined = self.parts.session.rejoined();
        if rejoined > self.rejoined && self.parts.session.may_send() {
            self.rejoined = rejoined;
            if let Some(fresh) = &self.fresh {
                self.parts.controller = fresh.clone_box();
                self.flight.restart();
                self.begin_media(out);
            }
        }
    }

    fn publish_stage(&mut self, out: &mut Outbox<'_>) {
        let protocol = self.parts.session.watched_protocol();
        if let Some(protocol) = protocol.filter(|_| protocol != self.protocol) {
            self.protocol = Some(protocol);
            out.event(Event::Selected {
                flow: self.parts.flow,
                protocol,
            });
        }
        let stage = self.parts.session.stage();
        if let Some(stage) = stage.filter(|_| stage != self.stage) {
            self.stage = Some(stage);
            out.event(Event::Session {
                flow: self.parts.flow,
                stage,
            });
        }
    }

    fn begin_media(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        self.ready = true;
        if self.parts.reports == ReportSource::Rtcp {
            self.next_report = now + REPORT_INTERVAL;
        }
        self.last_loss_report = now;
        let (constraints, allocation) = (self.parts.constraints, self.allocation());
        self.parts.controller.on_event(now, &allocation);
        let largest = Bytes::new(u64::from(self.parts.overhead.max_media_packet));
        self.parts.controller.on_event(now, &CcEvent::Mtu(largest));
        self.parts
            .controller
            .on_event(now, &CcEvent::Start(constraints));
        self.tell_capacity(now);
        if let Some((source, _)) = &mut self.parts.audio {
            source.start(now, self.audio_rate);
        }
        if let Some((source, format)) = &mut self.parts.video {
            source.start(now, *format, constraints.start);
        }
        self.output = self.parts.controller.output();
        self.rate = self.rate_of(&self.output);
        self.apply_output(out);
        self.follow_controller(out);
    }

    /// Whether the controller was told anything.
    fn tell_capacity(&mut self, now: Time) -> bool {
        let news = self.capacity.as_mut().and_then(|news| news.poll(now));
        if let Some(event) = &news {
            self.parts.controller.on_event(now, event);
        }
        news.is_some()
    }

    /// Takes over what the controller has decided since the last call.
    fn follow_controller(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        while let Some(cluster) = self.parts.controller.poll_probe() {
            self.parts.pacer.add_probe(now, cluster);
        }
        let output = self.parts.controller.output();
        let rate = self.rate_of(&output);
        if (output, rate) != (self.output, self.rate) {
            (self.output, self.rate) = (output, rate);
            self.apply_output(out);
        }
        if let Some(cwnd) = output.cwnd {
            let congested = self.flight.history.in_flight() >= cwnd;
            self.parts.pacer.set_congested(now, congested);
        }
    }

    fn apply_output(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        let WindowRate { target, pacing } = self.rate;
        self.parts.pacer.set_rates(now, pacing, self.output.padding);
        if self.output.cwnd.is_none() {
            self.parts.pacer.set_congested(now, false);
        }
        self.parts.responder.on_target(now, target);
        out.event(Event::Target {
            flow: self.parts.flow,
            target,
            pacing,
        });
        self.set_encoder(out);
    }

    /// What all streams together need at least and would use at most.
    fn allocation(&self) -> CcEvent {
        let still = self.still;
        let video = self.parts.video.as_ref().map(|(_, format)| *format);
        let video = video.filter(|_| !still.pauses(Media::Video));
        let audio = self.parts.audio.as_ref().map(|(_, format)| *format);
        let audio = audio.filter(|_| !still.pauses(Media::Audio));
        let sum = |video: Option<Bitrate>, audio: Option<Bitrate>| {
            let sum = video.unwrap_or_default() + audio.unwrap_or_default();
            sum.min(self.parts.constraints.max)
        };
        CcEvent::Allocated {
            min: sum(video.map(|f| f.min_bitrate), audio.map(|f| f.min_bitrate)),
            max: sum(video.map(|f| f.max_bitrate), audio.map(|f| f.max_bitrate)),
        }
    }

    fn rate_of(&self, output: &CcOutput) -> WindowRate {
        let rtt = self.flight.rtt.latest().map(|_| self.flight.rtt.smoothed());
        let constraints = self.parts.constraints;
        let rate = WindowRate::of(output, rtt, constraints.start, WindowRate::GAIN);
        if gives_window_only(output) {
            let target = constraints.bound(self.window.target());
            return WindowRate { target, ..rate };
        }
        rate
    }

    /// Takes into account what has become of window and queue.
    fn reconsider_window(&mut self, now: Time) {
        let queued = self.parts.pacer.queued();
        self.window.update(now, &self.output, queued);
        self.rate = self.rate_of(&self.output);
    }

    /// When something has to happen because no report comes, and what.
    fn next_alarm(&self) -> Option<(Time, Alarm)> {
        let acks = self.parts.feedback.format == FeedbackFormat::Ack;
        (acks || gives_window_only(&self.output))
            .then(|| self.flight.next_alarm())
            .flatten()
    }

    /// What the target leaves for the encoder.
    fn set_encoder(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        let (target, overhead) = (self.rate.target, &self.parts.overhead);
        if let Some(fec) = &mut self.parts.fec {
            let state = self.path.state(self.budget.payload(target, overhead));
            fec.control.on_path(now, &state);
        }
        if let Some((source, format)) = &mut self.parts.audio
            && format.min_bitrate < format.max_bitrate
        {
            let video = self.parts.video.as_ref().map(|(_, f)| f.min_bitrate);
            let rate = self
                .budget
                .share_audio(target, video, format, self.audio_rate);
            if rate != self.audio_rate {
                self.audio_rate = rate;
                source.set_bitrate(now, rate);
            }
        }
        let left = self.budget.encoder_target(now, target, overhead);
        if let Some((source, format)) = &mut self.parts.video {
            source.set_target(now, left, self.output.frame_drop);
            out.event(Event::Gauge {
                flow: self.parts.flow,
                name: "encoder_target_bps",
                value: format.clip(left).as_bps_f64(),
            });
        }
    }
}

/// The rate of payload that audio begins with.
fn most_audio(parts: &SenderConfig) -> Bitrate {
    let format = parts.audio.as_ref().map(|(_, format)| format.max_bitrate);
    format.unwrap_or_default()
}

/// Whether the target has to be told from a window.
const fn gives_window_only(output: &CcOutput) -> bool {
    output.target.is_none() && output.cwnd.is_some()
}

/// As QUIC tells losses from acknowledgements, which is of no matter for
/// reports that tell losses themselves.
fn loss_rules(feedback: &FeedbackConfig) -> LossRules {
    LossRules {
        packet_threshold: 3,
        adaptive: false,
        tail: Tail::Probe,
        max_ack_delay: feedback.longest_wait(),
    }
}

impl Carried for Sender {
    fn session(&mut self) -> &mut Session {
        &mut self.parts.session
    }

    fn stop(&self) -> Time {
        self.parts.stop
    }
}

impl Node for Sender {
    fn receive(&mut self, packet: &mut Packet, out: &mut Outbox<'_>) {
        let now = out.now();
        out.event(Event::Received {
            packet: packet.tag(),
            one_way: now - packet.sent,
        });
        let protocol = packet.protocol;
        self.parts.session.on_heard(now, protocol);
        match packet.take().payload {
            _ if now >= self.parts.stop => {}
            Payload::Rtcp(reports) if self.ready => {
                for rtcp in reports {
                    self.on_rtcp(out, rtcp);
                }
            }
            Payload::Ack(ack) if self.ready => self.on_ack(out, &ack),
            Payload::Session(message) => self.parts.session.on_message(now, message, protocol),
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
