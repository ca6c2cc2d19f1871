//! Writes traces of any format, a record at a time.

use std::io::Write;

use weaknet_core::Span;

use super::canonical::Head;
use super::error::TraceError;
use super::format::{Direction, Format};
use super::number::print;
use super::record::{Frame, Kind, Opportunity, Quantity, Record, Segment};

const MILLI: u64 = 1_000_000;

/// Rows of a delay file: one each 10 ms.
const LEO_STEP: u64 = 10 * MILLI;

/// A delay file longer than a year would be meant by nobody.
const LEO_MOST: u64 = 365 * 86_400 * 100;

/// How a trace is to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The format.
    pub format: Format,
    /// What the records will be.
    pub kind: Kind,
    /// What segments will say; only these have columns.
    pub quantities: Vec<Quantity>,
    /// IP bytes of an opportunity where the format does not say them.
    pub opportunity: u64,
    /// The direction, of formats with two.
    pub direction: Direction,
    /// Leave out what the format cannot hold instead of refusing it.
    pub lossy: bool,
}

impl Format {
    /// What its records are; `None`: several kinds.
    #[must_use]
    pub const fn kind(self) -> Option<Kind> {
        match self {
            Self::Mahimahi | Self::MahimahiBytes => Some(Kind::Opportunities),
            Self::Frames => Some(Kind::Frames),
            Self::Csv | Self::Canonical => None,
            _ => Some(Kind::Segments),
        }
    }

    /// The quantities that its segments hold.
    #[must_use]
    pub const fn quantities(self) -> &'static [Quantity] {
        match self {
            Self::SecondsMbps | Self::Oboe => &[Quantity::Rate],
            Self::SecondsMs | Self::Leoreplayer => &[Quantity::Delay],
            Self::SecondsLoss => &[Quantity::Loss],
            Self::Opennetlab | Self::Csv | Self::Canonical => &Quantity::ALL,
            Self::Mahimahi | Self::MahimahiBytes | Self::Frames => &[],
        }
    }
}

/// Writes a trace.
#[derive(Debug)]
pub struct TraceWriter<W: Write> {
    out: W,
    target: Target,
    /// The segment whose end is not known yet, and the length of the one
    /// written before it.
    pending: Option<Segment>,
    before: Option<u64>,
    /// Rows written.
    rows: u64,
}

impl<W: Write> TraceWriter<W> {
    /// Begins a trace; `head` stands in the canonical form.
    ///
    /// # Errors
    /// When the format cannot hold such a trace.
    pub fn new(mut out: W, head: &Head, target: Target) -> Result<Self, TraceError> {
        let format = target.format;
        if format.kind().is_some_and(|kind| kind != target.kind) {
            return Err(TraceError::new(format!(
                "{} holds no {}",
                format.name(),
                target.kind.name()
            )));
        }
        if target.kind == Kind::Segments {
            let held = format.quantities();
            let lost: Vec<&str> = target
                .quantities
                .iter()
                .filter(|quantity| !held.contains(quantity))
                .map(|quantity| quantity.name())
                .collect();
            if !lost.is_empty() && !target.lossy {
                return Err(TraceError::new(format!(
                    "{} cannot hold the trace's {}: that would be lost",
                    format.name(),
                    lost.join(", ")
                )));
            }
            if !held
                .iter()
                .any(|quantity| target.quantities.contains(quantity))
            {
                return Err(TraceError::new(format!(
                    "{} holds the {}, of which the trace says nothing",
                    format.name(),
                    held.first().map_or("", |quantity| quantity.name())
                )));
            }
        }
        let columns = columns(&target);
        match format {
            Format::Canonical => {
                let mut head = head.clone();
                head.set("kind", target.kind.name());
                head.write(&columns, &mut out)?;
            }
            Format::Csv => writeln!(out, "{}", columns.join(","))?,
            Format::Opennetlab => {
                let other = match target.direction {
                    Direction::Uplink => Direction::Downlink,
                    Direction::Downlink => Direction::Uplink,
                };
                write!(
                    out,
                    "{{\"type\": \"video\", \"{}\": {{}}, \"{}\": {{\"trace_pattern\": [",
                    other.name(),
                    target.direction.name()
                )?;
            }
            _ => {}
        }
        Ok(Self {
            out,
            target,
            pending: None,
            before: None,
            rows: 0,
        })
    }

