//! The sending end of a bulk flow.
//!
//! Way of the data: supply -> stream -> window and pacer -> link;
//! acknowledgements come back to the send history, which feeds round-trip time,
//! loss detection and the controller.

use std::ops::Range;

use weaknet_core::packet::{Ack, FlowId, Leg, Packet, Payload, StreamPiece};
use weaknet_core::rng::Sequence;
use weaknet_core::{Bytes, Event, Node, Outbox, Span, Time};

use super::config::{BulkConfig, Connections};
use super::connection::Connection;
use super::stream::SendStream;
use super::supply::{Supply, Transfer};
use crate::cc::{
    CcEvent, CongestionController, Constraints, FeedbackKind, PacketResult, SentKind, SentPacket,
    Visitor, wants_arrival_times,
};
use crate::transport::{Alarm, Capacity, CapacityNews, Flight, News};

/// Named values of the controller are shown this often at most.
const SHOW_EVERY: Span = Span::from_millis(10);

/// The parts of a sender.
pub struct BulkSenderConfig {
    /// The flow.
    pub flow: FlowId,
    /// When the first transfer, or the idle time before it, begins.
    pub start: Time,
    /// When the sender falls silent.
    pub stop: Time,
    /// What it sends.
    pub bulk: BulkConfig,
    /// Draws the sizes of transfers.
    pub sizes: Sequence,
    /// Draws the times between them.
    pub idle_times: Sequence,
    /// Decides how fast. Each new connection begins with a copy of it.
    pub controller: Box<dyn CongestionController>,
    /// Bounds for the controller.
    pub constraints: Constraints,
    /// The true capacity of the bottleneck, for validation: only a controller
    /// that asks for it is told.
    pub capacity: Option<Capacity>,
}

/// The sending end of a bulk flow.
pub struct BulkSender {
    flow: FlowId,
    start: Time,
    stop: Time,
    bulk: BulkConfig,
    constraints: Constraints,
    /// As it was built, for new connections.
    fresh: Box<dyn CongestionController>,
    /// Whether the controller has to take the stream for media.
    made_for_media: bool,
    capacity: Option<CapacityNews>,
    supply: Supply,
    conn: Connection,
    flight: Flight,
    stream: SendStream,
    /// The transfer to come, and when.
    coming: Option<(Time, Transfer)>,
    /// Transfers that have begun, and whether the last is over.
    transfers: u64,
    idle: bool,
    /// A packet must go out whatever the window says.
    probe_due: bool,
    last_shown: Option<Time>,
    results: Vec<PacketResult>,
    wake_at: Option<Time>,
}

impl BulkSender {
    /// A sender that has not begun yet.
    #[must_use]
    pub fn new(parts: BulkSenderConfig) -> Self {
        let BulkSenderConfig {
            flow,
            start,
            stop,
            bulk,
            sizes,
            idle_times,
            controller,
            constraints,
            capacity,
        } = parts;
        let mut supply = Supply::new(bulk.clone(), sizes, idle_times);
        let coming = supply
            .next()
            .map(|transfer| (start + transfer.idle, transfer));
        let conn = Connection::new(controller.clone_box(), &bulk, constraints);
        let made_for_media = wants_arrival_times(controller.as_ref());
        let kind = if made_for_media {
            FeedbackKind::PerPacket
        } else {
            FeedbackKind::AckRanges
        };
        let flight = Flight::new(bulk.loss_rules(), kind);
        Self {
            flow,
            start,
            stop,
            bulk,
            constraints,
            made_for_media,
            capacity: CapacityNews::new(controller.as_ref(), capacity),
            fresh: controller,
            supply,
            conn,
            flight,
            stream: SendStream::default(),
            wake_at: coming.map(|(at, _)| at),
            coming,
            transfers: 0,
            idle: true,
            probe_due: false,
            last_shown: None,
            results: Vec::with_capacity(256),
        }
    }

    /// Everything that is due now, then the next wake-up.
    fn pump(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        if now >= self.stop {
            self.wake_at = None;
            return;
        }
        self.begin_transfer(out);
        if self.transfers > 0 {
            let timer = self.conn.controller.next_timer();
            if timer.is_some_and(|at| at <= now) {
                self.conn.controller.on_timer(now);
                self.follow_controller(out);
            }
            self.tell_capacity(out);
            self.run_alarms(out);
            self.fill(out);
        }
        self.wake_at = self.earliest();
    }

