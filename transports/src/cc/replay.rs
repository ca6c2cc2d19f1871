//! Open-loop replay: a recorded feedback trace drives a controller, and every
//! decision becomes a line.
//!
//! The trace lists packets with their departure, arrival and report; nothing
//! that the controller decides changes them. The result can be compared line
//! by line with the decisions of another implementation.
//!
//! Implements: the replay of the standalone libwebrtc harness (July 2026):
//! start at 0, ticks at 25,007 us + k x 25 ms before the last departure, round
//! trip and loss once a second ahead of a report. Equal times: departures,
//! report, tick.

use std::fmt::Write as _;

use weaknet_core::packet::Ecn;
use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::{
    CcEvent, CcOutput, CongestionController, Constraints, DeliverySnapshot, Feedback, FeedbackKind,
    PacketResult, ProbeCluster, SentKind, SentPacket,
};

/// First line of a packet trace.
pub const PACKETS_HEADER: &str = "seq,size,send_us,recv_us,fb_sent_us,fb_recv_us,probe_id,probe_min_packets,probe_min_bytes,probe_rate_bps,inflight_after_send";
/// First line of the decisions.
pub const UPDATES_HEADER: &str = "t_us,target_bps,pacing_bps,padding_bps,cwnd_bytes,probes";

/// Latest time in a trace, in microseconds: about 28 hours.
const LATEST_US: u64 = 100_000_000_000;
/// Largest size, in bytes.
const LARGEST_BYTES: u64 = 1_000_000_000_000;
/// Highest rate, in bits per second.
const HIGHEST_BPS: u64 = 1_000_000_000_000_000;
/// Time between reports of round trip and loss.
const REPORT_INTERVAL: Span = Span::from_secs(1);

/// What the controller is told besides the trace.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayConfig {
    /// Bounds and start of the target (50 kbps, 300 kbps, 5 Mbps).
    pub constraints: Constraints,
    /// The most that all streams together would use (5 Mbps).
    pub max_allocated: Bitrate,
    /// First tick (25.007 ms).
    pub first_tick: Time,
    /// Time between ticks (25 ms).
    pub tick: Span,
}

impl Default for ReplayConfig {
    fn default() -> Self {
        Self {
            constraints: Constraints {
                min: Bitrate::from_kbps(50),
                start: Bitrate::from_kbps(300),
                max: Bitrate::from_mbps(5),
            },
            max_allocated: Bitrate::from_mbps(5),
            first_tick: Time::from_micros(25_007),
            tick: Span::from_millis(25),
        }
    }
}

/// Why a trace cannot be replayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ReplayError {
    /// The line at fault, from 1.
    pub line: usize,
    /// What is wrong and what was expected.
    pub message: String,
}

/// Feeds the packet trace to the controller and writes its decisions.
///
/// # Errors
/// When a line of the trace cannot be understood.
pub fn replay(
    packets: &str,
    controller: &mut dyn CongestionController,
    config: &ReplayConfig,
) -> Result<String, ReplayError> {
    let rows = parse(packets)?;
    let mut player = Player {
        decisions: Decisions::new(controller, config),
        rows: &rows,
        sent: 0,
        sent_bytes: 0,
        reported: None,
        lost: 0,
        received: 0,
        batch: Vec::new(),
    };
    player.play(config);
    Ok(player.decisions.text)
}

/// A line of the trace.
#[derive(Debug, Clone, Copy)]
struct Row {
    number: u64,
    size: u64,
    sent: Time,
    received: Option<Time>,
    /// Departure and arrival of its report.
    report: Option<(Time, Time)>,
    probe: Option<ProbeCluster>,
    in_flight: u64,
    /// Bytes of this and all earlier packets.
    bytes_so_far: u64,
}

fn parse(text: &str) -> Result<Vec<Row>, ReplayError> {
    let mut lines = text.lines().zip(1..);
    match lines.next() {
        Some((header, _)) if header.trim_end() == PACKETS_HEADER => {}
        _ => {
            return Err(ReplayError {
                line: 1,
                message: format!("expected the header `{PACKETS_HEADER}`"),
            });
        }
    }
    let mut rows: Vec<Row> = Vec::new();
    for (text, line) in lines.filter(|(text, _)| !text.trim().is_empty()) {
        let row = parse_row(text.trim_end(), rows.last())
            .map_err(|message| ReplayError { line, message })?;
        rows.push(row);
    }
    Ok(rows)
}