    /// Writes a record.
    ///
    /// # Errors
    /// When the format cannot hold it, or the output fails.
    pub fn push(&mut self, record: &Record) -> Result<(), TraceError> {
        match record {
            Record::Opportunity(opportunity) => self.opportunity(opportunity),
            Record::Frame(frame) => self.frame(frame),
            Record::Segment(segment) => {
                if let Some(pending) = self.pending.replace(*segment) {
                    self.segment(&pending, segment.start)?;
                }
                Ok(())
            }
        }
    }

    /// Ends the trace, which repeats after `length`; `None`: the last segment
    /// holds for ever.
    ///
    /// # Errors
    /// When the output fails.
    pub fn finish(mut self, length: Option<Span>) -> Result<W, TraceError> {
        if let Some(last) = self.pending.take() {
            let end = length.unwrap_or(last.start + Span::from_secs(1));
            self.segment(&last, end)?;
            self.close(&last, length)?;
        }
        if self.target.format == Format::Opennetlab {
            self.out.write_all(b"\n]}}\n")?;
        }
        self.out.flush()?;
        Ok(self.out)
    }

    /// Where the last row holds as long as the one before it, makes that so.
    fn close(&mut self, last: &Segment, length: Option<Span>) -> Result<(), TraceError> {
        let implied = matches!(
            self.target.format,
            Format::SecondsMbps
                | Format::SecondsMs
                | Format::SecondsLoss
                | Format::Oboe
                | Format::Csv
                | Format::Canonical
        );
        let Some(length) = length.filter(|_| implied) else {
            return Ok(());
        };
        let rest = length.saturating_sub(last.start).as_nanos();
        let implied = self.before.filter(|_| self.rows > 1);
        // Halves of the last segment; its halves are as long as each other.
        if implied != Some(rest) && rest > 1 {
            let half = Segment {
                start: last.start + Span::from_nanos(rest / 2),
                ..*last
            };
            self.segment(&half, length)?;
        }
        Ok(())
    }

    fn opportunity(&mut self, opportunity: &Opportunity) -> Result<(), TraceError> {
        let Opportunity { at, bytes } = *opportunity;
        let nanos = at.as_nanos();
        let whole = nanos % MILLI == 0;
        self.rows += 1;
        match self.target.format {
            Format::Mahimahi => {
                let each = self.target.opportunity.max(1);
                if (!whole || bytes % each != 0) && !self.target.lossy {
                    return Err(TraceError::new(format!(
                        "mahimahi cannot hold {bytes} B at {} ms: expected whole milliseconds and \
                         multiples of {each} B; that would be lost",
                        print(nanos, 6)
                    )));
                }
                for _ in 0..bytes / each {
                    writeln!(self.out, "{}", nanos / MILLI)?;
                }
            }
            _ => {
                let separator = match self.target.format {
                    Format::MahimahiBytes => ' ',
                    _ => ',',
                };
                writeln!(self.out, "{}{separator}{bytes}", print(nanos, 6))?;
            }
        }
        Ok(())
    }

    fn frame(&mut self, frame: &Frame) -> Result<(), TraceError> {
        let (number, kind) = (self.rows, if frame.key { 'K' } else { 'U' });
        let at = print(frame.at.as_nanos(), 9);
        self.rows += 1;
        match self.target.format {
            Format::Frames => writeln!(self.out, "{number} {kind} 0. {at} {}", frame.bytes)?,
            _ => writeln!(self.out, "{number},{kind},{at},{}", frame.bytes)?,
        }
        Ok(())
    }

