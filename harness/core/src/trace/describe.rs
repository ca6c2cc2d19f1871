//! Describes a trace while reading it, in bounded memory.
//!
//! Definitions: see [`super`].

use weaknet_core::Span;
use weaknet_netem::trace::{
    Format, Kind, Opportunity, Quantity, Record, Segment, TraceError, TraceReader,
};

use super::description::{Below, Delay, Description, Frames, Gaps, Jitter, Loss, Rate, Step};
use super::quantiles::Quantiles;
use super::runs::Runs;
use super::seconds::Seconds;
use super::series::{Cell, Series};

const SECOND: u64 = 1_000_000_000;
const GAP: u64 = 200_000_000;

/// Weak thresholds by medium: 3G, WiFi and LTE, 5G; and the medians that each
/// is for.
const MEDIA: [(u64, f64); 3] = [
    (150_000, 3e6),
    (3_000_000, 1e8),
    (20_000_000, f64::INFINITY),
];

/// Describes a trace; `below`: thresholds in bits per second, none: one that
/// fits the medium.
///
/// # Errors
/// When the trace is wrong.
pub fn describe(
    mut reader: TraceReader<'_>,
    below: &[u64],
) -> Result<(Description, Series), TraceError> {
    let thresholds: Vec<u64> = match below {
        [] => MEDIA.iter().map(|(threshold, _)| *threshold).collect(),
        given => given.to_vec(),
    };
    let mut sums = Sums {
        runs: thresholds.into_iter().map(Runs::new).collect(),
        ..Sums::default()
    };
    while let Some(record) = reader.next()? {
        match record {
            Record::Opportunity(opportunity) => sums.opportunity(&opportunity),
            Record::Segment(segment) => sums.next_segment(segment),
            Record::Frame(frame) => {
                sums.frames.add(frame.bytes, 1);
                sums.key_frames += u64::from(frame.key);
                sums.step(frame.at.as_nanos());
                sums.bits += u128::from(frame.bytes) * 8;
                sums.series.at(frame.at.as_nanos(), &bits(frame.bytes));
            }
        }
    }
    sums.end(reader.kind(), reader.length());
    Ok(sums.describe(&reader, below.is_empty()))
}

fn bits(bytes: u64) -> Cell {
    Cell {
        bits: bytes as f64 * 8.0,
        ..Cell::default()
    }
}

/// What is kept of a trace.
#[derive(Default)]
struct Sums {
    /// Start of the record before, and steps between records.
    last: Option<u64>,
    steps: Quantiles,
    bits: u128,
    /// Time for which a rate is known, in nanoseconds.
    rated: u128,
    seconds: Seconds,
    /// The second being filled: its number, and bits x 10^-9 so far.
    second: u64,
    work: u128,
    rates: Quantiles,
    /// Whether the rates of seconds are what is compared with thresholds.
    by_second: bool,
    runs: Vec<Runs>,
    gaps: Quantiles,
    gap_time: u128,
    /// Start of a gap of rate zero.
    gap_since: Option<u64>,
    pending: Option<Segment>,
    last_rate: Option<u64>,
    rate_steps: [u64; 3],
    delays: Quantiles,
    last_delay: Option<u64>,
    delay_step: u64,
    losses: Quantiles,
    loss_time: f64,
    jitters: Quantiles,
    frames: Quantiles,
    key_frames: u64,
    series: Series,
}

impl Sums {
    fn step(&mut self, at: u64) {
        if let Some(last) = self.last.replace(at) {
            self.steps.add(at - last, 1);
        }
    }

    fn opportunity(&mut self, opportunity: &Opportunity) {
        let (at, bytes) = (opportunity.at.as_nanos(), opportunity.bytes);
        self.by_second = true;
        if let Some(last) = self.last.replace(at)
            && at - last >= GAP
        {
            self.gap(last, at);
        }
        self.fill_to(at / SECOND);
        self.work += u128::from(bytes) * 8 * u128::from(SECOND);
        self.bits += u128::from(bytes) * 8;
        self.series.at(at, &bits(bytes));
    }

    fn gap(&mut self, start: u64, end: u64) {
        self.gaps.add(end - start, 1);
        self.gap_time += u128::from(end - start);
        self.series.gap(start, end);
    }

    /// Closes all seconds before one.
    fn fill_to(&mut self, second: u64) {
        if second > self.second {
            let whole = self.work / u128::from(SECOND);
            let (whole, empty) = (
                u64::try_from(whole).unwrap_or(u64::MAX),
                second - self.second - 1,
            );
            self.seconds.add(whole, 1);
            self.seconds.add(0, empty);
            if self.by_second {
                for runs in &mut self.runs {
                    runs.add(whole, SECOND);
                    runs.add(0, empty.saturating_mul(SECOND));
                }
            }
            (self.second, self.work) = (second, 0);
        }
    }

