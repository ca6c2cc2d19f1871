//! The stream that one end reads.

use std::collections::BTreeMap;

use weaknet_core::Time;
use weaknet_core::packet::{Ack, Ecn, StreamPiece};
use weaknet_core::tcp::{RecordContent, TcpRecord};

use super::config::wire;
use crate::bulk::BulkConfig;
use crate::bulk::stream::ReceiveStream;
use crate::transport::AckGenerator;

/// The stream that one end reads: order, acknowledgements.
pub(super) struct StreamReceiver {
    wire: BulkConfig,
    stream: ReceiveStream,
    acks: AckGenerator,
    /// Bytes that have been received in order.
    received: u64,
    /// Records that have come and wait for earlier bytes, by their ends.
    waiting: BTreeMap<u64, RecordContent>,
}

impl StreamReceiver {
    pub(super) fn new() -> Self {
        let wire = wire();
        Self {
            acks: AckGenerator::new(wire.ack_rules(false)),
            wire,
            stream: ReceiveStream::default(),
            received: 0,
            waiting: BTreeMap::new(),
        }
    }

    /// Bytes that have been received in order.
    pub(super) const fn received(&self) -> u64 {
        self.received
    }

    /// A segment arrived with the records that end in it.
    pub(super) fn on_piece(
        &mut self,
        now: Time,
        ecn: Ecn,
        piece: &StreamPiece,
        records: Vec<TcpRecord>,
    ) {
        let end = piece.offset.saturating_add(u64::from(piece.length));
        for record in records {
            if record.end > self.received {
                self.waiting.insert(record.end, record.content);
            }
        }
        self.received += self.stream.on_piece(piece.offset..end, false);
        let hole = self.stream.holes() > 0;
        let floor = piece.number.saturating_sub(u64::from(piece.waits_for));
        self.acks.on_packet(now, piece.number, floor, ecn, hole);
    }

    /// The next record whose bytes are all there, and all before it.
    pub(super) fn read(&mut self) -> Option<RecordContent> {
        let first = self.waiting.first_entry()?;
        (*first.key() <= self.received).then(|| first.remove())
    }

    /// The acknowledgement that is due and its size.
    pub(super) fn poll(&mut self, now: Time) -> Option<(Ack, u32)> {
        let ack = self.acks.poll(now)?;
        let size = self.wire.ack_size(&ack, self.stream.holes());
        Some((ack, size))
    }

    pub(super) const fn next_wake(&self) -> Option<Time> {
        self.acks.next_wake()
    }
}