    fn segment(&mut self, segment: &Segment, end: Span) -> Result<(), TraceError> {
        let length = end.saturating_sub(segment.start).as_nanos();
        if length == 0 {
            return Ok(());
        }
        let format = self.target.format;
        let needed = format
            .quantities()
            .first()
            .copied()
            .unwrap_or(Quantity::Rate);
        if format.quantities().len() == 1 && !segment.has(needed) {
            return Err(TraceError::new(format!(
                "the trace says no {} at {} s, and {} needs one",
                needed.name(),
                print(segment.start.as_nanos(), 9),
                format.name()
            )));
        }
        let rate = segment.rate.unwrap_or_default().as_bps();
        let delay = segment.delay.unwrap_or_default().as_nanos();
        let seconds = print(segment.start.as_nanos(), 9);
        match format {
            Format::SecondsMbps => writeln!(self.out, "{seconds} {}", print(rate, 6))?,
            Format::SecondsMs => writeln!(self.out, "{seconds} {}", print(delay, 6))?,
            Format::SecondsLoss => {
                let loss = segment.loss.unwrap_or_default().ppb();
                writeln!(self.out, "{seconds} {}", print(loss, 9))?;
            }
            Format::Oboe => {
                let at = print(segment.start.as_nanos(), 6);
                writeln!(self.out, "{at} {}", print(rate, 3))?;
            }
            Format::Leoreplayer => self.delays(segment.start.as_nanos(), end.as_nanos(), delay)?,
            Format::Opennetlab => self.json(segment, length)?,
            _ => self.named(segment)?,
        }
        (self.rows, self.before) = (self.rows + 1, Some(length));
        Ok(())
    }

    /// The delays at all steps within a segment.
    fn delays(&mut self, start: u64, end: u64, delay: u64) -> Result<(), TraceError> {
        let (first, last) = (start.div_ceil(LEO_STEP), end.div_ceil(LEO_STEP));
        if last > LEO_MOST {
            return Err(TraceError::new(
                "leoreplayer needs a line each 10 ms: a trace of more than a year is too long",
            ));
        }
        let text = print(delay, 6);
        for _ in first..last {
            writeln!(self.out, "{text}")?;
        }
        Ok(())
    }

    fn json(&mut self, segment: &Segment, length: u64) -> Result<(), TraceError> {
        let comma = if self.rows > 0 { "," } else { "" };
        let rate = segment.rate.ok_or_else(|| {
            TraceError::new("opennetlab needs a capacity, of which the trace says nothing")
        })?;
        write!(
            self.out,
            "{comma}\n  {{\"duration\": {}, \"capacity\": {}",
            print(length, 6),
            print(rate.as_bps(), 3)
        )?;
        if let Some(loss) = segment.loss {
            write!(self.out, ", \"loss\": {}", print(loss.ppb(), 9))?;
        }
        if let Some(delay) = segment.delay {
            let rtt = delay.as_nanos().saturating_mul(2);
            write!(self.out, ", \"rtt\": {}", print(rtt, 6))?;
        }
        if let Some(jitter) = segment.jitter {
            write!(self.out, ", \"jitter\": {}", print(jitter.as_nanos(), 6))?;
        }
        self.out.write_all(b"}")?;
        Ok(())
    }

    fn named(&mut self, segment: &Segment) -> Result<(), TraceError> {
        write!(self.out, "{}", print(segment.start.as_nanos(), 9))?;
        for quantity in &self.target.quantities {
            let text = match quantity {
                Quantity::Rate => segment.rate.map(|rate| print(rate.as_bps(), 6)),
                Quantity::Loss => segment.loss.map(|loss| print(loss.ppb(), 9)),
                Quantity::Delay => segment.delay.map(|delay| print(delay.as_nanos(), 6)),
                Quantity::Jitter => segment.jitter.map(|jitter| print(jitter.as_nanos(), 6)),
            };
            write!(self.out, ",{}", text.unwrap_or_default())?;
        }
        writeln!(self.out)?;
        Ok(())
    }
}

/// The columns of a table with names.
fn columns(target: &Target) -> Vec<String> {
    let names: Vec<&str> = match target.kind {
        Kind::Opportunities => vec!["time_ms", "bytes"],
        Kind::Frames => vec!["frame", "type", "time_s", "bytes"],
        Kind::Segments => {
            let name = |quantity: &Quantity| match quantity {
                Quantity::Rate => "rate_mbps",
                Quantity::Loss => "loss",
                Quantity::Delay => "delay_ms",
                Quantity::Jitter => "jitter_ms",
            };
            std::iter::once("time_s")
                .chain(target.quantities.iter().map(name))
                .collect()
        }
    };
    names.into_iter().map(str::to_owned).collect()
}
