//! The receiving end of a media flow.
//!
//! Way of the data: link -> feedback generator and repair -> frame assembly ->
//! jitter buffer -> decoder -> screen; audio -> audio buffer -> loudspeaker.
//!
//! Implements: libwebrtc's receiver (2026-07) in its structure
//! (`video/rtp_video_stream_receiver2.cc`): every RTP packet is reported on,
//! by its transport-wide number, in the format chosen; holes in the video stream go to the ARQ scheme; when that
//! wants a key frame, its requests for retransmission of the same moment are
//! not sent. A packet is usable the first time that it is there, by whatever
//! means, unless its frame has been given up. Complete frames go to the jitter
//! buffer; the decoder takes one frame at a time and a frame is shown when it is
//! both decoded and due, never before the one ahead of it. Of several simulcast
//! layers one is shown (`layers`). Time-outs for key
//! frames see only packets that came at the first attempt. A receiver report
//! goes out every 850 ms (measured in Chromium 156: one each second for video,
//! one in five seconds for audio) and carries a reference time (RFC 3611), so
//! that this end knows the round-trip time too. What comes before this end has
//! its keys cannot be read and is not reported.
//!
//! When a frame is decoded, older ones that are not complete are given up. At
//! `stop` those are given up that a complete frame has overtaken; frames still
//! under way have no fate. What comes later is heard by no one.
//!
//! Differs: with two one-way flows each end measures its own round trips,
//! where libwebrtc would share them within one connection. One report counts both
//! streams, at a constant interval. The stream begins with the first
//! RTP packet of the flow.
//! Not modelled: refresh of the screen in fixed steps.

mod audio;
mod clock;
mod key_frame;
mod layers;
mod lip_sync;
mod playout;
mod reporter;
mod reports;
mod round_trips;
mod seen;

use std::collections::{BTreeMap, VecDeque};

use weaknet_core::event::{FrameDrop, FrameTimes};
use weaknet_core::packet::{
    Ecn, FlowId, Leg, Media, Packet, Payload, Protocol, RepairPacket, Rtcp, Rtp, RtpKind,
};
use weaknet_core::{ClockDrift, Event, Node, Outbox, Span, Time};

use self::audio::AudioInput;
use self::clock::DeviceClock;
pub use self::key_frame::KeyFrameRequest;
use self::key_frame::KeyFrameRequests;
use self::layers::{LayerSelector, layer_of};
use self::lip_sync::LipSync;
pub use self::reporter::Reporter;
use self::reports::ReportState;
use self::round_trips::RoundTrips;
use super::decoder::DecoderModel;
use super::reports::ReportSource;
use crate::arq::{Requester, UsablePacket, Wish};
use crate::fec::{FecDecoder, Repair};
use crate::jitter::{AudioBuffer, CompleteFrame, JitterBuffer};
use crate::media::SIMULCAST_LAYERS;
use crate::rtp::{Overhead, rtcp_size};
use crate::session::Session;
use crate::tcp::Carried;
use crate::transport::{Assembly, FrameAssembler};

/// Protected packets that are remembered for repair.
const REPAIR_MEMORY: usize = 1024;

/// The parts of a receiver.
pub struct ReceiverConfig {
    /// The flow.
    pub flow: FlowId,
    /// When call set-up starts.
    pub start: Time,
    /// When the receiver stops listening.
    pub stop: Time,
    /// Video, if any: its jitter buffer and decoder.
    pub video: Option<(Box<dyn JitterBuffer>, DecoderModel)>,
    /// Audio, if any.
    pub audio: Option<Box<dyn AudioBuffer>>,
    /// How much faster the loudspeaker's clock runs.
    pub clock_drift: ClockDrift,
    /// Whether audio and video are kept in step.
    pub lip_sync: bool,
    /// Asks for retransmissions.
    pub requester: Box<dyn Requester>,
    /// How key frames are asked for.
    pub key_frame_request: KeyFrameRequest,
    /// Recovers from repair packets.
    pub fec: Option<Box<dyn FecDecoder>>,
    /// Reports on packets.
    pub feedback: Reporter,
    /// Time between receiver reports.
    pub report_interval: Span,
    /// Header sizes.
    pub overhead: Overhead,
    /// Call set-up.
    pub session: Session,
    /// Where the sender learns round trips and losses from.
    pub reports: ReportSource,
}