    fn next_segment(&mut self, segment: Segment) {
        self.step(segment.start.as_nanos());
        if let Some(before) = self.pending.replace(segment) {
            self.segment(&before, segment.start.as_nanos());
        }
    }

    fn segment(&mut self, segment: &Segment, end: u64) {
        let start = segment.start.as_nanos();
        let length = end.saturating_sub(start);
        if length == 0 {
            return;
        }
        if let Some(rate) = segment.rate {
            self.rate(rate.as_bps(), start, end);
        }
        let mut cell = Cell::default();
        if let Some(delay) = segment.delay {
            let nanos = delay.as_nanos();
            self.delays.add(nanos, length);
            let step = self.last_delay.replace(nanos).unwrap_or(nanos);
            self.delay_step = self.delay_step.max(step.abs_diff(nanos));
            cell.delayed = 1.0;
            (cell.delay, cell.delay_max) = (delay.as_millis_f64(), delay.as_millis_f64());
        }
        if let Some(loss) = segment.loss {
            self.losses.add(loss.ppb(), length);
            self.loss_time += loss.as_f64() * length as f64;
            (cell.loss, cell.lossy) = (loss.as_f64(), 1.0);
        }
        if let Some(jitter) = segment.jitter {
            self.jitters.add(jitter.as_nanos(), length);
        }
        if let Some(rate) = segment.rate {
            (cell.bits, cell.rated) = (rate.as_bps_f64(), 1.0);
        }
        self.series.span(start, end, &cell);
    }

    fn rate(&mut self, bps: u64, start: u64, end: u64) {
        let length = end - start;
        if let Some(last) = self.last_rate.replace(bps) {
            let halved = u128::from(bps) * 2 < u128::from(last);
            let tenth = u128::from(bps) * 10 < u128::from(last);
            for (sum, yes) in self.rate_steps.iter_mut().zip([true, halved, tenth]) {
                *sum += u64::from(yes);
            }
        }
        self.rated += u128::from(length);
        self.bits += u128::from(bps) * u128::from(length) / u128::from(SECOND);
        self.rates.add(bps, length);
        for runs in &mut self.runs {
            runs.add(bps, length);
        }
        match (bps, self.gap_since) {
            (0, None) => self.gap_since = Some(start),
            (1.., Some(since)) => self.end_gap(since, start),
            _ => {}
        }
        // The first second that it touches, whole ones, and a rest.
        let (mut from, rate) = (start, u128::from(bps));
        self.fill_to(from / SECOND);
        let border = (from / SECOND + 1).saturating_mul(SECOND);
        if end > border {
            self.work += rate * u128::from(border - from);
            self.fill_to(border / SECOND);
            let whole = (end - border) / SECOND;
            if whole > 0 {
                self.seconds.add(bps, whole);
                self.second += whole;
            }
            from = border.saturating_add(whole.saturating_mul(SECOND));
        }
        self.work += rate * u128::from(end - from);
    }

    fn end_gap(&mut self, since: u64, end: u64) {
        self.gap_since = None;
        if end - since >= GAP {
            self.gap(since, end);
        }
    }

    fn end(&mut self, kind: Kind, length: Option<Span>) {
        if let Some(last) = self.pending.take() {
            // A single value holds for ever: a second of it says all.
            let end = length.unwrap_or(last.start + Span::from_secs(1));
            self.segment(&last, end.as_nanos());
            if let Some(since) = self.gap_since {
                self.end_gap(since, end.as_nanos());
            }
        }
        let length = length.unwrap_or_default().as_nanos();
        match kind {
            Kind::Frames => {}
            Kind::Opportunities => {
                self.rated = u128::from(length);
                self.fill_to(length / SECOND);
                self.rates = self.seconds.quantiles.clone();
            }
            Kind::Segments => self.fill_to(length / SECOND),
        }
        for runs in &mut self.runs {
            runs.end();
        }
    }

