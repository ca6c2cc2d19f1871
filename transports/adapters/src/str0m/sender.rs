//! The end with the camera.

use std::collections::VecDeque;

use ::str0m::bwe::BweKind;
use ::str0m::media::{MediaTime, Mid};
use ::str0m::{Event as RtcEvent, IceConnectionState, Rtc};
use weaknet_core::event::{FrameDrop, SessionStage};
use weaknet_core::packet::Packet;
use weaknet_core::{Bitrate, Event, Node, Outbox, Time};
use weaknet_transports::media::{EncodedFrame, VideoFormat, VideoSource};

use super::Str0mCall;
use super::datagram::for_media;
use super::peer::Peer;
use crate::instants::instant;

/// RTP clock of video (RFC 3551, section 5).
const CLOCK: u32 = 90_000;
/// Bytes that a frame needs to say which one it is.
pub(super) const LABEL: usize = 17;

/// The sending end.
pub(super) struct Sender {
    peer: Peer,
    mid: Mid,
    source: Box<dyn VideoSource>,
    format: VideoFormat,
    start: Time,
    stop: Time,
    target: Bitrate,
    stage: Option<SessionStage>,
    frames: u64,
    /// Frames that the encoder is not done with.
    encoding: VecDeque<(u64, EncodedFrame)>,
}

impl Sender {
    pub(super) fn new(peer: Peer, mid: Mid, call: Str0mCall) -> Self {
        Self {
            peer,
            mid,
            source: call.source,
            format: call.format,
            start: call.start,
            stop: call.stop,
            target: call.format.clip(for_media(call.start_bitrate)),
            stage: None,
            frames: 0,
            encoding: VecDeque::new(),
        }
    }

    fn reach(&mut self, out: &mut Outbox<'_>, stage: SessionStage) {
        if self.stage < Some(stage) {
            self.stage = Some(stage);
            let flow = self.peer.flow();
            out.event(Event::Session { flow, stage });
        }
    }

    fn is_ready(&self) -> bool {
        self.stage >= Some(SessionStage::SenderReady)
    }

    fn pump(&mut self, out: &mut Outbox<'_>) {
        if self.stage.is_none() {
            self.reach(out, SessionStage::Started);
        }
        if self.peer.next().is_none_or(|at| at <= out.now()) {
            self.peer.wake(out);
        }
        self.heed(out);
        if self.is_ready() {
            self.capture(out);
            self.write(out);
            self.heed(out);
        }
    }

    /// Follows what str0m says.
    fn heed(&mut self, out: &mut Outbox<'_>) {
        for event in self.peer.take_events() {
            match event {
                RtcEvent::IceConnectionStateChange(
                    IceConnectionState::Connected | IceConnectionState::Completed,
                ) => self.reach(out, SessionStage::IceConnected),
                RtcEvent::Connected => self.connect(out),
                RtcEvent::EgressBitrateEstimate(BweKind::Twcc { estimate, .. }) => {
                    self.follow(out, Bitrate::from_bps(estimate.as_u64()));
                }
                RtcEvent::KeyframeRequest(_) => self.source.request_key_frame(out.now()),
                _ => {}
            }
        }
    }

    fn connect(&mut self, out: &mut Outbox<'_>) {
        self.reach(out, SessionStage::SenderReady);
        if self.peer.is_second() {
            self.reach(out, SessionStage::Connected);
        }
        self.source.start(out.now(), self.format, self.target);
    }

    fn follow(&mut self, out: &mut Outbox<'_>, estimate: Bitrate) {
        self.target = self.format.clip(for_media(estimate));
        if self.is_ready() {
            self.source.set_target(out.now(), self.target, 0.0);
        }
        out.event(Event::Target {
            flow: self.peer.flow(),
            target: estimate,
            pacing: estimate,
        });
    }

    /// Takes the pictures that are due.
    fn capture(&mut self, out: &mut Outbox<'_>) {
        let (now, flow) = (out.now(), self.peer.flow());
        while self.source.next_capture().is_some_and(|at| at <= now) {
            let frame = self.frames;
            self.frames += 1;
            let Some(encoded) = self.source.capture(now) else {
                let reason = FrameDrop::Encoder;
                out.event(Event::FrameDropped {
                    flow,
                    frame,
                    reason,
                });
                continue;
            };
            let size = encoded.size.max(LABEL as u32);
            let key = encoded.key;
            out.event(Event::FrameEncoded {
                flow,
                frame,
                key,
                size,
                picture: encoded.picture,
            });
            let encoded = EncodedFrame { size, ..encoded };
            self.encoding.push_back((frame, encoded));
        }
    }

    /// Hands over what the encoder is done with.
    fn write(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        while let Some((number, frame)) = self.encoding.pop_front_if(|(_, f)| f.ready <= now) {
            let mid = self.mid;
            self.peer.apply(out, |rtc| write(rtc, mid, number, &frame));
        }
    }
}

/// Writes a frame; str0m drops what it cannot take.
fn write(rtc: &mut Rtc, mid: Mid, number: u64, frame: &EncodedFrame) {
    let Some(writer) = rtc.writer(mid) else {
        return;
    };
    let Some(pt) = writer.payload_params().next().map(|params| params.pt()) else {
        return;
    };
    let time = MediaTime::from_90khz(frame.captured.ticks(CLOCK));
    let data = label(number, frame);
    // It refuses nothing that was negotiated.
    drop(writer.write(pt, instant(frame.captured), time, data));
}

/// A frame that looks like VP8 (RFC 6386, section 9.1: the first bit is clear in
/// key frames) and says which one it is and when it was captured.
fn label(number: u64, frame: &EncodedFrame) -> Vec<u8> {
    let mut data = vec![0; frame.size as usize];
    if let Some((label, _)) = data.split_first_chunk_mut::<LABEL>() {
        label[0] = u8::from(!frame.key);
        label[1..9].copy_from_slice(&number.to_be_bytes());
        label[9..].copy_from_slice(&frame.captured.as_nanos().to_be_bytes());
    }
    data
}

impl Node for Sender {
    fn receive(&mut self, packet: &mut Packet, out: &mut Outbox<'_>) {
        if out.now() < self.stop {
            self.peer.receive(packet, out);
            self.pump(out);
        }
    }

    fn wake(&mut self, out: &mut Outbox<'_>) {
        if out.now() < self.stop {
            self.pump(out);
        }
    }

    fn next_wake(&self) -> Option<Time> {
        if self.stage.is_none() {
            return Some(self.start);
        }
        let encoded = self.encoding.front().map(|(_, frame)| frame.ready);
        let capture = self.source.next_capture().filter(|_| self.is_ready());
        let next = [self.peer.next(), capture, encoded].into_iter().flatten();
        next.min().filter(|at| *at < self.stop)
    }
}
