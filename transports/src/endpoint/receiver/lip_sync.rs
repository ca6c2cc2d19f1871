//! Audio and video of one call in step: the stream that would be shown too early
//! is delayed.
//!
//! Implements: `video/stream_synchronization.cc` and
//! `video/rtp_streams_synchronizer2.cc` of libwebrtc (2026-07): once a second the
//! difference between the two streams, of transit times and of delays in the
//! buffers, is smoothed; from 30 ms on, half of it and at most 80 ms are made up
//! for, by less extra delay of the one stream or more of the other. Only one stream
//! changes at a time: the other keeps the least delay that it has.
//! Differs: the first step comes when libwebrtc has two sender reports of the
//! audio stream, 7.5 s after the first packet on average, here always then; reports
//! are exact.
//! Not modelled: the delay of the loudspeaker, which libwebrtc adds to audio.

use weaknet_core::{Span, Time};

use crate::jitter::{AudioBuffer, JitterBuffer};

/// From the first packet to the second sender report of audio: half of an interval
/// of 5 s and one more.
const FIRST_STEP: Span = Span::from_millis(7_500);
/// `kSyncInterval`.
const INTERVAL: Span = Span::from_secs(1);
/// `kMaxChangeMs`.
const MAX_CHANGE_MS: i64 = 80;
/// `kMaxDeltaDelayMs`.
const MAX_DELTA_MS: i64 = 10_000;
/// `kFilterLength`.
const FILTER_LENGTH: i64 = 4;
/// `kMinDeltaMs`.
const MIN_DELTA_MS: i64 = 30;

/// The latest packet of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Latest {
    captured: Time,
    received: Time,
}

impl Latest {
    fn transit_ms(&self) -> i64 {
        ms(self.received.since(self.captured))
    }
}

/// One stream.
#[derive(Debug, Clone, Copy, Default)]
struct Stream {
    latest: Option<Latest>,
    /// When the packet came that was looked at last.
    seen: Option<Time>,
    /// Delay for the sake of the other stream.
    extra_ms: i64,
    last_ms: i64,
}

impl Stream {
    /// The latest packet, if it is a new one.
    fn news(&mut self) -> Option<Latest> {
        let latest = self.latest?;
        let old = self.seen.replace(latest.received);
        (old != Some(latest.received)).then_some(latest)
    }

    /// The least delay that follows.
    fn set(&mut self) -> i64 {
        let delay = if self.extra_ms > 0 {
            self.extra_ms
        } else {
            self.last_ms
        };
        self.last_ms = delay.max(self.extra_ms).min(MAX_DELTA_MS);
        self.last_ms
    }
}

/// Keeps audio and video in step.
#[derive(Debug, Clone)]
pub(super) struct LipSync {
    next: Option<Time>,
    audio: Stream,
    video: Stream,
    average_ms: i64,
}

impl LipSync {
    pub(super) fn new() -> Self {
        Self {
            next: None,
            audio: Stream::default(),
            video: Stream::default(),
            average_ms: 0,
        }
    }

    pub(super) const fn next_wake(&self) -> Option<Time> {
        self.next
    }

    /// The call begins.
    pub(super) fn begin(&mut self, now: Time) {
        self.next = Some(now + FIRST_STEP);
    }

    pub(super) const fn on_audio(&mut self, received: Time, captured: Time) {
        self.audio.latest = Some(Latest { captured, received });
    }

    pub(super) const fn on_video(&mut self, received: Time, captured: Time) {
        self.video.latest = Some(Latest { captured, received });
    }

    /// Sets the least delays of both buffers when it is time.
    pub(super) fn pump(
        &mut self,
        now: Time,
        audio: &mut dyn AudioBuffer,
        video: &mut dyn JitterBuffer,
    ) {
        let Some(due) = self.next.filter(|due| *due <= now) else {
            return;
        };
        self.next = Some(due + INTERVAL);
        let delays = (ms(audio.current_delay()), ms(video.current_delay()));
        let Some((audio_ms, video_ms)) = self.step(delays) else {
            return;
        };
        if !audio.set_min_delay(Span::from_millis(audio_ms.unsigned_abs())) {
            self.audio.extra_ms = self.audio.extra_ms * 9 / 10;
        }
        video.set_sync_delay(Span::from_millis(video_ms.unsigned_abs()));
    }