/// How a media packet came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// At the first attempt.
    Direct,
    /// Sent again.
    Again,
    /// Recovered from repair packets.
    Recovered,
}

/// A frame between decoder and screen.
#[derive(Debug, Clone, Copy)]
struct Showing {
    frame: CompleteFrame,
    at: Time,
    times: FrameTimes,
}

/// What observers want to know of a frame that is not shown yet.
#[derive(Debug, Clone, Copy)]
struct Observed {
    frame: u64,
    captured: Time,
    first_sent: Time,
}

/// The receiving end of a media flow.
pub struct Receiver {
    parts: ReceiverConfig,
    begun: bool,
    ids: u64,
    /// By simulcast layer.
    assemblers: [FrameAssembler; SIMULCAST_LAYERS],
    selector: LayerSelector,
    /// Complete frames in the jitter buffer, ascending.
    observed: VecDeque<Observed>,
    /// The highest number of a complete frame.
    newest: Option<u64>,
    decoding: Option<(Showing, Option<Time>, Time)>,
    showing: VecDeque<Showing>,
    /// Media packets named by repair packets, by sequence number.
    protected: BTreeMap<u64, Rtp>,
    audio: AudioInput,
    loudspeaker: DeviceClock,
    lip_sync: Option<LipSync>,
    key_frames: KeyFrameRequests,
    reports: ReportState,
    round_trips: RoundTrips,
    next_report: Time,
    nack: Vec<u64>,
    recovered: Vec<u64>,
    incomplete: Vec<u64>,
    wake_at: Option<Time>,
}

impl Receiver {
    /// A receiver that has not begun yet.
    #[must_use]
    pub fn new(parts: ReceiverConfig) -> Self {
        let start = parts.start;
        let synced = parts.lip_sync && parts.audio.is_some() && parts.video.is_some();
        Self {
            loudspeaker: DeviceClock::new(parts.clock_drift),
            lip_sync: synced.then(LipSync::new),
            key_frames: KeyFrameRequests::new(parts.key_frame_request),
            parts,
            begun: false,
            ids: 0,
            assemblers: Default::default(),
            selector: LayerSelector::default(),
            observed: VecDeque::new(),
            newest: None,
            decoding: None,
            showing: VecDeque::new(),
            protected: BTreeMap::new(),
            audio: AudioInput::new(),
            reports: ReportState::default(),
            round_trips: RoundTrips::default(),
            next_report: Time::MAX,
            nack: Vec::new(),
            recovered: Vec::new(),
            incomplete: Vec::new(),
            wake_at: Some(start),
        }
    }

    fn send(&mut self, out: &mut Outbox<'_>, size: u32, payload: Payload) {
        let protocol = self.parts.session.protocol();
        self.send_by(out, protocol, size, payload);
    }

    fn send_by(&mut self, out: &mut Outbox<'_>, protocol: Protocol, size: u32, payload: Payload) {
        self.ids += 1;
        let packet = Packet {
            id: u64::from(self.parts.flow.0) << 48 | 1 << 47 | self.ids,
            flow: self.parts.flow,
            leg: Leg::Return,
            path: 0,
            hop: 0,
            ecn: Ecn::NotEct,
            damaged: false,
            protocol,
            size,
            sent: out.now(),
            payload,
        };
        out.event(Event::Sent {
            packet: packet.tag(),
            payload: 0,
        });
        out.send(packet);
    }

    fn send_rtcp(&mut self, out: &mut Outbox<'_>, rtcp: Rtcp) {
        let reports = vec![rtcp];
        self.send(
            out,
            rtcp_size(&reports, &self.parts.overhead),
            Payload::Rtcp(reports),
        );
    }

