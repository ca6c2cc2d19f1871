//! The local arrival time that an RTP timestamp stands for: a line through
//! (arrival, timestamp) pairs by recursive least squares, without forgetting.
//!
//! Implements: `timestamp_extrapolator.cc` of libwebrtc (2026-07). Hard reset
//! after 10 s of silence or a jump of 10 s in the timestamps; optional hard
//! rejection of outliers (on by default since 2025-10-13): after 300 samples
//! those beyond two standard deviations are left out, at most 150 in a row;
//! CUSUM detection of delay changes, which reopens the offset. Quirks kept:
//! times in whole milliseconds; the timestamp jump is not compared with the
//! time that has passed.
//! Not modelled: 32-bit wrap-around, timestamps come extended.

use super::micros::{MILLISECOND, Micros, SECOND, from_millis, to_millis};

const SILENCE: Micros = 10 * SECOND;
const TIMESTAMP_JUMP: i64 = 900_000;
const START_UP_SAMPLES: u32 = 2;
const TICKS_PER_MS: f64 = 90.0;
const OFFSET_VARIANCE: f64 = 1e10;
const START_RESIDUAL_VARIANCE: f64 = 3000.0 * 3000.0;
const OUTLIER_START_UP: u32 = 300;
const OUTLIERS_IN_A_ROW: u32 = 150;
const OUTLIER_DEVIATIONS: f64 = 2.0;
const RESIDUAL_MEMORY: f64 = 0.999;
const CUSUM_ALARM: f64 = 60_000.0;
const CUSUM_DRIFT: f64 = 6_600.0;
const CUSUM_MAX_RESIDUAL: f64 = 7_000.0;

/// The filter.
#[derive(Debug, Clone)]
pub(super) struct Extrapolator {
    reject_outliers: bool,
    start: Micros,
    previous: Micros,
    first_timestamp: Option<i64>,
    previous_timestamp: Option<i64>,
    /// Ticks per millisecond, and ticks at the start.
    line: [f64; 2],
    covariance: [[f64; 2]; 2],
    samples: u32,
    residual_mean: f64,
    residual_variance: f64,
    outliers: u32,
    cusum: [f64; 2],
}

impl Extrapolator {
    pub(super) const fn new(now: Micros, reject_outliers: bool) -> Self {
        Self {
            reject_outliers,
            start: now,
            previous: now,
            first_timestamp: None,
            previous_timestamp: None,
            line: [TICKS_PER_MS, 0.0],
            covariance: [[1.0, 0.0], [0.0, OFFSET_VARIANCE]],
            samples: 0,
            residual_mean: 0.0,
            residual_variance: START_RESIDUAL_VARIANCE,
            outliers: 0,
            cusum: [0.0; 2],
        }
    }

    /// Feeds a frame: when it arrived and its timestamp.
    pub(super) fn update(&mut self, now: Micros, timestamp: i64) {
        if now.saturating_sub(self.previous) > SILENCE {
            *self = Self::new(now, self.reject_outliers);
        } else {
            self.previous = now;
        }
        if self.reject_outliers
            && let Some(previous) = self.previous_timestamp
            && timestamp.saturating_sub(previous).saturating_abs() > TIMESTAMP_JUMP
        {
            *self = Self::new(now, self.reject_outliers);
        }
        let t = to_millis(now - self.start) as f64;
        let first = *self.first_timestamp.get_or_insert_with(|| {
            self.line[1] = -self.line[0] * t;
            timestamp
        });
        let residual = timestamp.saturating_sub(first) as f64 - t * self.line[0] - self.line[1];

        if self.reject_outliers && self.is_outlier(residual) {
            self.outliers += 1;
            if self.outliers <= OUTLIERS_IN_A_ROW {
                return;
            }
            self.covariance[1][1] = OFFSET_VARIANCE;
        }
        self.outliers = 0;
        if self.delay_changed(residual) && self.samples >= START_UP_SAMPLES {
            self.covariance[1][1] = OFFSET_VARIANCE;
        }
        if !self.reject_outliers
            && self
                .previous_timestamp
                .is_some_and(|previous| timestamp < previous)
        {
            return;
        }
        self.fit(t, residual);
        self.previous_timestamp = Some(timestamp);
        self.samples = self.samples.saturating_add(1);
    }

    /// When a frame with this timestamp would arrive.
    pub(super) fn local_time(&self, timestamp: i64) -> Option<Micros> {
        let first = self.first_timestamp?;
        let local = if self.samples < START_UP_SAMPLES {
            let ticks = timestamp.saturating_sub(self.previous_timestamp?) as f64;
            self.previous
                .saturating_add(from_millis(ticks / TICKS_PER_MS))
        } else if self.line[0] < 1e-3 {
            self.start
        } else {
            let ticks = timestamp.saturating_sub(first) as f64;
            let millis = ((ticks - self.line[1]) / self.line[0] + 0.5) as i64;
            self.start
                .saturating_add(millis.saturating_mul(MILLISECOND))
        };
        (local >= 0).then_some(local)
    }

    fn fit(&mut self, t: f64, residual: f64) {
        let p = self.covariance;
        let cross = [p[0][0] * t + p[0][1], p[1][0] * t + p[1][1]];
        let scale = 1.0 + t * cross[0] + cross[1];
        let gain = [cross[0] / scale, cross[1] / scale];
        for (row, gain) in self.covariance.iter_mut().zip(gain) {
            for (cell, column) in row.iter_mut().zip([[p[0][0], p[1][0]], [p[0][1], p[1][1]]]) {
                *cell -= gain * (t * column[0] + column[1]);
            }
        }
        self.line[0] += gain[0] * residual;
        self.line[1] += gain[1] * residual;
    }

