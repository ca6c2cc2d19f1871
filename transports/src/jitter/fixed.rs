//! A video jitter buffer without adaptation: every frame is shown at its
//! capture time plus a constant. The first frame sets the constant: its arrival
//! plus `delay`. For comparison with adaptive buffers.
//!
//! Implements: own design; frame buffer and key frame time-outs as in
//! libwebrtc (see their files).
//! Differs: nothing adapts, so a clock that drifts or a path that gets longer
//! makes every later frame late. A late frame is shown as soon as it is
//! decoded, or dropped when a later decodable frame is due too.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Span, Time};

use super::frame_buffer::FrameBuffer;
use super::key_frames::{KeyFrameWatch, Waits};
use super::{CompleteFrame, Jitter, JitterAction, JitterBuffer, Release};

/// Waits of libwebrtc's receiver, `video_receive_stream2.cc`.
const WAITS: Waits = Waits {
    key_frame: Span::from_millis(200),
    frame: Span::from_millis(3_000),
};

/// A constant delay from capture to the screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Fixed {
    /// Time from the first frame's arrival to its display. Default 100 ms, a
    /// common choice for interactive video.
    pub delay: Span,
    /// How long before its display a frame goes to the decoder. Default 10 ms,
    /// libwebrtc's render delay.
    pub decode_ahead: Span,
}

impl Default for Fixed {
    fn default() -> Self {
        Self {
            delay: Span::from_millis(100),
            decode_ahead: Span::from_millis(10),
        }
    }
}

impl Plugin for Fixed {
    type Kind = Jitter;
    const NAME: &'static str = "fixed";
    const SUMMARY: &'static str = "shows every frame a constant time after its capture";
    const REFERENCES: &'static [&'static str] = &["own design"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn JitterBuffer>, BuildError> {
        if self.delay > Span::from_secs(3600) {
            return Err(BuildError::field("delay", "expected at most 1h"));
        }
        if self.decode_ahead > self.delay {
            return Err(BuildError::field(
                "decode_ahead",
                "expected at most `delay`",
            ));
        }
        Ok(Box::new(FixedBuffer::new(self.clone())))
    }
}

struct FixedBuffer {
    config: Fixed,
    frames: FrameBuffer,
    key_frames: KeyFrameWatch,
    /// When the first frame is due and its timestamp.
    anchor: Option<(Time, u64)>,
    decoder_ready: bool,
    actions: VecDeque<JitterAction>,
}

impl FixedBuffer {
    fn new(config: Fixed) -> Self {
        Self {
            config,
            frames: FrameBuffer::new(),
            key_frames: KeyFrameWatch::new(WAITS),
            anchor: None,
            decoder_ready: false,
            actions: VecDeque::new(),
        }
    }

    /// When a frame shall be on the screen.
    fn due(&self, frame: &CompleteFrame) -> Time {
        let Some((due, timestamp)) = self.anchor else {
            return frame.complete;
        };
        if frame.timestamp >= timestamp {
            due + ticks(frame.timestamp - timestamp)
        } else {
            due.saturating_sub(ticks(timestamp - frame.timestamp))
        }
    }

    /// When the next decodable frame goes to the decoder.
    fn decode_at(&self) -> Option<Time> {
        let decodable = self.frames.decodable().filter(|_| self.decoder_ready)?;
        Some(
            self.due(&decodable.next)
                .saturating_sub(self.config.decode_ahead),
        )
    }
}

impl JitterBuffer for FixedBuffer {
    fn start(&mut self, now: Time) {
        *self = Self::new(self.config.clone());
        self.decoder_ready = true;
        self.key_frames.on_ready(now);
    }

    fn on_frame(&mut self, _: Time, frame: CompleteFrame) {
        if self.key_frames.on_frame(frame.reference.is_none()) {
            self.actions.push_back(JitterAction::RequestKeyFrame);
        }
        self.anchor
            .get_or_insert((frame.complete + self.config.delay, frame.timestamp));
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
            if due < now && newer_due {
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
        self.config.delay
    }
}

/// A number of ticks of the 90 kHz clock, rounded down to nanoseconds.
fn ticks(n: u64) -> Span {
    Span::from_nanos(u64::try_from(u128::from(n) * 100_000 / 9).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::event::FrameDrop;

    fn frame(number: u64, reference: Option<u64>, complete: Time) -> CompleteFrame {
        CompleteFrame {
            frame: number,
            reference,
            timestamp: 1_000_000 + number * 3000,
            size: 1000,
            first_arrived: complete,
            complete,
            retransmitted: false,
            picture: weaknet_core::packet::Picture::default(),
            seqs: (number, number),
        }
    }

    fn started() -> FixedBuffer {
        let mut buffer = FixedBuffer::new(Fixed::default());
        buffer.start(Time::ZERO);
        buffer
    }

    #[test]
    fn shows_frames_a_constant_after_capture() {
        let mut b = started();
        for (n, arrival_ms) in [(0, 50), (1, 120), (2, 118)] {
            let at = Time::from_millis(arrival_ms);
            b.on_packet(at, n == 0);
            b.on_frame(at, frame(n, n.checked_sub(1), at));
        }
        for n in 0..3 {
            let due = Time::from_nanos(150_000_000 + n * 3000 * 100_000 / 9);
            let decode_at = due.saturating_sub(Span::from_millis(10));
            assert_eq!(b.next_wake(), Some(decode_at));
            assert_eq!(b.poll(decode_at.saturating_sub(Span::from_nanos(1))), None);
            let Some(JitterAction::Decode(release)) = b.poll(decode_at) else {
                panic!("frame {n}")
            };
            assert_eq!((release.frame.frame, release.render_at), (n, Some(due)));
            b.on_decoded(decode_at, Span::from_millis(1));
        }
    }

    #[test]
    fn late_frame_is_shown_at_once_or_dropped_for_a_later_one() {
        let mut b = started();
        b.on_frame(Time::ZERO, frame(0, None, Time::ZERO));
        assert!(matches!(
            b.poll(Time::from_millis(90)),
            Some(JitterAction::Decode(_))
        ));
        b.on_decoded(Time::from_millis(91), Span::ZERO);
        let late = Time::from_millis(400);
        b.on_frame(late, frame(1, Some(0), late));
        let Some(JitterAction::Decode(release)) = b.poll(late) else {
            panic!("nothing decoded")
        };
        assert_eq!(release.render_at, None);
        b.on_decoded(late, Span::ZERO);
        b.on_frame(late, frame(2, Some(1), late));
        b.on_frame(late, frame(9, None, late));
        assert_eq!(
            b.poll(late),
            Some(JitterAction::Drop {
                frame: 2,
                reason: FrameDrop::Late
            })
        );
        assert!(matches!(b.poll(late), Some(JitterAction::Decode(r)) if r.frame.frame == 9));
    }

    #[test]
    fn refuses_to_decode_before_arrival() {
        let streams = weaknet_core::Streams::new(1);
        let assets = weaknet_core::plugin::Assets::default();
        let cx = BuildContext {
            path: "jitter",
            streams: &streams,
            assets: &assets,
        };
        let config = Fixed {
            delay: Span::from_millis(5),
            ..Fixed::default()
        };
        assert_eq!(
            config.build(&cx).err().unwrap().field.as_deref(),
            Some("decode_ahead")
        );
    }
}
