//! The recording of a live link: what came, what the link decided, and when packets
//! left.
//!
//! A text file. Its first line is `# weaknet recording/1` and, as JSON, what was run
//! ([`About`]). Then comma-separated values with a header:
//!
//! | column | |
//! |---|---|
//! | `time_ns` | since the start of the run: of `out` when the packet was due, of `left` when it was written |
//! | `link` | its place in the scenario: 0 forward, 1 backward, or as under `links:` |
//! | `what` | `in`, `via`, `out`, `left`, `drop`, `mark`, `copy`, `set`, `end` |
//! | `packet` | its number on the link, from 0 |
//! | `size` | bytes from the IP header on |
//! | `flow`, `protocol`, `ecn` | of `in`: a hash of the five-tuple; `udp`, `tcp`, `other`; `0`, `ect0`, `ect1`, `ce` |
//! | `queue_ns`, `total_ns` | of `out`: time in the queue, and from `in` to `out` |
//! | `via` | as `in`, from the link before |
//! | `detail` | of `drop` the reason, of `left` the time at which it was due, of `set` a JSON list of all changes in force |
//!
//! Rows of one link are in the order in which its worker told them.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};

use serde::{Deserialize, Serialize};
use weaknet_core::event::{DropReason, Event};
use weaknet_core::packet::{Class, Ecn, FlowId, Leg, LinkId, Protocol, Tag};
use weaknet_core::{Span, Time};

use crate::capture::reason_name;

const MAGIC: &str = "# weaknet recording/1 ";
const COLUMNS: [&str; 11] = [
    "time_ns", "link", "what", "packet", "size", "flow", "protocol", "ecn", "queue_ns", "total_ns",
    "detail",
];

/// What was run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The scenario file or preset.
    pub path: String,
    /// The arguments of `--set`.
    pub sets: Vec<String>,
    /// The seed.
    pub seed: u64,
    /// The version of weaknet.
    pub version: String,
    /// The flow whose route was taken, if one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
}

/// Something that happened to a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// When.
    pub at: Time,
    /// Which link, by its place in the scenario: 0 forward, 1 backward where it has two.
    pub link: u16,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A packet came.
    In {
        /// Its number.
        packet: u64,
        /// Its bytes.
        size: u32,
        /// What has one five-tuple.
        flow: FlowId,
        /// Its protocol.
        protocol: Protocol,
        /// Its codepoint.
        ecn: Ecn,
    },
    /// A packet came from the link before.
    Via {
        /// Its number.
        packet: u64,
        /// Its bytes.
        size: u32,
    },
    /// A packet was due at the far end.
    Out {
        /// Its number.
        packet: u64,
        /// Its bytes.
        size: u32,
        /// Time in the queue.
        waited: Span,
        /// Time since it came.
        total: Span,
    },
    /// A packet was written to the device.
    Left {
        /// Its number.
        packet: u64,
        /// When it was due.
        ideal: Time,
    },
    /// A packet was dropped.
    Drop {
        /// Its number.
        packet: u64,
        /// Its bytes.
        size: u32,
        /// Why.
        reason: DropReason,
    },
    /// A queue marked a packet.
    Mark {
        /// Its number.
        packet: u64,
    },
    /// The link made a copy of a packet.
    Copy {
        /// Its number.
        packet: u64,
        /// Its bytes.
        size: u32,
    },
    /// These changes are in force from now on.
    Set(Vec<String>),
    /// The link was stopped.
    End,
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The system refused.
    #[error("failed to read the recording: {0}")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("no recording of weaknet: expected a first line `{MAGIC}{{...}}`")]
    Magic,
    /// Its first line is damaged.
    #[error("line 1: {0}")]
    About(serde_json::Error),
    /// A line is damaged.
    #[error("line {line}: {message}")]
    Row {
        /// Which.
        line: u64,
        /// What is wrong with it.
        message: String,
    },
}

const REASONS: [DropReason; 6] = [
    DropReason::Overflow,
    DropReason::Aqm,
    DropReason::Loss,
    DropReason::Policed,
    DropReason::TooBig,
    DropReason::Filtered,
];

const PROTOCOLS: [(Protocol, &str); 3] = [
    (Protocol::Udp, "udp"),
    (Protocol::Tcp, "tcp"),
    (Protocol::Other, "other"),
];

const ECNS: [(Ecn, &str); 4] = [
    (Ecn::NotEct, "0"),
    (Ecn::Ect0, "ect0"),
    (Ecn::Ect1, "ect1"),
    (Ecn::Ce, "ce"),
];