    fn send_nack(&mut self, out: &mut Outbox<'_>) {
        if self.nack.is_empty() {
            return;
        }
        let seqs = std::mem::take(&mut self.nack);
        let count = u32::try_from(seqs.len()).unwrap_or(u32::MAX);
        out.event(Event::NackSent {
            flow: self.parts.flow,
            count,
        });
        let nack = Rtcp::Nack {
            media: Media::Video,
            seqs,
        };
        let reports = match &self.parts.video {
            Some((buffer, _)) if self.parts.requester.tells_playout_delay() => {
                let delay = buffer.target_delay();
                vec![Rtcp::JitterBuffer { delay }, nack]
            }
            _ => vec![nack],
        };
        let size = rtcp_size(&reports, &self.parts.overhead);
        self.send(out, size, Payload::Rtcp(reports));
    }

    /// Does what the requester wants.
    fn repair(&mut self, out: &mut Outbox<'_>, wish: Wish) {
        let (flow, count) = (self.parts.flow, self.parts.requester.take_forgone());
        if count > 0 {
            out.event(Event::RetransmissionForgone { flow, count });
        }
        if wish.key_frame {
            self.nack.clear();
            self.request_key_frame(out);
        }
        self.send_nack(out);
    }

    fn request_key_frame(&mut self, out: &mut Outbox<'_>) {
        out.event(Event::KeyFrameRequested {
            flow: self.parts.flow,
        });
        let request = self.key_frames.next(out.now());
        self.send_rtcp(out, request);
    }

    /// An RTP packet came, whatever it is.
    fn on_arrival(&mut self, now: Time, rtp: &Rtp, ecn: Ecn) {
        self.begin(now);
        self.parts.feedback.on_packet(now, rtp.transport_seq, ecn);
        self.reports.on_packet(now, rtp);
    }

    fn on_rtp(&mut self, out: &mut Outbox<'_>, rtp: &Rtp, sent: Time, ecn: Ecn) {
        self.on_arrival(out.now(), rtp, ecn);
        match (rtp.kind, rtp.media) {
            (RtpKind::Media, Media::Audio) => self.on_audio(out, rtp, &[], 0),
            (RtpKind::Media, Media::Video) => self.on_video(out, rtp, sent, Way::Direct),
            (RtpKind::Rtx, Media::Video) => self.on_video(out, rtp, sent, Way::Again),
            (RtpKind::Rtx, Media::Audio) | (RtpKind::Fec | RtpKind::Padding, _) => {}
        }
    }

    fn on_repair(&mut self, out: &mut Outbox<'_>, packet: &RepairPacket, sent: Time) {
        let Some(decoder) = &mut self.parts.fec else {
            return;
        };
        for rtp in &packet.protects {
            self.protected.insert(rtp.seq, *rtp);
        }
        while self.protected.len() > REPAIR_MEMORY {
            self.protected.pop_first();
        }
        let repair = Repair {
            protects: packet.protects.iter().map(|rtp| rtp.seq).collect(),
            symbol: packet.symbol,
            payload: packet.rtp.payload,
        };
        decoder.on_repair(out.now(), &repair, &mut self.recovered);
        self.take_recovered(out, sent);
    }

    fn take_recovered(&mut self, out: &mut Outbox<'_>, sent: Time) {
        for seq in std::mem::take(&mut self.recovered) {
            if let Some(rtp) = self.protected.get(&seq).copied() {
                out.event(Event::FecRecovered {
                    flow: self.parts.flow,
                });
                self.on_video(out, &rtp, sent, Way::Recovered);
            }
        }
    }

