//! Numbers as tc reads them. Everything is a decimal number directly followed
//! by a unit, in any case of letters.

/// A share of 1, given in per cent with or without the sign.
pub(super) fn share(text: &str) -> Option<f64> {
    let (value, unit) = split(text)?;
    let percent = matches!(unit.as_str(), "" | "%") && (0.0..=100.0).contains(&value);
    percent.then_some(value / 100.0)
}

/// Nanoseconds; without a unit nanoseconds are meant (netem).
pub(super) fn time64(text: &str) -> Option<u64> {
    time(text, 1.0)
}

/// Nanoseconds; without a unit microseconds are meant.
pub(super) fn time32(text: &str) -> Option<u64> {
    time(text, 1e3)
}

fn time(text: &str, bare: f64) -> Option<u64> {
    let (value, unit) = split(text)?;
    let scale = match unit.as_str() {
        "" => bare,
        "s" | "sec" | "secs" => 1e9,
        "ms" | "msec" | "msecs" => 1e6,
        "us" | "usec" | "usecs" => 1e3,
        "ns" | "nsec" | "nsecs" => 1.0,
        _ => return None,
    };
    whole(value * scale)
}

/// Bits per second: `bit` and its multiples are bits, `bps` and its multiples
/// bytes; without a unit bits.
pub(super) fn rate(text: &str) -> Option<u64> {
    let (value, unit) = split(text)?;
    let (prefix, bits) = match unit.as_str() {
        "" => ("", 1.0),
        unit => match (unit.strip_suffix("bit"), unit.strip_suffix("bps")) {
            (Some(prefix), _) => (prefix, 1.0),
            (_, Some(prefix)) => (prefix, 8.0),
            _ => return None,
        },
    };
    let scale = match prefix {
        "" => 1.0,
        "k" => 1e3,
        "m" => 1e6,
        "g" => 1e9,
        "t" => 1e12,
        "ki" => 1024.0,
        "mi" => 1_048_576.0,
        "gi" => 1_073_741_824.0,
        "ti" => 1_099_511_627_776.0,
        _ => return None,
    };
    whole(value * scale * bits)
}

/// Bytes; multiples are binary.
pub(super) fn size(text: &str) -> Option<u64> {
    let (value, unit) = split(text)?;
    let scale = match unit.as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1024.0,
        "m" | "mb" => 1_048_576.0,
        "g" | "gb" => 1_073_741_824.0,
        "kbit" => 128.0,
        "mbit" => 131_072.0,
        "gbit" => 134_217_728.0,
        _ => return None,
    };
    whole(value * scale)
}

/// A whole number.
pub(super) fn count(text: &str) -> Option<u64> {
    text.parse().ok().filter(|n| *n <= u64::from(u32::MAX))
}

/// A whole number that may be negative.
pub(super) fn signed(text: &str) -> Option<i64> {
    text.parse()
        .ok()
        .filter(|n: &i64| i32::try_from(*n).is_ok())
}

fn split(text: &str) -> Option<(f64, String)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let value: f64 = text[..end].parse().ok()?;
    Some((value, text[end..].to_ascii_lowercase()))
}

fn whole(value: f64) -> Option<u64> {
    // Far beyond any network; keeps later sums in range.
    (0.0..1e16)
        .contains(&value)
        .then(|| libm::round(value) as u64)
}
