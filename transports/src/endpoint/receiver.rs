//! The receiving end of a media flow.
//!
//! Way of the data: link -> feedback generator and repair -> frame assembly ->
//! jitter buffer -> decoder -> screen; audio -> audio buffer -> loudspeaker.
//!
//! Implements: libwebrtc's receiver (2026-07) in its structure: every RTP
//! packet is reported transport-wide; holes in the video stream go to the ARQ
//! scheme; a packet counts as usable the first time it is there, by whatever
//! means; complete frames go to the jitter buffer; the decoder takes one frame
//! at a time and a frame is shown when it is both decoded and due. A receiver
//! report goes out every 850 ms (measured in Chromium 156) and carries a
//! reference time (RFC 3611), so that this end knows the round-trip time too.
//!
//! Differs: with two one-way flows each end measures its own round trips,
//! where libwebrtc would share them within one connection.
//! Not modelled: lip sync, refresh of the screen in fixed steps.

use std::collections::{BTreeMap, VecDeque};

use weaknet_core::event::{FrameDrop, FrameTimes, SessionStage};
use weaknet_core::packet::{Ecn, FlowId, Leg, Media, Packet, Payload, Rtcp, Rtp, RtpKind};
use weaknet_core::{Event, Node, Outbox, Span, Time};

use super::decoder::DecoderModel;
use crate::arq::Requester;
use crate::fec::FecDecoder;
use crate::jitter::{AudioBuffer, AudioPacket, JitterAction, JitterBuffer};
use crate::rtp::{FeedbackGenerator, Overhead, rtcp_size};
use crate::session::Session;
use crate::transport::{Assembly, FrameAssembler};

/// Receiver reports (Chromium 156, one video and one audio stream).
const REPORT_INTERVAL: Span = Span::from_millis(850);
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
    /// Asks for retransmissions.
    pub requester: Box<dyn Requester>,
    /// Recovers from repair packets.
    pub fec: Option<Box<dyn FecDecoder>>,
    /// Makes transport-wide reports.
    pub feedback: FeedbackGenerator,
    /// Header sizes.
    pub overhead: Overhead,
    /// Call set-up.
    pub session: Session,
}

/// A frame between decoder and screen.
#[derive(Debug, Clone, Copy)]
struct Showing {
    frame: u64,
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
    stage: Option<SessionStage>,
    begun: bool,
    ids: u64,
    assembler: FrameAssembler,
    /// Complete frames in the jitter buffer, ascending.
    observed: VecDeque<Observed>,
    decoding: Option<(Showing, Option<Time>, Time)>,
    showing: VecDeque<Showing>,
    /// Media packets named by repair packets, by sequence number.
    protected: BTreeMap<u64, Rtp>,
    audio_seen: SeenWindow,
    reports: ReportState,
    next_report: Time,
    nack: Vec<u64>,
    recovered: Vec<u64>,
    incomplete: Vec<u64>,
    wake_at: Option<Time>,
}

/// Counters of receiver reports (RFC 3550, section 6.4).
#[derive(Debug, Clone, Default)]
struct ReportState {
    highest: Option<u64>,
    first: u64,
    received: u64,
    expected_prior: u64,
    received_prior: u64,
    jitter: f64,
    transit: Option<i64>,
    last_sr: Option<(Time, Time)>,
}

/// Which of the last 512 numbers have been seen.
#[derive(Debug, Clone)]
struct SeenWindow {
    next: u64,
    bits: [u64; 8],
}

impl SeenWindow {
    const fn new() -> Self {
        Self {
            next: 0,
            bits: [0; 8],
        }
    }

    /// Marks `seq`; whether it is new. Too old counts as seen.
    fn insert(&mut self, seq: u64) -> bool {
        while self.next <= seq {
            if seq - self.next >= 512 {
                self.next = seq - 511;
                self.bits = [0; 8];
            }
            self.bits[(self.next / 64 % 8) as usize] &= !(1 << (self.next % 64));
            self.next += 1;
        }
        if self.next - seq > 512 {
            return false;
        }
        let (word, bit) = ((seq / 64 % 8) as usize, 1 << (seq % 64));
        let new = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        new
    }
}

