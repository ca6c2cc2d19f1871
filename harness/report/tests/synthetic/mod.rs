//! A made-up run that looks like a real one: one call over a link whose rate
//! steps, goes away for a moment and loses packets, under several controllers.

use std::collections::BTreeMap;

use weaknet_harness::metrics::{Better, Definition, Subject};
use weaknet_harness::results::{
    CaseResult, ExpectationResult, SUMMARY_SCHEMA, Series, SubjectScores, Summary,
};

const STEP_S: f64 = 0.1;

/// A controller's manner: start rate, growth per second, back-off, share of
/// the capacity aimed at, queue tolerated in milliseconds.
pub(crate) const CONTROLLERS: [(&str, [f64; 5]); 3] = [
    ("gcc", [300.0, 0.08, 0.85, 0.92, 80.0]),
    ("scream", [400.0, 0.15, 0.8, 0.85, 60.0]),
    ("nada", [300.0, 0.11, 0.7, 0.97, 160.0]),
];

pub(crate) const DEFINITIONS: &[Definition] = &[
    define(
        "freeze_ratio",
        Better::Lower,
        "Share of active time that the picture stands still.",
        "frozen time / active time",
        "W3C webrtc-stats, freezeCount",
    ),
    define(
        "frame_delay_p50_ms",
        Better::Lower,
        "Median delay of frames, capture to render.",
        "median of render time - capture time",
        "contract of metrics",
    ),
    define(
        "frame_delay_p95_ms",
        Better::Lower,
        "Delay that 95 % of frames keep, capture to render.",
        "95th percentile of render time - capture time",
        "contract of metrics",
    ),
    define(
        "video_bitrate_kbps",
        Better::Higher,
        "Video payload that was rendered.",
        "payload bits of rendered frames / window",
        "contract of metrics",
    ),
    define(
        "utilisation",
        Better::Higher,
        "Share of what the link could carry that it did.",
        "delivered IP bytes / integral of capacity",
        "RFC 8868 section 4.1",
    ),
    define(
        "loss_ratio",
        Better::Lower,
        "Packets that did not arrive.",
        "lost / sent, before repair",
        "RFC 8868 section 4.1",
    ),
    define(
        "residual_loss_ratio",
        Better::Lower,
        "Media packets still missing after repair.",
        "missing at playout / sent",
        "RFC 8868 section 4.1",
    ),
    define(
        "queue_delay_p95_ms",
        Better::Lower,
        "Waiting in the queue.",
        "95th percentile of wait, own serialisation excluded",
        "RFC 7928 section 5",
    ),
    define(
        "concealed_ratio",
        Better::Lower,
        "Share of audio that was made up.",
        "concealed samples / samples",
        "W3C webrtc-stats, concealedSamples",
    ),
];

const fn define(
    name: &'static str,
    better: Better,
    summary: &'static str,
    formula: &'static str,
    source: &'static str,
) -> Definition {
    Definition {
        name,
        subjects: &[Subject::Flow],
        better,
        summary,
        formula,
        source,
    }
}

/// Uniform in 0..1, from a small generator.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn capacity(t: f64) -> f64 {
    match t {
        t if t < 15.0 => 2500.0,
        t if t < 30.0 => 900.0,
        t if (41.0..42.3).contains(&t) => 0.0,
        t if t < 50.0 => 1800.0,
        _ => 3000.0,
    }
}

/// The interval of a mean from the normal approximation.
pub(crate) fn interval(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half = 1.96 * (variance / n).sqrt();
    Some((mean - half, mean + half))
}