fn parse_row(text: &str, before: Option<&Row>) -> Result<Row, String> {
    let mut fields = Fields {
        values: text.split(','),
        names: PACKETS_HEADER.split(','),
    };
    let number = fields.at_most(u64::MAX - 1)?;
    let size = fields.at_most(LARGEST_BYTES)?;
    let sent = Time::from_micros(fields.at_most(LATEST_US)?);
    let received = fields.optional(LATEST_US)?.map(Time::from_micros);
    let report_sent = fields.optional(LATEST_US)?.map(Time::from_micros);
    let report_received = fields.optional(LATEST_US)?.map(Time::from_micros);
    let probe_id = fields.optional(u64::from(u32::MAX))?;
    let min_packets = fields.optional(u64::from(u32::MAX))?;
    let min_bytes = fields.optional(LARGEST_BYTES)?;
    let rate = Bitrate::from_bps(fields.at_most(HIGHEST_BPS)?);
    let in_flight = fields.at_most(LARGEST_BYTES)?;
    if fields.values.next().is_some() {
        return Err("more fields than the header names".into());
    }
    if before.is_some_and(|before| number <= before.number) {
        return Err("`seq` does not rise".into());
    }
    if before.is_some_and(|before| sent < before.sent) {
        return Err("`send_us` falls".into());
    }
    let report = match (report_sent, report_received) {
        (Some(_), Some(arrival)) if arrival < sent => {
            return Err("`fb_recv_us` is before `send_us`".into());
        }
        (Some(departure), Some(arrival)) => Some((departure, arrival)),
        (None, None) => None,
        _ => return Err("only one of `fb_sent_us` and `fb_recv_us` is given".into()),
    };
    let probe = match (probe_id, min_packets, min_bytes) {
        (None, _, _) => None,
        (Some(id), Some(packets), Some(bytes)) => {
            let narrow = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
            let min_bytes = Bytes::new(bytes);
            Some(ProbeCluster {
                id: narrow(id),
                rate,
                min_packets: narrow(packets),
                min_bytes,
                duration: rate.time_for(min_bytes),
            })
        }
        _ => return Err("a probe needs `probe_min_packets` and `probe_min_bytes`".into()),
    };
    let bytes_so_far = before
        .map_or(0, |before| before.bytes_so_far)
        .saturating_add(size);
    Ok(Row {
        number,
        size,
        sent,
        received,
        report,
        probe,
        in_flight,
        bytes_so_far,
    })
}

/// The fields of a line, in step with their names.
struct Fields<'a> {
    values: std::str::Split<'a, char>,
    names: std::str::Split<'static, char>,
}

impl<'a> Fields<'a> {
    fn next(&mut self) -> Result<(&'static str, &'a str), String> {
        let name = self.names.next().unwrap_or("field");
        self.values
            .next()
            .map(|value| (name, value.trim()))
            .ok_or_else(|| format!("`{name}` is missing"))
    }

    fn at_most(&mut self, most: u64) -> Result<u64, String> {
        let (name, value) = self.next()?;
        Self::number(name, value, most)
    }

    /// A number, or -1 for none.
    fn optional(&mut self, most: u64) -> Result<Option<u64>, String> {
        let (name, value) = self.next()?;
        if value == "-1" {
            Ok(None)
        } else {
            Self::number(name, value, most).map(Some)
        }
    }

    fn number(name: &str, value: &str, most: u64) -> Result<u64, String> {
        value
            .parse()
            .ok()
            .filter(|number| *number <= most)
            .ok_or_else(|| format!("`{name}` is `{value}`, expected a whole number up to {most}"))
    }
}

/// Calls the controller in the order of the trace.
struct Player<'a> {
    decisions: Decisions<'a>,
    rows: &'a [Row],
    sent: usize,
    sent_bytes: u64,
    /// When round trip and loss were last reported.
    reported: Option<Time>,
    lost: u32,
    received: u32,
    batch: Vec<PacketResult>,
}

impl Player<'_> {
    fn play(&mut self, config: &ReplayConfig) {
        self.decisions.start(config);
        let Some(end) = self.rows.last().map(|row| row.sent) else {
            return;
        };
        // Rows by arrival of their report; rows of one report are neighbours.
        let mut reported: Vec<(Time, usize)> = self
            .rows
            .iter()
            .enumerate()
            .filter_map(|(at, row)| Some((row.report?.1, at)))
            .collect();
        reported.sort_unstable();
        let mut reports = reported.chunk_by(|a, b| a.0 == b.0).peekable();
        let mut tick = Some(config.first_tick).filter(|_| !config.tick.is_zero());
        loop {
            let report = reports
                .peek()
                .map(|report| report[0].0)
                .filter(|at| *at <= end);
            let due_tick = tick.filter(|at| *at < end);
            let departure = self.rows.get(self.sent).map(|row| row.sent);
            let earliest = [departure, report, due_tick].into_iter().flatten().min();
            let Some(now) = earliest else { return };
            if departure == Some(now) {
                self.send();
            } else if report == Some(now) {
                if let Some(rows) = reports.next() {
                    self.report(now, rows);
                }
            } else {
                self.decisions.timer(now);
                tick = Some(now + config.tick);
            }
        }
    }

    fn send(&mut self) {
        let row = &self.rows[self.sent];
        self.sent += 1;
        self.sent_bytes = row.bytes_so_far;
        let packet = row.sent_packet();
        self.decisions
            .call(row.sent, |controller| controller.on_sent(&packet));
    }

    fn report(&mut self, now: Time, rows: &[(Time, usize)]) {
        self.batch.clear();
        self.batch
            .extend(rows.iter().map(|(_, at)| self.rows[*at].result()));
        let rows = || rows.iter().map(|(_, at)| &self.rows[*at]);
        let in_flight = rows().next_back().map_or(0, |highest| {
            self.sent_bytes.saturating_sub(highest.bytes_so_far)
        });
        let reported_bytes = rows().fold(0_u64, |sum, row| sum.saturating_add(row.size));
        let made = rows()
            .next()
            .and_then(|row| row.report)
            .map(|(departure, _)| departure);
        self.report_rtt_and_loss(now);
        let feedback = Feedback {
            now,
            made,
            packets: &self.batch,
            in_flight: Bytes::new(in_flight),
            prior_in_flight: Bytes::new(in_flight.saturating_add(reported_bytes)),
            kind: FeedbackKind::PerPacket,
        };
        self.decisions
            .call(now, |controller| controller.on_feedback(&feedback));
    }

    fn report_rtt_and_loss(&mut self, now: Time) {
        let arrived = self
            .batch
            .iter()
            .filter(|packet| packet.received.is_some())
            .count() as u32;
        self.received += arrived;
        self.lost += self.batch.len() as u32 - arrived;
        let newest = self
            .batch
            .iter()
            .rev()
            .find(|packet| packet.received.is_some());
        let Some(newest) = newest.filter(|_| {
            self.reported
                .is_none_or(|last| now - last >= REPORT_INTERVAL)
        }) else {
            return;
        };
        let rtt = CcEvent::Rtt(now - newest.sent.at);
        let loss = CcEvent::LossReport {
            lost: self.lost,
            received: self.received,
            interval: REPORT_INTERVAL,
        };
        self.decisions
            .call(now, |controller| controller.on_event(now, &rtt));
        self.decisions
            .call(now, |controller| controller.on_event(now, &loss));
        self.reported = Some(now);
        self.lost = 0;
        self.received = 0;
    }
}

