//! `weaknet trace info`: what a trace file holds.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use weaknet_core::Bitrate;
use weaknet_harness::trace::{Description, describe};

use super::input::{Reading, bad};
use super::plot;
use crate::exit::{Exit, Failure};
use crate::screen;

#[derive(Debug, Args)]
#[command(after_help = "\
Definitions: the mean is bits over the length of the trace. CV, autocorrelation and halving (a \
second at less than half the rate of the one before) are of whole seconds. A gap is 200 ms and \
more without a packet opportunity, or at a rate of zero. Percentiles of opportunities are of whole \
seconds, those of other traces of time.")]
pub(crate) struct Info {
    /// Trace files; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// Say how much time is spent below a rate; by default one that fits the medium.
    #[arg(long, value_name = "RATE")]
    below: Vec<Bitrate>,
    /// Draw rate, delay and loss over time; the name ends in .svg or .png.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Info) -> Result<(), Failure> {
    if args.plot.is_some() && args.files.len() > 1 {
        let message = "--plot draws one trace: expected one FILE";
        return Err(Failure::new(Exit::Usage, message));
    }
    let drawing = args.plot.as_deref().map(plot::Picture::of).transpose()?;
    let below: Vec<u64> = args.below.iter().map(|rate| rate.as_bps()).collect();
    let (mut text, mut list, mut failed) = (String::new(), Vec::new(), Vec::new());
    for name in &args.files {
        let described = args.reading.find(name).and_then(|path| {
            let reader = args.reading.open(&path)?;
            describe(reader, &below).map_err(|error| bad(&path, &error))
        });
        let (description, series) = match described {
            Ok(described) => described,
            Err(failure) => {
                failed.extend(failure.messages);
                continue;
            }
        };
        if let (Some(picture), Some(path)) = (drawing, &args.plot) {
            let title = name.file_name().unwrap_or_default().to_string_lossy();
            let drawn = plot::draw(picture, &title, &description, &series);
            fs::write(path, drawn).map_err(|error| {
                let message = format!("`{}` cannot be written: {error}", path.display());
                Failure::new(Exit::Usage, message)
            })?;
            screen::note(&format!("wrote {}", path.display()));
        }
        if args.json {
            list.push(entry(name, &description)?);
        } else {
            if !text.is_empty() {
                text.push('\n');
            }
            block(&mut text, name, &description);
        }
    }
    if args.json {
        text = format!(
            "{:#}\n",
            json!({"schema": "weaknet.trace-info/1", "traces": list})
        );
    }
    if !args.json || failed.is_empty() {
        screen::print(&text);
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Failure {
            exit: Exit::BadData,
            messages: failed,
        }),
    }
}

fn entry(name: &Path, description: &Description) -> Result<Value, Failure> {
    let mut value = serde_json::to_value(description)
        .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("file".to_owned(), json!(name.display().to_string()));
    }
    Ok(value)
}

