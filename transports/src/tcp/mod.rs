//! Datagrams over TCP: what media go over where UDP is blocked.
//!
//! An [`OverTcp`] stands around an end of a call. What the end sends by
//! [`Protocol::Tcp`](weaknet_core::packet::Protocol::Tcp) is written into a
//! reliable stream as records and read from there in order at the other end:
//! a lost segment holds up all that follow it until its retransmission has come.
//! Below the call's own controller there is TCP's, CUBIC unless told otherwise.
//!
//! Implements: opening by three segments and its timer (RFC 9293, section 3.5;
//! RFC 6298, section 2.1: 1 s, doubling; six retransmissions as Linux), loss
//! detection, acknowledgements and timeouts as of bulk flows
//! ([`crate::bulk`]), framing of RFC 4571 for ICE over TCP (RFC 6544),
//! ChannelData of RFC 8656 for TURN, records of TLS 1.3 (RFC 8446); the
//! round trips that open such a channel: one for TLS, two to allocate an address
//! (the first request is refused for want of credentials). Sockets as libwebrtc
//! sets them (2026-07): no delay of small writes (`OPT_NODELAY`), a send buffer of
//! 256 KiB, and packets that do not fit are dropped silently
//! (`AsyncTCPSocket::Send`).
//! Differs: acknowledgements are segments of their own and name packets as those
//! of bulk flows do; a packet that does not fit is dropped whole (libwebrtc keeps
//! the rest of the one that filled the buffer).
//! Not modelled: closing, path MTU discovery (segments have 1500 B), keep-alive, connections over proxies (HTTP CONNECT).

mod config;
mod connection;
mod node;
mod opening;
mod receiver;
mod sender;

#[cfg(test)]
mod tests;

pub use config::{Framing, TcpConfig};
pub use node::{Carried, OverTcp};
