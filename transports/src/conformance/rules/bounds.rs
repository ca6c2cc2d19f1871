//! Bounds that change all the time. The watch over every call finds breaches.

use weaknet_core::Time;

use super::unharmed;
use crate::cc::CcEvent;
use crate::conformance::battery::Bench;
use crate::conformance::life::Dice;
use crate::conformance::playback::Playback;
use crate::conformance::report::Verdict;

pub(super) fn any_bounds(bench: &Bench<'_>) -> Verdict {
    let mut dice = Dice::new(bench.seed(), "bounds");
    let mut playback = Playback::new(Time::from_secs(1), bench.controller());
    for k in 0..600 {
        playback.play_one(k, 1);
        if dice.chance(0.3) {
            let bounds = CcEvent::Constraints(dice.bounds());
            playback.script.event(playback.time_of(k), bounds);
        }
    }
    unharmed()
}
