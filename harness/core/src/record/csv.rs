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

/// Decimals of a number in the file.
fn decimals(value: f64) -> usize {
    if value.abs() < 1.0 { 6 } else { 3 }
}

/// Writes a number without trailing zeros; nothing for NaN and infinities.
fn number(out: &mut Vec<u8>, value: f64) {
    out.clear();
    if !value.is_finite() {
        return;
    }
    if value.fract() == 0.0 && value.abs() < 1e15 {
        // Adding zero turns -0 into 0.
        let _ = write!(out, "{}", (value + 0.0) as i64);
        return;
    }
    let _ = write!(out, "{value:.*}", decimals(value));
    let zeros = out.iter().rev().take_while(|&&c| c == b'0').count();
    out.truncate(out.len() - zeros);
    if out.last() == Some(&b'.') {
        out.pop();
    }
    if out == b"-0" {
        out.remove(0);
    }
}

/// A value as it will be read back from the file.
pub(super) fn rounded(value: f64) -> f64 {
    let scale = if value.abs() < 1.0 { 1e6 } else { 1e3 };
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
