//! Discontinuous transmission of Opus.
//!
//! Implements: `decide_dtx_mode` of libopus 1.5 (`opus_encoder.c`): after 200 ms
//! without speech nothing but the header is coded for 400 ms, then one frame
//! (comfort noise, so that the receiver's noise follows), then again. Of frames
//! without content libwebrtc sends the first, which tells that the pause begins
//! (`opus_interface.cc`, 2026-07).

use weaknet_core::Span;

/// Frames of so much sound without speech are still coded
/// (`NB_SPEECH_FRAMES_BEFORE_DTX` of 20 ms).
const HANGOVER: Span = Span::from_millis(200);
/// Time until the next frame is coded (`MAX_CONSECUTIVE_DTX` of 20 ms).
const REFRESH: Span = Span::from_millis(400);

/// What becomes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coded {
    /// It is coded.
    Whole,
    /// A packet without content is sent.
    Empty,
    /// Nothing is sent.
    Nothing,
}

/// Where a pause stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Dtx {
    silent: Span,
    empty: bool,
}

impl Dtx {
    /// Codes a frame with speech or without.
    pub(super) fn code(&mut self, speech: bool, frame: Span) -> Coded {
        if speech {
            *self = Self::default();
            return Coded::Whole;
        }
        self.silent += frame;
        if self.silent <= HANGOVER {
            return Coded::Whole;
        }
        if self.silent > HANGOVER + REFRESH {
            self.silent = HANGOVER;
            self.empty = false;
            return Coded::Whole;
        }
        if std::mem::replace(&mut self.empty, true) {
            Coded::Nothing
        } else {
            Coded::Empty
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_refreshed_every_21_frames() {
        let mut dtx = Dtx::default();
        let ms20 = Span::from_millis(20);
        assert_eq!(dtx.code(true, ms20), Coded::Whole);
        let coded: Vec<Coded> = (0..60).map(|_| dtx.code(false, ms20)).collect();
        for (frame, coded) in coded.into_iter().enumerate() {
            let expected = match frame {
                0..10 | 30 | 51 => Coded::Whole,
                10 | 31 | 52 => Coded::Empty,
                _ => Coded::Nothing,
            };
            assert_eq!(coded, expected, "{frame}");
        }
        assert_eq!(dtx.code(true, ms20), Coded::Whole);
        assert_eq!(dtx.code(false, ms20), Coded::Whole);
    }
}
