//! A fitted model in words: one line per part, with its error and how well it
//! fits.

use super::{Basis, Family, LinkFit, LossModel, QueueFit, RateShape, View};

/// A part of the model, and what there is to say of it.
pub type Line = (&'static str, String);

/// All there is to say, in order.
#[must_use]
pub fn lines(fit: &LinkFit) -> Vec<Line> {
    let mut lines = vec![(
        "packets",
        format!("{} in {:.1} s", fit.packets, fit.seconds),
    )];
    lines.extend(rate(fit).into_iter().map(|text| ("rate", text)));
    lines.extend(delay(fit).into_iter().map(|text| ("delay", text)));
    lines.push(("queue", queue(fit)));
    lines.extend(loss(fit).into_iter().map(|text| ("loss", text)));
    lines.push((
        "reordering",
        format!(
            "{} of the packets were overtaken; {} came more than once",
            percent(fit.delay.reordered),
            percent(fit.duplicated)
        ),
    ));
    let stalls = &fit.stalls;
    lines.push((
        "silences",
        if stalls.per_minute > 0.0 {
            format!(
                "{:.2} of 200 ms or more per minute, p50 {:.0} ms, p95 {:.0} ms, {} of the time",
                stalls.per_minute,
                stalls.p50_ms,
                stalls.p95_ms,
                percent(stalls.share)
            )
        } else {
            "none of 200 ms or more".to_owned()
        },
    ));
    lines.extend(unknown(fit).into_iter().map(|text| ("not known", text)));
    lines.extend(fit.notices.iter().map(|text| ("note", text.clone())));
    lines
}

fn rate(fit: &LinkFit) -> Vec<String> {
    let rate = &fit.rate;
    let error = bits(rate.standard_error);
    let spread = if rate.bins == 0 {
        "what waiting explains of the delays".to_owned()
    } else if fit.view == View::Receiver {
        format!("{} packet trains, CV {}", rate.bins, percent(rate.cv))
    } else {
        format!(
            "{} busy bins of {:.0} ms, CV {}, link evidently busy {} of the time",
            rate.bins,
            rate.bin_s * 1e3,
            percent(rate.cv),
            percent(rate.busy_share)
        )
    };
    match &rate.shape {
        RateShape::AtLeast(least) => vec![format!(
            "not identified: the link was never evidently busy; it carried {} in 200 ms",
            bits(*least)
        )],
        RateShape::Constant(value) => {
            vec![format!("constant {} +- {error}; {spread}", bits(*value))]
        }
        RateShape::Steps(steps) => vec![format!(
            "{} steps, mean {} +- {error}, R2 {:.4}; {spread}",
            steps.len(),
            bits(rate.mean(fit.seconds)),
            rate.r2.unwrap_or(0.0)
        )],
        RateShape::Trace(rows) => vec![format!(
            "trace of {} rows, mean {} +- {error}; {spread}",
            rows.len(),
            bits(rate.mean(fit.seconds))
        )],
    }
}

fn delay(fit: &LinkFit) -> Vec<String> {
    let delay = &fit.delay;
    let [mean_error, std_error] = delay.errors;
    let what = match delay.family {
        Family::Constant(at) => format!("constant {at:.3} ms"),
        Family::Uniform { min, max } => format!("uniform {min:.2} to {max:.2} ms"),
        Family::Normal { mean, std } => {
            format!(
                "normal, mean {mean:.2} +- {mean_error:.3} ms, std {std:.2} +- {std_error:.3} ms"
            )
        }
        Family::Lognormal { shift, mu, sigma } => {
            format!("{shift:.2} ms + lognormal, mu {mu:.3}, sigma {sigma:.3} (of ms)")
        }
        Family::Gamma {
            shift,
            shape,
            scale,
        } => format!("{shift:.2} ms + gamma, shape {shape:.3}, scale {scale:.3} ms"),
    };
    let basis = match delay.basis {
        Basis::IdleLink => "packets that met an idle link",
        Basis::BusyLink => "packets from a busy link",
        Basis::Whole => "packets, serialisation included",
    };
    let held = if delay.held > 0 {
        format!(", {} of them held back by the one before", delay.held)
    } else {
        String::new()
    };
    let test = delay.ks.map_or_else(String::new, |(distance, p)| {
        format!("; KS distance {distance:.4} (p {p:.3})")
    });
    let mut lines = vec![format!("{what}{test}; {} {basis}{held}", delay.values)];
    if !delay.aic.is_empty() {
        let others: Vec<String> = delay
            .aic
            .iter()
            .map(|(family, above)| format!("{} +{above:.0}", family.name()))
            .collect();
        lines.push(format!(
            "AIC above the best: {}; correlation of neighbours {:.2}",
            others.join(", "),
            delay.lag_1
        ));
    }
    lines
}

fn queue(fit: &LinkFit) -> String {
    match fit.queue {
        QueueFit::Time(limit, spread) => format!(
            "tail drop at {:.1} +- {:.1} ms of waiting; {} packets found it full",
            limit * 1e3,
            spread * 1e3,
            fit.loss.overflow
        ),
        QueueFit::Bytes(limit, spread) => format!(
            "tail drop at {limit:.0} +- {spread:.0} waiting bytes; {} packets found it full",
            fit.loss.overflow
        ),
        QueueFit::NeverFull(longest) => {
            format!("never full; longest wait {:.1} ms", longest * 1e3)
        }
        QueueFit::Unknown => "not identified: no queueing seen".to_owned(),
    }
}

fn loss(fit: &LinkFit) -> Vec<String> {
    let loss = &fit.loss;
    let average = format!(
        "{} +- {}",
        percent(loss.average),
        percent(loss.average_error)
    );
    let burst = loss.burst.map_or_else(String::new, |(burst, error)| {
        format!(", mean burst {burst:.2} +- {error:.2} packets")
    });
    let what = match loss.model {
        LossModel::None => format!("none among {} packets", loss.packets),
        LossModel::Bernoulli => format!("independent, {average}"),
        LossModel::Gilbert { p, r } => format!(
            "Gilbert, {average}{burst} (p {}, r {})",
            percent(p),
            percent(r)
        ),
        LossModel::GilbertElliott { p, r, h, k } => format!(
            "Gilbert-Elliott, {average}{burst} (p {}, r {}, h {}, k {})",
            percent(p),
            percent(r),
            percent(h),
            percent(k)
        ),
    };
    let mut lines = vec![what];
    if let Some(runs) = loss.runs {
        lines.push(format!(
            "lengths of loss runs: chi-square {:.2}, {} degrees of freedom, p {:.3}",
            runs.x, runs.df, runs.p
        ));
    }
    if !loss.bic.is_empty() {
        let all: Vec<String> = loss
            .bic
            .iter()
            .map(|(name, above)| format!("{name} +{above:.0}"))
            .collect();
        lines.push(format!("BIC above the best: {}", all.join(", ")));
    }
    if let Some(share) = fit.rate.lost_use_link {
        lines.push(format!(
            "{} of the bytes lost while busy had used link time",
            percent(share)
        ));
    }
    lines
}

fn unknown(fit: &LinkFit) -> Vec<String> {
    let mut lines = Vec::new();
    match fit.view {
        View::BothEnds => {}
        View::TwoClocks => lines.push(
            "the base delay: it is as far off as the two clocks are from each other".to_owned(),
        ),
        View::Receiver => lines.push(
            "the base delay (only its variation), and whether losses were overflow: \
             there is one capture point"
                .to_owned(),
        ),
        View::RoundTrip => lines.push(
            "the direction of delay and loss: half of the shortest round trip is put on each \
             way, all that varies on the way there"
                .to_owned(),
        ),
    }
    if fit.loss.unclear > 0 {
        lines.push(format!(
            "whether {} losses at a full queue were random: jitter hides the link's time",
            fit.loss.unclear
        ));
    }
    if fit.delay.lag_1 > 0.3 {
        lines.push(format!(
            "how delays follow each other: neighbours correlate by {:.2}, \
             the model draws each on its own",
            fit.delay.lag_1
        ));
    }
    if fit.duplicated > 0.0 {
        lines.push("how copies come about: the scenario makes none".to_owned());
    }
    lines
}

/// A rate for people, to four digits.
pub(super) fn bits(bps: f64) -> String {
    let (value, unit) = match bps {
        b if b >= 1e9 => (b / 1e9, "Gbit/s"),
        b if b >= 1e6 => (b / 1e6, "Mbit/s"),
        b if b >= 1e3 => (b / 1e3, "kbit/s"),
        b => (b, "bit/s"),
    };
    format!("{} {unit}", digits(value))
}

fn percent(share: f64) -> String {
    format!("{} %", digits(share * 100.0))
}

/// Four significant digits at most, without zeros at the end.
fn digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    let magnitude = libm::floor(libm::log10(value.abs())) as i32;
    let decimals = usize::try_from((3 - magnitude).clamp(0, 6)).unwrap_or(0);
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(bits(5_000_123.0), "5 Mbit/s");
        assert_eq!(bits(158_367.1), "158.4 kbit/s");
        assert_eq!(percent(0.020_04), "2.004 %");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(1e-9), "0 %");
        assert_eq!(digits(12_345.6), "12346");
    }
}
