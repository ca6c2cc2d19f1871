//! What there is to say about a trace.

use serde::Serialize;

/// A description; what does not apply is absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Description {
    /// How it is written.
    pub format: &'static str,
    /// What it was made of, for a canonical form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<&'static str>,
    /// `opportunities`, `segments` or `frames`.
    pub kind: &'static str,
    /// Entries of a canonical form's head: title, licence, filtering, ...
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub head: Vec<(String, String)>,
    /// Records read.
    pub records: u64,
    /// Seconds after which it repeats; absent where a single value holds for
    /// ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_s: Option<f64>,
    /// Time between two records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// Rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// Times without service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gaps: Option<Gaps>,
    /// Times below thresholds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub below: Vec<Below>,
    /// Delay of one way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Delay>,
    /// Loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
    /// Delay variation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Jitter>,
    /// Frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames: Option<Frames>,
    /// Columns that say nothing of a link.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignored_columns: Vec<String>,
}

/// Time between two records.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Median in seconds.
    pub p50_s: f64,
    /// The longest in seconds.
    pub max_s: f64,
}

/// Rate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rate {
    /// The column that it is read from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Bits over time, in Mbit/s.
    pub mean_mbps: f64,
    /// Coefficient of variation of the rates of whole seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cv: Option<f64>,
    /// Their autocorrelation at a lag of 1 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autocorrelation_1s: Option<f64>,
    /// Share of their steps to below half, in per cent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halve_pct: Option<f64>,
    /// 5th percentile in Mbit/s: of whole seconds for opportunities, of time for
    /// segments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p5_mbps: Option<f64>,
    /// Median, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_mbps: Option<f64>,
    /// 95th percentile, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95_mbps: Option<f64>,
    /// Of segments: share of steps to the next row to below half, in per cent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_half_pct: Option<f64>,
    /// Of segments: share of steps to below a tenth, in per cent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_tenth_pct: Option<f64>,
}

/// Times of 200 ms and more without an opportunity, or at a rate of zero.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gaps {
    /// How many.
    pub count: u64,
    /// How many per minute.
    pub per_minute: f64,
    /// Median length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    /// 95th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95_ms: Option<f64>,
    /// The longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_ms: Option<f64>,
    /// Share of time within gaps, in per cent.
    pub time_pct: f64,
}

/// Time below a threshold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Below {
    /// The threshold.
    pub threshold_mbps: f64,
    /// Share of time, in per cent.
    pub share_pct: f64,
    /// Runs per minute.
    pub runs_per_minute: f64,
    /// Median length of a run in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_p50_s: Option<f64>,
    /// 95th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_p95_s: Option<f64>,
    /// The longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_max_s: Option<f64>,
}

/// Delay of one way, over time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Delay {
    /// The column that it is read from.
    pub column: String,
    /// Whether that holds round-trip times, of which half counts.
    pub half_of_round_trip: bool,
    /// The least.
    pub min_ms: f64,
    /// Median.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// The largest.
    pub max_ms: f64,
    /// The largest step from row to row.
    pub largest_step_ms: f64,
}

/// Share of packets lost, over time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Loss {
    /// The column that it is read from.
    pub column: String,
    /// Mean in per cent.
    pub mean_pct: f64,
    /// 95th percentile.
    pub p95_pct: f64,
    /// The largest.
    pub max_pct: f64,
}

/// Delay variation, over time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Jitter {
    /// Median.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// The largest.
    pub max_ms: f64,
}

/// Frames of a video encoder.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Frames {
    /// Frames per second.
    pub fps: f64,
    /// Bits per second in kbit/s.
    pub bitrate_kbps: f64,
    /// Frames marked as key frames.
    pub key_frames: u64,
    /// Median size.
    pub size_p50_bytes: f64,
    /// 95th percentile.
    pub size_p95_bytes: f64,
    /// The largest.
    pub size_max_bytes: u64,
}
