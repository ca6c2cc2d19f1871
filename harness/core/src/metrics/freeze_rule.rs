//! The freeze rule of libwebrtc's getStats, for one video stream.
//!
//! Judges each interval between two rendered frames: smooth, frozen, or a
//! pause of the application.
//!
//! Implements: libwebrtc `video/video_quality_observer2.cc` (2025-09): times
//! are whole milliseconds, rounded down; the interval d first enters the window
//! of the last 30; from 5 intervals on it is a freeze when
//! d >= max(3 m, m + 150 ms), m being the window's mean rounded down, d
//! included. An interval across a pause is neither a freeze nor in the window.
//!
//! Differs: libwebrtc takes the decoding time, we take the rendering time; it
//! learns of a pause when the stream goes inactive at the receiver, we know
//! when the application pauses and resumes, so that frames still under way at
//! the pause are judged like others and the interval in which the application
//! resumes is the pause.

use weaknet_core::Time;

const WINDOW: usize = 30;
const MIN_INTERVALS: usize = 5;
const MIN_INCREASE_MS: u64 = 150;

/// What an interval between rendered frames was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapKind {
    /// Ordinary playback.
    Smooth,
    /// A freeze.
    Freeze,
    /// The application had paused the stream.
    Pause,
}

/// An interval between two rendered frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The earlier frame was rendered.
    pub from: Time,
    /// The later frame was rendered.
    pub to: Time,
    /// What it was.
    pub kind: GapKind,
}

/// State of the rule for one stream.
#[derive(Debug, Clone, Default)]
pub struct FreezeRule {
    /// The last intervals in milliseconds, as a ring.
    recent: Vec<u64>,
    next: usize,
    sum: u64,
    last: Option<Time>,
    paused: Option<Time>,
    resumed: Option<Time>,
}

impl FreezeRule {
    /// The application paused or resumed the stream.
    pub fn pause(&mut self, at: Time, paused: bool) {
        match (self.paused, paused) {
            (None, true) => self.paused = Some(at),
            (Some(_), false) => {
                self.paused = None;
                self.resumed = Some(at);
            }
            _ => {}
        }
    }

    /// A frame was rendered: the interval that it closes, if it is not the
    /// first.
    pub fn rendered(&mut self, at: Time) -> Option<Gap> {
        let resumed = self.resumed.take();
        let from = self.last.replace(at)?;
        let kind = if resumed.is_some() {
            GapKind::Pause
        } else {
            self.judge(from, at)
        };
        Some(Gap { from, to: at, kind })
    }

    /// The stream ends at `at`: the interval still open, judged as if a frame
    /// were rendered there. When the stream is paused, it ends at the pause;
    /// when it was resumed and nothing came since, it starts at the resumption.
    pub fn end(&mut self, at: Time) -> Option<Gap> {
        let from = self.last?.max(self.resumed.unwrap_or_default());
        let to = at.min(self.paused.unwrap_or(at));
        (from < to).then(|| Gap {
            from,
            to,
            kind: self.judge(from, to),
        })
    }