/// The time series of one call.
pub(crate) fn series(controller: usize, seed: u64, duration_s: f64) -> Series {
    let [start, growth, backoff, share, tolerated] = CONTROLLERS[controller % 3].1;
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15 ^ (seed * 7919 + controller as u64 * 104_729 + 1));
    let (mut target, mut queue_kbit, mut hold, mut held) = (start, 0.0_f64, 0.0_f64, 0.0_f64);
    let mut burst = 0.0_f64;
    let names = [
        "flow.call.target_kbps",
        "flow.call.pacing_kbps",
        "flow.call.sent_kbps",
        "flow.call.received_kbps",
        "flow.call.frame_delay_ms",
        "flow.call.one_way_delay_ms",
        "flow.call.frozen",
        "flow.call.nacks",
        "flow.call.rtx_kbps",
        "flow.call.trend_slope",
        "flow.call.threshold_ms",
        "link.forward.capacity_kbps",
        "link.forward.delivered_kbps",
        "link.forward.queue_ms",
        "link.forward.drops",
        "link.forward.losses",
        "link.backward.queue_ms",
        "link.backward.drops",
    ];
    let mut values = vec![Vec::new(); names.len()];
    for bin in 0..(duration_s / STEP_S).round() as usize {
        let t = bin as f64 * STEP_S;
        let room = capacity(t % 60.0);
        if burst <= 0.0 && noise.next() < 0.012 {
            burst = 0.3 + 0.9 * noise.next();
        }
        burst -= STEP_S;
        let fade = if burst > 0.0 { 0.16 } else { 0.006 };
        let sent = target.min(2500.0) * (0.92 + 0.16 * noise.next());
        let packets = sent * STEP_S / 9.6;
        let losses = (packets * fade * 2.0 * noise.next()).round();
        queue_kbit += sent * STEP_S;
        let served = queue_kbit.min(room * STEP_S);
        queue_kbit -= served;
        let limit = 0.3 * room.max(900.0);
        let drops = ((queue_kbit - limit).max(0.0) / 9.6).round();
        queue_kbit = queue_kbit.min(limit);
        let queue_ms = if room > 0.0 {
            queue_kbit / room * 1e3
        } else {
            f64::NAN
        };
        let delivered = served / STEP_S;
        let received = (delivered - losses * 9.6 / STEP_S).max(0.0);
        let congested = room == 0.0 || queue_ms > tolerated;
        hold = (hold - STEP_S).max(0.0);
        if congested && hold == 0.0 {
            target = (received.max(120.0) * backoff).min(target);
            hold = 0.5;
        } else if !congested && target < room * share * (0.98 + 0.04 * noise.next()) {
            target *= 1.0 + growth * STEP_S * (2.0 + 4.0 * noise.next());
        }
        let broken = room == 0.0 || losses + drops > 0.2 * packets.max(4.0) || queue_ms > 180.0;
        held = if broken { held + STEP_S } else { 0.0 };
        let owd = if room > 0.0 {
            30.0 + queue_ms + 8.0 * noise.next()
        } else {
            f64::NAN
        };
        let frozen = f64::from(u8::from(held > 0.05 + 0.1 * noise.next()));
        let frame_delay = if frozen > 0.0 {
            f64::NAN
        } else {
            owd + 45.0 + losses * 12.0 * noise.next()
        };
        let row = [
            target,
            target * 2.5,
            sent,
            received,
            frame_delay,
            owd,
            frozen,
            ((losses + drops) * 0.9).ceil(),
            (losses + drops) * 96.0,
            (queue_ms - 40.0) / 50.0,
            12.5 + 6.0 * (t / 9.0).sin(),
            room,
            delivered,
            queue_ms,
            drops,
            losses,
            0.0,
            0.0,
        ];
        for (column, value) in values.iter_mut().zip(row) {
            column.push(value);
        }
    }
    Series {
        step_s: STEP_S,
        columns: names.map(str::to_owned).to_vec(),
        values,
    }
}

fn column<'s>(series: &'s Series, name: &str) -> &'s [f64] {
    let at = series
        .columns
        .iter()
        .position(|column| column == name)
        .expect("a column of this file");
    &series.values[at]
}

fn mean(values: &[f64]) -> f64 {
    values.iter().filter(|v| v.is_finite()).sum::<f64>() / values.len().max(1) as f64
}

fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * q).round() as usize]
}

