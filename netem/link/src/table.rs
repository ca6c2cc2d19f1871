//! Text tables: numbered lines, comments, and decimals read exactly.

use weaknet_core::Span;

/// The lines of a text file without their comments (`#` to the end) and blanks
/// at the end, numbered from 1. Lines that hold a comment only are left out;
/// empty lines are not.
///
/// # Errors
/// When the bytes are no text.
pub(crate) fn lines(bytes: &[u8]) -> Result<impl Iterator<Item = (usize, &str)>, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let line = 1 + bytes[..e.valid_up_to()]
            .iter()
            .filter(|b| **b == b'\n')
            .count();
        format!("line {line}: not a text file")
    })?;
    Ok(text.lines().enumerate().filter_map(|(i, line)| {
        let kept = line.split('#').next().unwrap_or_default().trim_end();
        let comment_only = kept.is_empty() && line.contains('#');
        (!comment_only).then_some((i + 1, kept))
    }))
}

/// `text` times 10^`scale`, rounded to the nearest whole number. Digits with
/// an optional point, sign `+` and exponent; everything else is refused, as are
/// numbers beyond 64 bits.
pub(crate) fn decimal(text: &str, scale: i64) -> Option<u64> {
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

/// The first two columns of a table over time: seconds, and a value in units of
/// 10^-`scale`, rounded to the nearest. Columns are separated by blanks, commas
/// or semicolons; further columns and a line of column names at the top are
/// ignored. Time counts from the first row and must ascend.
///
/// # Errors
/// A message with the line's number.
pub(crate) fn series(
    bytes: &[u8],
    scale: i64,
    value_name: &str,
) -> Result<Vec<(Span, u64)>, String> {
    let mut rows: Vec<(Span, u64)> = Vec::new();
    let mut origin = None;
    let mut header_allowed = true;
    for (number, line) in lines(bytes)? {
        let mut columns = line
            .split([' ', '\t', ',', ';'])
            .filter(|column| !column.is_empty());
        let (Some(time), Some(value)) = (columns.next(), columns.next()) else {
            return Err(format!(
                "line {number}: expected two columns, seconds and {value_name}"
            ));
        };
        if std::mem::take(&mut header_allowed)
            && time.starts_with(|c: char| c.is_ascii_alphabetic() || c == '"')
        {
            continue;
        }
        let time = decimal(time, 9)
            .ok_or_else(|| format!("line {number}: `{time}` is not a time in seconds"))?;
        let value = decimal(value, scale)
            .ok_or_else(|| format!("line {number}: `{value}` is not a value in {value_name}"))?;
        let origin = *origin.get_or_insert(time);
        let since = Span::from_nanos(time.saturating_sub(origin));
        if rows.last().is_some_and(|(last, _)| since <= *last) {
            return Err(format!(
                "line {number}: the time is not after that of the row before"
            ));
        }
        rows.push((since, value));
    }
    if rows.is_empty() {
        Err("there are no rows".to_owned())
    } else {
        Ok(rows)
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
    fn comments_go_and_empty_lines_stay() {
        let got: Vec<_> = lines(b"1\r\n# note\n2 # two\n\n3").unwrap().collect();
        assert_eq!(got, [(1, "1"), (3, "2"), (4, ""), (5, "3")]);
        assert_eq!(
            lines(b"1\n2\n\xff").err().unwrap(),
            "line 3: not a text file"
        );
    }

    #[test]
    fn series_counts_time_from_its_first_row() {
        let rows = series(
            b"t_s,owd_ms,hops\n1,43.904,15\n2.5,7,15\n",
            6,
            "milliseconds",
        )
        .unwrap();
        assert_eq!(
            rows,
            [
                (Span::ZERO, 43_904_000),
                (Span::from_millis(1_500), 7_000_000)
            ]
        );
        let error = |text: &str| series(text.as_bytes(), 6, "Mbit/s").unwrap_err();
        assert_eq!(error(""), "there are no rows");
        assert_eq!(
            error("0 1\n1\n"),
            "line 2: expected two columns, seconds and Mbit/s"
        );
        assert_eq!(
            error("0 1\n\n2 1"),
            "line 2: expected two columns, seconds and Mbit/s"
        );
        assert_eq!(
            error("0 1\n0 2\n"),
            "line 2: the time is not after that of the row before"
        );
        assert_eq!(
            error("5 1\n4 2\n"),
            "line 2: the time is not after that of the row before"
        );
        assert_eq!(error("0 nan\n"), "line 1: `nan` is not a value in Mbit/s");
        assert_eq!(
            error("0 1\n-1 2\n"),
            "line 2: `-1` is not a time in seconds"
        );
    }

    proptest! {
        #[test]
        fn decimal_reads_what_integers_print(n in any::<u64>(), scale in 0u32..9) {
            let unit = 10u64.pow(scale);
            let text = format!("{}.{:0width$}", n / unit, n % unit, width = scale as usize);
            prop_assert_eq!(decimal(&text, i64::from(scale)), Some(n));
        }
        #[test]
        fn any_bytes_are_refused_politely(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[-+0-9.eE,; \t\r\n#]{0,80}") {
            let _ = series(&bytes, 6, "Mbit/s");
            let _ = series(text.as_bytes(), 6, "Mbit/s");
        }
    }
}