/// Three digits that count.
fn digits(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 0.1 || v == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

fn several(values: &[Option<f64>]) -> String {
    let texts: Vec<String> = values
        .iter()
        .flatten()
        .map(|value| digits(*value))
        .collect();
    texts.join(" / ")
}

/// The description of a trace for people.
fn block(text: &mut String, name: &Path, about: &Description) {
    let made_of = about
        .source
        .map_or_else(String::new, |source| format!(" of {source}"));
    let head = format!(
        "{}: {}, {}{made_of}",
        name.display(),
        about.kind,
        about.format
    );
    let _ = writeln!(text, "{head}");
    let mut line = |key: &str, value: String| {
        let _ = writeln!(text, "  {key:<17} {value}");
    };
    let what = match about.kind {
        "opportunities" => "opportunities",
        "frames" => "frames",
        _ => "rows",
    };
    let length = match about.duration_s {
        Some(length) => format!("{} s", digits(length)),
        None => "holds for ever".to_owned(),
    };
    line("length", format!("{length}, {} {what}", about.records));
    if let Some(step) = &about.step {
        line(
            "step",
            format!("p50 {} s, max {} s", digits(step.p50_s), digits(step.max_s)),
        );
    }
    if let Some(rate) = &about.rate {
        let column = rate
            .column
            .as_ref()
            .map_or_else(String::new, |c| format!(" (column {c})"));
        line(
            "mean rate",
            format!("{} Mbit/s{column}", digits(rate.mean_mbps)),
        );
        let percentiles = several(&[rate.p5_mbps, rate.p50_mbps, rate.p95_mbps]);
        line("rate p5/p50/p95", format!("{percentiles} Mbit/s"));
        if let Some(cv) = rate.cv {
            let ac = rate.autocorrelation_1s;
            let ac = ac.map_or_else(String::new, |ac| {
                format!(", autocorrelation at 1 s {ac:.2}")
            });
            let halve = rate.halve_pct;
            let halve = halve.map_or_else(String::new, |h| format!(", {h:.1} % of steps halve"));
            line("1 s rates", format!("CV {cv:.2}{ac}{halve}"));
        }
        if let (Some(half), Some(tenth)) = (rate.step_half_pct, rate.step_tenth_pct) {
            let text = format!("{half:.1} % to below 1/2, {tenth:.2} % to below 1/10");
            line("row steps", text);
        }
    }
    if let Some(gaps) = &about.gaps {
        let lengths = several(&[gaps.p50_ms, gaps.p95_ms, gaps.max_ms]);
        line(
            "gaps >= 200 ms",
            match gaps.count {
                0 => "none".to_owned(),
                _ => format!(
                    "{:.1} per minute, p50/p95/max {lengths} ms, {:.1} % of time",
                    gaps.per_minute, gaps.time_pct
                ),
            },
        );
    }
    for below in &about.below {
        let runs = several(&[below.run_p50_s, below.run_p95_s, below.run_max_s]);
        let runs = match runs.is_empty() {
            true => String::new(),
            false => format!(
                ", {:.1} runs per minute, p50/p95/max {runs} s",
                below.runs_per_minute
            ),
        };
        let key = format!("below {} Mbit/s", below.threshold_mbps);
        line(&key, format!("{:.1} % of time{runs}", below.share_pct));
    }
    if let Some(delay) = &about.delay {
        let half = if delay.half_of_round_trip {
            "half of "
        } else {
            ""
        };
        line(
            "one-way delay",
            format!(
                "min {}, p50 {}, p95 {}, max {} ms; largest step {} ms ({half}{})",
                digits(delay.min_ms),
                digits(delay.p50_ms),
                digits(delay.p95_ms),
                digits(delay.max_ms),
                digits(delay.largest_step_ms),
                delay.column
            ),
        );
    }
    if let Some(jitter) = &about.jitter {
        let all = several(&[
            Some(jitter.p50_ms),
            Some(jitter.p95_ms),
            Some(jitter.max_ms),
        ]);
        line("jitter", format!("p50/p95/max {all} ms"));
    }
    if let Some(loss) = &about.loss {
        let all = several(&[Some(loss.mean_pct), Some(loss.p95_pct), Some(loss.max_pct)]);
        line("loss", format!("mean/p95/max {all} % ({})", loss.column));
    }
    if let Some(frames) = &about.frames {
        line(
            "video",
            format!(
                "{} fps, {} kbit/s, {} marked as key frames",
                digits(frames.fps),
                digits(frames.bitrate_kbps),
                frames.key_frames
            ),
        );
        let sizes = several(&[
            Some(frames.size_p50_bytes),
            Some(frames.size_p95_bytes),
            Some(frames.size_max_bytes as f64),
        ]);
        line("frame p50/p95/max", format!("{sizes} B"));
    }
    if !about.ignored_columns.is_empty() {
        line("other columns", about.ignored_columns.join(", "));
    }
    for (key, value) in &about.head {
        if ![
            "kind", "time", "rate", "loss", "delay", "jitter", "bytes", "duration",
        ]
        .contains(&key.as_str())
        {
            line(key, value.clone());
        }
    }
}
