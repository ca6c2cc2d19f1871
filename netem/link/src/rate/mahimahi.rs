//! Reads Mahimahi link traces: one whole number per line, the millisecond at
//! which one packet of up to 1500 bytes may leave; non-decreasing, the last one
//! above zero.
//!
//! Implements: the grammar of Mahimahi's link queue (snapshot ae477d4,
//! 2024-12-29): leading blanks and a sign are accepted, empty lines are not.
//! Differs: carriage returns, blanks at the end and `#` comments are accepted.

use crate::table;

const NANOS_PER_MILLI: u64 = 1_000_000;

/// The instants of all opportunities in nanoseconds.
///
/// # Errors
/// A message with the line's number.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<u64>, String> {
    let mut instants: Vec<u64> = Vec::new();
    for (number, line) in table::lines(bytes)? {
        let text = line.trim_start();
        if text.is_empty() {
            return Err(format!(
                "line {number}: empty, expected a whole number of milliseconds"
            ));
        }
        let at = text
            .parse::<u64>()
            .ok()
            .and_then(|ms| ms.checked_mul(NANOS_PER_MILLI))
            .ok_or_else(|| {
                format!("line {number}: `{text}` is not a whole number of milliseconds")
            })?;
        if instants.last().is_some_and(|last| at < *last) {
            return Err(format!("line {number}: {text} ms is before the line above"));
        }
        instants.push(at);
    }
    match instants.last() {
        None => Err(
            "there are no opportunities: expected one number of milliseconds per line".to_owned(),
        ),
        Some(0) => Err("the last opportunity is at 0 ms: the trace has no length".to_owned()),
        Some(_) => Ok(instants),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_the_strict_form_and_a_little_more() {
        assert_eq!(
            parse(b"0\n5\n5\n12\n").unwrap(),
            [0, 5_000_000, 5_000_000, 12_000_000]
        );
        assert_eq!(
            parse(b"# from a phone\r\n  +1 \r\n2 # two\r\n").unwrap(),
            [1_000_000, 2_000_000]
        );
    }

    #[test]
    fn says_which_line_is_wrong() {
        let error = |text: &[u8]| parse(text).unwrap_err();
        assert_eq!(
            error(b"1\n\n2\n"),
            "line 2: empty, expected a whole number of milliseconds"
        );
        assert_eq!(
            error(b"1\n2\n\n"),
            "line 3: empty, expected a whole number of milliseconds"
        );
        assert_eq!(
            error(b"1\n1.5\n"),
            "line 2: `1.5` is not a whole number of milliseconds"
        );
        assert_eq!(
            error(b"-1\n"),
            "line 1: `-1` is not a whole number of milliseconds"
        );
        assert_eq!(
            error(b"1\n99999999999999\n"),
            "line 2: `99999999999999` is not a whole number of milliseconds"
        );
        assert_eq!(error(b"3\n2\n"), "line 2: 2 ms is before the line above");
        assert!(error(b"").starts_with("there are no opportunities"));
        assert!(error(b"0\n0\n").starts_with("the last opportunity is at 0 ms"));
        assert_eq!(error(b"1\n\xfe\n"), "line 2: not a text file");
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_politely(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[-+0-9.e \t\r\n#]{0,80}") {
            let _ = parse(&bytes);
            let _ = parse(text.as_bytes());
        }
    }
}
