//! Bulk transfer: a reliable byte stream under any congestion controller.
//!
//! The [`BulkSender`] cuts a stream into packets with numbers that are never
//! used again, keeps to the controller's window and rate, and sends again the
//! bytes of packets that are lost; the [`BulkReceiver`] puts the stream together
//! and acknowledges by ranges. What is common to all controllers is in
//! [`crate::transport`]. Stands for the competing TCP of RFC 8868 and for QUIC.
//!
//! Implements: RFC 9002 (loss detection, probes, persistent congestion, pacing),
//! RFC 9000 sections 13.2 and 13.4 (acknowledgements, validation of ECN), RFC
//! 8868 section 5.1 (short flows: transfers with idle times between them).
//! With [`Wire::Tcp`] sizes, delayed acknowledgements and timeouts are those of
//! TCP (RFC 7323 timestamps, RFC 2018, RFC 5681 section 4.2, RFC 6298, RFC 8985).
//!
//! A controller with a target of its own, made for media, gets the arrival time
//! of every packet with the acknowledgements and the stream is sent at its
//! target: that it paces faster is for the bursts of video frames, which a
//! stream does not have. To it each new piece is a frame that an encoder has
//! just made. Its probes are filled with the stream.
//! A reduction lets packets leave in proportion to arrivals where the controller
//! does so (`proportional_rate_reduction` of windows).
//!
//! Differs: TCP too gets packet numbers instead of ambiguous sequence numbers,
//! and acknowledges up to 32 ranges; the size on the wire has at most the three
//! blocks that fit there.
//! Not modelled: connection set-up and end, TSO and GSO bursts, ACK thinning,
//! HTTP requests before a transfer.

mod config;
mod connection;
pub(crate) mod pacer;
mod receiver;
mod sender;
pub(crate) mod stream;
mod supply;

pub use config::{BulkConfig, Connections, LossByReordering, Start, Wire};
pub use receiver::{BulkReceiver, BulkReceiverConfig};
pub use sender::{BulkSender, BulkSenderConfig};
