//! From one format to another, a record at a time.

use std::io::Write;

use weaknet_core::Span;
use weaknet_netem::trace::{
    Bin, Direction, Format, Head, Kind, Opportunity, Quantity, Record, Segment, Spread, Target,
    TraceError, TraceReader, TraceWriter, restore, transcribe,
};

/// How to convert.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversion {
    /// The format to write.
    pub to: Format,
    /// Length of the bins in which opportunities become rates.
    pub bin: Span,
    /// What an opportunity carries.
    pub opportunity: u64,
    /// The direction to write, of formats with two.
    pub direction: Direction,
    /// Leave out what the format cannot hold instead of refusing it.
    pub lossy: bool,
    /// Entries of the canonical form's head: title, licence, filtering, ...
    pub entries: Vec<(String, String)>,
}

/// What was converted.
#[derive(Debug, Clone, PartialEq)]
pub struct Converted {
    /// Records read.
    pub read: u64,
    /// Whether the text itself was kept: it can be converted back unchanged.
    pub verbatim: bool,
    /// After what time the trace repeated before and does now.
    pub lengths: [Option<Span>; 2],
}

/// Converts a trace.
///
/// # Errors
/// When the trace is wrong, the format cannot hold it, or the output fails.
pub fn convert(
    reader: TraceReader<'_>,
    how: &Conversion,
    out: &mut dyn Write,
) -> Result<Converted, TraceError> {
    let source = reader.head().source;
    let verbatim = |read| Converted {
        read,
        verbatim: true,
        lengths: [None; 2],
    };
    if how.to == Format::Canonical {
        return transcribe(reader, &how.entries, out).map(verbatim);
    }
    if source == Some(how.to) {
        return restore(reader, out).map(verbatim);
    }
    let lost = lost(&reader, how);
    if !lost.is_empty() && !how.lossy {
        return Err(error(format!(
            "{} cannot hold the trace's {}: that would be lost",
            how.to.name(),
            lost.join(", ")
        )));
    }
    rewrite(reader, how, out)
}

fn error(message: String) -> TraceError {
    TraceError {
        line: None,
        message,
    }
}

/// What the trace says that the format cannot hold.
fn lost(reader: &TraceReader<'_>, how: &Conversion) -> Vec<String> {
    let held: &[Quantity] = match how.to.kind() {
        Some(Kind::Opportunities) => &[Quantity::Rate],
        _ => how.to.quantities(),
    };
    let said = Quantity::ALL
        .into_iter()
        .filter(|quantity| reader.carries(*quantity));
    let quantities = said.filter(|quantity| !held.contains(quantity));
    let columns = reader
        .ignored()
        .into_iter()
        .map(|name| format!("column {name}"));
    quantities
        .map(|quantity| quantity.name().to_owned())
        .chain(columns)
        .collect()
}

/// Writes the records, in another kind where the format is of another.
fn rewrite(
    mut reader: TraceReader<'_>,
    how: &Conversion,
    out: &mut dyn Write,
) -> Result<Converted, TraceError> {
    let from = reader.kind();
    let kind = how.to.kind().unwrap_or(from);
    let quantities = match (from, kind) {
        (Kind::Opportunities, Kind::Segments) => vec![Quantity::Rate],
        _ => {
            let carried = Quantity::ALL.into_iter().filter(|q| reader.carries(*q));
            carried
                .filter(|q| how.to.quantities().contains(q))
                .collect()
        }
    };
    match (from, kind) {
        (Kind::Segments, Kind::Opportunities) if !reader.carries(Quantity::Rate) => {
            return Err(error(format!(
                "{} needs a rate, of which the trace says nothing",
                how.to.name()
            )));
        }
        (Kind::Frames, other) | (other, Kind::Frames) if other != Kind::Frames => {
            return Err(error(format!(
                "frame sizes say nothing of a link: {} cannot be made of {}",
                kind.name(),
                from.name()
            )));
        }
        _ => {}
    }
    let target = Target {
        format: how.to,
        kind,
        quantities,
        opportunity: how.opportunity,
        direction: how.direction,
        lossy: how.lossy,
    };
    let mut writer = TraceWriter::new(out, &Head::default(), target)?;
    let length = match (from, kind) {
        (Kind::Opportunities, Kind::Segments) => {
            let mut bin = Bin::new(how.bin)?;
            let mut each = |segment: Segment| writer.push(&Record::Segment(segment));
            while let Some(record) = reader.next()? {
                if let Record::Opportunity(opportunity) = record {
                    bin.push(&opportunity, &mut each)?;
                }
            }
            Some(bin.finish(&mut each)?)
        }
        (Kind::Segments, Kind::Opportunities) => spread(&mut reader, how.opportunity, &mut writer)?,
        _ => {
            while let Some(record) = reader.next()? {
                writer.push(&record)?;
            }
            reader.length()
        }
    };
    writer.finish(length)?;
    Ok(Converted {
        read: reader.records(),
        verbatim: false,
        lengths: [reader.length(), length],
    })
}

/// Makes opportunities of segments; the last one ends the trace.
fn spread(
    reader: &mut TraceReader<'_>,
    bytes: u64,
    writer: &mut TraceWriter<&mut dyn Write>,
) -> Result<Option<Span>, TraceError> {
    let mut spread = Spread::new(Span::from_millis(1), bytes)?;
    let mut last = None;
    let mut each = |opportunity: Opportunity| {
        last = Some(opportunity.at);
        writer.push(&Record::Opportunity(opportunity))
    };
    let mut pending: Option<Segment> = None;
    while let Some(record) = reader.next()? {
        let Record::Segment(segment) = record else {
            continue;
        };
        if let Some(before) = pending.replace(segment) {
            spread.push(&before, segment.start, &mut each)?;
        }
    }
    if let Some(segment) = pending {
        let end = reader
            .length()
            .unwrap_or(segment.start + Span::from_secs(1));
        spread.push(&segment, end, &mut each)?;
    }
    match last {
        Some(last) if !last.is_zero() => Ok(Some(last)),
        _ => Err(error(
            "the trace carries less than two packets: no opportunity would be left".to_owned(),
        )),
    }
}
