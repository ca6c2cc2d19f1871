//! Sound that a receiver makes up because the application has paused the stream.
//!
//! Corners, decided here, as those of the freeze rule for pictures: what is still
//! under way when the application pauses is judged like other sound. From the
//! pause to the first real sound after the resumption nothing that is made up
//! counts; when no real sound follows, that ends at the resumption.

use weaknet_core::{Span, Time};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Sounding,
    Paused,
    /// Resumed then, and no real sound has come since.
    Resumed(Time),
}

/// The pauses of a stream of sound.
#[derive(Debug, Clone, Default)]
pub(super) struct Quiet {
    state: State,
    /// When real sound came back.
    back: Option<Time>,
    /// From and to; the last one may be open.
    pauses: Vec<(Time, Option<Time>)>,
}

impl Quiet {
    /// The application pauses or resumes the stream.
    pub(super) fn pause(&mut self, at: Time, paused: bool) {
        match self.pauses.last_mut() {
            Some((_, end @ None)) if !paused => *end = Some(at),
            Some((_, None)) => {}
            _ if paused => self.pauses.push((at, None)),
            _ => {}
        }
        self.state = match (paused, self.state) {
            (true, _) => State::Paused,
            (false, State::Paused) => State::Resumed(at),
            (false, state) => state,
        };
    }

    /// Whether something made up at `at` is due to a pause.
    pub(super) fn explains(&self, at: Time) -> bool {
        self.state != State::Sounding || self.back == Some(at)
    }

    /// Real sound is played. Whether it is the first after a pause.
    pub(super) fn real(&mut self, at: Time) -> bool {
        let ends = matches!(self.state, State::Resumed(_));
        if ends {
            self.state = State::Sounding;
            self.back = Some(at);
        }
        ends
    }

    /// The part of what is open at the end, from `from` to `to`, that no pause
    /// explains.
    pub(super) fn open(&self, from: Time, to: Time) -> (Time, Time) {
        match (self.state, self.pauses.last()) {
            (State::Resumed(at), _) => (from.max(at), to),
            (State::Paused, Some((at, _))) => (from, to.min(*at).max(from)),
            _ => (from, to),
        }
    }

    /// How much of a time was paused.
    pub(super) fn within(&self, from: Time, to: Time) -> Span {
        let part = |(start, end): &(Time, Option<Time>)| {
            end.unwrap_or(Time::MAX)
                .min(to)
                .since((*start).max(from).min(to))
        };
        self.pauses.iter().map(part).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_explains_silence_until_real_sound_is_back() {
        let at = Time::from_millis;
        let mut quiet = Quiet::default();
        assert!(!quiet.explains(at(0)));
        quiet.pause(at(1_000), true);
        assert!(!quiet.real(at(1_020)), "still under way");
        assert!(quiet.explains(at(1_500)));
        assert_eq!(quiet.open(at(1_040), at(2_000)), (at(1_040), at(1_040)));
        quiet.pause(at(3_000), false);
        assert!(quiet.explains(at(3_050)));
        assert_eq!(quiet.open(at(1_040), at(4_000)), (at(3_000), at(4_000)));
        assert!(quiet.real(at(3_080)));
        assert!(quiet.explains(at(3_080)) && !quiet.explains(at(3_081)));
        assert_eq!(quiet.within(at(0), at(10_000)), Span::from_secs(2));
        assert_eq!(quiet.within(at(2_000), at(2_500)), Span::from_millis(500));
        assert_eq!(quiet.within(at(4_000), at(5_000)), Span::ZERO);
    }
}
