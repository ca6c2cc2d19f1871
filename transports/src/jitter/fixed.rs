//! A video jitter buffer without adaptation: every frame is shown at its
//! capture time plus a constant. The first frame sets the constant: its arrival
//! plus `delay`. For comparison with adaptive buffers.
//!
//! Implements: own design, see `playout`.
//! Differs: nothing adapts, so a clock that drifts or a path that gets longer
//! makes every later frame late.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Span};

use super::playout::{Offset, PlayoutBuffer, Schedule, offset_of};
use super::{CompleteFrame, Jitter, JitterBuffer};

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
        let constant = Constant {
            delay: self.delay,
            offset: None,
        };
        Ok(Box::new(PlayoutBuffer::new(constant, self.decode_ahead)))
    }
}

/// The first frame's arrival and a constant.
struct Constant {
    delay: Span,
    offset: Option<Offset>,
}

impl Schedule for Constant {
    fn reset(&mut self) {
        self.offset = None;
    }

    fn on_frame(&mut self, frame: &CompleteFrame) {
        let due = offset_of(frame.complete + self.delay, frame.timestamp);
        self.offset.get_or_insert(due);
    }

    fn offset(&self) -> Option<Offset> {
        self.offset
    }

    fn delay(&self) -> Span {
        self.delay
    }
}

#[cfg(test)]
mod tests {
    use weaknet_core::Time;
    use weaknet_core::event::FrameDrop;

    use super::*;
    use crate::jitter::JitterAction;

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

    fn started() -> PlayoutBuffer<Constant> {
        let constant = Constant {
            delay: Span::from_millis(100),
            offset: None,
        };
        let mut buffer = PlayoutBuffer::new(constant, Span::from_millis(10));
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
    fn frames_wait_for_audio_when_that_is_later() {
        let mut b = started();
        b.on_frame(Time::from_millis(50), frame(0, None, Time::from_millis(50)));
        let decode_at = |b: &PlayoutBuffer<Constant>| b.next_wake().map(|at| at.as_millis());
        assert_eq!(decode_at(&b), Some(50 + 100 - 10));
        b.set_sync_delay(Span::from_millis(80));
        assert_eq!(
            (decode_at(&b), b.current_delay()),
            (Some(140), Span::from_millis(100))
        );
        b.set_sync_delay(Span::from_millis(160));
        assert_eq!(
            (decode_at(&b), b.current_delay()),
            (Some(200), Span::from_millis(160))
        );
        b.start(Time::ZERO);
        assert_eq!(b.current_delay(), Span::ZERO);
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
