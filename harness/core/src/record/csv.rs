//! `series/<id>.csv`: one row per bin, first column `t_s`.
//!
//! Numbers have at most three decimals from 1 on and six below, trailing zeros
//! left out, so that no noise of binary fractions reaches the file; an empty
//! field means that there is no value.

use std::io::Write as _;

use crate::results::Series;

/// Why a file is not a series.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SeriesError {
    /// Not CSV, or rows of different lengths.
    #[error("not a table: {0}")]
    Table(String),
    /// The first column is another one.
    #[error("the first column is `{0}`: expected `t_s`")]
    FirstColumn(String),
    /// A field is not a number.
    #[error("row {row}: `{field}` is not a number")]
    Number {
        /// Row of the table, the header being 1.
        row: usize,
        /// As written.
        field: String,
    },
}

/// Decimals of a number in the file, and how many such units make 1.
fn decimals(value: f64) -> (usize, f64) {
    if value.abs() < 1.0 {
        (6, 1e6)
    } else {
        (3, 1e3)
    }
}

/// Writes a number without trailing zeros; nothing for NaN and infinities.
fn number(out: &mut Vec<u8>, value: f64) {
    out.clear();
    if !value.is_finite() {
        return;
    }
    let (mut decimals, scale) = decimals(value);
    let units = (value.abs() * scale).round();
    if units >= 1e15 {
        // The product need not be exact.
        let _ = write!(out, "{value}");
        return;
    }
    let mut units = units as u64;
    let is_negative = value < 0.0 && units > 0;
    while decimals > 0 && units.is_multiple_of(10) {
        decimals -= 1;
        units /= 10;
    }
    // From the last digit to the first.
    for place in 0.. {
        if place == decimals && place > 0 {
            out.push(b'.');
        }
        out.push(b'0' + (units % 10) as u8);
        units /= 10;
        if units == 0 && place >= decimals {
            break;
        }
    }
    if is_negative {
        out.push(b'-');
    }
    out.reverse();
}

/// A value as it will be read back from the file.
pub(super) fn rounded(value: f64) -> f64 {
    let (_, scale) = decimals(value);
    let scaled = value * scale;
    match value.is_finite() {
        // Larger values have no such decimals.
        true if scaled.abs() < 9e15 => scaled.round() / scale + 0.0,
        true => value,
        false => f64::NAN,
    }
}

/// A series as the bytes of its file.
#[must_use]
pub fn write_series(series: &Series) -> Vec<u8> {
    let bins = series.values.iter().map(Vec::len).max().unwrap_or(0);
    let bytes = Vec::with_capacity(bins * (series.values.len() + 1) * 6);
    let mut writer = csv::Writer::from_writer(bytes);
    let mut field = Vec::new();
    // Writing to memory cannot fail.
    let _ = writer
        .write_record(std::iter::once("t_s").chain(series.columns.iter().map(String::as_str)));
    for bin in 0..bins {
        number(&mut field, rounded(bin as f64 * series.step_s));
        let _ = writer.write_field(&field);
        for values in &series.values {
            number(&mut field, values.get(bin).copied().unwrap_or(f64::NAN));
            let _ = writer.write_field(&field);
        }
        let _ = writer.write_record(None::<&[u8]>);
    }
    writer.into_inner().unwrap_or_default()
}

/// Reads what [`write_series`] wrote.
///
/// # Errors
/// When the bytes are not such a table.
pub fn read_series(bytes: &[u8]) -> Result<Series, SeriesError> {
    let table = |e: csv::Error| SeriesError::Table(e.to_string());
    let mut reader = csv::Reader::from_reader(bytes);
    let headers = reader.headers().map_err(table)?;
    if headers.get(0) != Some("t_s") {
        return Err(SeriesError::FirstColumn(
            headers.get(0).unwrap_or_default().to_owned(),
        ));
    }
    let columns: Vec<String> = headers.iter().skip(1).map(str::to_owned).collect();
    let mut values = vec![Vec::new(); columns.len()];
    let mut starts = Vec::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(table)? {
        let parse = |field: &str| match field {
            "" => Ok(f64::NAN),
            _ => field.parse::<f64>().map_err(|_| SeriesError::Number {
                row: starts.len() + 2,
                field: field.to_owned(),
            }),
        };
        let start = parse(&record[0])?;
        for (column, field) in values.iter_mut().zip(record.iter().skip(1)) {
            column.push(parse(field)?);
        }
        starts.push(start);
    }
    let step_s = match starts[..] {
        [first, second, ..] => rounded(second - first),
        _ => super::GRID.as_secs_f64(),
    };
    Ok(Series {
        step_s,
        columns,
        values,
    })
}
