//! A diagnosis for people.

use weaknet_live::doctor::{Bound, Check, Diagnosis, Limit, Machine, Verdict};

use crate::screen;

/// Most columns of a line.
const WIDTH: usize = 96;

pub(super) fn plain(diagnosis: &Diagnosis) -> String {
    let mut text = lines("", &machine(&diagnosis.machine));
    text.push('\n');
    for facility in &diagnosis.machine.facilities {
        let name = facility.name.replace('_', " ");
        let usable = if facility.usable { "yes" } else { "no" };
        text += &format!("  {usable:<3}  {name:<15}  {}\n", facility.detail);
    }
    if let Some(port) = &diagnosis.port {
        let choice = format!("port: {}, since {}; {}", port.name, port.why, port.other);
        text += &lines("", &choice);
    }
    text.push('\n');
    let widest = |column: fn(&Check) -> usize| diagnosis.checks.iter().map(column).max();
    let what = widest(|check| check.what.chars().count()).unwrap_or(0);
    for check in &diagnosis.checks {
        let verdict = word(check.verdict);
        text += &format!(
            "  {verdict:<12}  {:<what$}  {}\n",
            check.what,
            measured(check)
        );
    }
    let reasons: Vec<String> = diagnosis.checks.iter().filter_map(reason).collect();
    if !reasons.is_empty() {
        text += "\nNot good:\n";
        text.extend(reasons.iter().map(|reason| lines("- ", reason)));
    }
    text += &format!("\n{}\n", overall(diagnosis.verdict));
    text.extend(diagnosis.advice.iter().map(|advice| lines("- ", advice)));
    text
}

/// Text in lines, the first behind `mark` and the rest indented as far.
fn lines(mark: &str, text: &str) -> String {
    let indent = " ".repeat(mark.len());
    let wrapped = screen::wrap(text, WIDTH - mark.len());
    let marked = wrapped.iter().enumerate().map(|(at, line)| {
        let mark = if at == 0 { mark } else { &indent };
        format!("{mark}{line}\n")
    });
    marked.collect()
}

fn machine(machine: &Machine) -> String {
    let processor = machine.processor.as_deref().unwrap_or("processor unknown");
    let load = machine
        .load
        .map_or_else(|| "unknown".to_owned(), |load| format!("{load:.2}"));
    format!(
        "Linux {}, {processor}, {} processors, load {load}, {}",
        machine.kernel,
        machine.processors,
        if machine.is_root { "root" } else { "not root" }
    )
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "good",
        Verdict::Degraded => "degraded",
        Verdict::NotPossible => "not possible",
    }
}

const fn overall(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "Verdict: good. Links do here what they are configured to do.",
        Verdict::Degraded => "Verdict: degraded. Shaping works here, within the figures above.",
        Verdict::NotPossible => "Verdict: not possible. There are no live links here.",
    }
}

/// The figures that are judged.
fn measured(check: &Check) -> String {
    if check.failure.is_some() {
        return "not measured".to_owned();
    }
    let judged = check.figures.iter().filter(|(name, _)| {
        let mut limits = check.limits.iter();
        limits.any(|limit| limit.figure == *name)
    });
    let figures: Vec<String> = judged.map(|(name, value)| figure(name, *value)).collect();
    figures.join(", ")
}

/// A name that ends in a unit, and a value.
fn figure(name: &str, value: f64) -> String {
    let (name, unit) = unit(name);
    let label = name.replace('_', " ");
    let number = match value.abs() {
        // Of a probability the power counts.
        size if unit.is_empty() && size > 0.0 && size < 0.001 => format!("{value:.0e}"),
        0.0 => "0".to_owned(),
        size if size < 1.0 => format!("{value:.3}"),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    };
    [label.as_str(), &number, unit]
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn unit(name: &str) -> (&str, &'static str) {
    const UNITS: [(&str, &str); 5] = [
        ("us", "us"),
        ("percent", "%"),
        ("kpps", "kpps"),
        ("gbps", "Gbit/s"),
        ("per_processor", ""),
    ];
    let found = UNITS.iter().find_map(|(suffix, unit)| {
        let name = name.strip_suffix(suffix)?;
        Some((name.strip_suffix('_').unwrap_or(name), *unit))
    });
    found.unwrap_or((name, ""))
}

/// Why a line is not good.
fn reason(check: &Check) -> Option<String> {
    if let Some(failure) = &check.failure {
        return Some(format!("{}: {failure}", check.what));
    }
    if check.verdict == Verdict::Good {
        return None;
    }
    let broken = check.limits.iter().filter_map(|limit| {
        let (name, value) = check
            .figures
            .iter()
            .find(|(name, _)| *name == limit.figure)?;
        is_broken(limit, *value)
            .then(|| format!("{}, good is {}", figure(name, *value), good(limit)))
    });
    let broken: Vec<String> = broken.collect();
    Some(format!(
        "{}: {} ({})",
        check.what,
        broken.join("; "),
        check.because
    ))
}

fn is_broken(limit: &Limit, value: f64) -> bool {
    match limit.bound {
        Bound::AtMost(most) => value > most,
        Bound::AtLeast(least) | Bound::Between(least, _) => value < least,
    }
}

fn good(limit: &Limit) -> String {
    let (words, value) = match limit.bound {
        Bound::AtMost(most) => ("at most", most),
        Bound::AtLeast(least) | Bound::Between(least, _) => ("at least", least),
    };
    let (_, unit) = unit(limit.figure);
    format!("{words} {value} {unit}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_in_units() {
        for (name, value, expected) in [
            ("p99_us", 2_615.3, "p99 2615 us"),
            ("kpps", 114.12, "114 kpps"),
            ("gbps", 1.234, "1.23 Gbit/s"),
            ("worst_bin_percent", 0.0431, "worst bin 0.043 %"),
            ("per_processor", 1.6, "1.60"),
            ("lost_elsewhere", 0.0, "lost elsewhere 0"),
            ("least_p", 0.000_02, "least p 2e-5"),
        ] {
            assert_eq!(figure(name, value), expected);
        }
    }

    #[test]
    fn what_is_not_good_says_why() {
        let mut check = Check {
            name: "timer_sleep",
            what: "wake-up",
            figures: vec![("p50_us", 53.0), ("p99_us", 2_615.0), ("max_us", 9_000.0)],
            limits: vec![
                Limit {
                    figure: "p50_us",
                    bound: Bound::AtMost(100.0),
                },
                Limit {
                    figure: "p99_us",
                    bound: Bound::AtMost(500.0),
                },
            ],
            because: "it is late",
            verdict: Verdict::Degraded,
            failure: None,
        };
        assert_eq!(measured(&check), "p50 53.0 us, p99 2615 us");
        let expected = "wake-up: p99 2615 us, good is at most 500 us (it is late)";
        assert_eq!(reason(&check).as_deref(), Some(expected));
        check.verdict = Verdict::Good;
        assert_eq!(reason(&check), None);
        check.failure = Some("no device".to_owned());
        assert_eq!(reason(&check).as_deref(), Some("wake-up: no device"));
    }

    #[test]
    fn long_text_is_indented() {
        let text = lines("- ", &"word ".repeat(30));
        let mut rows = text.lines();
        assert!(rows.next().is_some_and(|row| row.starts_with("- word")));
        assert!(rows.all(|row| row.starts_with("  word") && row.len() <= WIDTH));
    }
}
