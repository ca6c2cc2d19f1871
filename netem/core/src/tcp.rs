//! Segments of a TCP connection that carries datagrams.
//!
//! Byte streams of bulk flows need no content: for them there is
//! [`crate::packet::StreamPiece`]. Here whole packets travel inside the stream.

use crate::packet::{Ack, Packet, StreamPiece};

/// A segment of a TCP connection (RFC 9293) that carries datagrams.
#[derive(Debug, Clone, PartialEq)]
pub struct TcpSegment {
    /// Which of the connections that these two ends have opened, from 1.
    pub connection: u32,
    /// Bytes of the stream that its sender has received in order.
    pub received: u64,
    /// Bytes of the stream that its sender had sent before this segment.
    pub sent: u64,
    /// What it is there for.
    pub content: TcpContent,
}

/// What a segment is there for.
#[derive(Debug, Clone, PartialEq)]
pub enum TcpContent {
    /// Opens the connection.
    Syn,
    /// The answer to that.
    SynAck,
    /// The end of opening.
    Opened,
    /// Bytes of the stream, and the records that end with one of them.
    Data(StreamPiece, Vec<TcpRecord>),
    /// An acknowledgement.
    Ack(Ack),
}

/// A record of the stream: what the end that wrote it wants to be read whole.
#[derive(Debug, Clone, PartialEq)]
pub struct TcpRecord {
    /// The offset in the stream behind its last byte.
    pub end: u64,
    /// What it holds.
    pub content: RecordContent,
}

/// What a record holds.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordContent {
    /// A message of those that open a relayed or secured channel, by its place
    /// among them.
    Opening(u8),
    /// A datagram.
    Datagram(Packet),
}
