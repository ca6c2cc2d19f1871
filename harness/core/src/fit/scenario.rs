//! A fitted model as a scenario file that runs as it is, with what there is to
//! say of the fit in comments.

use std::fmt::Write as _;

use weaknet_core::{Bitrate, Bytes, Ratio, Span};

use super::{Family, LinkFit, LossModel, QueueFit, RateShape, View, describe};

/// Shortest and longest run that a scenario asks for, in seconds.
const RUN_S: [f64; 2] = [10.0, 600.0];
/// Share of lost bytes that used link time below which losses come before the
/// queue.
const BEFORE_QUEUE: f64 = 0.3;

/// Quantile of the standard normal distribution at 95 %.
const Z95: f64 = 1.644_853_626_951_472_2;

/// A scenario, and the rate trace that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The scenario file.
    pub yaml: String,
    /// Traces: name beside the scenario, and content.
    pub traces: Vec<(String, String)>,
}

/// How a model is to be written.
pub struct Style<'a> {
    /// The scenario's name.
    pub name: &'a str,
    /// Rates that vary become traces whose names begin like this; without it
    /// they become steps within the scenario.
    pub trace_stem: Option<&'a str>,
    /// Whether there is a delay model of that name.
    pub has_delay: &'a dyn Fn(&str) -> bool,
}

/// Writes a model.
#[must_use]
pub fn write(style: &Style<'_>, forward: &LinkFit, backward: Option<&LinkFit>) -> Written {
    let mut out = Written {
        yaml: String::new(),
        traces: Vec::new(),
    };
    let half = if forward.view == View::RoundTrip {
        least(&forward.delay.family) / 2.0
    } else {
        0.0
    };
    let mut links = String::new();
    comment(&mut links, "forward", forward);
    links.push_str("  forward:\n");
    link(&mut links, &mut out.traces, forward, half, style, "forward");
    match backward {
        Some(fit) => {
            comment(&mut links, "backward", fit);
            links.push_str("  backward:\n");
            link(&mut links, &mut out.traces, fit, 0.0, style, "backward");
        }
        None => {
            let base = if half > 0.0 {
                half
            } else {
                least(&forward.delay.family)
            };
            let why = if half > 0.0 {
                "half of the shortest round trip"
            } else {
                "not measured: the shortest delay of the way there"
            };
            let _ = writeln!(links, "  # {why}\n  backward: {{delay: {}}}", span_ms(base));
        }
    }
    let seconds = libm::ceil(forward.seconds).clamp(RUN_S[0], RUN_S[1]);
    let _ = write!(
        out.yaml,
        "name: {}\nabout: >-\n  Model fitted to {}\nduration: {seconds}s\nnetwork:\n{links}\
         flows:\n  - name: call\n    media:\n      video: {{}}\n      audio: {{}}\n",
        quoted(style.name),
        forward.source,
    );
    out
}

fn comment(out: &mut String, direction: &str, fit: &LinkFit) {
    let _ = writeln!(out, "  # {direction}, from {}", fit.source);
    for (part, text) in describe::lines(fit) {
        let _ = writeln!(out, "  # {part:<10} {text}");
    }
}

fn link(
    out: &mut String,
    traces: &mut Vec<(String, String)>,
    fit: &LinkFit,
    less_ms: f64,
    style: &Style<'_>,
    direction: &str,
) {
    let trace_file = style
        .trace_stem
        .map(|stem| format!("{stem}.{direction}.txt"));
    match (&fit.rate.shape, trace_file) {
        (RateShape::AtLeast(_), _) => {}
        (RateShape::Constant(rate), _) => {
            let _ = writeln!(out, "    rate: {}", bitrate(*rate));
        }
        (RateShape::Trace(rows), Some(file)) => {
            let _ = writeln!(
                out,
                "    rate: {{trace: {{file: {}, format: seconds_mbps}}}}",
                quoted(&file)
            );
            let mut text = format!("# rate while busy, fitted to {}\n", fit.source);
            for (at, rate) in rows {
                let _ = writeln!(text, "{at:.3} {:.6}", rate / 1e6);
            }
            traces.push((file, text));
        }
        (RateShape::Steps(rows) | RateShape::Trace(rows), _) => {
            let steps: Vec<String> = ascending(rows)
                .map(|(at, rate)| format!("[{}, {}]", span_ms(at), bitrate(rate)))
                .collect();
            let _ = writeln!(out, "    rate:\n      steps:");
            for step in steps {
                let _ = writeln!(out, "        - {step}");
            }
        }
    }
    let _ = writeln!(out, "    delay: {}", delay(fit, less_ms, style.has_delay));
    match loss(&fit.loss.model, fit.loss.average) {
        Some(text) => {
            let _ = writeln!(out, "    loss: {text}");
        }
        None => return queue(out, fit),
    }
    if fit.loss.overflow == 0
        && fit
            .rate
            .lost_use_link
            .is_some_and(|share| share < BEFORE_QUEUE)
    {
        out.push_str("    loss_at: before_queue\n");
    }
    queue(out, fit);
}

