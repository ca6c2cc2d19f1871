//! Key exchange in lock-step flights.
//!
//! Implements: the flights of DTLS 1.3 (RFC 9147, section 5) with certificates
//! of both ends, sizes as Chromium 156 sends them: hello (2 datagrams), server's
//! flight up to its finish (2), client's certificate to finish, acknowledgement;
//! and those of DTLS 1.2 (RFC 6347, section 4.2.4), sizes from their messages
//! with ECDSA certificates. A flight that is not answered is sent again after
//! twice the round-trip time of the checks, clamped, doubling each time up to
//! 60 s (libwebrtc and BoringSSL); the last flight is sent again when the one
//! before it comes again.
//! Differs: a flight is retransmitted whole; DTLS 1.3 can acknowledge parts.

use weaknet_core::packet::SessionMessage;
use weaknet_core::{Span, Time};

use super::{DtlsVersion, SessionConfig};

/// UDP payloads of the datagrams of each flight, the client's first.
type Flights = &'static [&'static [u32]];
const V1_3: Flights = &[&[1_200, 263], &[1_199, 517], &[456], &[40]];
const V1_2: Flights = &[&[190], &[680], &[580], &[75]];
const MAX_TIMER: Span = Span::from_secs(60);
/// Initial timer without a round-trip time (RFC 6347, section 4.2.4.1).
const UNKNOWN_RTT_TIMER: Span = Span::from_secs(1);

#[derive(Debug, Clone)]
pub(super) struct Handshake {
    flights: Flights,
    client: bool,
    /// The client has its keys before the server has answered its second flight.
    early_client: bool,
    compute: Span,
    timer_bounds: (Span, Span),
    /// The checks have succeeded: flights may be sent.
    connected: bool,
    /// Flight of the other end that is awaited, counted in all flights from 1.
    awaited: u8,
    /// Datagrams of it that arrived, as bits.
    parts: u8,
    /// Flight sent last, 0 for none.
    sent: u8,
    /// A flight that is being computed, and until when.
    computing: Option<(u8, Time)>,
    /// Datagrams of `sent` that leave now.
    to_send: usize,
    resend_at: Option<Time>,
    timer: Span,
}

impl Handshake {
    pub(super) const fn new(config: &SessionConfig, client: bool) -> Self {
        let (flights, early_client) = match config.dtls {
            DtlsVersion::V1_3 => (V1_3, true),
            DtlsVersion::V1_2 => (V1_2, false),
        };
        Self {
            flights,
            client,
            early_client,
            compute: config.compute,
            timer_bounds: (config.min_retransmission, config.max_retransmission),
            connected: false,
            awaited: if client { 2 } else { 1 },
            parts: 0,
            sent: 0,
            computing: None,
            to_send: 0,
            resend_at: None,
            timer: UNKNOWN_RTT_TIMER,
        }
    }

    pub(super) const fn is_ready(&self) -> bool {
        (self.client && self.early_client && self.sent >= 3) || self.is_confirmed()
    }

    pub(super) const fn is_confirmed(&self) -> bool {
        self.awaited > if self.client { 4 } else { 3 }
    }

    /// Whether the checks have succeeded before.
    pub(super) const fn has_begun(&self) -> bool {
        self.connected
    }

    /// The checks have succeeded.
    pub(super) fn on_connected(&mut self, now: Time, rtt: Option<Span>) {
        self.connected = true;
        let heard_hello = !self.client && self.awaited == 3;
        if self.client || heard_hello {
            self.compute(now, self.awaited - 1, rtt);
        }
    }

    fn compute(&mut self, now: Time, flight: u8, rtt: Option<Span>) {
        let (min, max) = self.timer_bounds;
        self.timer = rtt.map_or(UNKNOWN_RTT_TIMER, |rtt| (rtt * 2).max(min).min(max));
        self.computing = Some((flight, now + self.compute));
    }

    fn datagrams(&self, flight: u8) -> &'static [u32] {
        usize::from(flight)
            .checked_sub(1)
            .and_then(|i| self.flights.get(i))
            .copied()
            .unwrap_or_default()
    }

    /// A datagram of the other end arrived.
    pub(super) fn on_part(&mut self, now: Time, flight: u8, part: u8, rtt: Option<Span>) {
        let parts = self.datagrams(flight).len();
        if usize::from(part) >= parts {
            return;
        }
        if flight == self.awaited {
            self.parts |= 1 << part;
            if self.parts.count_ones() as usize == parts {
                (self.parts, self.to_send, self.resend_at) = (0, 0, None);
                self.awaited += 2;
                if self.connected && !self.datagrams(flight + 1).is_empty() {
                    self.compute(now, flight + 1, rtt);
                }
            }
        } else if flight + 1 == self.sent && usize::from(part) + 1 == parts {
            // It came again: the answer has not been heard.
            self.send(now, self.sent);
        }
    }

    fn send(&mut self, now: Time, flight: u8) {
        self.sent = flight;
        self.to_send = self.datagrams(flight).len();
        let is_answered = usize::from(flight) < self.flights.len();
        self.resend_at = is_answered.then(|| now + self.timer);
    }

    /// The next datagram and its UDP payload.
    pub(super) fn poll(&mut self, now: Time) -> Option<(SessionMessage, u32)> {
        if let Some((flight, _)) = self.computing.filter(|(_, ready)| *ready <= now) {
            self.computing = None;
            self.send(now, flight);
        }
        if self.resend_at.is_some_and(|at| at <= now) {
            self.timer = (self.timer * 2).min(MAX_TIMER);
            self.send(now, self.sent);
        }
        let datagrams = self.datagrams(self.sent);
        let part = datagrams.len().checked_sub(self.to_send)?;
        let size = *datagrams.get(part)?;
        self.to_send -= 1;
        let (flight, part, parts) = (self.sent, part as u8, datagrams.len() as u8);
        Some((
            SessionMessage::Handshake {
                flight,
                part,
                parts,
            },
            size,
        ))
    }

    /// When the next flight is due.
    pub(super) fn next(&self) -> Option<Time> {
        let computed = self.computing.map(|(_, ready)| ready);
        [computed, self.resend_at].into_iter().flatten().min()
    }
}