    /// The least delays of audio and video, if they change.
    fn step(&mut self, (audio_ms, video_ms): (i64, i64)) -> Option<(i64, i64)> {
        let audio = self.audio.news()?;
        let video = self.video.news()?;
        let relative = video.transit_ms() - audio.transit_ms();
        if relative.abs() > MAX_DELTA_MS {
            return None;
        }
        self.adjust(video_ms - audio_ms + relative)
    }

    /// The least delays that make up for video being late by so much.
    fn adjust(&mut self, late_ms: i64) -> Option<(i64, i64)> {
        self.average_ms = ((FILTER_LENGTH - 1) * self.average_ms + late_ms) / FILTER_LENGTH;
        if self.average_ms.abs() < MIN_DELTA_MS {
            return None;
        }
        let change = (self.average_ms / 2).clamp(-MAX_CHANGE_MS, MAX_CHANGE_MS);
        self.average_ms = 0;
        let (late, early) = if change > 0 {
            (&mut self.video, &mut self.audio)
        } else {
            (&mut self.audio, &mut self.video)
        };
        // The late stream first gives up what it has for the other's sake.
        if late.extra_ms > 0 {
            late.extra_ms -= change.abs();
            early.extra_ms = 0;
        } else {
            early.extra_ms += change.abs();
            late.extra_ms = 0;
        }
        self.video.extra_ms = self.video.extra_ms.max(0);
        let video_ms = self.video.set();
        let audio_ms = self.audio.set();
        Some((audio_ms.max(0), video_ms))
    }
}

fn ms(span: Span) -> i64 {
    span.as_millis().cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps of `stream_synchronization_unittest.cc` without a base delay:
    /// video that is late by 200 ms is met by audio at half of the smoothed
    /// difference.
    #[test]
    fn late_video_delays_audio() {
        let mut sync = LipSync::new();
        assert_eq!(sync.adjust(200), Some((25, 0)), "200 / 4 / 2");
        assert_eq!(sync.adjust(175), Some((46, 0)), "21 more");
        assert_eq!(sync.adjust(1_000), Some((126, 0)), "80 at most");
        assert_eq!(sync.adjust(60), None, "15 on average");
        assert_eq!(sync.adjust(100), Some((144, 0)));
    }

    #[test]
    fn late_audio_gives_up_its_extra_delay_first() {
        let mut sync = LipSync::new();
        assert_eq!(sync.adjust(400), Some((50, 0)));
        assert_eq!(sync.adjust(-160), Some((30, 0)));
        // One stream at a time: what is used up leaves the last delay.
        assert_eq!(sync.adjust(-400), Some((30, 0)));
        assert_eq!(sync.adjust(-400), Some((30, 50)), "now video waits");
        assert_eq!(sync.adjust(200), Some((30, 25)));
    }

    #[test]
    fn differences_below_30_ms_are_left() {
        let mut sync = LipSync::new();
        for _ in 0..20 {
            assert_eq!(sync.adjust(29), None);
        }
    }

    #[test]
    fn a_stream_that_stands_still_is_not_followed() {
        let mut sync = LipSync::new();
        let at = Time::from_secs(8);
        sync.on_audio(at, Time::from_millis(7_950));
        assert_eq!(sync.step((40, 400)), None, "no video");
        sync.on_audio(at + Span::from_millis(20), Time::from_millis(7_970));
        sync.on_video(at, Time::from_millis(7_900));
        // 50 ms longer under way, 360 ms longer in the buffer.
        assert_eq!(sync.step((40, 400)), Some((51, 0)));
        assert_eq!(sync.step((40, 400)), None, "nothing new");
    }
}
