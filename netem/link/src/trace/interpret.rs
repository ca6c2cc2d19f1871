//! From the values of a row to what they mean.

use weaknet_core::{Bitrate, Ratio, Span};

use super::columns::{Column, Columns};
use super::error::TraceError;
use super::format::Direction;
use super::lines::shorten;
use super::number::decimal;
use super::record::{Frame, Kind, Opportunity, Record, Segment};
use super::row::Row;

/// Reads rows one after the other and checks that they make a trace.
#[derive(Debug)]
pub(super) struct Interpreter {
    columns: Columns,
    names: Vec<String>,
    kind: Kind,
    /// Whether a row may replace the one before it at the same time, as at the
    /// borders of chunks in Oboe's traces.
    replaces: bool,
    direction: Option<Direction>,
    seen_direction: Option<String>,
    origin: Option<u64>,
    /// What a row does not say holds on.
    held: Segment,
    /// Time of the row before, and the length of its segment.
    last: Option<(u64, u64)>,
    /// Sum of durations.
    ends: Option<u64>,
}

impl Interpreter {
    pub(super) fn new(
        names: &[String],
        columns: Columns,
        replaces: bool,
        direction: Option<Direction>,
    ) -> Result<Self, TraceError> {
        let values = [columns.rate, columns.loss, columns.delay, columns.jitter];
        let described = values.iter().any(Option::is_some);
        let timed = columns.time.is_some() || columns.duration.is_some();
        let kind = match (columns.frame, columns.bytes) {
            (Some(_), Some(_)) if timed => Kind::Frames,
            _ if timed && described => Kind::Segments,
            (None, Some(_)) if columns.time.is_some() => Kind::Opportunities,
            _ => {
                let names = names.join(", ");
                return Err(TraceError::new(format!(
                    "expected a column of time and one of a rate, loss, delay or bytes, such as \
                     `time_s` and `rate_mbps`; found {names}"
                )));
            }
        };
        Ok(Self {
            names: names.to_vec(),
            columns,
            kind,
            replaces,
            direction,
            seen_direction: None,
            origin: None,
            held: Segment::default(),
            last: None,
            ends: None,
        })
    }

    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) const fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The length of the trace after its last row; `None` where a single value
    /// holds for ever.
    pub(super) fn length(&self) -> Option<Span> {
        let (last, before) = self.last?;
        let length = match (self.kind, self.ends) {
            (_, Some(end)) => end,
            (Kind::Opportunities, None) => last,
            (_, None) if before == 0 => return None,
            (_, None) => last.saturating_add(before),
        };
        Some(Span::from_nanos(length))
    }

    fn value(&self, row: &Row, column: Column, what: &str) -> Result<Option<u64>, TraceError> {
        let text = row.cell(column.index);
        if text.is_empty() || text == "-" {
            return Ok(None);
        }
        let value = decimal(text, column.scale).ok_or_else(|| {
            let name = self.names.get(column.index).map_or("", String::as_str);
            TraceError::at(
                row.line,
                format!("`{}` is not {what} (column {name})", shorten(text)),
            )
        })?;
        Ok(Some(if column.half { value / 2 } else { value }))
    }

    fn needed(&self, row: &Row, column: Option<Column>, what: &str) -> Result<u64, TraceError> {
        let value = match column {
            Some(column) => self.value(row, column, what)?,
            None => None,
        };
        value.ok_or_else(|| TraceError::at(row.line, format!("{what} is missing")))
    }

    fn optional(
        &self,
        row: &Row,
        column: Option<Column>,
        what: &str,
    ) -> Result<Option<u64>, TraceError> {
        column.map_or(Ok(None), |column| self.value(row, column, what))
    }

    /// Whether the row is of the direction asked for.
    fn chosen(&mut self, row: &Row) -> Result<bool, TraceError> {
        let Some(column) = self.columns.direction else {
            return Ok(true);
        };
        let found = row.cell(column);
        if let Some(direction) = self.direction {
            return Ok(found == direction.name());
        }
        match &self.seen_direction {
            Some(seen) if seen != found => Err(TraceError::at(
                row.line,
                "the trace has an uplink and a downlink: expected a choice, `direction: uplink` \
                 or `direction: downlink`",
            )),
            Some(_) => Ok(true),
            None => {
                self.seen_direction = Some(found.to_owned());
                Ok(true)
            }
        }
    }

    /// What a row says; `None` when it is of another direction.
    pub(super) fn read(&mut self, row: &Row) -> Result<Option<Record>, TraceError> {
        if !self.chosen(row)? {
            return Ok(None);
        }
        let at = self.instant(row)?;
        Ok(Some(match self.kind {
            Kind::Opportunities => Record::Opportunity(Opportunity {
                at,
                bytes: self.needed(row, self.columns.bytes, "a whole number of bytes")?,
            }),
            Kind::Frames => Record::Frame(Frame {
                at,
                bytes: self.needed(row, self.columns.bytes, "a whole number of bytes")?,
                key: self
                    .columns
                    .frame
                    .is_some_and(|column| matches!(row.cell(column), "I" | "K" | "i" | "k")),
            }),
            Kind::Segments => Record::Segment(self.segment(row, at)?),
        }))
    }

    fn instant(&mut self, row: &Row) -> Result<Span, TraceError> {
        if let (None, Some(duration)) = (self.columns.time, self.columns.duration) {
            let length = self.needed(row, Some(duration), "a duration")?;
            let start = self.ends.unwrap_or(0);
            let end = start
                .checked_add(length)
                .ok_or_else(|| TraceError::at(row.line, "the trace is longer than time"))?;
            if length == 0 {
                return Err(TraceError::at(row.line, "expected a duration above zero"));
            }
            (self.ends, self.last) = (Some(end), Some((start, length)));
            return Ok(Span::from_nanos(start));
        }
        let column = self.columns.time;
        let (text, what) = (
            column.map_or("", |column| row.cell(column.index)),
            column.map_or("a time", |column| match column.scale {
                9 => "a time in seconds",
                6 => "a time in milliseconds",
                _ => "a time",
            }),
        );
        let time = self.needed(row, column, what)?;
        let origin = match self.kind {
            Kind::Opportunities => 0,
            Kind::Segments | Kind::Frames => *self.origin.get_or_insert(time),
        };
        let before = self.last.map(|(last, _)| last);
        let error = |message: &str| {
            let text = shorten(text);
            Err(TraceError::at(
                row.line,
                format!("the time {text} is {message}"),
            ))
        };
        let since = match (time.checked_sub(origin), before) {
            (None, _) => return error("before that of the row before"),
            (Some(since), Some(last)) if since < last => {
                return error("before that of the row before");
            }
            (Some(since), Some(last))
                if since == last && self.kind == Kind::Segments && !self.replaces =>
            {
                return error("also that of the row before");
            }
            (Some(since), _) => since,
        };
        let step = since - before.unwrap_or(since);
        let step = match (step, self.last) {
            (0, Some((_, step))) => step,
            _ => step,
        };
        self.last = Some((since, step));
        Ok(Span::from_nanos(since))
    }

    fn segment(&mut self, row: &Row, start: Span) -> Result<Segment, TraceError> {
        let columns = &self.columns;
        let rate = self.optional(row, columns.rate, "a rate")?;
        let loss = self.optional(row, columns.loss, "a share of packets lost")?;
        let delay = self.optional(row, columns.delay, "a delay")?;
        let jitter = self.optional(row, columns.jitter, "a jitter")?;
        if loss.is_some_and(|loss| loss > 1_000_000_000) {
            return Err(TraceError::at(
                row.line,
                "a share of packets lost above 1: expected a ratio, or a column whose name ends \
                 in _pct",
            ));
        }
        // In a JSON segment nothing holds on from the one before.
        let held = if columns.time.is_some() {
            self.held
        } else {
            Segment::default()
        };
        let ratio = |ppb: u64| Ratio::from_f64(ppb as f64 / 1e9);
        self.held = Segment {
            start,
            rate: rate.map(Bitrate::from_bps).or(held.rate),
            loss: loss.map(ratio).or(held.loss),
            delay: delay.map(Span::from_nanos).or(held.delay),
            jitter: jitter.map(Span::from_nanos).or(held.jitter),
        };
        Ok(self.held)
    }
}