fn name<T: PartialEq>(names: &[(T, &'static str)], value: &T) -> &'static str {
    let named = names.iter().find(|(each, _)| each == value);
    named.map_or("other", |(_, name)| name)
}

impl Row {
    /// What a link has published, as far as a recording keeps it; of the first link on a
    /// way the arrivals are recorded as [`What::In`].
    #[must_use]
    pub fn of_event(at: Time, event: &Event) -> Option<Self> {
        let (link, what) = match *event {
            Event::LinkArrive { link, packet } => (
                link,
                What::Via {
                    packet: packet.id,
                    size: packet.size,
                },
            ),
            Event::LinkDeliver {
                link,
                packet,
                waited,
                total,
            } => (
                link,
                What::Out {
                    packet: packet.id,
                    size: packet.size,
                    waited,
                    total,
                },
            ),
            Event::LinkDrop {
                link,
                packet,
                reason,
            } => (
                link,
                What::Drop {
                    packet: packet.id,
                    size: packet.size,
                    reason,
                },
            ),
            Event::LinkMark { link, packet } => (link, What::Mark { packet: packet.id }),
            Event::LinkCopy { link, packet } => (
                link,
                What::Copy {
                    packet: packet.id,
                    size: packet.size,
                },
            ),
            _ => return None,
        };
        Some(Self {
            at,
            link: link.0,
            what,
        })
    }

    /// The event that it is the record of, if it is of one.
    #[must_use]
    pub fn event(&self) -> Option<Event> {
        let link = LinkId(self.link);
        let tag = |id, size| Tag {
            id,
            flow: FlowId(0),
            leg: if self.link == 0 {
                Leg::Outward
            } else {
                Leg::Return
            },
            class: Class::Other,
            size,
        };
        Some(match self.what {
            What::In { packet, size, .. } | What::Via { packet, size } => Event::LinkArrive {
                link,
                packet: tag(packet, size),
            },
            What::Out {
                packet,
                size,
                waited,
                total,
            } => Event::LinkDeliver {
                link,
                packet: tag(packet, size),
                waited,
                total,
            },
            What::Drop {
                packet,
                size,
                reason,
            } => Event::LinkDrop {
                link,
                packet: tag(packet, size),
                reason,
            },
            What::Mark { packet } => Event::LinkMark {
                link,
                packet: tag(packet, 0),
            },
            What::Copy { packet, size } => Event::LinkCopy {
                link,
                packet: tag(packet, size),
            },
            What::Left { ideal, .. } => Event::LinkLeft {
                link,
                late: self.at.since(ideal),
            },
            What::Set(_) | What::End => return None,
        })
    }
}

/// Writes a recording.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: csv::Writer<W>,
    /// The fields of a row, used again and again.
    fields: [String; COLUMNS.len()],
}

impl<W: Write> Writer<W> {
    /// Begins one.
    ///
    /// # Errors
    /// Those of the output.
    pub fn new(mut out: W, about: &About) -> io::Result<Self> {
        writeln!(out, "{MAGIC}{}", serde_json::to_string(about)?)?;
        let mut out = csv::Writer::from_writer(out);
        out.write_record(COLUMNS)?;
        Ok(Self {
            out,
            fields: Default::default(),
        })
    }

    /// Writes a row.
    ///
    /// # Errors
    /// Those of the output.
    pub fn row(&mut self, row: &Row) -> io::Result<()> {
        self.fields.iter_mut().for_each(String::clear);
        let [
            time,
            link,
            what,
            packet,
            size,
            flow,
            protocol,
            ecn,
            queue,
            total,
            detail,
        ] = &mut self.fields;
        let put = |field: &mut String, number: u64| {
            // Strings take all that is written.
            let _ = write!(field, "{number}");
        };
        put(time, row.at.as_nanos());
        put(link, u64::from(row.link));
        what.push_str(match &row.what {
            What::In {
                packet: id,
                size: bytes,
                flow: key,
                protocol: number,
                ecn: codepoint,
            } => {
                put(packet, *id);
                put(size, u64::from(*bytes));
                put(flow, u64::from(key.0));
                protocol.push_str(name(&PROTOCOLS, number));
                ecn.push_str(name(&ECNS, codepoint));
                "in"
            }
            What::Via {
                packet: id,
                size: bytes,
            } => {
                put(packet, *id);
                put(size, u64::from(*bytes));
                "via"
            }
            What::Out {
                packet: id,
                size: bytes,
                waited,
                total: all,
            } => {
                put(packet, *id);
                put(size, u64::from(*bytes));
                put(queue, waited.as_nanos());
                put(total, all.as_nanos());
                "out"
            }
            What::Left { packet: id, ideal } => {
                put(packet, *id);
                put(detail, ideal.as_nanos());
                "left"
            }
            What::Drop {
                packet: id,
                size: bytes,
                reason,
            } => {
                put(packet, *id);
                put(size, u64::from(*bytes));
                detail.push_str(reason_name(*reason));
                "drop"
            }
            What::Mark { packet: id } => {
                put(packet, *id);
                "mark"
            }
            What::Copy {
                packet: id,
                size: bytes,
            } => {
                put(packet, *id);
                put(size, u64::from(*bytes));
                "copy"
            }
            What::Set(sets) => {
                detail.push_str(&serde_json::to_string(sets)?);
                "set"
            }
            What::End => "end",
        });
        Ok(self.out.write_record(&self.fields)?)
    }

    /// The output, when all is written.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(self) -> io::Result<W> {
        self.out
            .into_inner()
            .map_err(csv::IntoInnerError::into_error)
    }
}

/// Reads a recording row by row.
pub struct Recording<R> {
    about: About,
    rows: csv::StringRecordsIntoIter<BufReader<R>>,
}

impl<R: Read> Recording<R> {
    /// Reads what was run.
    ///
    /// # Errors
    /// When it is no recording.
    pub fn open(input: R) -> Result<Self, RecordingError> {
        let mut input = BufReader::new(input);
        let mut first = Vec::new();
        // As long a line as any command makes, and no more of a file that is none.
        input.by_ref().take(1 << 20).read_until(b'\n', &mut first)?;
        let first = String::from_utf8(first).map_err(|_| RecordingError::Magic)?;
        let about = first.strip_prefix(MAGIC).ok_or(RecordingError::Magic)?;
        let about = serde_json::from_str(about).map_err(RecordingError::About)?;
        Ok(Self {
            about,
            rows: csv::Reader::from_reader(input).into_records(),
        })
    }

    /// What was run.
    #[must_use]
    pub const fn about(&self) -> &About {
        &self.about
    }
}

impl<R: Read> Iterator for Recording<R> {
    type Item = Result<Row, RecordingError>;

    fn next(&mut self) -> Option<Self::Item> {
        let bad = |line: u64, message: String| RecordingError::Row {
            // The first line is not the table's.
            line: line + 1,
            message,
        };
        Some(match self.rows.next()? {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                parse(&record).map_err(|message| bad(line, message))
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                Err(bad(line, error.to_string()))
            }
        })
    }
}

