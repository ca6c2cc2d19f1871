//! From timestamps to times on the screen: the delays that a frame gets.
//!
//! Implements: `timing.cc` and `video/frame_decode_timing.cc` of libwebrtc
//! (2026-07). The current delay starts at the first jitter estimate, grows by
//! the lateness of frames that were decoded late, and is cut to the target as
//! soon as that is below it.
//! Differs: a reset keeps the configured playout delays. The limit of 100 ms
//! per second on changes of the delay belonged to a receiver that libwebrtc no
//! longer used and removed in 2026-03; it is not here.
//! Not modelled: composition delay hints to the renderer.

use super::decode_time::DecodeTimes;
use super::extrapolator::Extrapolator;
use super::micros::{MILLISECOND, Micros, to_millis};

/// Time for the renderer.
const RENDER_DELAY: Micros = 10 * MILLISECOND;
/// Streams whose greatest playout delay is above are not low-latency ones.
const LOW_LATENCY_MAX: Micros = 500 * MILLISECOND;
/// Least time between two decodes of a low-latency stream.
const LOW_LATENCY_PACING: Micros = 8 * MILLISECOND;
/// Frames in the buffer above which a low-latency stream is not paced.
const LOW_LATENCY_QUEUE: usize = 8;

/// Bounds on the delay from arrival to the screen.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlayoutDelay {
    pub(super) min: Micros,
    pub(super) max: Micros,
}

/// The delays of one stream.
#[derive(Debug, Clone)]
pub(super) struct Timing {
    playout: PlayoutDelay,
    reject_outliers: bool,
    extrapolator: Extrapolator,
    decode_times: DecodeTimes,
    /// 95th percentile of the decode times.
    decode: Micros,
    jitter: Micros,
    current: Micros,
    last_decode: Micros,
}

impl Timing {
    pub(super) fn new(now: Micros, playout: PlayoutDelay, reject_outliers: bool) -> Self {
        Self {
            playout,
            reject_outliers,
            extrapolator: Extrapolator::new(now, reject_outliers),
            decode_times: DecodeTimes::default(),
            decode: 0,
            jitter: 0,
            current: 0,
            last_decode: 0,
        }
    }

    pub(super) fn reset(&mut self, now: Micros) {
        *self = Self {
            last_decode: self.last_decode,
            ..Self::new(now, self.playout, self.reject_outliers)
        };
    }

    /// The delay that the current one moves to.
    pub(super) fn target(&self) -> Micros {
        self.playout
            .min
            .max(self.jitter + self.decode + RENDER_DELAY)
    }

    /// Another least delay from arrival to the screen.
    pub(super) const fn set_min(&mut self, min: Micros) {
        self.playout.min = min;
    }

    /// A frame that no retransmission delayed is complete.
    pub(super) fn on_complete(&mut self, arrived: Micros, timestamp: i64) {
        self.extrapolator.update(arrived, timestamp);
    }

    pub(super) fn on_decoded(&mut self, now: Micros, took: Micros) {
        self.decode_times.add(to_millis(took), to_millis(now));
        self.decode = self.decode_times.percentile_ms() * MILLISECOND;
    }

    pub(super) const fn set_jitter(&mut self, jitter: Micros) {
        self.jitter = jitter;
        if self.current == 0 {
            self.current = jitter;
        }
    }

    /// A frame went to the decoder at `now`.
    pub(super) const fn on_release(&mut self, now: Micros) {
        self.last_decode = now;
    }

    /// Adapts the current delay to a frame that went to the decoder at `now`.
    pub(super) fn update_current(&mut self, render_at: Option<Micros>, now: Micros) {
        let late = now - render_at.unwrap_or(0) + self.decode + RENDER_DELAY;
        if to_millis(late) >= 0 {
            self.current = (self.current + late).min(self.target());
        }
    }

    /// When a frame shall be shown; `None`: at once.
    pub(super) fn render_time(&self, timestamp: i64, now: Micros) -> Option<Micros> {
        if self.low_latency() {
            return None;
        }
        let delay = self.current.clamp(self.playout.min, self.playout.max);
        Some(
            self.extrapolator
                .local_time(timestamp)
                .map_or(now, |local| local.saturating_add(delay)),
        )
    }

