//! qlog files: what happened to a flow, event by event.
//!
//! Implements: draft-ietf-quic-qlog-main-schema (editors' copy of July 2026): the
//! sequential file (`QlogFileSeq`) in JSON text sequences (RFC 7464), times in
//! milliseconds since an epoch of the `system` clock, and
//! `simulation:scenario`. No schema for RTP is registered, so events are in a
//! namespace of their own, `weaknet`; those that QUIC has too have its names and
//! fields (draft-ietf-quic-qlog-quic-events: `packet_sent`, `packet_received`,
//! `packet_lost`, `recovery_metrics_updated` with `latest_rtt` in milliseconds
//! and `pacing_rate` in bits per second).
//! Differs: `qlog_version` and `qlog_format` of draft version 0.3 are there as
//! well, by which older viewers know the form of a file. One file has what both
//! ends of the flow say.
//! Not modelled: what happens on links besides losses and marks; packet captures
//! have that.

mod entry;

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value, json};
use weaknet_core::{Event, Time};

use super::files::{CaptureError, Stream, error};
use crate::metrics::RunFacts;
use crate::plan::Case;

/// The event schema of the `weaknet` namespace.
const SCHEMA: &str = "urn:x-weaknet:qlog:events:weaknet";

const SEPARATOR: &[u8] = b"\x1e";

/// Writes one qlog file.
#[derive(Debug)]
pub struct QlogWriter<W> {
    out: W,
    record: Vec<u8>,
}

/// An event as it stands in a file.
#[derive(Serialize)]
struct Record<'a, D> {
    time: f64,
    name: &'a str,
    data: &'a D,
}

impl<W: Write> QlogWriter<W> {
    /// Writes the header: what the file is about, and the group of files that it
    /// belongs to.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(
        mut out: W,
        title: &str,
        flow: &str,
        group: &str,
        version: &str,
    ) -> io::Result<Self> {
        let header = json!({
            "file_schema": "urn:ietf:params:qlog:file:sequential",
            "serialization_format": "application/qlog+json-seq",
            "qlog_version": "0.3",
            "qlog_format": "JSON-SEQ",
            "title": title,
            "code_version": version,
            "trace": {
                "title": flow,
                "common_fields": {
                    "group_id": group,
                    "reference_time": {
                        "clock_type": "system",
                        "epoch": "2026-01-01T00:00:00.000Z",
                    },
                },
                "vantage_point": { "name": flow, "type": "network", "flow": "client" },
                "event_schemas": ["urn:ietf:params:qlog:events:simulation", SCHEMA],
            },
        });
        out.write_all(SEPARATOR)?;
        serde_json::to_writer(&mut out, &header)?;
        out.write_all(b"\n")?;
        Ok(Self {
            out,
            record: Vec::new(),
        })
    }

    /// Writes an event.
    ///
    /// # Errors
    /// Those of the output.
    pub fn event(&mut self, at: Time, name: &str, data: &impl Serialize) -> io::Result<()> {
        self.record.clear();
        self.record.extend(SEPARATOR);
        // Exact to the nanosecond for the first eleven days.
        let time = at.as_millis_f64();
        serde_json::to_writer(&mut self.record, &Record { time, name, data })?;
        self.record.push(b'\n');
        self.out.write_all(&self.record)
    }

    /// The output.
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// The qlog files of a case, one per flow.
pub(super) struct CaseQlog {
    flows: Vec<QlogWriter<Stream>>,
    links: Vec<String>,
}

impl CaseQlog {
    pub(super) fn create(
        folder: &Path,
        case: &Case,
        facts: &RunFacts,
        version: &str,
    ) -> Result<Self, CaptureError> {
        let scenario = &case.scenario.name;
        let group = super::folder_name(&case.id, &case.seed.to_string());
        let mut details: Map<String, Value> = case
            .params
            .iter()
            .map(|(path, value)| (path.clone(), json!(value)))
            .collect();
        details.insert("seed".to_owned(), json!(case.seed.to_string()));
        let about = json!({ "name": scenario, "details": details });
        let open = |name: &String| {
            let path = folder.join(format!("{name}.sqlog"));
            let file = Stream::create(&path)?;
            QlogWriter::new(file, scenario, name, &group, version)
                .and_then(|mut log| {
                    log.event(Time::ZERO, "simulation:scenario", &about)?;
                    Ok(log)
                })
                .map_err(error("write", &path))
        };
        let flows = facts.flows.iter().map(|flow| open(&flow.name));
        Ok(Self {
            flows: flows.collect::<Result<_, _>>()?,
            links: facts.links.iter().map(|link| link.name.clone()).collect(),
        })
    }

    pub(super) fn event(&mut self, at: Time, event: &Event) {
        let Some(entry) = entry::of(event, &self.links) else {
            return;
        };
        if let Some(log) = self.flows.get_mut(usize::from(entry.flow.0)) {
            // A stream keeps its failure until it is finished.
            let _ = log.event(at, entry.name, &entry.data);
        }
    }

    pub(super) fn finish(self) -> Result<(), CaptureError> {
        let mut flows = self.flows.into_iter();
        flows.try_for_each(|log| log.into_inner().finish())
    }
}
