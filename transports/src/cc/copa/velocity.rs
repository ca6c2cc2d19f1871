//! How fast the window moves.
//!
//! Implements: Copa, section 2.1: once per round trip the window is compared
//! with what it was a round trip ago; when the direction has repeated itself
//! three times the velocity doubles, and with each further time, so that it is
//! 1 in the steady state, which goes the same way for two or three round
//! trips. The authors' code doubles from the first repetition.

use weaknet_core::{Span, Time};

/// Repetitions of a direction until the velocity doubles.
const PATIENCE: u32 = 3;

/// A way for the window to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Down,
}

/// The velocity and what it follows from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Velocity {
    patience: u32,
    value: f64,
    direction: Option<Direction>,
    /// How often the direction has repeated itself.
    repeated: u32,
    /// When the round trip began, and with what window.
    began: Option<(Time, f64)>,
}

impl Velocity {
    pub(super) const fn new(from_start: bool) -> Self {
        Self {
            patience: if from_start { 1 } else { PATIENCE },
            value: 1.0,
            direction: None,
            repeated: 0,
            began: None,
        }
    }

    /// Looks at the window; once per round trip the velocity follows.
    pub(super) fn on_window(&mut self, now: Time, rtt: Span, window: f64) {
        let Some((began, before)) = self.began else {
            self.began = Some((now, window));
            return;
        };
        if now - began <= rtt {
            return;
        }
        self.began = Some((now, window));
        let direction = if window > before {
            Direction::Up
        } else {
            Direction::Down
        };
        if self.direction != Some(direction) {
            self.direction = Some(direction);
            self.value = 1.0;
            self.repeated = 0;
            return;
        }
        self.repeated += 1;
        if self.repeated >= self.patience {
            self.value *= 2.0;
        }
    }

    /// The window is about to go somewhere: against the direction so far, the
    /// velocity begins anew at once.
    pub(super) fn turn(&mut self, now: Time, direction: Direction, window: f64) {
        if self.value > 1.0 && self.direction.is_some_and(|so_far| so_far != direction) {
            self.value = 1.0;
            self.repeated = 0;
            self.direction = Some(direction);
            self.began = Some((now, window));
        }
    }

    /// The velocity, bounded so that a window at most doubles in a round trip.
    pub(super) fn bounded(&mut self, window: f64, delta: f64) -> f64 {
        while self.value > (window * delta).max(1.0) {
            self.value = (self.value / 2.0).max(1.0);
        }
        self.value
    }

    /// The velocity.
    pub(super) const fn value(&self) -> f64 {
        self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The velocity after each round trip of 40 ms.
    fn after(velocity: &mut Velocity, windows: &[f64]) -> Vec<f64> {
        let rtt = Span::from_millis(40);
        let mut follow = |n: usize, window| {
            velocity.on_window(Time::from_millis(41 * n as u64), rtt, window);
            velocity.bounded(1_000.0, 0.5)
        };
        follow(0, 10.0);
        (1..)
            .zip(windows)
            .map(|(n, window)| follow(n, *window))
            .collect()
    }

    #[test]
    fn doubles_when_the_direction_repeats_three_times_or_once() {
        let up = [11.0, 12.0, 13.0, 14.0, 15.0, 16.0];
        let paper = after(&mut Velocity::new(false), &up);
        assert_eq!(paper, [1.0, 1.0, 1.0, 2.0, 4.0, 8.0]);
        let authors = after(&mut Velocity::new(true), &up);
        assert_eq!(authors, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]);
    }

    #[test]
    fn a_turn_begins_anew() {
        let mut velocity = Velocity::new(false);
        let windows = [11.0, 12.0, 13.0, 14.0, 15.0, 14.0, 13.0, 12.0, 11.0];
        let values = after(&mut velocity, &windows);
        assert_eq!(values, [1.0, 1.0, 1.0, 2.0, 4.0, 1.0, 1.0, 1.0, 2.0]);
        velocity.turn(Time::from_secs(1), Direction::Down, 9.0);
        assert_eq!(velocity.value(), 2.0);
        velocity.turn(Time::from_secs(1), Direction::Up, 9.0);
        assert_eq!(velocity.value(), 1.0);
    }

    #[test]
    fn a_window_at_most_doubles_in_a_round_trip() {
        let mut velocity = Velocity::new(true);
        after(&mut velocity, &[11.0, 12.0, 13.0, 14.0, 15.0, 16.0]);
        assert_eq!(velocity.bounded(35.0, 0.5), 16.0);
        assert_eq!(velocity.bounded(10.0, 0.5), 4.0);
        assert_eq!(velocity.bounded(1.0, 0.5), 1.0);
    }
}
