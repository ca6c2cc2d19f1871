//! The ways in which traces are written.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a trace is written.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One number per line: the millisecond at which 1500 bytes may leave.
    Mahimahi,
    /// Two columns: the millisecond, and the bytes that may leave then.
    MahimahiBytes,
    /// Two columns: seconds and Mbit/s.
    SecondsMbps,
    /// Two columns: seconds and the one-way delay in milliseconds.
    SecondsMs,
    /// Two columns: seconds and the share of packets lost, 0 to 1.
    SecondsLoss,
    /// Two columns: milliseconds and kbit/s.
    Oboe,
    /// JSON with segments of duration, capacity, loss, rtt and jitter.
    Opennetlab,
    /// One one-way delay in milliseconds per line and 10 ms; the rate beside
    /// it is a Mahimahi file.
    Leoreplayer,
    /// Columns with names that end in their unit, such as `rate_mbps`.
    Csv,
    /// Frame sizes of a video encoder: `number type X seconds bytes`.
    Frames,
    /// Named columns below a head of `#` lines that says what they are.
    Canonical,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Mahimahi,
        Self::MahimahiBytes,
        Self::SecondsMbps,
        Self::SecondsMs,
        Self::SecondsLoss,
        Self::Oboe,
        Self::Opennetlab,
        Self::Leoreplayer,
        Self::Csv,
        Self::Frames,
        Self::Canonical,
    ];

    /// Its name, as in scenario files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mahimahi => "mahimahi",
            Self::MahimahiBytes => "mahimahi_bytes",
            Self::SecondsMbps => "seconds_mbps",
            Self::SecondsMs => "seconds_ms",
            Self::SecondsLoss => "seconds_loss",
            Self::Oboe => "oboe",
            Self::Opennetlab => "opennetlab",
            Self::Leoreplayer => "leoreplayer",
            Self::Csv => "csv",
            Self::Frames => "frames",
            Self::Canonical => "canonical",
        }
    }

    /// The columns of a format whose columns have no names of their own.
    pub(super) const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Mahimahi => &["time_ms"],
            Self::MahimahiBytes => &["time_ms", "bytes"],
            Self::SecondsMbps => &["time_s", "rate_mbps"],
            Self::SecondsMs => &["time_s", "delay_ms"],
            Self::SecondsLoss => &["time_s", "loss"],
            Self::Oboe => &["time_ms", "rate_kbps"],
            Self::Opennetlab => &[
                "duration_ms",
                "capacity_kbps",
                "loss",
                "rtt_ms",
                "jitter_ms",
            ],
            Self::Leoreplayer => &["delay_ms"],
            Self::Frames => &["frame", "type", "x", "time_s", "bytes"],
            Self::Csv | Self::Canonical => &[],
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.replace('-', "_").to_ascii_lowercase();
        let found = Self::ALL.into_iter().find(|format| format.name() == name);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            let near = weaknet_core::text::nearest(&name, Self::ALL.map(Self::name));
            let near = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
            format!("there is no trace format `{text}`{near}: expected one of {names}")
        })
    }
}

/// A direction of a trace that holds two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the phone to the network.
    Uplink,
    /// From the network to the phone.
    Downlink,
}

impl Direction {
    /// Its key in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uplink => "uplink",
            Self::Downlink => "downlink",
        }
    }
}