impl Row {
    const fn sent_packet(&self) -> SentPacket {
        SentPacket {
            number: self.number,
            at: self.sent,
            size: Bytes::new(self.size),
            kind: SentKind::Video,
            probe: self.probe,
            in_flight: Bytes::new(self.in_flight),
            app_limited: false,
        }
    }

    fn result(&self) -> PacketResult {
        PacketResult {
            sent: self.sent_packet(),
            received: self.received,
            ecn: Ecn::NotEct,
            recovered: false,
            delivery: DeliverySnapshot::default(),
        }
    }
}

/// Calls the controller and writes down what it decides.
struct Decisions<'a> {
    controller: &'a mut dyn CongestionController,
    start: Bitrate,
    count: Option<u64>,
    output: CcOutput,
    text: String,
}

impl<'a> Decisions<'a> {
    fn new(controller: &'a mut dyn CongestionController, config: &ReplayConfig) -> Self {
        let (count, output) = (controller.decisions(), controller.output());
        let text = format!("{UPDATES_HEADER}\n");
        Self {
            controller,
            start: config.constraints.start,
            count,
            output,
            text,
        }
    }

    fn start(&mut self, config: &ReplayConfig) {
        let allocated = CcEvent::Allocated {
            min: Bitrate::ZERO,
            max: config.max_allocated,
        };
        self.call(Time::ZERO, |controller| {
            controller.on_event(Time::ZERO, &allocated)
        });
        let start = CcEvent::Start(config.constraints);
        self.call(Time::ZERO, |controller| {
            controller.on_event(Time::ZERO, &start)
        });
        self.timer(Time::ZERO);
    }

    fn timer(&mut self, now: Time) {
        if self.controller.next_timer().is_some_and(|due| due <= now) {
            self.call(now, |controller| controller.on_timer(now));
        }
    }

    fn call(&mut self, now: Time, call: impl FnOnce(&mut dyn CongestionController)) {
        call(self.controller);
        let (count, output) = (self.controller.decisions(), self.controller.output());
        let probe = self.controller.poll_probe();
        let counted = count != self.count;
        let changed = count.is_none() && (output != self.output || probe.is_some());
        (self.count, self.output) = (count, output);
        if counted || changed {
            self.write(now, probe);
        }
    }

    fn write(&mut self, now: Time, first_probe: Option<ProbeCluster>) {
        let output = &self.output;
        let target = output.target.unwrap_or(self.start);
        let pacing = output.pacing.unwrap_or_else(|| self.start.mul_f64(2.5));
        let cwnd = output
            .cwnd
            .map_or(-1, |bytes| i64::try_from(bytes.get()).unwrap_or(i64::MAX));
        // Writing to a string cannot fail.
        let _ = write!(
            self.text,
            "{},{},{},{},{cwnd}",
            now.as_micros(),
            target.as_bps(),
            pacing.as_bps(),
            output.padding.as_bps()
        );
        let mut probe = first_probe;
        while let Some(ProbeCluster {
            id,
            rate,
            duration,
            min_packets,
            ..
        }) = probe
        {
            let _ = write!(
                self.text,
                ",probe:{id}:{}:{}:{min_packets}",
                rate.as_bps(),
                duration.as_millis()
            );
            probe = self.controller.poll_probe();
        }
        self.text.push('\n');
    }
}
