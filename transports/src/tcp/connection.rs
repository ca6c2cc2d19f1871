//! One end of a connection: opening, both streams, the messages that open a
//! channel.

use weaknet_core::packet::{Ecn, Leg, Packet, Payload, Protocol};
use weaknet_core::tcp::{RecordContent, TcpContent, TcpSegment};
use weaknet_core::{Outbox, Time};

use super::config::{TcpConfig, wire};
use super::opening::Opening;
use super::receiver::StreamReceiver;
use super::sender::StreamSender;
use crate::session::End;

/// Marks the numbers of this layer's packets among those of its end.
const ID_MARK: u64 = 1 << 46;

/// A segment that opens: IP and TCP headers with the options of Linux (largest
/// segment, SACK permitted, timestamps, window scale).
const SYN: u32 = 20 + 40;

/// What an end has to do with the other one's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Nothing: the messages are over, or the other end's is awaited.
    Wait,
    /// It is to send message n.
    Send(u8),
}

/// One end of a connection.
pub(super) struct Connection {
    parts: TcpConfig,
    /// Its number, from 1; 0 before the first.
    number: u32,
    opening: Opening,
    sender: Option<StreamSender>,
    receiver: StreamReceiver,
    turn: Turn,
    /// Whether the channel is there.
    ready: bool,
    ids: u64,
}

impl Connection {
    pub(super) fn new(parts: TcpConfig) -> Self {
        Self {
            parts,
            number: 0,
            opening: Opening::Closed,
            sender: None,
            receiver: StreamReceiver::new(),
            turn: Turn::Wait,
            ready: false,
            ids: 0,
        }
    }

    /// Opens connection `number` unless that has been tried; the older one is
    /// forgotten.
    pub(super) fn open(&mut self, now: Time, number: u32) {
        if self.parts.end == End::Sender && number > self.number {
            self.begin(now, number);
            self.opening = Opening::begin(now);
        }
    }

    fn begin(&mut self, now: Time, number: u32) {
        self.number = number;
        let controller = self.parts.controller.clone_box();
        self.sender = Some(StreamSender::new(now, self.parts.send_buffer, controller));
        self.receiver = StreamReceiver::new();
        (self.turn, self.ready) = (Turn::Wait, false);
    }

    /// Whether datagrams can be written.
    pub(super) const fn is_ready(&self) -> bool {
        self.ready
    }

    /// The segment's connection is open at this end.
    fn opened(&mut self) {
        if self.opening.is_open() {
            return;
        }
        self.opening = Opening::Open;
        let opener = self.parts.end == End::Sender;
        if self.parts.framing.opening().is_empty() {
            self.ready = true;
        } else if opener {
            self.turn = Turn::Send(0);
        }
    }

    /// A segment arrived; what is to be read is in [`Self::read`] then.
    pub(super) fn on_segment(&mut self, ecn: Ecn, segment: TcpSegment, out: &mut Outbox<'_>) {
        let now = out.now();
        if matches!(segment.content, TcpContent::Syn)
            && self.parts.end == End::Receiver
            && segment.connection > self.number
        {
            self.begin(now, segment.connection);
            self.opening = Opening::Answered;
        }
        if segment.connection != self.number || self.opening == Opening::Closed {
            return;
        }
        match segment.content {
            TcpContent::Syn => self.send(out, TcpContent::SynAck, SYN),
            TcpContent::SynAck => {
                self.opened();
                self.send(out, TcpContent::Opened, wire().headers());
            }
            TcpContent::Opened => self.opened(),
            TcpContent::Data(piece, records) => {
                self.opened();
                self.receiver.on_piece(now, ecn, &piece, records);
            }
            TcpContent::Ack(ack) => {
                if let Some(sender) = &mut self.sender {
                    sender.on_ack(now, &ack);
                }
            }
        }
    }

    /// The next datagram that has come in order.
    pub(super) fn read(&mut self) -> Option<Packet> {
        loop {
            match self.receiver.read()? {
                RecordContent::Datagram(packet) => return Some(packet),
                RecordContent::Opening(step) => {
                    let last = self.parts.framing.opening().len() - 1;
                    if usize::from(step) < last {
                        self.turn = Turn::Send(step + 1);
                    } else {
                        self.ready = true;
                    }
                }
            }
        }
    }

    /// Writes a datagram; whether there was room for it.
    pub(super) fn write(&mut self, packet: Packet) -> bool {
        let size = self.parts.framing.record(packet.size);
        let content = RecordContent::Datagram(packet);
        self.ready && self.sender.as_mut().is_some_and(|s| s.write(size, content))
    }

    /// Sends what is due now.
    pub(super) fn pump(&mut self, out: &mut Outbox<'_>) {
        let now = out.now();
        if self.opening.poll(now) {
            self.send(out, TcpContent::Syn, SYN);
        }
        if !self.opening.is_open() {
            return;
        }
        if let Turn::Send(step) = self.turn {
            self.turn = Turn::Wait;
            let sizes = self.parts.framing.opening();
            if let (Some(sender), Some(size)) = (&mut self.sender, sizes.get(usize::from(step))) {
                sender.write(*size, RecordContent::Opening(step));
            }
            self.ready |= usize::from(step) + 1 == sizes.len();
        }
        if let Some((ack, size)) = self.receiver.poll(now) {
            self.send(out, TcpContent::Ack(ack), size);
        }
        let Some(sender) = &mut self.sender else {
            return;
        };
        sender.pump(now);
        while let Some((piece, records, size)) = self.sender.as_mut().and_then(|s| s.poll(now)) {
            self.send(out, TcpContent::Data(piece, records), size);
        }
    }

    fn send(&mut self, out: &mut Outbox<'_>, content: TcpContent, size: u32) {
        self.ids += 1;
        let (leg, side) = match self.parts.end {
            End::Sender => (Leg::Outward, 0),
            End::Receiver => (Leg::Return, 1 << 47),
        };
        let sent = match &content {
            TcpContent::Data(piece, _) => piece.offset,
            _ => self.sender.as_ref().map_or(0, StreamSender::sent),
        };
        out.send(Packet {
            id: u64::from(self.parts.flow.0) << 48 | side | ID_MARK | self.ids,
            flow: self.parts.flow,
            leg,
            path: 0,
            hop: 0,
            ecn: Ecn::NotEct,
            damaged: false,
            protocol: Protocol::Tcp,
            size,
            sent: out.now(),
            payload: Payload::Tcp(Box::new(TcpSegment {
                connection: self.number,
                received: self.receiver.received(),
                sent,
                content,
            })),
        });
    }

    pub(super) fn next_wake(&self) -> Option<Time> {
        let open = self.opening.is_open();
        let sender = self.sender.as_ref().filter(|_| open);
        let streams = [
            sender.and_then(StreamSender::next_wake),
            self.receiver.next_wake().filter(|_| open),
            self.opening.next(),
        ];
        streams.into_iter().flatten().min()
    }
}
