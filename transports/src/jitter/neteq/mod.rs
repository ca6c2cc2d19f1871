//! NetEQ, the audio jitter buffer of libwebrtc, as decisions without samples:
//! every 10 ms the loudspeaker pulls, and it is decided whether what comes next
//! is decoded, stretched or made up. The target delay follows from how late
//! packets came.
//!
//! Implements: `modules/audio_coding/neteq` of libwebrtc, 2026-07, in its
//! integers; each file here names its source there.
//! Differs: what the sound would do under stretching and concealment is a model
//! (`sound`). The loudspeaker begins to pull within 10 ms of the first packet.
//! Timestamps are extended and do not wrap. See the files for the rest.
//! Not modelled: RFC 3389 comfort noise, DTMF, changes of codec or sample rate,
//! concealment by the codec itself (off in libwebrtc unless a field trial says
//! otherwise), NACK for audio (`nack_tracker.cc`; not negotiated by browsers).

mod arrival_history;
mod buffer;
mod constraints;
mod decision;
mod delay_manager;
mod expand;
mod histogram;
mod level_filter;
mod packets;
mod reorder;
mod sound;
mod statistics;
mod sync_buffer;
mod underrun;
mod units;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod vectors;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio, Span};

use super::{AudioBuffer, AudioJitter};
pub use sound::SoundKind;
use sound::{LONGEST_PERIOD, SHORTEST_PERIOD, Sound};
use units::samples;

/// The audio jitter buffer of libwebrtc.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Neteq {
    /// Share of the intervals whose latest packet shall still be in time. Default
    /// 0.95 (`quantile` of `WebRTC-Audio-NetEqDelayManagerConfig`, as the fields
    /// down to `ms_per_loss_percent`).
    pub quantile: f64,
    /// What the histogram of delays keeps at each new one. Default 0.983.
    pub forget_factor: f64,
    /// Weight of the first delays: the n-th counts this over n + 1. Default 2.
    pub start_forget_weight: f64,
    /// Of so much time the latest packet counts; 0: every packet counts. Default
    /// 500 ms.
    pub resample_interval: Span,
    /// Whether reordered packets are weighed against delay. Default yes.
    pub use_reorder_optimizer: bool,
    /// What the histogram of reordered packets keeps at each packet. Default
    /// 0.9993.
    pub reorder_forget_factor: f64,
    /// Milliseconds of delay that are worth one percent of reordered packets.
    /// Default 20.
    pub ms_per_loss_percent: u32,
    /// Target until the first interval is over. Default 80 ms (`kStartDelayMs`).
    pub start_delay: Span,
    /// Least target (base minimum delay). Default 0 ms, at most 10 s.
    pub min_delay: Span,
    /// Greatest target; 0: none, the default.
    pub max_delay: Span,
    /// Packets held; one more throws all away. Default 200
    /// (`max_packets_in_buffer`).
    pub max_packets: u32,
    /// Media time over which arrivals are compared. Default 2 s
    /// (`kPacketHistorySizeMs`).
    pub history: Span,
    /// Whether sound may be stretched. Default yes.
    pub time_stretching: bool,
    /// Pulls of 10 ms between two stretches. Default 5 (`kMinTimescaleInterval`).
    pub timescale_interval: u32,
    /// Whether a delay of four times the upper bound takes out as many periods at
    /// once as fit in 15 ms. Default no (`enable_fast_accelerate`).
    pub fast_accelerate: bool,
    /// Room between target and the delay from which sound is accelerated, besides
    /// the latest packet's delay. Default 20 ms (`kDelayAdjustmentGranularityMs`).
    pub delay_granularity: Span,
    /// Half of this above the target a gap is not waited for any more. Default
    /// 100 ms (`kTargetLevelWindowMs`).
    pub target_window: Span,
    /// Share of the target that must be there before a faded concealment ends.
    /// Default 50 % (`kPostponeDecodingLevel`).
    pub postpone_decoding: Ratio,
    /// Comfort noise without a packet for longer turns to concealment. Default
    /// 1 s (`kCngTimeoutMs`).
    pub comfort_noise_timeout: Span,
    /// What is heard: `speech` (default), with the following parameters, or
    /// `silence`, digital zeros, whose every stretch and concealment is one of
    /// 2.5 ms.
    pub sound: SoundKind,
    /// Shortest pitch period. Default 2.5 ms, the shortest that `time_stretch.cc`
    /// finds.
    pub min_pitch_period: Span,
    /// Longest pitch period. Default 15 ms, the longest that it finds.
    pub max_pitch_period: Span,
    /// Chance that speech is periodic or quiet enough to be stretched. Default
    /// 75 %, own choice (60 to 90 % are plausible).
    pub stretch_success: Ratio,
    /// Loudness that concealed speech loses in each of its first milliseconds.
    /// Default 0 % (voiced speech; `expand.cc` has 4 % for unvoiced speech).
    pub fade_per_ms: Ratio,
}

