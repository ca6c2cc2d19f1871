//! The buffer's control: which frame goes to the decoder when.
//!
//! Implements: `video/video_stream_buffer_controller.cc` of libwebrtc
//! (2026-07). A frame is scheduled once, when it becomes the next decodable
//! one; one that is 5 ms late or more is dropped if a later frame is decodable;
//! none waits beyond the time-out for missing frames. Render times more than
//! 10 s away reset estimator and timing.
//! Differs: decoders do not fail, so a key frame is required only at the start.

use std::collections::VecDeque;

use weaknet_core::{Span, Time};

use super::super::frame_buffer::{FrameBuffer, Insertion};
use super::super::key_frames::{KeyFrameWatch, Waits};
use super::super::{CompleteFrame, JitterAction, JitterBuffer, Release};
use super::delay_variation::DelayVariation;
use super::jitter_estimator::JitterEstimator;
use super::micros::{
    MILLISECOND, Micros, SECOND, from_span, from_time, to_millis, to_span, to_time,
};
use super::timing::{PlayoutDelay, Timing};

/// Lateness from which a frame is dropped in favour of a later one.
const MAX_LATENESS: Micros = 5 * MILLISECOND;
/// A render time or target further away makes no sense.
const MAX_DELAY: Micros = 10 * SECOND;

#[derive(Debug, Clone, Copy)]
struct Schedule {
    frame: u64,
    decode_at: Micros,
    render_at: Option<Micros>,
}

/// The running jitter buffer.
#[derive(Debug)]
pub(super) struct WebrtcBuffer {
    waits: Waits,
    playout: PlayoutDelay,
    reject_outliers: bool,
    frames: FrameBuffer,
    timing: Timing,
    variation: DelayVariation,
    estimator: JitterEstimator,
    key_frames: KeyFrameWatch,
    decoder_ready: bool,
    schedule: Option<Schedule>,
    actions: VecDeque<JitterAction>,
}

impl WebrtcBuffer {
    pub(super) fn new(waits: Waits, playout: PlayoutDelay, reject_outliers: bool) -> Self {
        Self {
            waits,
            playout,
            reject_outliers,
            frames: FrameBuffer::new(),
            timing: Timing::new(0, playout, reject_outliers),
            variation: DelayVariation::default(),
            estimator: JitterEstimator::new(),
            key_frames: KeyFrameWatch::new(waits),
            decoder_ready: false,
            schedule: None,
            actions: VecDeque::new(),
        }
    }

    /// Schedules the next decodable frame if the decoder waits for one.
    fn schedule_next(&mut self, now: Time) {
        if !self.decoder_ready {
            return;
        }
        let limit = match self.key_frames.deadline() {
            Some(deadline) => (from_span(deadline.since(now)) - MILLISECOND).max(0),
            None => 0,
        };
        let now = from_time(now);
        while let Some(decodable) = self.frames.decodable() {
            let frame = decodable.next;
            let render_at = self.timing.render_time(timestamp(&frame), now);
            if self.key_frames.needed() {
                self.schedule = Some(Schedule {
                    frame: frame.frame,
                    decode_at: now,
                    render_at,
                });
                return;
            }
            if self.schedule.is_some_and(|s| s.frame == frame.frame) {
                return;
            }
            let wait = self.timing.max_wait(render_at, now, self.frames.len());
            if wait > -MAX_LATENESS || decodable.last.frame == frame.frame {
                let decode_at = now + wait.clamp(0, limit);
                self.schedule = Some(Schedule {
                    frame: frame.frame,
                    decode_at,
                    render_at,
                });
                return;
            }
            self.frames.drop_next(&mut self.actions);
        }
        self.schedule = None;
    }

    /// Gives the scheduled frame to the decoder.
    fn release(&mut self, at: Time, mut render_at: Option<Micros>) {
        self.schedule = None;
        let Some(frame) = self.frames.take_next(&mut self.actions) else {
            return;
        };
        self.key_frames.on_release(at);
        let now = from_time(at);
        let far = render_at.is_some_and(|render_at| (render_at - now).abs() > MAX_DELAY);
        if far || self.timing.target() > MAX_DELAY {
            self.estimator = JitterEstimator::new();
            self.timing.reset(now);
            render_at = self.timing.render_time(timestamp(&frame), now);
        }
        if frame.retransmitted {
            self.estimator.on_nacked_frame(now);
        } else {
            let variation = self
                .variation
                .update(timestamp(&frame), from_time(frame.complete));
            if let Some(variation) = variation {
                self.estimator.update(now, variation, frame.size);
            }
            self.timing.set_jitter(self.estimator.estimate(now));
            self.timing.update_current(render_at, now);
        }
        self.timing.on_release(now);
        self.decoder_ready = false;
        let render_at = render_at.map(|render_at| to_time(to_millis(render_at) * MILLISECOND));
        self.actions
            .push_back(JitterAction::Decode(Release { frame, render_at }));
    }
}

impl JitterBuffer for WebrtcBuffer {
    fn start(&mut self, now: Time) {
        *self = Self::new(self.waits, self.playout, self.reject_outliers);
        self.timing = Timing::new(from_time(now), self.playout, self.reject_outliers);
        self.decoder_ready = true;
        self.key_frames.on_ready(now);
    }

    fn on_frame(&mut self, now: Time, frame: CompleteFrame) {
        if self.key_frames.on_frame(frame.reference.is_none()) {
            self.actions.push_back(JitterAction::RequestKeyFrame);
        }
        let insertion = self.frames.insert(frame, &mut self.actions);
        if !frame.retransmitted && insertion != Insertion::Refused {
            self.timing
                .on_complete(from_time(frame.complete), timestamp(&frame));
        }
        if insertion == Insertion::Continuous {
            self.schedule_next(now);
        }
    }

    fn on_packet(&mut self, now: Time, key: bool) {
        self.key_frames.on_packet(now, key);
    }

    fn on_decoded(&mut self, now: Time, took: Span) {
        self.timing.on_decoded(from_time(now), from_span(took));
        self.decoder_ready = true;
        self.key_frames.on_ready(now);
        self.schedule_next(now);
    }

    fn on_rtt(&mut self, _: Time, rtt: Span) {
        self.estimator.on_rtt(from_span(rtt));
    }

    fn poll(&mut self, now: Time) -> Option<JitterAction> {
        if self.actions.is_empty()
            && let Some(schedule) = self.schedule
            && from_time(now) >= schedule.decode_at
        {
            self.release(now, schedule.render_at);
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
        let decode_at = self.schedule.map(|s| to_time(s.decode_at));
        decode_at
            .into_iter()
            .chain(self.key_frames.deadline())
            .min()
    }

    fn target_delay(&self) -> Span {
        to_span(self.timing.target())
    }

    fn set_sync_delay(&mut self, delay: Span) {
        let min = self.playout.min.max(from_span(delay));
        self.timing.set_min(min.min(self.playout.max));
    }
}

fn timestamp(frame: &CompleteFrame) -> i64 {
    i64::try_from(frame.timestamp).unwrap_or(i64::MAX)
}
