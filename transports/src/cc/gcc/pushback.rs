//! Pushing back on the encoder when more is in flight than the target fills in
//! a round trip and the queue that is put up with.
//!
//! Implements: CongestionWindowPushbackController and the window of
//! GoogCcNetworkController in libwebrtc (modules/congestion_controller/
//! goog_cc, rtc_base/experiments/rate_control_settings, July 2026; default
//! "QueueSize:350,MinBitrate:30000,DropFrame:true").

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, Span};

use super::units::{Delta, Rate, Size};

/// The congestion window and what it does (WebRTC-CongestionWindow).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PushbackConfig {
    /// What the window does.
    pub mode: PushbackMode,
    /// Queueing time that the window allows on top of the round trip (350 ms).
    pub queue: Span,
    /// The encoder's rate is not pushed below this (30 kbps).
    pub min_rate: Bitrate,
    /// Whether bytes in the pacer count as in flight (false,
    /// WebRTC-AddPacingToCongestionWindowPushback).
    pub count_pacer: bool,
}

/// What a full congestion window does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PushbackMode {
    /// The encoder drops frames; the target stays.
    DropFrames,
    /// The target is lowered.
    LowerTarget,
    /// The pacer stops at the window.
    LimitPacer,
    /// Nothing; there is no window.
    Off,
}

impl Default for PushbackConfig {
    fn default() -> Self {
        Self {
            mode: PushbackMode::DropFrames,
            queue: Span::from_millis(350),
            min_rate: Bitrate::from_kbps(30),
            count_pacer: false,
        }
    }
}

/// Reports whose longest round trip is remembered.
const RTT_REPORTS: usize = 32;
/// Smallest window: two packets of 1500 bytes.
const SMALLEST_WINDOW: Size = Size::from_bytes(3_000);

/// The data window and the share of the target that it leaves.
#[derive(Debug, Clone)]
pub(super) struct Pushback {
    config: PushbackConfig,
    /// Longest round trip of each report, in ms.
    rtts_ms: VecDeque<i64>,
    window: Option<Size>,
    in_flight: Size,
    in_pacer: Size,
    share: f64,
}

impl Pushback {
    pub(super) fn new(config: &PushbackConfig) -> Self {
        Self {
            config: config.clone(),
            rtts_ms: VecDeque::with_capacity(RTT_REPORTS),
            window: None,
            in_flight: Size::ZERO,
            in_pacer: Size::ZERO,
            share: 1.0,
        }
    }

    pub(super) const fn mode(&self) -> PushbackMode {
        self.config.mode
    }
    pub(super) const fn window(&self) -> Option<Size> {
        self.window
    }
    pub(super) const fn set_in_flight(&mut self, in_flight: Size) {
        self.in_flight = in_flight;
    }
    pub(super) const fn set_in_pacer(&mut self, in_pacer: Size) {
        self.in_pacer = in_pacer;
    }

    /// Takes the longest round trip of a report.
    pub(super) fn on_report(&mut self, longest_rtt: Delta) {
        if self.rtts_ms.len() == RTT_REPORTS {
            self.rtts_ms.pop_front();
        }
        self.rtts_ms.push_back(longest_rtt.as_millis());
    }

    /// Moves the window halfway to what `target` fills in the shortest of the
    /// long round trips and the allowed queue.
    pub(super) fn refresh_window(&mut self, target: Rate) {
        let Some(shortest) = self
            .rtts_ms
            .iter()
            .min()
            .filter(|_| self.config.mode != PushbackMode::Off)
        else {
            return;
        };
        let fills = target * (Delta::from_millis(*shortest) + self.config.queue.into());
        let window = self.window.map_or(fills, |before| (fills + before).half());
        self.window = Some(window.max(SMALLEST_WINDOW));
    }

    /// What remains of `target`; every call moves the share.
    pub(super) fn push_back(&mut self, target: Rate) -> Rate {
        let Some(window) = self.window else {
            return target;
        };
        let extra = if self.config.count_pacer {
            self.in_pacer
        } else {
            Size::ZERO
        };
        let fill = (self.in_flight + extra) / window;
        self.share = if fill > 1.5 {
            self.share * 0.9
        } else if fill > 1.0 {
            self.share * 0.95
        } else if fill < 0.1 {
            1.0
        } else {
            (self.share * 1.05).min(1.0)
        };
        let pushed = Rate::from_bps_f64(target.as_bps() as f64 * self.share);
        pushed.max(target.min(self.config.min_rate.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_window(target: Rate) -> Pushback {
        let mut pushback = Pushback::new(&PushbackConfig::default());
        pushback.on_report(Delta::from_millis(50));
        pushback.refresh_window(target);
        pushback
    }

    #[test]
    fn window_is_the_target_over_round_trip_and_queue() {
        let mut pushback = with_window(Rate::from_kbps(1_000));
        assert_eq!(pushback.window(), Some(Size::from_bytes(50_000)));
        pushback.refresh_window(Rate::from_kbps(500));
        assert_eq!(pushback.window(), Some(Size::from_bytes(37_500)));
        assert_eq!(
            with_window(Rate::from_kbps(5)).window(),
            Some(SMALLEST_WINDOW)
        );
    }

    #[test]
    fn share_falls_while_overfull_and_recovers() {
        let target = Rate::from_kbps(1_000);
        let mut pushback = with_window(target);
        pushback.set_in_flight(Size::from_bytes(75_001));
        assert_eq!(pushback.push_back(target), Rate::from_kbps(900));
        pushback.set_in_flight(Size::from_bytes(50_001));
        assert_eq!(pushback.push_back(target), Rate::from_kbps(855));
        pushback.set_in_flight(Size::from_bytes(40_000));
        assert_eq!(pushback.push_back(target), Rate::from_bps(897_750));
        pushback.set_in_flight(Size::from_bytes(4_999));
        assert_eq!(pushback.push_back(target), target);
    }

    #[test]
    fn encoder_keeps_its_least_rate() {
        let mut pushback = with_window(Rate::from_kbps(1_000));
        pushback.set_in_flight(Size::from_bytes(1_000_000));
        for _ in 0..100 {
            pushback.push_back(Rate::from_kbps(1_000));
        }
        assert_eq!(
            pushback.push_back(Rate::from_kbps(1_000)),
            Rate::from_kbps(30)
        );
        assert_eq!(pushback.push_back(Rate::from_kbps(20)), Rate::from_kbps(20));
    }
}
