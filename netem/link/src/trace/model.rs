//! Traces as models: what a run can reach of them, kept in memory.

use std::io::Read;

use weaknet_core::{Span, Time};

use super::reader::{Options, TraceReader};
use super::record::{Kind, Opportunity, Quantity, Record, Segment};
use crate::timeline::Timeline;

/// More rows than this within a run are refused rather than kept.
const MOST_ROWS: usize = 1 << 25;

/// How fast a link is before it has served is what it does in this time.
const SERVICE: u64 = 1_000_000_000;

/// Opens a trace that a model wants a quantity from.
pub(crate) fn open<'a>(
    input: &'a mut dyn Read,
    options: &Options,
) -> Result<TraceReader<'a>, String> {
    TraceReader::open(input, options).map_err(|error| error.to_string())
}

/// One quantity over time, as far as a run that ends at `horizon` goes. Before
/// its first value the first value holds; the trace repeats after its end.
pub(crate) fn timeline<T: Copy>(
    mut reader: TraceReader<'_>,
    quantity: Quantity,
    horizon: Time,
    pick: impl Fn(&Segment) -> Option<T>,
) -> Result<Timeline<T>, String> {
    if !reader.carries(quantity) {
        let kind = match reader.kind() {
            Kind::Segments => format!("its columns are {}", reader.columns().join(", ")),
            other => format!("it holds {}", other.name()),
        };
        return Err(format!(
            "the trace says nothing of a {}: {kind}",
            quantity.name()
        ));
    }
    let mut points: Vec<(Span, T)> = Vec::new();
    let mut complete = true;
    while let Some(record) = reader.next().map_err(|error| error.to_string())? {
        let Record::Segment(segment) = record else {
            continue;
        };
        if segment.start.as_nanos() > horizon.as_nanos() {
            complete = false;
            break;
        }
        let Some(value) = pick(&segment) else {
            continue;
        };
        let start = if points.is_empty() {
            Span::ZERO
        } else {
            segment.start
        };
        match points.last_mut() {
            Some(last) if last.0 == start => last.1 = value,
            _ => points.push((start, value)),
        }
        check_size(points.len())?;
    }
    if points.is_empty() {
        return Err(format!("no row says anything of a {}", quantity.name()));
    }
    let length = reader.length().filter(|_| complete);
    Timeline::repeating(points, length).map_err(|e| e.message(quantity.name()))
}

/// All opportunities that a run can reach, and those of the first second of
/// service, which says how fast the link is before it has served.
pub(crate) fn opportunities(
    mut reader: TraceReader<'_>,
    horizon: Time,
    outage: u64,
) -> Result<Vec<Opportunity>, String> {
    let mut kept: Vec<Opportunity> = Vec::new();
    let (mut last, mut served) = (0, 0u64);
    while let Some(record) = reader.next().map_err(|error| error.to_string())? {
        let Record::Opportunity(opportunity) = record else {
            continue;
        };
        let at = opportunity.at.as_nanos();
        let gap = at - last;
        served = served.saturating_add(if gap < outage { gap } else { 0 });
        last = at;
        kept.push(opportunity);
        if at > horizon.as_nanos() && served > SERVICE {
            break;
        }
        check_size(kept.len())?;
    }
    Ok(kept)
}

fn check_size(rows: usize) -> Result<(), String> {
    if rows > MOST_ROWS {
        return Err(format!(
            "more than {MOST_ROWS} rows within the run: too many to keep"
        ));
    }
    Ok(())
}