    fn is_outlier(&mut self, residual: f64) -> bool {
        if self.samples >= OUTLIER_START_UP
            && (residual - self.residual_mean).abs()
                > OUTLIER_DEVIATIONS * self.residual_variance.sqrt()
        {
            return true;
        }
        let fresh = 1.0 - RESIDUAL_MEMORY;
        self.residual_mean = RESIDUAL_MEMORY * self.residual_mean + fresh * residual;
        let deviation = residual - self.residual_mean;
        self.residual_variance =
            (RESIDUAL_MEMORY * self.residual_variance + fresh * (deviation * deviation)).max(1.0);
        false
    }

    fn delay_changed(&mut self, residual: f64) -> bool {
        let residual = residual.clamp(-CUSUM_MAX_RESIDUAL, CUSUM_MAX_RESIDUAL);
        self.cusum[0] = (self.cusum[0] + residual - CUSUM_DRIFT).max(0.0);
        self.cusum[1] = (self.cusum[1] + residual + CUSUM_DRIFT).min(0.0);
        let alarm = self.cusum[0] > CUSUM_ALARM || self.cusum[1] < -CUSUM_ALARM;
        if alarm {
            self.cusum = [0.0; 2];
        }
        alarm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `n` frames `period` apart whose timestamps advance by `ticks`;
    /// returns the next instant and timestamp.
    fn feed(
        e: &mut Extrapolator,
        n: u32,
        (mut now, mut ts): (Micros, i64),
        period: Micros,
        ticks: i64,
    ) -> (Micros, i64) {
        for _ in 0..n {
            e.update(now, ts);
            now += period;
            ts += ticks;
        }
        (now, ts)
    }

    #[test]
    fn steady_stream_is_extrapolated_exactly() {
        let mut e = Extrapolator::new(1_337_000, true);
        assert_eq!(e.local_time(90_000), None);
        let mut at = (1_337_000, 90_000);
        for _ in 0..100 {
            at = feed(&mut e, 1, at, 40_000, 3600);
            assert_eq!(e.local_time(at.1 - 3600), Some(at.0 - 40_000));
            assert_eq!(
                e.local_time(at.1 - 3600 + 90_000),
                Some(at.0 - 40_000 + SECOND)
            );
        }
    }

    #[test]
    fn resets_after_ten_seconds_of_silence() {
        let mut e = Extrapolator::new(1_337_000, true);
        let (now, ts) = feed(&mut e, 2, (1_337_000, 90_000), 40_000, 3600);
        let (now, ts) = (now - 40_000 + SILENCE + 1, ts - 3600 + 900_000);
        e.update(now, ts);
        assert_eq!((e.local_time(ts), e.samples), (Some(now), 1));
    }

    #[test]
    fn follows_slow_and_fast_clocks() {
        // Timestamps of 25 fps, frames at 24 or 26 fps.
        for fps in [24, 26] {
            let period = SECOND / fps;
            let mut e = Extrapolator::new(1_337_000, true);
            let (now, ts) = feed(&mut e, 25, (1_337_000, 90_000), period, 3600);
            let ticks_per_second = (90_000 * SECOND) / (25 * period);
            let local = e.local_time(ts + ticks_per_second).unwrap();
            assert_eq!(to_millis(local), to_millis(now) + 1000, "{fps} fps");
        }
    }

    #[test]
    fn timestamp_jump_starts_anew() {
        let mut e = Extrapolator::new(0, true);
        let (now, _) = feed(&mut e, 3, (40_000, 90_000), 40_000, 3600);
        let (now, ts) = feed(&mut e, 2, (now, 1337 * 90_000), 40_000, 3600);
        assert_eq!(e.local_time(ts - 3600), Some(now - 40_000));
    }

    #[test]
    fn late_frames_are_outliers_after_300_samples() {
        let run = |reject| {
            let mut e = Extrapolator::new(0, reject);
            let (now, ts) = feed(&mut e, 900, (0, 0), 40_000, 3600);
            e.update(now + 400_000, ts);
            e.local_time(ts).unwrap() - now
        };
        assert_eq!(run(true), 0);
        assert!(run(false) > 0, "without rejection the line moves");
    }

    #[test]
    fn a_lasting_delay_is_followed_after_150_outliers() {
        let mut e = Extrapolator::new(0, true);
        let (now, ts) = feed(&mut e, 900, (0, 0), 40_000, 3600);
        let (now, ts) = feed(&mut e, 150, (now + 400_000, ts), 40_000, 3600);
        assert_eq!(e.local_time(ts), Some(now - 400_000), "all 150 rejected");
        e.update(now, ts);
        assert_eq!(e.local_time(ts), Some(now), "the 151st reopens the offset");
    }

    #[test]
    fn cusum_raises_an_alarm_after_150_capped_residuals() {
        // Each adds at most 7000 - 6600 ticks: 60 000 are exceeded by the 151st.
        let mut e = Extrapolator::new(0, false);
        let alarms: Vec<usize> = (1..=310).filter(|_| e.delay_changed(1e9)).collect();
        assert_eq!(alarms, [151, 302]);
    }
}
