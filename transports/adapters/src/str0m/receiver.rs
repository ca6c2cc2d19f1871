//! The end with the screen.

use std::collections::VecDeque;

use ::str0m::Event as RtcEvent;
use ::str0m::media::{KeyframeRequestKind, MediaData, Mid};
use weaknet_core::event::{FrameDrop, FrameTimes, SessionStage};
use weaknet_core::packet::{Class, Media, Packet};
use weaknet_core::{Event, Node, Outbox, Span, Time};

use super::datagram::Sight;
use super::peer::Peer;
use super::sender::LABEL;

/// Frames whose first packets are remembered.
const REMEMBERED: usize = 1_000;
/// Key frames are asked for this often at most.
const ASK_EVERY: Span = Span::from_millis(300);

/// The receiving end.
pub(super) struct Receiver {
    peer: Peer,
    mid: Mid,
    start: Time,
    stop: Time,
    has_begun: bool,
    /// RTP timestamps of frames, and when a first packet of each was sent and
    /// arrived.
    first: VecDeque<(u32, Time, Time)>,
    /// The number of the next frame.
    next_frame: u64,
    /// Whether a frame was missed since the last key frame.
    is_broken: bool,
    asked: Option<Time>,
}

impl Receiver {
    pub(super) fn new(peer: Peer, mid: Mid, start: Time, stop: Time) -> Self {
        Self {
            peer,
            mid,
            start,
            stop,
            has_begun: false,
            first: VecDeque::new(),
            next_frame: 0,
            is_broken: true,
            asked: None,
        }
    }

    fn note(&mut self, packet: &Packet, sight: &Sight, now: Time) {
        let (Class::Video | Class::Rtx, Some((timestamp, _))) = (sight.class, sight.rtp) else {
            return;
        };
        if let Some(first) = self.first.iter_mut().rfind(|first| first.0 == timestamp) {
            first.1 = first.1.min(packet.sent);
            return;
        }
        if self.first.len() == REMEMBERED {
            self.first.pop_front();
        }
        self.first.push_back((timestamp, packet.sent, now));
    }

    fn heed(&mut self, out: &mut Outbox<'_>) {
        for event in self.peer.take_events() {
            match event {
                RtcEvent::Connected if self.peer.is_second() => {
                    let (flow, stage) = (self.peer.flow(), SessionStage::Connected);
                    out.event(Event::Session { flow, stage });
                }
                RtcEvent::MediaData(data) => self.take_frame(&data, out),
                _ => {}
            }
        }
    }

    /// A frame is whole.
    fn take_frame(&mut self, data: &MediaData, out: &mut Outbox<'_>) {
        let (now, flow) = (out.now(), self.peer.flow());
        let Some((key, frame, captured)) = read_label(&data.data) else {
            return;
        };
        self.count_packets(data, out);
        if frame < self.next_frame {
            return;
        }
        let dropped = |frame, reason| Event::FrameDropped {
            flow,
            frame,
            reason,
        };
        for missed in self.next_frame..frame {
            out.event(dropped(missed, FrameDrop::Incomplete));
        }
        self.is_broken = !key && (self.is_broken || frame > self.next_frame);
        self.next_frame = frame + 1;
        if self.is_broken {
            out.event(dropped(frame, FrameDrop::Undecodable));
            self.ask(out);
            return;
        }
        let timestamp = data.time.numer() as u32;
        let first = self.first.iter().rfind(|first| first.0 == timestamp);
        let (_, first_sent, first_arrived) = *first.unwrap_or(&(timestamp, captured, now));
        out.event(Event::FrameRendered {
            flow,
            frame,
            times: FrameTimes {
                captured,
                first_sent,
                first_arrived,
                complete: now,
                decode_start: now,
                decoded: now,
            },
            size: u32::try_from(data.data.len()).unwrap_or(u32::MAX),
            picture: weaknet_core::packet::Picture::default(),
        });
    }

    /// The packets of a frame, its bytes shared out among them.
    fn count_packets(&self, data: &MediaData, out: &mut Outbox<'_>) {
        let (first, last) = (**data.seq_range.start(), **data.seq_range.end());
        let count = (last + 1).saturating_sub(first).max(1);
        let bytes = data.data.len() as u64;
        for nth in 0..count {
            let share = bytes * (nth + 1) / count - bytes * nth / count;
            out.event(Event::MediaUsable {
                flow: self.peer.flow(),
                media: Media::Video,
                seq: first + nth,
                payload: u32::try_from(share).unwrap_or(u32::MAX),
                repaired: false,
            });
        }
    }

    fn ask(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        if self.asked.is_some_and(|at| now - at < ASK_EVERY) {
            return;
        }
        self.asked = Some(now);
        let flow = self.peer.flow();
        out.event(Event::KeyFrameRequested { flow });
        let mid = self.mid;
        self.peer.apply(out, |rtc| {
            if let Some(mut writer) = rtc.writer(mid) {
                // Without the mechanism negotiated there is nothing to do.
                drop(writer.request_keyframe(None, KeyframeRequestKind::Pli));
            }
        });
    }
}

/// Whether a frame is a key frame, its number, and when it was captured.
fn read_label(data: &[u8]) -> Option<(bool, u64, Time)> {
    let label = data.first_chunk::<LABEL>()?;
    let number = |at: usize| {
        let bytes = label.get(at..at + 8)?.try_into().ok()?;
        Some(u64::from_be_bytes(bytes))
    };
    Some((label[0] & 1 == 0, number(1)?, Time::from_nanos(number(9)?)))
}

impl Node for Receiver {
    fn receive(&mut self, packet: &mut Packet, out: &mut Outbox<'_>) {
        if out.now() >= self.stop {
            return;
        }
        self.has_begun = true;
        if let Some(sight) = self.peer.receive(packet, out) {
            self.note(packet, &sight, out.now());
        }
        self.heed(out);
    }

    fn wake(&mut self, out: &mut Outbox<'_>) {
        if out.now() < self.stop {
            self.has_begun = true;
            self.peer.wake(out);
            self.heed(out);
        }
    }

    fn next_wake(&self) -> Option<Time> {
        let next = if self.has_begun {
            self.peer.next()
        } else {
            Some(self.start)
        };
        next.filter(|at| *at < self.stop)
    }
}
