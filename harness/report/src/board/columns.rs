//! Which metrics a table shows, in which order, and how a value is written.

use std::collections::BTreeSet;

use weaknet_harness::metrics::{Better, Definition};

/// The columns of a flow that renders video, most telling first.
const VIDEO: &[&str] = &[
    "freeze_ratio",
    "frame_delay_p95_ms",
    "video_bitrate_kbps",
    "concealed_ratio",
    "utilisation",
    "loss_ratio",
    "frame_delay_p50_ms",
    "residual_loss_ratio",
    "queue_delay_p95_ms",
    "harmonic_frame_rate_fps",
    "mos_cq",
    "receive_rate_kbps",
    "rtx_overhead_ratio",
    "fec_overhead_ratio",
    "first_frame_ms",
    "setup_time_ms",
];

/// The columns of a flow with audio alone.
const AUDIO: &[&str] = &[
    "concealed_ratio",
    "mouth_to_ear_p95_ms",
    "mos_cq",
    "audio_freeze_ratio_200ms",
    "mouth_to_ear_p50_ms",
    "residual_loss_ratio",
    "loss_ratio",
    "one_way_delay_p95_ms",
    "receive_rate_kbps",
    "setup_time_ms",
];

/// The columns of a flow of messages.
const MESSAGES: &[&str] = &[
    "message_on_time_ratio",
    "message_delay_p50_ms",
    "message_delay_p95_ms",
    "message_delay_p99_ms",
    "message_gap_max_ms",
    "delivery_ratio",
    "loss_ratio",
    "setup_time_ms",
];

/// The columns of any other flow.
const TRANSPORT: &[&str] = &[
    "goodput_kbps",
    "transfer_time_p50_ms",
    "transfer_time_p95_ms",
    "utilisation",
    "queue_delay_p95_ms",
    "loss_ratio",
    "rtt_p50_ms",
    "transfers_finished",
    "rtx_overhead_ratio",
    "receive_rate_kbps",
    "one_way_delay_p95_ms",
    "convergence_time_s",
    "fairness_jain",
    "setup_time_ms",
];

/// The columns of a link.
const LINK: &[&str] = &[
    "utilisation",
    "queue_delay_p95_ms",
    "loss_ratio",
    "queue_delay_p50_ms",
    "queue_delay_p99_ms",
    "emulation_error_p99_us",
];

/// Metrics of each list that are shown even if they are zero everywhere.
const ESSENTIAL: usize = 4;

/// What kind of subject a table is about: subjects of one kind share columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SubjectKind {
    /// A flow that renders video.
    Video,
    /// A flow with audio alone.
    Audio,
    /// A flow of messages.
    Messages,
    /// Any other flow.
    Transport,
    /// A link.
    Link,
}

impl SubjectKind {
    /// The kind of a flow with these metrics.
    pub(crate) fn of_flow(metrics: &BTreeSet<&str>) -> Self {
        let any = |prefixes: &[&str]| {
            metrics
                .iter()
                .any(|name| prefixes.iter().any(|prefix| name.starts_with(prefix)))
        };
        if any(&["freeze_ratio", "frame_delay_"]) {
            Self::Video
        } else if any(&["concealed_ratio", "mouth_to_ear_"]) {
            Self::Audio
        } else if any(&["message_"]) {
            Self::Messages
        } else {
            Self::Transport
        }
    }

    /// What a subject is called.
    pub(crate) fn noun(self) -> &'static str {
        if self == Self::Link { "link" } else { "flow" }
    }

    /// The kind in a word.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Messages => "messages",
            Self::Transport => "transport",
            Self::Link => "links",
        }
    }

    fn list(self) -> &'static [&'static str] {
        match self {
            Self::Video => VIDEO,
            Self::Audio => AUDIO,
            Self::Messages => MESSAGES,
            Self::Transport => TRANSPORT,
            Self::Link => LINK,
        }
    }

    /// Whether a metric is so telling that zero everywhere is news.
    pub(crate) fn is_essential(self, metric: &str) -> bool {
        self.list()
            .iter()
            .take(ESSENTIAL)
            .any(|name| *name == metric)
    }

    /// The metrics to show, in order: beyond the usual what failed
    /// expectations ask for, then the usual, then beyond the usual what met
    /// expectations ask for, each only if some subject has it. A kind that has
    /// none of the usual metrics shows what it has.
    pub(crate) fn choose<'m>(
        self,
        present: &BTreeSet<&'m str>,
        failed: &BTreeSet<&str>,
        met: &BTreeSet<&str>,
    ) -> Vec<&'m str> {
        let usual: Vec<&'m str> = self
            .list()
            .iter()
            .filter_map(|name| present.get(name).copied())
            .collect();
        let beyond = |asked: &BTreeSet<&str>| -> Vec<&'m str> {
            present
                .iter()
                .copied()
                .filter(|name| asked.contains(name) && !usual.contains(name))
                .collect()
        };
        let chosen = [beyond(failed), usual.clone(), beyond(met)].concat();
        if chosen.is_empty() {
            present.iter().copied().take(8).collect()
        } else {
            chosen
        }
    }
}

/// How the values of one metric are written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    /// The metric.
    pub(crate) metric: String,
    /// Its name in words, without the unit.
    pub(crate) label: String,
    /// The unit as shown; empty if the metric has none.
    pub(crate) unit: &'static str,
    /// Shown value per stored value.
    pub(crate) scale: f64,
    /// Digits after the point.
    pub(crate) decimals: usize,
    /// Which way the metric improves.
    pub(crate) better: Better,
}

