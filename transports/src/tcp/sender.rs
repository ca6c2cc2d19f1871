//! The stream that one end writes.

use std::collections::VecDeque;

use weaknet_core::packet::{Ack, Ecn, StreamPiece};
use weaknet_core::tcp::{RecordContent, TcpRecord};
use weaknet_core::{Bitrate, Bytes, Time};

use super::config::wire;
use crate::bulk::BulkConfig;
use crate::bulk::stream::SendStream;
use crate::cc::{
    CcEvent, CongestionController, Constraints, FeedbackKind, PacketResult, SentKind, SentPacket,
};
use crate::transport::{Alarm, Flight, News};

/// Bounds for the controller, which has none of its own.
const BOUNDS: Constraints = Constraints {
    min: Bitrate::ZERO,
    start: Bitrate::from_kbps(300),
    max: Bitrate::MAX,
};

/// The stream that one end writes: send buffer, window, retransmission.
pub(super) struct StreamSender {
    wire: BulkConfig,
    send_buffer: u64,
    controller: Box<dyn CongestionController>,
    flight: Flight,
    stream: SendStream,
    /// What is not acknowledged yet.
    records: VecDeque<TcpRecord>,
    /// Bytes that were written.
    written: u64,
    /// Bytes that were sent.
    sent: u64,
    /// A segment must go out whatever the window says.
    probe_due: bool,
    results: Vec<PacketResult>,
}

impl StreamSender {
    pub(super) fn new(
        now: Time,
        send_buffer: Bytes,
        mut controller: Box<dyn CongestionController>,
    ) -> Self {
        let wire = wire();
        for event in [
            CcEvent::Mtu(wire.packet_size),
            CcEvent::Allocated {
                min: BOUNDS.min,
                max: BOUNDS.max,
            },
            CcEvent::Start(BOUNDS),
        ] {
            controller.on_event(now, &event);
        }
        let mut stream = SendStream::default();
        stream.supply(Some(0));
        Self {
            flight: Flight::new(wire.loss_rules(), FeedbackKind::AckRanges),
            wire,
            send_buffer: send_buffer.get(),
            controller,
            stream,
            records: VecDeque::new(),
            written: 0,
            sent: 0,
            probe_due: false,
            results: Vec::new(),
        }
    }

    /// Bytes that were sent so far.
    pub(super) const fn sent(&self) -> u64 {
        self.sent
    }

    /// Takes a record of `size` bytes, if the send buffer has room for it.
    pub(super) fn write(&mut self, size: u64, content: RecordContent) -> bool {
        let held = self.written - self.stream.unacknowledged().min(self.written);
        if held + size > self.send_buffer {
            return false;
        }
        self.written += size;
        self.stream.supply(Some(size));
        let end = self.written;
        self.records.push_back(TcpRecord { end, content });
        true
    }

    fn may_send(&self) -> bool {
        let in_flight = self.flight.history.in_flight();
        let room = |cwnd| in_flight + self.wire.packet_size <= cwnd;
        let window = self.controller.output().cwnd;
        self.probe_due || in_flight == Bytes::ZERO || window.is_none_or(room)
    }

    /// The next segment that the window allows, with the records that end in
    /// it, and its size.
    pub(super) fn poll(&mut self, now: Time) -> Option<(StreamPiece, Vec<TcpRecord>, u32)> {
        if !self.may_send() {
            return None;
        }
        let next = self
            .stream
            .peek(self.wire.payload(), self.wire.receive_window.get());
        let forced = || {
            let oldest = self.flight.history.oldest_outstanding(u64::MAX)?;
            let bytes = self.stream.carried(oldest.number)?;
            Some((bytes, true)).filter(|_| self.probe_due)
        };
        let next = next.or_else(forced);
        self.probe_due = false;
        let Some((bytes, again)) = next else {
            self.flight.history.set_app_limited();
            return None;
        };
        let length = u16::try_from(bytes.end - bytes.start).unwrap_or(u16::MAX);
        let size = u32::from(length) + self.wire.headers();
        let history = &self.flight.history;
        let number = history.next_number();
        let piece = StreamPiece {
            number,
            offset: bytes.start,
            waits_for: u32::try_from(number - history.oldest()).unwrap_or(u32::MAX),
            length,
            again,
            last: false,
        };
        let first = self.records.partition_point(|r| r.end <= bytes.start);
        let records = self.records.iter().skip(first);
        let records = records.take_while(|record| record.end <= bytes.end);
        let records = records.cloned().collect();
        let sent = SentPacket {
            number,
            at: now,
            size: Bytes::new(u64::from(size)),
            kind: if again {
                SentKind::Retransmission
            } else {
                SentKind::Video
            },
            probe: None,
            in_flight: Bytes::ZERO,
            app_limited: false,
        };
        let sent = self.flight.on_sent(sent, Ecn::NotEct);
        self.sent = self.sent.max(bytes.end);
        self.stream.on_sent(bytes);
        self.controller.on_sent(&sent);
        Some((piece, records, size))
    }

    pub(super) fn on_ack(&mut self, now: Time, ack: &Ack) {
        let stream = &mut self.stream;
        let arrived = |number| stream.on_acked(number);
        let news = self.flight.on_ack(now, ack, &mut self.results, arrived);
        self.tell(now, &news);
    }

    /// Does what is due now.
    pub(super) fn pump(&mut self, now: Time) {
        if self.controller.next_timer().is_some_and(|at| at <= now) {
            self.controller.on_timer(now);
        }
        if let Some((_, alarm)) = self.flight.next_alarm().filter(|(at, _)| *at <= now) {
            let news = self.flight.on_alarm(now, alarm, &mut self.results);
            self.probe_due |= alarm == Alarm::Probe;
            self.tell(now, &news);
        }
    }

    fn tell(&mut self, now: Time, news: &News) {
        for lost in self.results.iter().filter(|p| p.received.is_none()) {
            self.stream.on_lost(lost.sent.number);
        }
        let controller = self.controller.as_mut();
        self.flight.tell(now, news, &mut self.results, controller);
        self.flight.forget(now);
        self.stream.forget_below(self.flight.history.oldest());
        let done = self.stream.unacknowledged();
        while self.records.front().is_some_and(|r| r.end <= done) {
            self.records.pop_front();
        }
    }

    pub(super) fn next_wake(&self) -> Option<Time> {
        let alarm = self.flight.next_alarm().map(|(at, _)| at);
        let timer = self.controller.next_timer();
        [alarm, timer].into_iter().flatten().min()
    }
}