/// Whole milliseconds, each later than the one before, the first at zero.
fn ascending(rows: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> {
    let mut last = -1.0;
    rows.iter().filter_map(move |(at, rate)| {
        let millis = if last < 0.0 {
            0.0
        } else {
            libm::round(at * 1e3)
        };
        let later = millis > last;
        last = last.max(millis);
        later.then_some((millis, *rate))
    })
}

fn delay(fit: &LinkFit, less_ms: f64, has: &dyn Fn(&str) -> bool) -> String {
    let reorder = if fit.delay.reorders {
        ", reorder: allowed"
    } else {
        ""
    };
    // The best one that there is a model for.
    let candidates = fit.delay.aic.iter().map(|(family, _)| *family);
    let writable = candidates
        .chain([fit.delay.family])
        .find(|family| has(family.name()))
        .unwrap_or(fit.delay.family);
    let base = |shift: f64| span_ms(shift - less_ms);
    match writable {
        Family::Constant(at) => base(at),
        Family::Uniform { min, max } => {
            format!(
                "{{uniform: {{min: {}, max: {}{reorder}}}}}",
                base(min),
                base(max)
            )
        }
        Family::Normal { mean, std } => {
            format!(
                "{{normal: {{mean: {}, std: {}{reorder}}}}}",
                base(mean),
                span_ms(std)
            )
        }
        Family::Lognormal { shift, mu, sigma } => format!(
            "{{lognormal: {{base: {}, median: {}, p95: {}{reorder}}}}}",
            base(shift),
            span_ms(libm::exp(mu)),
            span_ms(libm::exp(mu + Z95 * sigma))
        ),
        Family::Gamma {
            shift,
            shape,
            scale,
        } => format!(
            "{{gamma: {{base: {}, mean: {}, std: {}{reorder}}}}}",
            base(shift),
            span_ms(shape * scale),
            span_ms(shape.sqrt() * scale)
        ),
    }
}

/// The shortest delay of a distribution that counts, in milliseconds.
fn least(family: &Family) -> f64 {
    match *family {
        Family::Constant(at) => at,
        Family::Uniform { min, .. } => min,
        Family::Normal { mean, std } => mean - 2.0 * std,
        Family::Lognormal { shift, .. } | Family::Gamma { shift, .. } => shift,
    }
    .max(0.0)
}

fn loss(model: &LossModel, average: f64) -> Option<String> {
    Some(match *model {
        LossModel::None => return None,
        LossModel::Bernoulli => ratio(average),
        LossModel::Gilbert { p, r } => format!(
            "{{gilbert_elliott: {{average: {}, burst: {:.3}}}}}",
            ratio(p / (p + r)),
            (1.0 / r).max(1.0)
        ),
        LossModel::GilbertElliott { p, r, h, k } => format!(
            "{{gilbert_elliott: {{p: {}, r: {}, h: {}, k: {}}}}}",
            ratio(p),
            ratio(r),
            ratio(h),
            ratio(k)
        ),
    })
}

fn queue(out: &mut String, fit: &LinkFit) {
    let limit = match fit.queue {
        QueueFit::Time(limit, _) => span_ms(limit * 1e3),
        QueueFit::Bytes(limit, _) => Bytes::new(limit.max(0.0) as u64).to_string(),
        // The default would drop what was never dropped.
        QueueFit::NeverFull(longest) if longest > 0.25 => {
            span_ms(libm::ceil(longest * 12.0) * 100.0)
        }
        QueueFit::NeverFull(_) | QueueFit::Unknown => return,
    };
    let _ = writeln!(out, "    queue: {{drop_tail: {{limit: {limit}}}}}");
}

fn span_ms(millis: f64) -> String {
    if millis < 0.0005 {
        return "0ms".to_owned();
    }
    Span::from_micros(libm::round(millis * 1e3) as u64).to_string()
}

/// To kbit/s, or to 1 bit/s below 1 Mbit/s.
fn bitrate(bps: f64) -> String {
    let step = if bps >= 1e6 { 1e3 } else { 1.0 };
    Bitrate::from_bps_f64(libm::round(bps / step) * step).to_string()
}

/// To 0.001 %.
fn ratio(share: f64) -> String {
    Ratio::from_f64(libm::round(share * 1e5) / 1e5).to_string()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