    fn on_video(&mut self, out: &mut Outbox<'_>, rtp: &Rtp, sent: Time, way: Way) {
        let now = out.now();
        let Some((buffer, _)) = &mut self.parts.video else {
            return;
        };
        let layer = layer_of(rtp);
        let layer_lost = self.selector.on_packet(now, rtp);
        let repaired = way != Way::Direct;
        if !repaired && self.selector.takes(layer, rtp.frame) {
            buffer.on_packet(now, rtp.key);
            if let Some(sync) = &mut self.lip_sync {
                sync.on_video(now, rtp.captured);
            }
        }
        let requester = &mut self.parts.requester;
        let nacked = requester.times_requested(rtp.seq) > 0;
        requester.on_playout_delay(buffer.target_delay());
        let packet = UsablePacket {
            seq: rtp.seq,
            timestamp: rtp.timestamp,
            key: rtp.key,
            repaired,
        };
        let wish = requester.on_packet(now, &packet, &mut self.nack);
        let key_frame = wish.key_frame || layer_lost;
        self.repair(out, Wish { key_frame });
        let assembler = &mut self.assemblers[usize::from(layer)];
        let assembly = assembler.on_packet(now, rtp, sent, nacked);
        if way == Way::Again && nacked {
            out.event(Event::Retransmitted {
                flow: self.parts.flow,
                frame: rtp.frame,
                fresh: matches!(assembly, Assembly::Partial | Assembly::Complete(..)),
            });
        }
        match assembly {
            Assembly::Known => return,
            Assembly::Overflow => {
                self.request_key_frame(out);
                self.give_up(out, rtp.frame);
                return;
            }
            Assembly::Partial => usable(out, self.parts.flow, rtp, repaired),
            Assembly::Complete(frame, first_sent) => {
                usable(out, self.parts.flow, rtp, repaired);
                if self.selector.takes(layer, frame.frame) {
                    let observed = Observed {
                        frame: frame.frame,
                        captured: rtp.captured,
                        first_sent,
                    };
                    self.on_complete(now, frame, observed);
                }
            }
        }
        if let (Some(decoder), Way::Direct | Way::Again) = (&mut self.parts.fec, way) {
            decoder.on_media(now, rtp.seq, &mut self.recovered);
            self.take_recovered(out, sent);
        }
    }

    fn on_complete(&mut self, now: Time, frame: CompleteFrame, observed: Observed) {
        self.newest = self.newest.max(Some(frame.frame));
        self.selector.on_forwarded(frame.frame);
        let place = self.observed.partition_point(|o| o.frame < frame.frame);
        self.observed.insert(place, observed);
        if let Some((buffer, _)) = &mut self.parts.video {
            buffer.on_frame(now, frame);
        }
    }

    /// Frames up to `frame` that are not complete will never be.
    fn give_up(&mut self, out: &mut Outbox<'_>, frame: u64) {
        for (layer, assembler) in (0u8..).zip(&mut self.assemblers) {
            assembler.clear_up_to(frame, &mut self.incomplete);
            for frame in self.incomplete.drain(..) {
                if self.selector.takes(layer, frame) {
                    out.event(Event::FrameDropped {
                        flow: self.parts.flow,
                        frame,
                        reason: FrameDrop::Incomplete,
                    });
                }
            }
        }
    }

    fn begin(&mut self, now: Time) {
        if self.begun {
            return;
        }
        self.begun = true;
        if self.parts.reports == ReportSource::Rtcp {
            self.next_report = now + self.parts.report_interval;
            self.round_trips.begin(now);
        }
        if let Some((buffer, _)) = &mut self.parts.video {
            buffer.start(now);
        }
        if let Some(sync) = &mut self.lip_sync {
            sync.begin(now);
        }
    }

    fn keep_in_step(&mut self, now: Time) {
        if let Some(sync) = &mut self.lip_sync
            && let Some(audio) = &mut self.parts.audio
            && let Some((video, _)) = &mut self.parts.video
        {
            sync.pump(now, audio.as_mut(), video.as_mut());
        }
    }

    fn tell_round_trip(&mut self, now: Time) {
        while let Some(rtt) = self.round_trips.poll(now) {
            self.parts.requester.on_rtt(rtt);
            if let Some((buffer, _)) = &mut self.parts.video {
                buffer.on_rtt(now, rtt);
            }
        }
    }

