//! What window-based controllers share: the window itself, its bounds, how it
//! is paced, and whether the flow makes use of it.

pub(in crate::cc) mod controller;
mod flight;
mod prr;
mod undo;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildError, Bytes, Span};

pub(in crate::cc) use flight::FlightUse;
pub(in crate::cc) use prr::Prr;
pub(in crate::cc) use undo::Undo;

use super::hystart::{Hystart, HystartPp};

/// How a window grows before the first congestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlowStart {
    /// By what is acknowledged, until round trips grow (RFC 9406).
    #[default]
    HystartPp,
    /// By what is acknowledged, until packets are lost or marked (RFC 9002
    /// section 7.3.1).
    Standard,
}

impl SlowStart {
    pub(in crate::cc) fn hystart(self, config: &HystartPp) -> Option<Hystart> {
        (self == Self::HystartPp).then(|| Hystart::new(config))
    }
}

/// Refuses what is no factor on a window at congestion.
pub(in crate::cc) fn validate_factor(field: &str, value: f64) -> Result<(), BuildError> {
    if (0.1..1.0).contains(&value) {
        return Ok(());
    }
    Err(BuildError::field(field, "expected 0.1 to below 1"))
}

/// Round-trip time before the first sample (RFC 9002 section 6.2.2).
pub(in crate::cc) const INITIAL_RTT: Span = Span::from_millis(333);

/// Pacing rates over window per round-trip time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::cc) struct PacingGains {
    pub(in crate::cc) slow_start: f64,
    pub(in crate::cc) avoidance: f64,
}

impl PacingGains {
    pub(in crate::cc) fn validate(self) -> Result<Self, BuildError> {
        for (field, gain) in [
            ("pacing_gain", self.avoidance),
            ("slow_start_pacing_gain", self.slow_start),
        ] {
            if !(0.5..=100.0).contains(&gain) {
                return Err(BuildError::field(field, "expected 0.5 to 100"));
            }
        }
        Ok(self)
    }
}

/// Bounds of a congestion window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WindowConfig {
    /// Largest packet, all of it that counts against the window, until the
    /// transport knows better (1200 bytes, RFC 9000 section 14).
    pub packet_size: Bytes,
    /// Packets in the initial window (10), which is at most as many of 1472
    /// bytes, or two (RFC 6928 section 2, RFC 9002 section 7.2).
    pub initial_packets: u32,
    /// Fewest packets in the window except after a timeout (2, RFC 9002
    /// section 7.2).
    pub min_packets: u32,
    /// Whether a reduction lets packets leave in proportion to those that
    /// arrive (RFC 6937) instead of none until the flight fits the window
    /// (false, RFC 9002 section 7.3.2 allows either; Linux does it).
    pub proportional_rate_reduction: bool,
    /// Whether the window is kept in single precision, as s2n-quic does
    /// (false).
    pub single_precision: bool,
}

impl Default for WindowConfig {
    fn default() -> Self {
        Self {
            packet_size: Bytes::new(1_200),
            initial_packets: 10,
            min_packets: 2,
            proportional_rate_reduction: false,
            single_precision: false,
        }
    }
}

impl WindowConfig {
    pub(in crate::cc) fn validate(&self) -> Result<(), BuildError> {
        let refuse = |field: &str, expected: &str| {
            Err(BuildError::field(format!("window.{field}"), expected))
        };
        if !(64..=65_535).contains(&self.packet_size.get()) {
            return refuse("packet_size", "expected 64B to 65535B");
        }
        if !(1..=10_000).contains(&self.initial_packets) {
            return refuse("initial_packets", "expected 1 to 10000");
        }
        if !(1..=self.initial_packets).contains(&self.min_packets) {
            return refuse("min_packets", "expected 1 to `initial_packets`");
        }
        Ok(())
    }
}

/// A congestion window in bytes, with the fractions that small steps leave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::cc) struct Window {
    cwnd: f64,
    ssthresh: f64,
    packet: f64,
    initial_packets: f64,
    min_packets: f64,
    single_precision: bool,
}

impl Window {
    /// No window grows beyond this: far more than any path holds.
    const MOST: f64 = (1_u64 << 40) as f64;
    /// Size up to which packets count whole in the initial window.
    const INITIAL_PACKET: f64 = 1_472.0;

    pub(in crate::cc) fn new(config: &WindowConfig) -> Self {
        let mut window = Self {
            cwnd: 0.0,
            ssthresh: f64::INFINITY,
            packet: config.packet_size.get() as f64,
            initial_packets: f64::from(config.initial_packets),
            min_packets: f64::from(config.min_packets),
            single_precision: config.single_precision,
        };
        window.reset();
        window
    }

    /// The initial window for packets of the present size.
    fn initial(&self) -> f64 {
        let most = (self.initial_packets * Self::INITIAL_PACKET).max(2.0 * self.packet);
        (self.initial_packets * self.packet).min(most)
    }

    /// Forgets all that has happened.
    pub(in crate::cc) fn reset(&mut self) {
        self.ssthresh = f64::INFINITY;
        self.set(self.initial());
    }

    /// The window in bytes.
    pub(in crate::cc) const fn cwnd(&self) -> f64 {
        self.cwnd
    }

