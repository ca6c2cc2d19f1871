//! Buffers that show each frame a time after its capture that the sender's clock
//! gives: the frame at timestamp t is due at t plus an offset. What the offset is, a
//! [`Schedule`] says; the rest is the same for all.
//!
//! Implements: own design; frame buffer and key frame time-outs as in libwebrtc
//! (see their files). A frame goes to the decoder a while before it is due. A late
//! one is shown as soon as it is decoded, or dropped when a later decodable frame is
//! due too. When audio is to be kept in step and waits longer, frames are due later
//! by the difference.

use std::collections::VecDeque;

use weaknet_core::{Span, Time};

use super::frame_buffer::FrameBuffer;
use super::key_frames::{KeyFrameWatch, Waits};
use super::{CompleteFrame, JitterAction, JitterBuffer, Release};

/// Waits of libwebrtc's receiver, `video_receive_stream2.cc`.
const WAITS: Waits = Waits {
    key_frame: Span::from_millis(200),
    frame: Span::from_millis(3_000),
};

/// Frames over which the wait is averaged.
const WAIT_MEMORY: i64 = 16;

/// Nanoseconds of arrival after the capture by the sender's clock, whose zero no
/// one knows.
pub(super) type Offset = i64;

/// Decides when frames are due.
pub(super) trait Schedule: Send {
    /// Forgets everything.
    fn reset(&mut self);
    /// A frame is complete.
    fn on_frame(&mut self, frame: &CompleteFrame);
    /// Time from the sender's clock to the screen for frames shown now; `None`
    /// before the first frame.
    fn offset(&self) -> Option<Offset>;
    /// The part of it that is waiting.
    fn delay(&self) -> Span;
    /// Whether late frames may make room for later ones.
    fn drops_late(&self) -> bool {
        true
    }
    /// Whether it wants to know when frames will be complete.
    fn wants_arrivals(&self) -> bool {
        false
    }
    /// When frames will be complete: captured, complete.
    fn tell_arrivals(&mut self, _: &[(Time, Time)]) {}
}

/// When a frame was complete by the sender's clock.
pub(super) fn arrival(frame: &CompleteFrame) -> Offset {
    offset_of(frame.complete, frame.timestamp)
}

/// From this timestamp to this time.
pub(super) fn offset_of(at: Time, timestamp: u64) -> Offset {
    signed(at.as_nanos()) - ticks(timestamp)
}

/// A number of ticks of the 90 kHz clock in nanoseconds, rounded down.
fn ticks(n: u64) -> i64 {
    i64::try_from(u128::from(n) * 100_000 / 9).unwrap_or(i64::MAX)
}

fn signed(nanos: u64) -> i64 {
    i64::try_from(nanos).unwrap_or(i64::MAX)
}

/// A jitter buffer with a schedule.
pub(super) struct PlayoutBuffer<S> {
    schedule: S,
    decode_ahead: Span,
    /// Least wait for the sake of audio.
    sync: Span,
    /// Mean time from complete to due by the schedule, negative for late frames.
    wait: Option<Offset>,
    frames: FrameBuffer,
    key_frames: KeyFrameWatch,
    decoder_ready: bool,
    actions: VecDeque<JitterAction>,
}

impl<S: Schedule> PlayoutBuffer<S> {
    /// A buffer that gives frames to the decoder so long before they are due.
    pub(super) fn new(schedule: S, decode_ahead: Span) -> Self {
        Self {
            schedule,
            decode_ahead,
            sync: Span::ZERO,
            wait: None,
            frames: FrameBuffer::new(),
            key_frames: KeyFrameWatch::new(WAITS),
            decoder_ready: false,
            actions: VecDeque::new(),
        }
    }

    /// When a frame shall be on the screen.
    fn due(&self, frame: &CompleteFrame) -> Time {
        let extra = self.current_delay() - self.waiting();
        let Some(offset) = self.schedule.offset() else {
            return frame.complete + extra;
        };
        let nanos = ticks(frame.timestamp).saturating_add(offset);
        Time::from_nanos(u64::try_from(nanos).unwrap_or_default()) + extra
    }

    /// How long frames wait by the schedule.
    fn waiting(&self) -> Span {
        let nanos = self.wait.unwrap_or_default();
        Span::from_nanos(u64::try_from(nanos).unwrap_or_default())
    }

    /// When the next decodable frame goes to the decoder.
    fn decode_at(&self) -> Option<Time> {
        let decodable = self.frames.decodable().filter(|_| self.decoder_ready)?;
        Some(self.due(&decodable.next).saturating_sub(self.decode_ahead))
    }
}

impl<S: Schedule> JitterBuffer for PlayoutBuffer<S> {
    fn start(&mut self, now: Time) {
        self.schedule.reset();
        self.sync = Span::ZERO;
        self.wait = None;
        self.frames = FrameBuffer::new();
        self.key_frames = KeyFrameWatch::new(WAITS);
        self.actions.clear();
        self.decoder_ready = true;
        self.key_frames.on_ready(now);
    }

    fn on_frame(&mut self, _: Time, frame: CompleteFrame) {
        if self.key_frames.on_frame(frame.reference.is_none()) {
            self.actions.push_back(JitterAction::RequestKeyFrame);
        }
        self.schedule.on_frame(&frame);
        if let Some(offset) = self.schedule.offset() {
            let wait = offset.saturating_sub(arrival(&frame));
            let mean = self.wait.get_or_insert(wait);
            *mean = mean.saturating_add(wait.saturating_sub(*mean) / WAIT_MEMORY);
        }
        self.frames.insert(frame, &mut self.actions);
    }

    fn on_packet(&mut self, now: Time, key: bool) {
        self.key_frames.on_packet(now, key);
    }

    fn on_decoded(&mut self, now: Time, _: Span) {
        self.decoder_ready = true;
        self.key_frames.on_ready(now);
    }

    fn on_rtt(&mut self, _: Time, _: Span) {}

    fn poll(&mut self, now: Time) -> Option<JitterAction> {
        while self.actions.is_empty() && self.decode_at().is_some_and(|at| at <= now) {
            let Some(decodable) = self.frames.decodable() else {
                break;
            };
            let due = self.due(&decodable.next);
            let newer_due =
                decodable.last.frame != decodable.next.frame && self.due(&decodable.last) <= now;
            if due < now && newer_due && self.schedule.drops_late() {
                self.frames.drop_next(&mut self.actions);
            } else if let Some(frame) = self.frames.take_next(&mut self.actions) {
                self.key_frames.on_release(now);
                self.decoder_ready = false;
                let render_at = (due >= now).then_some(due);
                self.actions
                    .push_back(JitterAction::Decode(Release { frame, render_at }));
            }
        }
        if self.actions.is_empty() && self.key_frames.poll(now, self.decoder_ready) {
            self.actions.push_back(JitterAction::RequestKeyFrame);
        }
        self.actions.pop_front()
    }

    fn next_wake(&self) -> Option<Time> {
        if !self.actions.is_empty() {
            return Some(Time::ZERO);
        }
        self.decode_at()
            .into_iter()
            .chain(self.key_frames.deadline())
            .min()
    }

    fn target_delay(&self) -> Span {
        self.schedule.delay()
    }

    fn current_delay(&self) -> Span {
        self.waiting().max(self.sync)
    }

    fn set_sync_delay(&mut self, delay: Span) {
        self.sync = delay;
    }

    fn wants_arrivals(&self) -> bool {
        self.schedule.wants_arrivals()
    }

    fn tell_arrivals(&mut self, arrivals: &[(Time, Time)]) {
        self.schedule.tell_arrivals(arrivals);
    }
}