    /// Everything that is due now, then the next wake-up.
    fn pump(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        if now >= self.parts.stop {
            if let Some(newest) = self.newest.take() {
                self.give_up(out, newest);
            }
            self.wake_at = None;
            return;
        }
        self.set_up(out);
        if self.begun {
            self.tell_round_trip(now);
            if self.parts.requester.next_wake().is_some_and(|at| at <= now) {
                let wish = self.parts.requester.wake(now, &mut self.nack);
                self.repair(out, wish);
            }
            self.keep_in_step(now);
            self.play_video(out);
            self.play_audio(out);
            while let Some((size, report)) = self.parts.feedback.poll(now, &self.parts.overhead) {
                self.send(out, size, report);
            }
            if self.next_report <= now {
                self.next_report = now + self.parts.report_interval;
                let report = self.reports.report(now);
                self.send_rtcp(out, report);
            }
        }
        self.wake_at = self.earliest();
    }

    fn earliest(&self) -> Option<Time> {
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
        if self.begun {
            consider(self.parts.requester.next_wake());
            consider(self.parts.feedback.next_wake());
            let audio = self.parts.audio.as_ref();
            let pull = audio.and_then(|buffer| buffer.next_wake());
            consider(pull.map(|at| self.loudspeaker.run(at)));
            consider(self.lip_sync.as_ref().and_then(LipSync::next_wake));
            consider(self.round_trips.next_wake());
            consider(self.showing.front().map(|showing| showing.at));
            consider(self.decoding.map(|(_, _, done)| done));
            consider(
                self.parts
                    .video
                    .as_ref()
                    .and_then(|(buffer, _)| buffer.next_wake()),
            );
            consider(Some(self.next_report));
        }
        next
    }

    fn set_up(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        if self.parts.session.stage().is_none() && now >= self.parts.start {
            self.parts.session.start(now);
        }
        while let Some(outgoing) = self.parts.session.poll(now) {
            let payload = Payload::Session(outgoing.message);
            self.send_by(out, outgoing.protocol, outgoing.size, payload);
        }
    }

    fn on_rtcp(&mut self, now: Time, rtcp: &Rtcp) {
        if let Rtcp::SenderReport { ntp, dlrr } = rtcp {
            self.reports.last_sr = Some((*ntp, now));
            if let Some((rrtr, held)) = dlrr {
                let rtt = now.since(*rrtr) - *held;
                self.key_frames.on_rtt(rtt);
                self.round_trips.on_sample(rtt);
            }
        }
    }
}

impl Carried for Receiver {
    fn session(&mut self) -> &mut Session {
        &mut self.parts.session
    }

    fn stop(&self) -> Time {
        self.parts.stop
    }
}

impl Node for Receiver {
    fn receive(&mut self, packet: &mut Packet, out: &mut Outbox<'_>) {
        let now = out.now();
        out.event(Event::Received {
            packet: packet.tag(),
            one_way: now - packet.sent,
        });
        self.parts.session.on_heard(now, packet.protocol);
        match &packet.payload {
            _ if now >= self.parts.stop => {}
            // What comes before its keys cannot be read.
            Payload::Rtp(_) | Payload::Repair(_) | Payload::Audio(_) | Payload::Rtcp(_)
                if !self.parts.session.is_ready() => {}
            Payload::Rtp(rtp) => self.on_rtp(out, rtp, packet.sent, packet.ecn),
            Payload::Repair(repair) => {
                self.on_rtp(out, &repair.rtp, packet.sent, packet.ecn);
                self.on_repair(out, repair, packet.sent);
            }
            Payload::Audio(audio) => {
                self.on_arrival(now, &audio.rtp, packet.ecn);
                self.on_audio(out, &audio.rtp, &audio.copies, audio.redundant);
            }
            Payload::Rtcp(reports) => reports.iter().for_each(|rtcp| self.on_rtcp(now, rtcp)),
            Payload::Session(message) => {
                let session = &mut self.parts.session;
                session.on_message(now, *message, packet.protocol);
            }
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

fn usable(out: &mut Outbox<'_>, flow: FlowId, rtp: &Rtp, repaired: bool) {
    out.event(Event::MediaUsable {
        flow,
        media: rtp.media,
        seq: rtp.seq,
        payload: u32::from(rtp.payload),
        repaired,
    });
}