    fn judge(&mut self, from: Time, to: Time) -> GapKind {
        let interval = to.as_millis().saturating_sub(from.as_millis());
        if self.recent.len() < WINDOW {
            self.recent.push(interval);
        } else {
            self.sum -= std::mem::replace(&mut self.recent[self.next], interval);
            self.next = (self.next + 1) % WINDOW;
        }
        self.sum += interval;
        let mean = self.sum / self.recent.len() as u64;
        let frozen = self.recent.len() >= MIN_INTERVALS
            && interval >= (3 * mean).max(mean + MIN_INCREASE_MS);
        if frozen {
            GapKind::Freeze
        } else {
            GapKind::Smooth
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(times_ms: &[u64]) -> Vec<GapKind> {
        let mut rule = FreezeRule::default();
        times_ms
            .iter()
            .filter_map(|&ms| rule.rendered(Time::from_millis(ms)))
            .map(|gap| gap.kind)
            .collect()
    }

    /// Frames after these intervals, the first one at 0.
    fn after(intervals: impl IntoIterator<Item = u64>) -> Vec<GapKind> {
        let times: Vec<u64> = std::iter::once(0)
            .chain(intervals.into_iter().scan(0, |t, d| {
                *t += d;
                Some(*t)
            }))
            .collect();
        kinds(&times)
    }

    #[test]
    fn the_limit_at_30_fps_is_188_ms_with_the_interval_itself_in_the_mean() {
        let last = |d| *after([33; 29].into_iter().chain([d])).last().unwrap();
        assert_eq!(last(187), GapKind::Smooth);
        assert_eq!(last(188), GapKind::Freeze);
        assert_eq!(last(190), GapKind::Freeze);
    }

    #[test]
    fn five_intervals_are_needed() {
        // libwebrtc's own vector: five frames 30 ms apart, then one second.
        assert_eq!(after([30, 30, 30, 30, 1000]).last(), Some(&GapKind::Freeze));
        assert_eq!(after([30, 30, 30, 1000]).last(), Some(&GapKind::Smooth));
    }

    #[test]
    fn the_window_forgets_after_thirty() {
        // One interval of 3 s keeps the mean up while it is among the last 30.
        let mean_with = (3000 + 28 * 30 + 300) / 30;
        assert!(300 < 3 * mean_with);
        let inside = [30; 5]
            .into_iter()
            .chain([3000])
            .chain([30; 28])
            .chain([300]);
        assert_eq!(after(inside).last(), Some(&GapKind::Smooth));
        let outside = [30; 5]
            .into_iter()
            .chain([3000])
            .chain([30; 29])
            .chain([300]);
        assert_eq!(after(outside).last(), Some(&GapKind::Freeze));
    }

    #[test]
    fn times_are_rounded_down_before_they_are_subtracted() {
        let mut rule = FreezeRule::default();
        let us = |n| Time::from_micros(n);
        for k in 0..30 {
            rule.rendered(us(k * 33_000 + 900));
        }
        // 187.2 ms apart, but from millisecond 957 to millisecond 1145.
        let gap = rule.rendered(us(29 * 33_000 + 188_100)).unwrap();
        assert_eq!(gap.kind, GapKind::Freeze);
    }

    #[test]
    fn a_pause_is_no_freeze_and_leaves_the_window_alone() {
        let ms = Time::from_millis;
        let mut rule = FreezeRule::default();
        for k in 0..10 {
            rule.rendered(ms(k * 33));
        }
        rule.pause(ms(300), true);
        // Still under way when the sender paused.
        assert_eq!(rule.rendered(ms(330)).unwrap().kind, GapKind::Smooth);
        rule.pause(ms(20_000), false);
        let across = rule.rendered(ms(20_400)).unwrap();
        assert_eq!(
            across,
            Gap {
                from: ms(330),
                to: ms(20_400),
                kind: GapKind::Pause
            }
        );
        // 10 intervals of 33 ms in the window: mean with this one (330 + 200) / 11 = 48, limit 198.
        assert_eq!(rule.rendered(ms(20_600)).unwrap().kind, GapKind::Freeze);
    }

    #[test]
    fn the_open_interval_ends_at_a_pause_and_starts_at_a_resumption() {
        let ms = Time::from_millis;
        let mut rule = FreezeRule::default();
        for k in 0..10 {
            rule.rendered(ms(k * 33));
        }
        assert_eq!(
            rule.clone().end(ms(1297)).unwrap(),
            Gap {
                from: ms(297),
                to: ms(1297),
                kind: GapKind::Freeze
            }
        );
        assert_eq!(rule.clone().end(ms(297)), None);
        rule.pause(ms(320), true);
        assert_eq!(
            rule.clone().end(ms(9000)).unwrap(),
            Gap {
                from: ms(297),
                to: ms(320),
                kind: GapKind::Smooth
            }
        );
        rule.pause(ms(5000), false);
        assert_eq!(
            rule.end(ms(9000)).unwrap(),
            Gap {
                from: ms(5000),
                to: ms(9000),
                kind: GapKind::Freeze
            }
        );
    }
}