    fn describe(self, reader: &TraceReader<'_>, by_medium: bool) -> (Description, Series) {
        let length = reader.length().map(Span::as_secs_f64);
        let kind = reader.kind();
        let carries_rate = kind == Kind::Opportunities || self.rated > 0;
        let rate = carries_rate.then(|| self.describe_rate(reader)).flatten();
        let median = rate
            .as_ref()
            .and_then(|rate| rate.p50_mbps)
            .map(|mbps| mbps * 1e6);
        let fits = MEDIA
            .iter()
            .find(|(_, up_to)| median.is_some_and(|median| median < *up_to));
        let below = self.runs.iter().filter(|runs| {
            !by_medium || fits.is_some_and(|(threshold, _)| *threshold == runs.threshold)
        });
        let minutes = length.unwrap_or(1.0) / 60.0;
        let head = reader.head();
        let description = Description {
            format: reader.format().name(),
            source: head
                .source
                .filter(|_| reader.format() == Format::Canonical)
                .map(Format::name),
            kind: kind.name(),
            head: match reader.format() {
                Format::Canonical => head.entries.clone(),
                _ => Vec::new(),
            },
            records: reader.records(),
            duration_s: length,
            step: match kind {
                Kind::Opportunities => None,
                _ => self.steps.quantile(0.5).map(|p50| Step {
                    p50_s: p50 / 1e9,
                    max_s: self.steps.max() as f64 / 1e9,
                }),
            },
            gaps: carries_rate.then(|| Gaps {
                count: self.gaps.total() as u64,
                per_minute: self.gaps.total() as f64 / minutes,
                p50_ms: self.gaps.quantile(0.5).map(millis),
                p95_ms: self.gaps.quantile(0.95).map(millis),
                max_ms: (self.gaps.total() > 0).then(|| millis(self.gaps.max() as f64)),
                time_pct: self.gap_time as f64 / (minutes * 60e9) * 100.0,
            }),
            below: below.filter_map(describe_runs).collect(),
            delay: self.describe_delay(reader),
            loss: self.losses.quantile(0.95).map(|p95| Loss {
                column: reader.column(Quantity::Loss).unwrap_or_default().to_owned(),
                mean_pct: self.loss_time / self.losses.total() as f64 * 100.0,
                p95_pct: p95 / 1e7,
                max_pct: self.losses.max() as f64 / 1e7,
            }),
            jitter: self.jitters.quantile(0.5).map(|p50| Jitter {
                p50_ms: millis(p50),
                p95_ms: millis(self.jitters.quantile(0.95).unwrap_or(p50)),
                max_ms: millis(self.jitters.max() as f64),
            }),
            frames: self.describe_frames(reader, length),
            ignored_columns: reader.ignored().into_iter().map(str::to_owned).collect(),
            rate,
        };
        (description, self.series)
    }

    fn describe_rate(&self, reader: &TraceReader<'_>) -> Option<Rate> {
        let seconds = (self.rated > 0).then(|| self.rated as f64 / 1e9)?;
        let mbps = |q| self.rates.quantile(q).map(|bps| bps / 1e6);
        let [steps, halved, tenth] = self.rate_steps.map(|n| n as f64);
        let share = |n: f64| (steps > 0.0).then(|| n / steps * 100.0);
        let column = reader.column(Quantity::Rate);
        Some(Rate {
            column: column
                .filter(|_| reader.format() == Format::Csv)
                .map(str::to_owned),
            mean_mbps: self.bits as f64 / seconds / 1e6,
            cv: self.seconds.variation(),
            autocorrelation_1s: self.seconds.autocorrelation(),
            halve_pct: self.seconds.halving().map(|share| share * 100.0),
            p5_mbps: mbps(0.05),
            p50_mbps: mbps(0.5),
            p95_mbps: mbps(0.95),
            step_half_pct: share(halved),
            step_tenth_pct: share(tenth),
        })
    }

    fn describe_delay(&self, reader: &TraceReader<'_>) -> Option<Delay> {
        Some(Delay {
            column: reader.column(Quantity::Delay)?.to_owned(),
            half_of_round_trip: reader.halves_delay(),
            min_ms: millis(self.delays.min() as f64),
            p50_ms: millis(self.delays.quantile(0.5)?),
            p95_ms: millis(self.delays.quantile(0.95)?),
            max_ms: millis(self.delays.max() as f64),
            largest_step_ms: millis(self.delay_step as f64),
        })
    }

    fn describe_frames(&self, reader: &TraceReader<'_>, length: Option<f64>) -> Option<Frames> {
        let length = length.filter(|length| *length > 0.0)?;
        Some(Frames {
            fps: reader.records() as f64 / length,
            bitrate_kbps: self.bits as f64 / length / 1e3,
            key_frames: self.key_frames,
            size_p50_bytes: self.frames.quantile(0.5)?,
            size_p95_bytes: self.frames.quantile(0.95)?,
            size_max_bytes: self.frames.max(),
        })
    }
}

fn millis(nanos: f64) -> f64 {
    nanos / 1e6
}

fn describe_runs(runs: &Runs) -> Option<Below> {
    let seconds = |q| runs.lengths.quantile(q).map(|nanos| nanos / 1e9);
    Some(Below {
        threshold_mbps: runs.threshold as f64 / 1e6,
        share_pct: runs.share()? * 100.0,
        runs_per_minute: runs.per_minute()?,
        run_p50_s: seconds(0.5),
        run_p95_s: seconds(0.95),
        run_max_s: seconds(1.0),
    })
}