/// One case with one seed, scored from its series.
pub(crate) fn case(
    scenario: &str,
    params: &[(&str, &str)],
    controller: usize,
    seed: u64,
) -> CaseResult {
    let series = series(controller, seed, 60.0);
    let of = |name: &str| column(&series, name);
    let lost = |name: &str| of(name).iter().sum::<f64>();
    let packets = of("flow.call.sent_kbps").iter().sum::<f64>() * STEP_S / 9.6;
    let loss = (lost("link.forward.losses") + lost("link.forward.drops")) / packets;
    let freeze = mean(of("flow.call.frozen"));
    let utilisation =
        mean(of("link.forward.delivered_kbps")) / mean(of("link.forward.capacity_kbps"));
    let flow = BTreeMap::from([
        ("freeze_ratio".to_owned(), freeze),
        (
            "frame_delay_p50_ms".to_owned(),
            quantile(of("flow.call.frame_delay_ms"), 0.5),
        ),
        (
            "frame_delay_p95_ms".to_owned(),
            quantile(of("flow.call.frame_delay_ms"), 0.95),
        ),
        (
            "video_bitrate_kbps".to_owned(),
            mean(of("flow.call.received_kbps")) * 0.93,
        ),
        ("concealed_ratio".to_owned(), loss * 0.6),
        ("loss_ratio".to_owned(), loss),
        ("residual_loss_ratio".to_owned(), loss * 0.08),
        ("setup_time_ms".to_owned(), 180.0),
    ]);
    let forward = BTreeMap::from([
        ("utilisation".to_owned(), utilisation),
        (
            "queue_delay_p50_ms".to_owned(),
            quantile(of("link.forward.queue_ms"), 0.5),
        ),
        (
            "queue_delay_p95_ms".to_owned(),
            quantile(of("link.forward.queue_ms"), 0.95),
        ),
        ("loss_ratio".to_owned(), loss),
    ]);
    let expect = |expr: &str, ok: bool, value: f64| ExpectationResult {
        expr: expr.to_owned(),
        ok,
        value: Some(value),
    };
    CaseResult {
        id: format!(
            "{controller:x}{seed:x}{:08x}",
            seed * 2_654_435_761 % 4_294_967_296
        ),
        scenario: scenario.to_owned(),
        params: params
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect(),
        seed: seed.to_string(),
        digest: "00".repeat(32),
        trajectory: "00".repeat(32),
        expectations: vec![
            expect("call.freeze_ratio <= 3%", freeze <= 0.03, freeze),
            expect(
                "forward.utilisation >= 0.6",
                utilisation >= 0.6,
                utilisation,
            ),
        ],
        flows: vec![SubjectScores {
            name: "call".to_owned(),
            metrics: flow,
        }],
        links: vec![
            SubjectScores {
                name: "forward".to_owned(),
                metrics: forward,
            },
            SubjectScores {
                name: "backward".to_owned(),
                metrics: BTreeMap::new(),
            },
        ],
    }
}

/// Controllers times seeds in one scenario.
pub(crate) fn summary(seeds: u64) -> Summary {
    let cases = (0..CONTROLLERS.len()).flat_map(|controller| {
        let params = [("flows.call.congestion_control", CONTROLLERS[controller].0)];
        (1..=seeds).map(move |seed| case("lte-drive-call", &params, controller, seed))
    });
    Summary {
        schema: SUMMARY_SCHEMA.to_owned(),
        digest: "5e".repeat(32),
        cases: cases.collect(),
    }
}

/// The series of a case of [`summary`], by its id.
pub(crate) fn series_by_id(id: &str) -> Option<Series> {
    let controller = usize::from_str_radix(id.get(..1)?, 16).ok()?;
    let seed = u64::from_str_radix(id.get(1..2)?, 16).ok()?;
    Some(series(controller, seed, 60.0))
}

pub(crate) const SCENARIO: &str = "\
name: lte-drive-call
about: A call from a car; the cell gets narrow, goes away and comes back.
duration: 60s
seeds: 5
network:
  forward: {rate: {steps: [[0s, 2.5Mbps], [15s, 900kbps], [30s, 1.8Mbps]]}, delay: 30ms}
  backward: {delay: 30ms}
flows:
  - name: call
    media: {video: {max_bitrate: 2.5Mbps, fps: 30}, audio: {bitrate: 32kbps}}
    congestion_control: gcc
matrix:
  flows.call.congestion_control: [gcc, scream, nada]
expect:
  - call.freeze_ratio <= 3%
  - forward.utilisation >= 0.6
";