    /// How long a frame may wait for the decoder; negative when it is late.
    pub(super) fn max_wait(&self, render_at: Option<Micros>, now: Micros, queued: usize) -> Micros {
        match render_at {
            None if self.playout.max == 0 => -now - self.decode - RENDER_DELAY,
            None if queued > LOW_LATENCY_QUEUE => 0,
            None => (self.last_decode + LOW_LATENCY_PACING - now).max(0),
            Some(at) => at.saturating_sub(now) - self.decode - RENDER_DELAY,
        }
    }

    const fn low_latency(&self) -> bool {
        self.playout.min == 0 && self.playout.max <= LOW_LATENCY_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::super::micros::SECOND;
    use super::*;

    const OPEN: PlayoutDelay = PlayoutDelay {
        min: 0,
        max: 10 * SECOND,
    };

    fn timing(min_ms: i64, max_ms: i64) -> Timing {
        Timing::new(
            0,
            PlayoutDelay {
                min: min_ms * MILLISECOND,
                max: max_ms * MILLISECOND,
            },
            true,
        )
    }

    #[test]
    fn target_is_jitter_plus_decode_plus_render() {
        let mut t = Timing::new(0, OPEN, true);
        assert_eq!(t.target(), 10_000);
        t.set_jitter(30_000);
        for i in 0..6 {
            t.on_decoded(i * 33_333, 7_400);
        }
        assert_eq!(t.target(), 30_000 + 7_000 + 10_000);
        assert_eq!(timing(100, 1000).target(), 100_000);
    }

    #[test]
    fn current_delay_starts_at_the_jitter_and_grows_by_lateness() {
        let mut t = Timing::new(0, OPEN, true);
        t.set_jitter(50_000);
        assert_eq!(t.current, 50_000);
        t.update_current(Some(100_000), 90_000);
        assert_eq!(t.current, 50_000, "on time: 10 ms are left to render");
        t.update_current(Some(100_000), 97_000);
        assert_eq!(t.current, 57_000);
        t.update_current(Some(100_000), 150_000);
        assert_eq!(t.current, 60_000, "not above the target");
    }

    #[test]
    fn current_delay_falls_to_the_target_unless_the_frame_is_early() {
        let mut t = Timing::new(0, OPEN, true);
        t.set_jitter(200_000);
        t.set_jitter(20_000);
        t.update_current(Some(100_000), 89_499);
        assert_eq!(t.current, 200_000, "early by 501 us");
        t.update_current(Some(100_000), 89_500);
        assert_eq!(
            t.current, 30_000,
            "early by half a millisecond counts as on time"
        );
    }

    #[test]
    fn render_time_is_within_the_playout_delays() {
        let mut t = timing(100, 200);
        assert_eq!(t.render_time(0, 5_000), Some(5_000), "nothing known yet");
        t.on_complete(5_000, 0);
        assert_eq!(t.render_time(0, 5_000), Some(105_000));
        t.set_jitter(500_000);
        assert_eq!(t.render_time(9_000, 5_000), Some(305_000));
    }

    #[test]
    fn low_latency_needs_min_zero_and_max_at_most_500_ms() {
        for (min, max, low) in [
            (10, 20, false),
            (0, 20, true),
            (0, 0, true),
            (0, 500, true),
            (0, 501, false),
        ] {
            assert_eq!(
                timing(min, max).render_time(0, 0).is_none(),
                low,
                "{min} {max}"
            );
        }
    }

    #[test]
    fn low_latency_decodes_every_8_ms_unless_frames_pile_up() {
        let mut t = timing(0, 500);
        t.on_release(1_000_000);
        assert_eq!(t.max_wait(None, 1_003_000, 8), 5_000);
        assert_eq!(t.max_wait(None, 1_003_000, 9), 0);
        assert_eq!(t.max_wait(None, 1_008_000, 1), 0);
    }

    #[test]
    fn wait_leaves_time_to_decode_and_render() {
        let mut t = Timing::new(0, OPEN, true);
        for i in 0..6 {
            t.on_decoded(i, 4_000);
        }
        assert_eq!(t.max_wait(Some(100_000), 60_000, 1), 26_000);
        assert_eq!(t.max_wait(Some(100_000), 91_000, 1), -5_000);
    }
}