    fn earliest(&self) -> Option<Time> {
        let alarm = self.flight.next_alarm().map(|(at, _)| at);
        let begun = self.transfers > 0;
        let timer = self.conn.controller.next_timer().filter(|_| begun);
        let due = (begun && self.may_send() && self.peek().is_some())
            .then(|| self.conn.next_departure(&self.bulk));
        let coming = self.coming.map(|(at, _)| at);
        let news = self.capacity.as_ref().map(CapacityNews::next);
        let news = news.filter(|_| begun);
        let next = [alarm, timer, due, coming, news]
            .into_iter()
            .flatten()
            .min()?;
        Some(next.max(self.start)).filter(|at| *at < self.stop)
    }

    fn begin_transfer(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        let Some((_, transfer)) = self.coming.take_if(|(at, _)| *at <= now) else {
            return;
        };
        if self.transfers == 0 || self.bulk.connections == Connections::New {
            self.connect(out);
        }
        self.idle = false;
        self.stream.supply(transfer.size);
        out.event(Event::TransferStarted {
            flow: self.flow,
            transfer: self.transfers,
        });
        self.transfers += 1;
    }

    /// Begins a connection. Packet numbers and the stream go on.
    fn connect(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        let controller = self.fresh.clone_box();
        self.conn = Connection::new(controller, &self.bulk, self.constraints);
        self.flight.restart();
        self.stream.forget_below(self.flight.history.next_number());
        self.probe_due = false;
        for event in [
            CcEvent::Mtu(self.bulk.packet_size),
            CcEvent::Allocated {
                min: self.constraints.min,
                max: self.constraints.max,
            },
            CcEvent::Start(self.constraints),
        ] {
            self.conn.controller.on_event(now, &event);
        }
        if let Some(news) = &mut self.capacity {
            news.restart(now);
        }
        self.conn.output = self.conn.controller.output();
        self.publish(out);
        self.follow_controller(out);
    }

    fn tell_capacity(&mut self, out: &mut Outbox<'_>) {
        let news = self.capacity.as_mut();
        if let Some(event) = news.and_then(|news| news.poll(out.now())) {
            self.conn.controller.on_event(out.now(), &event);
            self.follow_controller(out);
        }
    }

    /// Takes over what the controller has decided since the last call.
    fn follow_controller(&mut self, out: &mut Outbox<'_>) {
        let start = self.constraints.start;
        let rtt = self.flight.rtt.smoothed();
        if self.conn.follow(out.now(), rtt, &self.bulk, start) {
            self.publish(out);
        }
    }

    fn publish(&self, out: &mut Outbox<'_>) {
        out.event(Event::Target {
            flow: self.flow,
            target: self.conn.rate.target,
            pacing: self.conn.rate.pacing,
        });
    }

    /// Whether the window has room.
    fn may_send(&self) -> bool {
        let in_flight = self.flight.history.in_flight();
        let room = |cwnd| in_flight + self.bulk.packet_size <= cwnd;
        self.probe_due || in_flight == Bytes::ZERO || self.conn.output.cwnd.is_none_or(room)
    }

    fn peek(&self) -> Option<(Range<u64>, bool)> {
        let window = self.bulk.receive_window.get();
        self.stream.peek(self.bulk.payload(), window)
    }

    /// Sends what window, pacing and supply allow.
    fn fill(&mut self, out: &mut Outbox<'_>) {
        if self.probe_due {
            let oldest = self.flight.history.oldest_outstanding(u64::MAX);
            let oldest = oldest.and_then(|sent| self.stream.carried(sent.number));
            let again = oldest.map(|bytes| (bytes, true));
            if let Some((bytes, again)) = self.peek().or(again) {
                self.transmit(out, bytes, again);
            }
            self.probe_due = false;
        }
        while self.may_send() {
            let Some((bytes, again)) = self.peek() else {
                self.flight.history.set_app_limited();
                return;
            };
            if self.conn.next_departure(&self.bulk) > out.now() {
                return;
            }
            self.transmit(out, bytes, again);
        }
    }

