//! Tells a trace's format from its beginning.

use super::canonical::MAGIC;
use super::error::TraceError;
use super::format::Format;
use super::number::decimal;
use super::record::Quantity;

/// Bytes at the beginning of a file that are looked at.
pub(super) const HEAD: u64 = 1 << 16;

/// Bytes of the smallest packet: headers of IP and UDP, and of what they carry.
const SMALLEST_PACKET: u64 = 40;

/// Numbers of time that step so far are milliseconds of chunks; seconds of a
/// trace would step by less than two minutes.
const OBOE_STEP: u64 = 100;

/// The format of a file that begins like so. `wanted`: what is to be read from
/// it, where two columns without names could be anything.
pub(super) fn detect(head: &[u8], wanted: Option<Quantity>) -> Result<Format, TraceError> {
    // A character may be cut off at the end.
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(e) if e.error_len().is_none() => {
            std::str::from_utf8(&head[..e.valid_up_to()]).unwrap_or_default()
        }
        Err(e) => {
            let line = 1 + head[..e.valid_up_to()]
                .iter()
                .filter(|b| **b == b'\n')
                .count();
            return Err(TraceError::at(line as u64, "not a text file"));
        }
    };
    let text = text.trim_start_matches('\u{feff}');
    if text.starts_with(MAGIC) {
        return Ok(Format::Canonical);
    }
    if text.trim_start().starts_with(['{', '[']) {
        return Ok(Format::Opennetlab);
    }
    // The last line may be cut off; the lines may end in CR LF.
    let whole = match head.len() as u64 == HEAD {
        true => text.rfind('\n').map_or(text, |end| &text[..end]),
        false => text,
    };
    let mut rows = whole.lines().filter(|line| {
        let bare = line.trim();
        !bare.is_empty() && !bare.starts_with(['#', '%'])
    });
    let Some(first) = rows.next() else {
        return Err(TraceError::new(
            "the trace is empty: expected at least one row",
        ));
    };
    if first
        .trim_start()
        .starts_with(|c: char| c.is_ascii_alphabetic() || c == '"' || c == '_')
    {
        return Ok(if first.contains([',', ';', '\t']) {
            Format::Csv
        } else {
            two_columns(rows, wanted)?
        });
    }
    let values = |line: &str| {
        let line = line.split('#').next().unwrap_or_default();
        line.split(separator)
            .filter(|v| !v.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let first_values = values(first);
    match first_values.len() {
        1 => Ok(one_column(std::iter::once(first).chain(rows), wanted)),
        5 if first_values[1].starts_with(|c: char| c.is_ascii_alphabetic()) => Ok(Format::Frames),
        _ => two_columns(std::iter::once(first).chain(rows), wanted),
    }
}

/// Whole numbers are opportunities, decimals delays: a list of delays that are
/// whole by chance would be opportunities that go back in time.
fn one_column<'t>(mut rows: impl Iterator<Item = &'t str>, wanted: Option<Quantity>) -> Format {
    let decimals = |row: &str| {
        let text = row.split('#').next().unwrap_or_default().trim();
        text.contains('.') && decimal(text, 6).is_some()
    };
    match wanted {
        Some(Quantity::Delay) => Format::Leoreplayer,
        None if rows.any(decimals) => Format::Leoreplayer,
        _ => Format::Mahimahi,
    }
}

fn two_columns<'t>(
    rows: impl Iterator<Item = &'t str>,
    wanted: Option<Quantity>,
) -> Result<Format, TraceError> {
    match wanted {
        Some(Quantity::Delay) => return Ok(Format::SecondsMs),
        Some(Quantity::Loss) => return Ok(Format::SecondsLoss),
        _ => {}
    }
    let (mut times, mut values) = (Vec::new(), Vec::new());
    for row in rows.take(2_000) {
        let row = row.split('#').next().unwrap_or_default();
        let mut cells = row.split(separator).filter(|value| !value.is_empty());
        let (Some(time), Some(value)) = (cells.next(), cells.next()) else {
            break;
        };
        let Ok(time) = time.parse::<u64>() else {
            return Ok(Format::SecondsMbps);
        };
        times.push(time);
        values.push(value.parse::<u64>());
    }
    let mut steps: Vec<u64> = times.windows(2).map(|t| t[1].abs_diff(t[0])).collect();
    steps.retain(|step| *step > 0);
    steps.sort_unstable();
    let step = steps.get(steps.len() / 2).copied().unwrap_or(1);
    if step >= OBOE_STEP {
        return Ok(Format::Oboe);
    }
    let no_packet = |value: &Result<u64, _>| value.as_ref().is_ok_and(|v| *v < SMALLEST_PACKET);
    if values.iter().any(Result::is_err) || values.iter().all(no_packet) {
        return Ok(Format::SecondsMbps);
    }
    Err(TraceError::new(
        "two columns of whole numbers could be seconds and Mbit/s or milliseconds and bytes: \
         expected a choice of format, `seconds_mbps`, `mahimahi_bytes` or `oboe`",
    ))
}

const fn separator(c: char) -> bool {
    c.is_ascii_whitespace() || c == ',' || c == ';'
}
