//! Messages: room commands, mouse and game inputs, remote control; small, timed,
//! and with as much reliability as they need.
//!
//! The [`MessageSender`] gives each message to a packet at once (later copies,
//! and the messages before it again, if configured) and sends those again whose
//! packets are lost, as long as their reliability says so; the
//! [`MessageReceiver`] acknowledges every packet by ranges, throws away what it
//! has, and hands messages on as they come or in order. Round trips, loss
//! detection and probes are those of [`crate::transport`].
//!
//! Implements: the service of WebRTC data channels (RFC 8831, sections 6.4 and
//! 6.6): reliable, limited by retransmissions or by lifetime, ordered or not; over
//! the selective repeat of RFC 9002 (loss by packets and by time, probe timeouts
//! with backoff); sizes on the wire are those of SCTP over DTLS (RFC 8261, RFC
//! 9260). Messages that are given up are skipped at an ordered receiver (RFC
//! 3758). Repetition of the last messages is that of game protocols.
//! Differs: packets have numbers of their own, as in QUIC, where SCTP numbers
//! chunks; every packet is acknowledged at once (SCTP: each second, or after 200
//! ms); there is no congestion control unless the flow names a controller (SCTP
//! always has its own), for what a game or a remote control sends is little and
//! cannot wait.
//! Not modelled: fragmentation of messages above 1200 B, connection set-up,
//! messages in both directions that carry acknowledgements for each other.

mod config;
mod gate;
mod profile;
mod receiver;
mod sender;
mod source;
mod store;

pub use config::{MessagesConfig, Reliability};
#[cfg(test)]
pub(crate) use config::{ack_size, packet_size};
pub use profile::{Profile, Settings};
pub use receiver::{MessageReceiver, MessageReceiverConfig};
pub use sender::{MessageSender, MessageSenderConfig};