impl Column {
    /// The column of a metric whose largest stored magnitude is `largest`:
    /// three digits or so, whatever the magnitude, and tenths of a percent.
    pub(crate) fn new(metric: &str, definitions: &[Definition], largest: f64) -> Self {
        let (stem, unit, scale) = split_unit(metric);
        let decimals = match largest * scale {
            x if unit == "%" && x >= 0.995 => 1,
            x if x >= 99.95 => 0,
            x if x >= 9.995 => 1,
            _ => 2,
        };
        let better = definitions
            .iter()
            .find(|d| d.name == metric)
            .map_or(Better::Neither, |d| d.better);
        Self {
            metric: metric.to_owned(),
            label: stem.replace('_', " "),
            unit,
            scale,
            decimals,
            better,
        }
    }

    /// Writes a stored value, without the unit.
    pub(crate) fn format(&self, stored: f64) -> String {
        let text = format!("{:.*}", self.decimals, stored * self.scale);
        if text.starts_with('-') && is_zero(&text) {
            text[1..].to_owned()
        } else {
            text
        }
    }

    /// Whether a stored value is written as zero.
    pub(crate) fn is_zero(&self, stored: f64) -> bool {
        is_zero(&self.format(stored))
    }

    /// Writes a stored value with its unit after a no-break space, a large one
    /// in the larger unit.
    pub(crate) fn format_with_unit(&self, stored: f64) -> String {
        let larger = match self.unit {
            "µs" => "ms",
            "ms" => "s",
            "kbps" => "Mbps",
            _ => "",
        };
        let thousands = stored * self.scale / 1000.0;
        if !larger.is_empty() && thousands.abs() >= 9.9995 {
            return format!("{thousands:.1}\u{a0}{larger}");
        }
        let value = self.format(stored);
        if self.unit.is_empty() {
            value
        } else {
            format!("{value}\u{a0}{}", self.unit)
        }
    }

    /// Name in words, with the unit at the end.
    pub(crate) fn title(&self) -> String {
        if self.unit.is_empty() {
            self.label.clone()
        } else {
            format!("{} {}", self.label, self.unit)
        }
    }
}

fn is_zero(written: &str) -> bool {
    !written.contains(|c: char| ('1'..='9').contains(&c))
}

/// Splits the unit from a metric's name; ratios are shown in percent.
fn split_unit(metric: &str) -> (&str, &'static str, f64) {
    for (suffix, unit) in [
        ("_ms", "ms"),
        ("_us", "µs"),
        ("_kbps", "kbps"),
        ("_fps", "fps"),
        ("_s", "s"),
    ] {
        if let Some(stem) = metric.strip_suffix(suffix) {
            return (stem, unit, 1.0);
        }
    }
    if metric == "utilisation" || metric.split('_').any(|word| word == "ratio") {
        return (metric, "%", 100.0);
    }
    (metric, "", 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_come_from_names() {
        assert_eq!(
            split_unit("frame_delay_p95_ms"),
            ("frame_delay_p95", "ms", 1.0)
        );
        assert_eq!(
            split_unit("freeze_ratio_200ms"),
            ("freeze_ratio_200ms", "%", 100.0)
        );
        assert_eq!(
            split_unit("connected_5s_ratio"),
            ("connected_5s_ratio", "%", 100.0)
        );
        assert_eq!(
            split_unit("total_freezes_duration_s"),
            ("total_freezes_duration", "s", 1.0)
        );
        assert_eq!(split_unit("mos_cq"), ("mos_cq", "", 1.0));
    }

    #[test]
    fn decimals_follow_magnitude() {
        let write = |metric, value| Column::new(metric, &[], value).format(value);
        assert_eq!(write("frame_delay_p95_ms", 214.4), "214");
        assert_eq!(write("frame_delay_p95_ms", 21.44), "21.4");
        assert_eq!(write("freeze_ratio", 0.0123), "1.2");
        assert_eq!(write("freeze_ratio", 0.0012), "0.12");
        assert_eq!(write("utilisation", 0.9999), "100.0");
        assert_eq!(write("mos_cq", 4.256), "4.26");
        assert_eq!(Column::new("mos_cq", &[], 1.0).format(-0.001), "0.00");
    }

    #[test]
    fn sentences_speak_of_seconds() {
        let write = |metric, value| Column::new(metric, &[], value).format_with_unit(value);
        assert_eq!(write("frame_delay_p95_ms", 10_008.2), "10.0\u{a0}s");
        assert_eq!(write("frame_delay_p95_ms", 9_999.4), "9999\u{a0}ms");
        assert_eq!(write("video_bitrate_kbps", 25_000.0), "25.0\u{a0}Mbps");
    }

    #[test]
    fn what_fails_is_shown_first_and_what_is_met_last() {
        let present = BTreeSet::from([
            "connected_5s_ratio",
            "freeze_ratio",
            "freeze_ratio_500ms",
            "frames_rendered",
        ]);
        let failed = BTreeSet::from(["freeze_ratio_500ms", "freeze_ratio", "absent"]);
        let met = BTreeSet::from(["connected_5s_ratio"]);
        let chosen = SubjectKind::Video.choose(&present, &failed, &met);
        assert_eq!(
            chosen,
            ["freeze_ratio_500ms", "freeze_ratio", "connected_5s_ratio"]
        );
    }

    #[test]
    fn unknown_metrics_are_shown_rather_than_nothing() {
        let present = BTreeSet::from(["wobble"]);
        assert_eq!(
            SubjectKind::Transport.choose(&present, &BTreeSet::new(), &BTreeSet::new()),
            ["wobble"]
        );
    }
}
