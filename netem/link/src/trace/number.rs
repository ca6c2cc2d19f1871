//! Decimals read and printed exactly, as whole numbers of a small unit.

/// `text` times 10^`scale`, rounded to the nearest whole number. Digits with
/// an optional point, sign `+` and exponent; everything else is refused, as are
/// numbers beyond 64 bits.
pub(super) fn decimal(text: &str, scale: i64) -> Option<u64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (
            mantissa,
            exponent.parse::<i64>().ok()?.clamp(-(1 << 32), 1 << 32),
        ),
        None => (text, 0),
    };
    let mantissa = mantissa.strip_prefix('+').unwrap_or(mantissa);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    if digits().next().is_none() || !digits().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Place value of each digit as a power of ten.
    let top = i64::try_from(whole.len())
        .ok()?
        .checked_add(exponent)?
        .checked_add(scale)?;
    let mut value: u64 = 0;
    for (digit, place) in digits()
        .map(|b| u64::from(b - b'0'))
        .zip((0..).map(|i| top - 1 - i))
    {
        if digit == 0 || place < -1 {
            continue;
        }
        let part = match u32::try_from(place) {
            Ok(place) => 10u64.checked_pow(place)?.checked_mul(digit)?,
            Err(_) => u64::from(digit >= 5),
        };
        value = value.checked_add(part)?;
    }
    Some(value)
}

/// `value` over 10^`scale` in the fewest digits.
pub(super) fn print(value: u64, scale: usize) -> String {
    let digits = format!("{value:0width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        whole.to_owned()
    } else {
        format!("{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_are_exact() {
        assert_eq!(decimal("2.290857", 6), Some(2_290_857));
        assert_eq!(decimal("30.751228", 6), Some(30_751_228));
        assert_eq!(decimal("1.01", 9), Some(1_010_000_000));
        assert_eq!(decimal("0.1234565", 6), Some(123_457));
        assert_eq!(decimal("0.1234564999", 6), Some(123_456));
        assert_eq!(decimal("0.9999999", 6), Some(1_000_000));
        assert_eq!(decimal("1e-3", 6), Some(1_000));
        assert_eq!(decimal("2.5E+2", 0), Some(250));
        assert_eq!(decimal(".5", 1), Some(5));
        assert_eq!(decimal("0e999999999", 0), Some(0));
        for bad in [
            "",
            ".",
            "-1",
            "nan",
            "inf",
            "1.2.3",
            "1e",
            "0x10",
            "1e99",
            "99999999999999999999",
            "1 ",
        ] {
            assert_eq!(decimal(bad, 0), None, "{bad}");
        }
    }

    #[test]
    fn printing_is_short() {
        assert_eq!(print(1_500, 3), "1.5");
        assert_eq!(print(7, 9), "0.000000007");
        assert_eq!(print(0, 6), "0");
        assert_eq!(print(42, 0), "42");
    }

    proptest! {
        #[test]
        fn decimal_reads_what_integers_print(n in any::<u64>(), scale in 0u32..9) {
            let unit = 10u64.pow(scale);
            let text = format!("{}.{:0width$}", n / unit, n % unit, width = scale as usize);
            prop_assert_eq!(decimal(&text, i64::from(scale)), Some(n));
        }
        #[test]
        fn what_is_printed_is_read(n in any::<u64>(), scale in 0usize..10) {
            prop_assert_eq!(decimal(&print(n, scale), scale as i64), Some(n));
        }
    }
}