impl Default for Neteq {
    fn default() -> Self {
        Self {
            quantile: 0.95,
            forget_factor: 0.983,
            start_forget_weight: 2.0,
            resample_interval: Span::from_millis(500),
            use_reorder_optimizer: true,
            reorder_forget_factor: 0.9993,
            ms_per_loss_percent: 20,
            start_delay: Span::from_millis(80),
            min_delay: Span::ZERO,
            max_delay: Span::ZERO,
            max_packets: 200,
            history: Span::from_secs(2),
            time_stretching: true,
            timescale_interval: 5,
            fast_accelerate: false,
            delay_granularity: Span::from_millis(20),
            target_window: Span::from_millis(100),
            postpone_decoding: Ratio::from_f64(0.5),
            comfort_noise_timeout: Span::from_secs(1),
            sound: SoundKind::Speech,
            min_pitch_period: Span::from_micros(2_500),
            max_pitch_period: Span::from_millis(15),
            stretch_success: Ratio::from_f64(0.75),
            fade_per_ms: Ratio::ZERO,
        }
    }
}

impl Neteq {
    fn check(&self) -> Result<(), BuildError> {
        let within = |name, value: f64, least: f64, most: f64| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            let message = format!("expected {least} to {most}, found {value}");
            Err(BuildError::field(name, message))
        };
        within("quantile", self.quantile, 0.0, 1.0)?;
        within("forget_factor", self.forget_factor, 0.0, 0.9999)?;
        within(
            "reorder_forget_factor",
            self.reorder_forget_factor,
            0.0,
            0.9999,
        )?;
        within("start_forget_weight", self.start_forget_weight, 1.0, 100.0)?;
        within(
            "ms_per_loss_percent",
            f64::from(self.ms_per_loss_percent),
            0.0,
            10_000.0,
        )?;
        within("max_packets", f64::from(self.max_packets), 1.0, 100_000.0)?;
        within(
            "timescale_interval",
            f64::from(self.timescale_interval),
            0.0,
            10_000.0,
        )?;
        for (name, span) in [
            ("resample_interval", self.resample_interval),
            ("start_delay", self.start_delay),
            ("min_delay", self.min_delay),
            ("max_delay", self.max_delay),
            ("delay_granularity", self.delay_granularity),
            ("target_window", self.target_window),
            ("comfort_noise_timeout", self.comfort_noise_timeout),
        ] {
            if span > Span::from_secs(10) {
                return Err(BuildError::field(name, "expected at most 10s"));
            }
        }
        if !(Span::from_millis(100)..=Span::from_secs(60)).contains(&self.history) {
            return Err(BuildError::field("history", "expected 100ms to 1min"));
        }
        let periods = SHORTEST_PERIOD..=LONGEST_PERIOD;
        for (name, period) in [
            ("min_pitch_period", self.min_pitch_period),
            ("max_pitch_period", self.max_pitch_period),
        ] {
            if !periods.contains(&samples(period)) {
                return Err(BuildError::field(name, "expected 2.5ms to 15ms"));
            }
        }
        if self.min_pitch_period > self.max_pitch_period {
            return Err(BuildError::field(
                "min_pitch_period",
                "expected at most `max_pitch_period`",
            ));
        }
        for (name, ratio) in [
            ("postpone_decoding", self.postpone_decoding),
            ("stretch_success", self.stretch_success),
            ("fade_per_ms", self.fade_per_ms),
        ] {
            if ratio > Ratio::ONE {
                return Err(BuildError::field(name, "expected at most 100%"));
            }
        }
        Ok(())
    }
}

impl Plugin for Neteq {
    type Kind = AudioJitter;
    const NAME: &'static str = "neteq";
    const SUMMARY: &'static str =
        "libwebrtc's NetEQ: adaptive delay, stretching and concealment, without samples";
    const REFERENCES: &'static [&'static str] = &[
        "libwebrtc modules/audio_coding/neteq, 2026-07",
        "W3C webrtc-stats, editor's draft of 2025-09 (counters)",
    ];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn AudioBuffer>, BuildError> {
        self.check()?;
        let sound = Sound {
            kind: self.sound,
            periods: (
                samples(self.min_pitch_period),
                samples(self.max_pitch_period),
            ),
            stretchable: self.stretch_success.as_f64(),
            slope: (self.fade_per_ms.as_f64() * f64::from(1 << 20) / 48.0) as i32,
            draws: cx.streams.draws(cx.path, "pitch period"),
        };
        let phase = cx.streams.draws(cx.path, "loudspeaker phase").unit(0);
        let phase = Span::from_nanos((phase * 1e7) as u64);
        Ok(Box::new(buffer::NeteqBuffer::new(self, sound, phase)))
    }
}
