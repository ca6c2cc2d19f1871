//! Speech as talk spurts and pauses.
//!
//! Implements: the on-off model of one speaker with exponential lengths, means of
//! ITU-T P.59 (1993), table 1: talk spurts of 1.004 s, pauses of 1.587 s, so that
//! there is speech for 38.7 % of the time (Brady 1965 measured as much).
//! Not modelled: the other speaker (P.59 has four states of both), pauses within
//! words.

use weaknet_core::rng::{Sequence, exponential_quantile};
use weaknet_core::{Span, Time};

/// Who speaks from time to time.
pub(super) struct Speaker {
    talk: Span,
    pause: Span,
    draws: Sequence,
    talking: bool,
    /// When that changes.
    until: Time,
}

impl Speaker {
    /// One who begins to talk at `now`.
    pub(super) fn new(now: Time, [talk, pause]: [Span; 2], draws: Sequence) -> Self {
        let mut speaker = Self {
            talk,
            pause,
            draws,
            talking: false,
            until: now,
        };
        speaker.turn();
        speaker
    }

    /// Whether there is speech at this time, not before that of the last call.
    pub(super) fn is_talking(&mut self, at: Time) -> bool {
        while self.until <= at {
            self.turn();
        }
        self.talking
    }

    fn turn(&mut self) {
        self.talking = !self.talking;
        let mean = if self.talking { self.talk } else { self.pause };
        let length = exponential_quantile(self.draws.unit(), mean.as_secs_f64());
        self.until += Span::from_secs_f64(length).max(Span::from_micros(1));
    }
}
