//! What the sound would do under stretching and concealment, without sound: its
//! pitch period and how periodic it is.
//!
//! Implements: own model of what `time_stretch.cc`, `expand.cc` and `merge.cc`
//! find by correlation. Speech: a pitch period drawn anew each time, evenly
//! between two bounds, and a chance that the sound is periodic enough (or silent
//! enough) to be stretched; a merge aligns anywhere within a period. Silence: what
//! those files yield on digital zeros, as between the beeps of Chromium's fake
//! microphone: shortest period, every stretch succeeds, merges align at once.
//! Differs: draws are by tick, so that another network meets the same speech.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::Draws;

use super::units::{PER_MS, Samples};

/// Shortest period that is found: lag 10 of 4 kHz.
pub(super) const SHORTEST_PERIOD: Samples = 5 * PER_MS / 2;
/// Longest one: 15 ms.
pub(super) const LONGEST_PERIOD: Samples = 15 * PER_MS;
/// Step in which a merge looks for the best alignment (4 kHz).
const MERGE_STEP: Samples = 12;
/// Share of the loudness that silence loses in a sample, Q20: the slope which
/// `expand.cc` finds on zeros.
const SILENCE_SLOPE: i32 = 4_369;

/// What is heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SoundKind {
    /// Speech, with the parameters given.
    #[default]
    Speech,
    /// Digital silence.
    Silence,
}

/// Things that are drawn in one tick.
#[derive(Debug, Clone, Copy)]
enum Draw {
    Period,
    Success,
    ConcealedPeriod,
    Alignment,
}

/// The sound.
#[derive(Debug, Clone)]
pub(super) struct Sound {
    pub(super) kind: SoundKind,
    /// Bounds of the pitch period.
    pub(super) periods: (Samples, Samples),
    /// Chance that a stretch succeeds.
    pub(super) stretchable: f64,
    /// Share of the loudness that concealment loses in a sample from its start,
    /// Q20.
    pub(super) slope: i32,
    pub(super) draws: Draws,
}

impl Sound {
    fn unit(&self, tick: u64, draw: Draw) -> f64 {
        self.draws
            .unit(tick.wrapping_mul(4).wrapping_add(draw as u64))
    }

    fn period(&self, tick: u64, draw: Draw) -> Samples {
        match self.kind {
            SoundKind::Silence => SHORTEST_PERIOD,
            SoundKind::Speech => {
                let (least, most) = self.periods;
                least + ((most - least) as f64 * self.unit(tick, draw)) as Samples
            }
        }
    }

    /// The period that a stretch may take out or put in.
    pub(super) fn stretch(&self, tick: u64) -> Option<Samples> {
        let periodic = match self.kind {
            SoundKind::Silence => true,
            SoundKind::Speech => self.unit(tick, Draw::Success) < self.stretchable,
        };
        periodic.then(|| self.period(tick, Draw::Period))
    }

    /// The period that concealment repeats.
    pub(super) fn concealed_period(&self, tick: u64) -> Samples {
        self.period(tick, Draw::ConcealedPeriod)
    }

    /// How fast concealment fades from its start, Q20 per sample.
    pub(super) const fn fade(&self) -> i32 {
        match self.kind {
            SoundKind::Silence => SILENCE_SLOPE,
            SoundKind::Speech => self.slope,
        }
    }

    /// Where in a period new sound fits to the concealment before it.
    pub(super) fn alignment(&self, tick: u64, period: Samples) -> Samples {
        match self.kind {
            SoundKind::Silence => 0,
            SoundKind::Speech => {
                let steps = (period / MERGE_STEP + 1) as f64;
                (steps * self.unit(tick, Draw::Alignment)) as Samples * MERGE_STEP
            }
        }
    }
}