    /// The window in packets.
    pub(in crate::cc) const fn packets(&self) -> f64 {
        self.cwnd / self.packet
    }

    pub(in crate::cc) const fn packet(&self) -> f64 {
        self.packet
    }

    pub(in crate::cc) const fn ssthresh(&self) -> f64 {
        self.ssthresh
    }

    pub(in crate::cc) const fn min(&self) -> f64 {
        self.min_packets * self.packet
    }

    pub(in crate::cc) const fn whole_bytes(&self) -> Bytes {
        Bytes::new(self.cwnd as u64)
    }

    pub(in crate::cc) const fn is_slow_start(&self) -> bool {
        self.cwnd < self.ssthresh
    }

    /// Whether nothing has ended slow start yet.
    pub(in crate::cc) const fn is_initial_slow_start(&self) -> bool {
        self.ssthresh == f64::INFINITY
    }

    /// Sets the window, at least one packet.
    pub(in crate::cc) const fn set(&mut self, bytes: f64) {
        let bytes = bytes.min(Self::MOST).max(self.packet);
        self.cwnd = if self.single_precision {
            bytes as f32 as f64
        } else {
            bytes
        };
    }

    /// Grows in slow start by `bytes`, up to the threshold. Returns the share
    /// of them that is left over.
    pub(in crate::cc) fn slow_start(&mut self, bytes: f64) -> f64 {
        let used = bytes.min((self.ssthresh - self.cwnd).max(0.0));
        self.set(self.cwnd + used);
        if used < bytes {
            1.0 - used / bytes
        } else {
            0.0
        }
    }

    /// Slow start has ended here.
    pub(in crate::cc) const fn leave_slow_start(&mut self) {
        self.ssthresh = self.cwnd;
    }

    /// Window and threshold become `bytes`, at least the minimum.
    pub(in crate::cc) const fn reduce_to(&mut self, bytes: f64) {
        let bytes = bytes.max(self.min());
        self.set(bytes);
        self.ssthresh = bytes;
    }

    /// Starts again from `bytes`, with slow start up to the threshold.
    pub(in crate::cc) const fn restart(&mut self, bytes: f64) {
        self.set(bytes);
    }

    /// What was taken away since `before` is given back.
    pub(in crate::cc) fn restore(&mut self, before: &Self) {
        self.set(self.cwnd.max(before.cwnd));
        self.ssthresh = before.ssthresh;
    }

    /// Packets have another size from now on. A window that was not used yet
    /// becomes the initial one again; any other keeps its bytes.
    pub(in crate::cc) fn set_packet(&mut self, size: Bytes, is_used: bool) {
        self.packet = (size.get() as f64).clamp(64.0, 65_535.0);
        let cwnd = if is_used { self.cwnd } else { self.initial() };
        self.set(cwnd.max(self.min()));
    }

    /// The rate that sends the window `gain` times per round trip.
    pub(in crate::cc) fn rate(&self, gain: f64, rtt: Span) -> Option<Bitrate> {
        let seconds = rtt.as_secs_f64();
        (seconds > 0.0).then(|| Bitrate::from_bps_f64(8.0 * self.cwnd * gain / seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(packet: u64) -> Window {
        Window::new(&WindowConfig {
            packet_size: Bytes::new(packet),
            ..WindowConfig::default()
        })
    }

    #[test]
    fn initial_and_least_windows_of_rfc_9002() {
        for (packet, initial, least) in [
            (1_200, 12_000.0, 2_400.0),
            (1_472, 14_720.0, 2_944.0),
            (1_500, 14_720.0, 3_000.0),
            (9_000, 18_000.0, 18_000.0),
        ] {
            let window = window(packet);
            assert_eq!((window.cwnd(), window.min()), (initial, least), "{packet}");
        }
    }

    #[test]
    fn slow_start_stops_at_the_threshold() {
        let mut window = window(1_200);
        assert_eq!(window.slow_start(12_000.0), 0.0);
        window.reduce_to(12_000.0);
        window.restart(1_200.0);
        assert_eq!((window.cwnd(), window.ssthresh()), (1_200.0, 12_000.0));
        assert_eq!(window.slow_start(9_600.0), 0.0);
        assert!(window.is_slow_start());
        assert_eq!(window.slow_start(4_800.0), 0.75);
        assert_eq!((window.cwnd(), window.is_slow_start()), (12_000.0, false));
    }

    #[test]
    fn another_packet_size_never_adds_bytes_to_a_window_in_use() {
        let mut fresh = window(1_200);
        fresh.set_packet(Bytes::new(1_000), false);
        assert_eq!(fresh.cwnd(), 10_000.0);
        let mut used = window(1_200);
        used.set_packet(Bytes::new(1_472), true);
        assert_eq!(used.cwnd(), 12_000.0);
        used.reduce_to(0.0);
        assert_eq!(used.cwnd(), 2_944.0);
    }

    #[test]
    fn the_window_is_paced_per_round_trip() {
        let window = window(1_200);
        // 12,000 bytes per 48 ms are 2 Mbit/s.
        let rtt = Span::from_millis(48);
        assert_eq!(window.rate(1.25, rtt), Some(Bitrate::from_kbps(2_500)));
        assert_eq!(window.rate(1.25, Span::ZERO), None);
    }
}
