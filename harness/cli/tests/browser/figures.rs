//! Figures of a part of a call, the same way for ours and the recorded ones.

use std::path::Path;

use crate::second::Second;

/// Seconds at the end of a part that count as steady, or half of a shorter one.
const STEADY: f64 = 20.0;

/// A call as figures are taken of it.
pub(crate) struct Course {
    pub(crate) seconds: Vec<Second>,
    /// Received to shown in ms, and when it was shown, in seconds.
    pub(crate) frames: Vec<(f64, f64)>,
}

impl Course {
    /// A recorded call.
    pub(crate) fn read(folder: &Path, name: &str) -> Self {
        let frames = folder.join(format!("{name}.frames.csv.gz"));
        Self {
            seconds: crate::second::read(&folder.join(format!("{name}.persec.csv"))),
            frames: frames_of(&frames),
        }
    }
}

/// `gzip` is where the recordings are read.
fn frames_of(path: &Path) -> Vec<(f64, f64)> {
    let text = std::process::Command::new("gzip")
        .arg("-dc")
        .arg(path)
        .output();
    let text = text.expect("gzip").stdout;
    let mut table = csv::Reader::from_reader(text.as_slice());
    let header = table.headers().unwrap().clone();
    let column = |name| header.iter().position(|found| found == name).unwrap();
    let (shown, received) = (column("t_present_ms"), column("recv_time_ms"));
    let rows = table.records().map(Result::unwrap);
    rows.filter_map(|row| {
        let shown: f64 = row[shown].parse().ok()?;
        let received: f64 = row[received].parse().ok()?;
        Some((shown - received, shown / 1_000.0))
    })
    .collect()
}

/// A part of a call, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) from: f64,
    pub(crate) to: f64,
}

impl Part {
    /// Its seconds.
    fn seconds<'a>(&self, course: &'a Course) -> impl Iterator<Item = &'a Second> {
        let (from, to) = (self.from, self.to);
        let seconds = course.seconds.iter();
        seconds.filter(move |second| from < second.t_s && second.t_s <= to)
    }

    /// Its end, when the rate has become steady.
    fn steady(self) -> Self {
        let half = ((self.to - self.from) / 2.0).floor();
        let length = STEADY.min(half);
        Self {
            from: self.to - length,
            ..self
        }
    }

    fn mean(&self, course: &Course, of: fn(&Second) -> Option<f64>) -> f64 {
        let values: Vec<f64> = self.seconds(course).filter_map(of).collect();
        values.iter().sum::<f64>() / values.len() as f64
    }

    fn sum(&self, course: &Course, of: fn(&Second) -> Option<f64>) -> f64 {
        self.seconds(course).filter_map(of).sum()
    }

    /// How much a counter has grown over the whole part.
    fn growth(&self, course: &Course, of: fn(&Second) -> Option<f64>) -> f64 {
        let at = |end: f64| {
            let before = course.seconds.iter().filter(|second| second.t_s <= end);
            before.filter_map(of).next_back().unwrap_or(0.0)
        };
        at(self.to) - at(self.from)
    }

    /// A quantile of received to shown.
    fn until_shown(&self, course: &Course, quantile: f64) -> f64 {
        let within = |(_, at): &&(f64, f64)| self.from < *at && *at <= self.to;
        let frames = course.frames.iter().filter(within);
        let mut found: Vec<f64> = frames.map(|(ms, _)| *ms).collect();
        found.sort_by(f64::total_cmp);
        let at = (found.len().saturating_sub(1) as f64 * quantile).round() as usize;
        found.get(at).copied().unwrap_or(f64::NAN)
    }
}

/// Something to compare.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) decimals: usize,
    /// How far it may lie outside of the recorded runs, as a share.
    pub(crate) within: Option<f64>,
    pub(crate) of: fn(&Course, Part) -> f64,
}

#[rustfmt::skip]
pub(crate) const FIGURES: [Figure; 14] = [
    Figure { name: "steady link rate, kbit/s", decimals: 0, within: Some(0.1), of: |call, part| part.steady().mean(call, |s| s.l_out_kbps) },
    Figure { name: "steady encoder target, kbit/s", decimals: 0, within: None, of: |call, part| part.steady().mean(call, |s| s.s_target_kbps) },
    Figure { name: "QP, steady", decimals: 1, within: None, of: |call, part| part.steady().mean(call, |s| s.s_qp_mean) },
    Figure { name: "encoder, ms a frame", decimals: 1, within: None, of: |call, part| part.mean(call, |s| s.s_enc_ms) },
    Figure { name: "round trip by STUN, ms", decimals: 0, within: None, of: |call, part| part.mean(call, |s| s.s_stun_rtt_ms) },
    Figure { name: "round trip by RTCP, ms", decimals: 0, within: None, of: |call, part| part.mean(call, |s| s.s_rtcp_rtt_ms) },
    Figure { name: "pacer, ms", decimals: 1, within: None, of: |call, part| part.mean(call, |s| s.s_pacer_ms) },
    Figure { name: "jitter buffer, ms", decimals: 0, within: None, of: |call, part| part.mean(call, |s| s.r_jb_delay_ms) },
    Figure { name: "jitter buffer's target, ms", decimals: 0, within: None, of: |call, part| part.mean(call, |s| s.r_jb_target_ms) },
    Figure { name: "received to shown, p50, ms", decimals: 0, within: None, of: |call, part| part.until_shown(call, 0.5) },
    Figure { name: "received to shown, p95, ms", decimals: 0, within: None, of: |call, part| part.until_shown(call, 0.95) },
    Figure { name: "decoded frames/s", decimals: 1, within: None, of: |call, part| part.mean(call, |s| s.r_frames_decoded) },
    Figure { name: "frozen, s", decimals: 2, within: None, of: |call, part| part.growth(call, |s| s.r_total_freezes_s) },
    Figure { name: "concealed audio, %", decimals: 2, within: None, of: |call, part| 100.0 * part.sum(call, |s| s.a_concealed) / part.sum(call, |s| s.a_samples) },
];