impl Receiver {
    /// A receiver that has not begun yet.
    #[must_use]
    pub fn new(parts: ReceiverConfig) -> Self {
        let start = parts.start;
        Self {
            parts,
            stage: None,
            begun: false,
            ids: 0,
            assembler: FrameAssembler::default(),
            observed: VecDeque::new(),
            decoding: None,
            showing: VecDeque::new(),
            protected: BTreeMap::new(),
            audio_seen: SeenWindow::new(),
            reports: ReportState::default(),
            next_report: Time::MAX,
            nack: Vec::new(),
            recovered: Vec::new(),
            incomplete: Vec::new(),
            wake_at: Some(start),
        }
    }

    fn send(&mut self, out: &mut Outbox<'_>, size: u32, payload: Payload) {
        self.ids += 1;
        let packet = Packet {
            id: u64::from(self.parts.flow.0) << 48 | 1 << 47 | self.ids,
            flow: self.parts.flow,
            leg: Leg::Return,
            hop: 0,
            ecn: Ecn::NotEct,
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
        self.send_rtcp(
            out,
            Rtcp::Nack {
                media: Media::Video,
                seqs,
            },
        );
    }

    fn request_key_frame(&mut self, out: &mut Outbox<'_>) {
        out.event(Event::KeyFrameRequested {
            flow: self.parts.flow,
        });
        self.send_rtcp(out, Rtcp::Pli);
    }

    fn on_rtp(&mut self, out: &mut Outbox<'_>, rtp: &Rtp, sent: Time, ecn: Ecn) {
        let now = out.now();
        self.begin(now);
        self.parts.feedback.on_packet(now, rtp.transport_seq, ecn);
        self.reports.on_packet(now, rtp);
        match (rtp.kind, rtp.media) {
            (RtpKind::Media, Media::Audio) => self.on_audio(out, rtp),
            (RtpKind::Media, Media::Video) => self.on_video(out, rtp, sent, false),
            (RtpKind::Rtx, Media::Video) => self.on_video(out, rtp, sent, true),
            (RtpKind::Rtx, Media::Audio) | (RtpKind::Fec | RtpKind::Padding, _) => {}
        }
    }

    fn on_repair(&mut self, out: &mut Outbox<'_>, protects: &[Rtp], sent: Time) {
        let Some(decoder) = &mut self.parts.fec else {
            return;
        };
        for rtp in protects {
            self.protected.insert(rtp.seq, *rtp);
        }
        while self.protected.len() > REPAIR_MEMORY {
            self.protected.pop_first();
        }
        let seqs: Vec<u64> = protects.iter().map(|rtp| rtp.seq).collect();
        decoder.on_repair(out.now(), &seqs, &mut self.recovered);
        self.take_recovered(out, sent);
    }

    fn take_recovered(&mut self, out: &mut Outbox<'_>, sent: Time) {
        for seq in std::mem::take(&mut self.recovered) {
            if let Some(rtp) = self.protected.get(&seq).copied() {
                self.on_video(out, &rtp, sent, true);
            }
        }
    }

    fn on_audio(&mut self, out: &mut Outbox<'_>, rtp: &Rtp) {
        let Some(buffer) = &mut self.parts.audio else {
            return;
        };
        if !self.audio_seen.insert(rtp.seq) {
            return;
        }
        usable(out, self.parts.flow, rtp, false);
        buffer.on_packet(
            out.now(),
            AudioPacket {
                seq: rtp.seq,
                timestamp: rtp.timestamp,
                length: Span::from_millis(20),
                captured: rtp.captured,
            },
        );
    }

    fn on_video(&mut self, out: &mut Outbox<'_>, rtp: &Rtp, sent: Time, repaired: bool) {
        let now = out.now();
        let Some((buffer, _)) = &mut self.parts.video else {
            return;
        };
        let nacked = self.parts.requester.times_requested(rtp.seq) > 0;
        let wish = self
            .parts
            .requester
            .on_packet(now, rtp.seq, rtp.key, repaired, &mut self.nack);
        buffer.on_packet(now, rtp.key);
        let assembly = self.assembler.on_packet(now, rtp, sent, nacked);
        if assembly != Assembly::Known {
            usable(out, self.parts.flow, rtp, repaired);
            if let (Some(decoder), false) = (&mut self.parts.fec, repaired) {
                decoder.on_media(now, rtp.seq, &mut self.recovered);
            }
        }
        if let Assembly::Complete(frame, first_sent) = assembly {
            let observed = Observed {
                frame: frame.frame,
                captured: rtp.captured,
                first_sent,
            };
            let place = self.observed.partition_point(|o| o.frame < frame.frame);
            self.observed.insert(place, observed);
            buffer.on_frame(now, frame);
        }
        self.send_nack(out);
        if wish.key_frame || assembly == Assembly::Overflow {
            self.request_key_frame(out);
        }
        if assembly == Assembly::Overflow {
            self.give_up(out, rtp.frame);
        }
        if !self.recovered.is_empty() {
            self.take_recovered(out, sent);
        }
    }

    /// Frames up to `frame` that are not complete will never be.
    fn give_up(&mut self, out: &mut Outbox<'_>, frame: u64) {
        self.assembler.clear_up_to(frame, &mut self.incomplete);
        for frame in self.incomplete.drain(..) {
            out.event(Event::FrameDropped {
                flow: self.parts.flow,
                frame,
                reason: FrameDrop::Incomplete,
            });
        }
    }

    fn begin(&mut self, now: Time) {
        if self.begun {
            return;
        }
        self.begun = true;
        self.next_report = now + REPORT_INTERVAL;
        if let Some((buffer, _)) = &mut self.parts.video {
            buffer.start(now);
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
        if self.begun {
            if self.parts.requester.next_wake().is_some_and(|at| at <= now) {
                self.parts.requester.wake(now, &mut self.nack);
                self.send_nack(out);
            }
            self.play_video(out);
            self.play_audio(out);
            while let Some(report) = self.parts.feedback.poll(now) {
                self.send_rtcp(out, report);
            }
            if self.next_report <= now {
                self.next_report = now + REPORT_INTERVAL;
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
        if self.begun {
            consider(self.parts.requester.next_wake());
            consider(self.parts.feedback.next_wake());
            consider(
                self.parts
                    .audio
                    .as_ref()
                    .and_then(|buffer| buffer.next_wake()),
            );
            consider(self.showing.front().map(|showing| showing.at));
            consider(match self.decoding {
                Some((_, _, done)) => Some(done),
                None => self
                    .parts
                    .video
                    .as_ref()
                    .and_then(|(buffer, _)| buffer.next_wake()),
            });
            consider(Some(self.next_report));
        }
        next
    }

    fn set_up(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        if self.parts.session.stage().is_none() && now >= self.parts.start {
            self.parts.session.start(now);
        }
        while let Some((message, size)) = self.parts.session.poll(now) {
            self.send(out, size, Payload::Session(message));
        }
        let stage = self.parts.session.stage();
        if stage != self.stage {
            self.stage = stage;
            if stage == Some(SessionStage::Connected) {
                out.event(Event::Session {
                    flow: self.parts.flow,
                    stage: SessionStage::Connected,
                });
            }
        }
    }

    fn play_video(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        loop {
            if let Some((mut showing, render_at, done)) =
                self.decoding.take_if(|(_, _, done)| *done <= now)
            {
                showing.times.decoded = done;
                // A frame never overtakes the one before it on the screen.
                let earliest = self.showing.back().map_or(done, |last| last.at.max(done));
                showing.at = render_at.map_or(earliest, |at| at.max(earliest));
                self.showing.push_back(showing);
                if let Some((buffer, _)) = &mut self.parts.video {
                    buffer.on_decoded(now, done - showing.times.decode_start);
                }
            }
            while let Some(showing) = self.showing.pop_front_if(|showing| showing.at <= now) {
                out.event(Event::FrameRendered {
                    flow: self.parts.flow,
                    frame: showing.frame,
                    times: showing.times,
                });
            }
            if self.decoding.is_some() {
                return;
            }
            let Some((buffer, _)) = &mut self.parts.video else {
                return;
            };
            match buffer.poll(now) {
                None => return,
                Some(JitterAction::RequestKeyFrame) => self.request_key_frame(out),
                Some(JitterAction::Drop { frame, reason }) => {
                    out.event(Event::FrameDropped {
                        flow: self.parts.flow,
                        frame,
                        reason,
                    });
                }
                Some(JitterAction::Decode(release)) => self.decode(out, release),
            }
        }
    }

    fn decode(&mut self, out: &mut Outbox<'_>, release: crate::jitter::Release) {
        let now = out.now();
        let frame = release.frame;
        while self.observed.front().is_some_and(|o| o.frame < frame.frame) {
            self.observed.pop_front();
        }
        let observed = self.observed.pop_front_if(|o| o.frame == frame.frame);
        let (captured, first_sent) = observed
            .map_or((frame.first_arrived, frame.first_arrived), |o| {
                (o.captured, o.first_sent)
            });
        let times = FrameTimes {
            captured,
            first_sent,
            first_arrived: frame.first_arrived,
            complete: frame.complete,
            decode_start: now,
            decoded: now,
        };
        self.give_up(out, frame.frame);
        self.parts.requester.clear_up_to(now, frame.seqs.1);
        if let Some((_, decoder)) = &mut self.parts.video {
            let done = now + decoder.next_time();
            self.decoding = Some((
                Showing {
                    frame: frame.frame,
                    at: done,
                    times,
                },
                release.render_at,
                done,
            ));
        }
    }

    fn play_audio(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        let Some(buffer) = &mut self.parts.audio else {
            return;
        };
        while let Some(playout) = buffer.poll(now) {
            out.event(Event::AudioPlayed {
                flow: self.parts.flow,
                length: playout.length,
                captured: playout.captured,
            });
        }
    }

    fn on_rtcp(&mut self, now: Time, rtcp: &Rtcp) {
        if let Rtcp::SenderReport { ntp, dlrr } = rtcp {
            self.reports.last_sr = Some((*ntp, now));
            if let Some((rrtr, held)) = dlrr {
                let rtt = now.since(*rrtr) - *held;
                self.parts.requester.on_rtt(rtt);
                if let Some((buffer, _)) = &mut self.parts.video {
                    buffer.on_rtt(now, rtt);
                }
            }
        }
    }
}

impl Node for Receiver {
    fn receive(&mut self, packet: Packet, out: &mut Outbox<'_>) {
        let now = out.now();
        out.event(Event::Received {
            packet: packet.tag(),
            one_way: now - packet.sent,
        });
        match packet.payload {
            Payload::Rtp(rtp) => self.on_rtp(out, &rtp, packet.sent, packet.ecn),
            Payload::Repair(repair) => {
                let (rtp, protects) = *repair;
                self.on_rtp(out, &rtp, packet.sent, packet.ecn);
                self.on_repair(out, &protects, packet.sent);
            }
            Payload::Rtcp(reports) => reports.iter().for_each(|rtcp| self.on_rtcp(now, rtcp)),
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

fn usable(out: &mut Outbox<'_>, flow: FlowId, rtp: &Rtp, repaired: bool) {
    out.event(Event::MediaUsable {
        flow,
        media: rtp.media,
        seq: rtp.seq,
        payload: u32::from(rtp.payload),
        repaired,
    });
}

impl ReportState {
    fn on_packet(&mut self, now: Time, rtp: &Rtp) {
        if rtp.kind != RtpKind::Media || rtp.media != Media::Video {
            return;
        }
        if self.highest.is_none() {
            self.first = rtp.seq;
        }
        self.received += 1;
        self.highest = self.highest.max(Some(rtp.seq));
        // RFC 3550, appendix A.8, in ticks of 1/90000 s.
        let arrival = (u128::from(now.as_nanos()) * 9 / 100_000) as i64;
        let transit = arrival - rtp.timestamp as i64;
        if let Some(last) = self.transit.replace(transit) {
            self.jitter += ((transit - last).abs() as f64 - self.jitter) / 16.0;
        }
    }

    fn report(&mut self, now: Time) -> Rtcp {
        let expected_total = self.highest.map_or(0, |highest| highest + 1 - self.first);
        let expected = expected_total
            .saturating_sub(std::mem::replace(&mut self.expected_prior, expected_total));
        let received = self.received - std::mem::replace(&mut self.received_prior, self.received);
        Rtcp::ReceiverReport {
            last_sr: self.last_sr.map(|(ntp, _)| ntp),
            delay_since_last_sr: self
                .last_sr
                .map_or(Span::ZERO, |(_, arrived)| now - arrived),
            expected: u32::try_from(expected).unwrap_or(u32::MAX),
            lost: u32::try_from(expected.saturating_sub(received)).unwrap_or(u32::MAX),
            jitter: self.jitter as u32,
            rrtr: Some(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_tells_new_from_seen() {
        let mut seen = SeenWindow::new();
        assert!(seen.insert(0) && !seen.insert(0));
        assert!(seen.insert(5) && seen.insert(3) && !seen.insert(3));
        assert!(
            seen.insert(10_000) && !seen.insert(5),
            "too old counts as seen"
        );
        assert!(seen.insert(9_600) && !seen.insert(9_600));
        assert!(seen.insert(10_511) && !seen.insert(10_000));
    }
}