    fn transmit(&mut self, out: &mut Outbox<'_>, bytes: Range<u64>, again: bool) {
        let (now, flight) = (out.now(), &mut self.flight);
        let number = flight.history.next_number();
        let length = u16::try_from(bytes.end - bytes.start).unwrap_or(u16::MAX);
        let size = Bytes::new(u64::from(self.bulk.headers()) + u64::from(length));
        let ecn = flight.codepoint(self.conn.output.ecn);
        let packet = SentPacket {
            number,
            at: now,
            size,
            kind: match (again, self.made_for_media) {
                (true, _) => SentKind::Retransmission,
                (false, true) => SentKind::Video,
                (false, false) => SentKind::Data,
            },
            probe: self.conn.probes.front().copied(),
            in_flight: Bytes::ZERO,
            app_limited: false,
        };
        if self.made_for_media && !again {
            let frame = CcEvent::Frame(size);
            self.conn.controller.on_event(now, &frame);
        }
        let sent = flight.on_sent(packet, ecn);
        let packet = Packet {
            id: u64::from(self.flow.0) << 48 | (number + 1),
            flow: self.flow,
            leg: Leg::Outward,
            path: 0,
            hop: 0,
            ecn,
            damaged: false,
            protocol: self.bulk.protocol(),
            size: u32::try_from(size.get()).unwrap_or(u32::MAX),
            sent: now,
            payload: Payload::Stream(StreamPiece {
                number,
                offset: bytes.start,
                waits_for: u32::try_from(number - flight.history.oldest()).unwrap_or(u32::MAX),
                length,
                again,
                last: bytes.end == self.stream.end(),
            }),
        };
        out.event(Event::Sent {
            packet: packet.tag(),
            payload: if again { 0 } else { u32::from(length) },
        });
        out.send(packet);
        self.stream.on_sent(bytes);
        self.conn.on_departure(now, size);
        self.conn.controller.on_sent(&sent);
        self.follow_controller(out);
    }

    fn run_alarms(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        let Some((_, alarm)) = self.flight.next_alarm().filter(|(at, _)| *at <= now) else {
            return;
        };
        let news = self.flight.on_alarm(now, alarm, &mut self.results);
        self.probe_due |= alarm == Alarm::Probe;
        self.tell(out, &news);
    }

    fn on_ack(&mut self, out: &mut Outbox<'_>, ack: &Ack) {
        let (flow, stream) = (self.flow, &mut self.stream);
        let arrived = |number| stream.on_acked(number);
        let news = self
            .flight
            .on_ack(out.now(), ack, &mut self.results, arrived);
        if let Some(rtt) = news.rtt {
            out.event(Event::RttSample { flow, rtt });
        }
        self.tell(out, &news);
    }

    /// Tells stream and controller what is in `results`.
    fn tell(&mut self, out: &mut Outbox<'_>, news: &News) {
        let (now, flight) = (out.now(), &mut self.flight);
        for lost in self.results.iter().filter(|p| p.received.is_none()) {
            self.stream.on_lost(lost.sent.number);
        }
        let controller = self.conn.controller.as_mut();
        flight.tell(now, news, &mut self.results, controller);
        if self.results.is_empty() {
            self.follow_controller(out);
            return;
        }
        flight.forget(now);
        self.stream.forget_below(flight.history.oldest());
        self.follow_controller(out);
        self.show(out);
        if self.stream.is_done() && !self.idle {
            self.idle = true;
            let next = self.supply.next();
            self.coming = next.map(|transfer| (now + transfer.idle, transfer));
        }
    }

    fn show(&mut self, out: &mut Outbox<'_>) {
        let (now, flow) = (out.now(), self.flow);
        if self.last_shown.is_some_and(|at| now - at < SHOW_EVERY) {
            return;
        }
        self.last_shown = Some(now);
        let mut gauges = Gauges { flow, out };
        let (conn, flight) = (&self.conn, &self.flight);
        gauges.number("in_flight_bytes", flight.history.in_flight().get() as f64);
        gauges.number("smoothed_rtt_ms", flight.rtt.smoothed().as_millis_f64());
        if let Some(cwnd) = conn.output.cwnd {
            gauges.number("cwnd_bytes", cwnd.get() as f64);
        }
        conn.controller.snapshot(&mut gauges);
    }
}

/// Publishes named values.
struct Gauges<'a, 'b> {
    flow: FlowId,
    out: &'a mut Outbox<'b>,
}

impl Visitor for Gauges<'_, '_> {
    fn number(&mut self, name: &'static str, value: f64) {
        self.out.event(Event::Gauge {
            flow: self.flow,
            name,
            value,
        });
    }
}

impl Node for BulkSender {
    fn receive(&mut self, packet: &mut Packet, out: &mut Outbox<'_>) {
        out.event(Event::Received {
            packet: packet.tag(),
            one_way: out.now() - packet.sent,
        });
        if let Payload::Ack(ack) = &packet.payload
            && self.transfers > 0
            && out.now() < self.stop
        {
            self.on_ack(out, ack);
        }
        self.pump(out);
    }

    fn wake(&mut self, out: &mut Outbox<'_>) {
        self.pump(out);
    }

    fn next_wake(&self) -> Option<Time> {
        self.wake_at
    }
}