fn parse(record: &csv::StringRecord) -> Result<Row, String> {
    let field = |column: &str| {
        let at = COLUMNS.iter().position(|name| *name == column);
        at.and_then(|at| record.get(at)).unwrap_or_default()
    };
    let number = |column: &str| -> Result<u64, String> {
        let text = field(column);
        text.parse()
            .map_err(|_| format!("{column}: expected a number, found `{text}`"))
    };
    let small = |column: &str| -> Result<u32, String> {
        u32::try_from(number(column)?).map_err(|_| format!("{column}: too large"))
    };
    let named = |column: &str, names: &[&str]| -> Result<usize, String> {
        let text = field(column);
        let at = names.iter().position(|name| *name == text);
        at.ok_or_else(|| {
            format!(
                "{column}: expected one of {}, found `{text}`",
                names.join(", ")
            )
        })
    };
    let link = u16::try_from(number("link")?).map_err(|_| "link: too large")?;
    let packet = || number("packet");
    let what = match field("what") {
        "in" => What::In {
            packet: packet()?,
            size: small("size")?,
            flow: FlowId(u16::try_from(number("flow")?).map_err(|_| "flow: too large")?),
            protocol: PROTOCOLS[named("protocol", &PROTOCOLS.map(|(_, name)| name))?].0,
            ecn: ECNS[named("ecn", &ECNS.map(|(_, name)| name))?].0,
        },
        "via" => What::Via {
            packet: packet()?,
            size: small("size")?,
        },
        "out" => What::Out {
            packet: packet()?,
            size: small("size")?,
            waited: Span::from_nanos(number("queue_ns")?),
            total: Span::from_nanos(number("total_ns")?),
        },
        "left" => What::Left {
            packet: packet()?,
            ideal: Time::from_nanos(number("detail")?),
        },
        "drop" => What::Drop {
            packet: packet()?,
            size: small("size")?,
            reason: REASONS[named("detail", &REASONS.map(reason_name))?],
        },
        "mark" => What::Mark { packet: packet()? },
        "copy" => What::Copy {
            packet: packet()?,
            size: small("size")?,
        },
        "set" => What::Set(
            serde_json::from_str(field("detail")).map_err(|error| format!("detail: {error}"))?,
        ),
        "end" => What::End,
        other => {
            return Err(format!(
                "what: expected in, via, out, left, drop, mark, copy, set or end, found `{other}`"
            ));
        }
    };
    Ok(Row {
        at: Time::from_nanos(number("time_ns")?),
        link,
        what,
    })
}
