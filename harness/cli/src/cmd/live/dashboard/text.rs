//! Figures as people read them: three digits and a unit.

/// A rate.
pub(super) fn rate(bps: u64) -> String {
    scaled(bps as f64, &["bit/s", "kbit/s", "Mbit/s", "Gbit/s"])
}

/// So many bytes.
pub(super) fn bytes(count: u64) -> String {
    scaled(count as f64, &["B", "kB", "MB", "GB"])
}

fn scaled(value: f64, units: &[&str]) -> String {
    let mut value = value;
    let mut units = units.iter();
    let mut unit = units.next().copied().unwrap_or_default();
    // What would be written as 1000 belongs to the next unit.
    while value >= 999.5 {
        let Some(next) = units.next() else { break };
        value /= 1_000.0;
        unit = next;
    }
    let whole = unit.len() == 1 || unit == "bit/s";
    format!("{} {unit}", digits(value, whole))
}

fn digits(value: f64, whole: bool) -> String {
    let decimals = match value {
        _ if whole => 0,
        value if value < 9.995 => 2,
        value if value < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

/// A delay in milliseconds.
pub(super) fn millis(ms: f64) -> String {
    let decimals = usize::from(ms < 9.95);
    format!("{ms:.decimals$} ms")
}

/// An error of microseconds.
pub(super) fn micros(us: f64) -> String {
    if us < 9_999.5 {
        format!("{us:.0} us")
    } else {
        format!("{:.0} ms", us / 1_000.0)
    }
}

/// A share.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let decimals = usize::from(percent > 0.0 && percent < 9.95);
    format!("{percent:.decimals$} %")
}

/// A time of a run.
pub(super) fn clock(seconds: f64) -> String {
    let seconds = seconds as u64;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits() {
        assert_eq!(rate(0), "0 bit/s");
        assert_eq!(rate(2_704_500), "2.70 Mbit/s");
        assert_eq!(rate(999_499), "999 kbit/s");
        assert_eq!(rate(999_500), "1.00 Mbit/s");
        assert_eq!(rate(12_340_000_000_000), "12340 Gbit/s");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(12_400), "12.4 kB");
        assert_eq!(millis(9.94), "9.9 ms");
        assert_eq!(millis(57.8), "58 ms");
        assert_eq!(micros(9_999.0), "9999 us");
        assert_eq!(micros(58_900.0), "59 ms");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.0123), "1.2 %");
        assert_eq!(clock(83.9), "1:23");
        assert_eq!(clock(3_683.0), "1:01:23");
    }
}
