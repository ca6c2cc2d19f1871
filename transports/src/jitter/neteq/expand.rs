//! Concealment: the last pitch period again and again, ever more quietly.
//!
//! Implements: lengths and loudness of `expand.cc` of NetEQ at 48 kHz: the fade
//! gets steeper at the fourth and at the eighth period, and what has faded out is
//! silence.
//! Differs: see `sound` for period and first fade; one period per concealment,
//! where NetEQ alternates between two candidates.

use super::sound::Sound;
use super::units::{PER_MS, Samples};

/// Full loudness, Q14.
const FULL: i32 = 1 << 14;
/// Samples that overlap with what follows: 5 at 8 kHz.
pub(super) const OVERLAP: Samples = 30;
/// Fade from the fourth period on, Q20 per sample: 5 % in 6.25 ms.
const FOURTH_SLOPE: i32 = 1_049 / 6;
/// Fade from the eighth period on: 10 % in 6.25 ms.
const EIGHTH_SLOPE: i32 = 2_097 / 6;
/// Periods that are counted (`kMaxConsecutiveExpands`).
const MOST_PERIODS: u32 = 200;
/// Longest concealment that is remembered.
const LONGEST: Samples = 2_000 * PER_MS;

/// The running concealment.
#[derive(Debug, Clone)]
pub(super) struct Expand {
    /// Whether the next period is the first.
    first: bool,
    periods: u32,
    period: Samples,
    /// Q14.
    loudness: i32,
    /// Q20 per sample.
    slope: i32,
    duration: Samples,
}

impl Expand {
    /// Faded out, as before the first packet.
    pub(super) const fn silent() -> Self {
        Self {
            first: false,
            periods: 0,
            period: 0,
            loudness: 0,
            slope: 0,
            duration: 0,
        }
    }

    /// Real sound is back.
    pub(super) const fn reset(&mut self) {
        self.first = true;
        self.periods = 0;
    }

    /// Whether nothing is left to hear.
    pub(super) const fn is_muted(&self) -> bool {
        !self.first && self.loudness == 0
    }

    /// Whether less than half of the loudness is left.
    pub(super) const fn is_faint(&self) -> bool {
        self.loudness < FULL / 2
    }

    /// How long this concealment is.
    pub(super) const fn duration(&self) -> Samples {
        self.duration
    }

    /// Conceals one more period.
    pub(super) fn process(&mut self, tick: u64, sound: &Sound) -> Samples {
        if self.first {
            *self = Self {
                first: false,
                periods: 0,
                period: sound.concealed_period(tick),
                loudness: FULL,
                slope: sound.fade(),
                duration: 0,
            };
        }
        match self.periods {
            3 => self.slope = self.slope.max(FOURTH_SLOPE),
            7 => self.slope = self.slope.max(EIGHTH_SLOPE),
            _ => {}
        }
        let lost = (self.period * i64::from(self.slope) + 8_192) >> 6;
        let gain = (i64::from(FULL) - lost).max(0) as i32;
        let loudness = (gain * self.loudness + 8_192) >> 14;
        // What does not get quieter any more is cut off.
        let stuck = self.periods > 3 && loudness >= self.loudness;
        self.loudness = if stuck { 0 } else { loudness };
        self.periods = (self.periods + 1).min(MOST_PERIODS);
        self.duration = (self.duration + self.period).min(LONGEST);
        self.period
    }
}
