//! Call set-up inside the impaired network: connectivity checks, then key
//! exchange, then consent checks for as long as the call lasts.
//!
//! Both ends run a [`Session`]. They start when the flow starts: the moment at
//! which the answer has reached the end that made the offer, so that both know
//! each other's candidates. The sender's end is the controlling one.
//!
//! Implements: connectivity checks of ICE (RFC 8445) with the timing of
//! libwebrtc, DTLS 1.3 or 1.2 in lock-step flights (RFC 9147,
//! RFC 6347) with libwebrtc's retransmission timer, consent
//! checks (RFC 7675). Sizes and times are those of Chromium 156 calls: set-up
//! takes 114 to 119 ms at 50 ms of round-trip time and 3 Mbit/s, two round
//! trips and what the flights take on the link.
//! Differs: in a browser the end that answered has sent its checks and is the
//! DTLS client as soon as its answer is on the way; here the sender's end is the
//! client unless `client` says otherwise, because nothing is sent before the
//! flow starts. Both ways the sender is ready two round trips after the start.
//! Not modelled: gathering, several candidate pairs, role conflicts, TURN,
//! expiry of consent, DTLS carried in connectivity checks.

mod checks;
mod handshake;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::event::SessionStage;
use weaknet_core::packet::SessionMessage;
use weaknet_core::{BuildError, Span, Time};

use checks::Checks;
use handshake::Handshake;

/// IP and UDP headers.
const IP_UDP: u32 = 28;
/// STUN messages of Chromium: requests of the controlling and the controlled
/// end, responses.
const REQUEST: [u32; 2] = [100, 96];
const RESPONSE: u32 = 64;

/// Which end of the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The end that sends media; controls ICE.
    #[default]
    Sender,
    /// The other one.
    Receiver,
}

/// Version of the key exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DtlsVersion {
    /// DTLS 1.3 with a post-quantum key share: the client may send after one
    /// round trip.
    #[default]
    V1_3,
    /// DTLS 1.2: the client may send after two round trips.
    V1_2,
}

/// How a call is set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SessionConfig {
    /// Version of DTLS.
    pub dtls: DtlsVersion,
    /// The end that sends the first flight.
    pub client: End,
    /// Computing time before each flight (Chromium: 1 to 4 ms).
    pub compute: Span,
    /// Time between checks until connected, and at least for the first three
    /// (libwebrtc's 48 ms on Chromium's ticks of 1/64 s).
    pub check_interval: Span,
    /// Time between checks until five were answered (libwebrtc's 900 ms,
    /// measured).
    pub stabilising_interval: Span,
    /// Time between consent checks after that (libwebrtc's 2.5 s, measured; 5 s
    /// in RFC 7675).
    pub consent_interval: Span,
    /// Whether checks go on after the set-up.
    pub consent: bool,
    /// Least and greatest initial value of the retransmission timer, which is
    /// twice the round-trip time of the checks (libwebrtc: 50 ms and 3 s).
    pub min_retransmission: Span,
    /// See `min_retransmission`.
    pub max_retransmission: Span,
    /// Set-up is given up after this long.
    pub timeout: Span,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            dtls: DtlsVersion::V1_3,
            client: End::Sender,
            compute: Span::from_millis(2),
            check_interval: Span::from_micros(62_500),
            stabilising_interval: Span::from_micros(1_062_500),
            consent_interval: Span::from_micros(2_656_250),
            consent: true,
            min_retransmission: Span::from_millis(50),
            max_retransmission: Span::from_secs(3),
            timeout: Span::from_secs(30),
        }
    }
}

impl SessionConfig {
    /// Checks that the parameters make sense.
    ///
    /// # Errors
    /// Names the parameter at fault.
    pub fn validate(&self) -> Result<(), BuildError> {
        let intervals = [
            ("check_interval", self.check_interval),
            ("stabilising_interval", self.stabilising_interval),
            ("consent_interval", self.consent_interval),
            ("min_retransmission", self.min_retransmission),
            ("timeout", self.timeout),
        ];
        for (name, interval) in intervals {
            if interval < Span::from_millis(1) {
                return Err(BuildError::field(
                    name,
                    format!("expected at least 1ms, found {interval}"),
                ));
            }
        }
        if self.max_retransmission < self.min_retransmission {
            return Err(BuildError::field(
                "max_retransmission",
                "expected at least min_retransmission",
            ));
        }
        Ok(())
    }
}

/// One end of a call that is being set up.
///
/// After any call ask [`Session::poll`] until it yields nothing, then sleep
/// until [`Session::next_wake`].
#[derive(Debug, Clone)]
pub struct Session {
    config: SessionConfig,
    end: End,
    /// Whether there is anything to set up.
    set_up: bool,
    started: Option<Time>,
    failed: bool,
    checks: Checks,
    handshake: Handshake,
    outbox: VecDeque<(SessionMessage, u32)>,
    /// When the next message is due or the set-up fails. Before that there is
    /// nothing to poll.
    wake_at: Option<Time>,
}

impl Session {
    /// The session of one end.
    ///
    /// # Errors
    /// See [`SessionConfig::validate`].
    pub fn new(end: End, config: &SessionConfig) -> Result<Self, BuildError> {
        config.validate()?;
        Ok(Self {
            end,
            set_up: true,
            started: None,
            failed: false,
            checks: Checks::new(config),
            handshake: Handshake::new(config, end == config.client),
            outbox: VecDeque::new(),
            wake_at: None,
            config: config.clone(),
        })
    }

    /// The session of one end that has its keys as soon as it starts and sends
    /// nothing, neither set-up nor consent checks.
    #[must_use]
    pub fn established(end: End) -> Self {
        let config = SessionConfig::default();
        Self {
            end,
            set_up: false,
            started: None,
            failed: false,
            checks: Checks::new(&config),
            handshake: Handshake::new(&config, end == config.client),
            outbox: VecDeque::new(),
            wake_at: None,
            config,
        }
    }

    /// Both ends know each other's candidates.
    pub fn start(&mut self, now: Time) {
        if self.started.is_none() {
            self.started = Some(now);
            if self.set_up {
                self.checks.start(now);
                self.wake_at = Some(now);
            }
        }
    }

    /// A message of the other end arrived. Before the start nothing is heard.
    pub fn on_message(&mut self, now: Time, message: SessionMessage) {
        if self.started.is_none() || self.failed || !self.set_up {
            return;
        }
        self.wake_at = Some(now);
        match message {
            SessionMessage::BindingRequest { transaction } => {
                self.outbox.push_back((
                    SessionMessage::BindingResponse { transaction },
                    RESPONSE + IP_UDP,
                ));
            }
            SessionMessage::BindingResponse { transaction } => {
                if self.checks.on_response(now, transaction) {
                    self.handshake.on_connected(now, self.checks.rtt());
                }
            }
            SessionMessage::Handshake { flight, part, .. } => {
                self.handshake.on_part(now, flight, part, self.checks.rtt());
            }
        }
    }

    /// The next message to send and its size, IP header included.
    pub fn poll(&mut self, now: Time) -> Option<(SessionMessage, u32)> {
        self.wake_at.filter(|at| *at <= now)?;
        let message = self.next_message(now);
        if message.is_none() {
            self.wake_at = self.next_event();
        }
        message
    }

    fn next_message(&mut self, now: Time) -> Option<(SessionMessage, u32)> {
        let started = self.started?;
        if !self.is_ready() && now >= started + self.config.timeout {
            self.failed = true;
            self.outbox.clear();
        }
        if self.failed {
            return None;
        }
        if let Some(message) = self.outbox.pop_front() {
            return Some(message);
        }
        if self.checking()
            && let Some(transaction) = self.checks.poll(now)
        {
            let size = REQUEST[usize::from(self.end == End::Receiver)] + IP_UDP;
            return Some((SessionMessage::BindingRequest { transaction }, size));
        }
        let (message, size) = self.handshake.poll(now)?;
        Some((message, size + IP_UDP))
    }

    /// When [`Session::poll`] may yield something again or the set-up fails.
    #[must_use]
    pub const fn next_wake(&self) -> Option<Time> {
        self.wake_at
    }

    fn next_event(&self) -> Option<Time> {
        let started = self.started.filter(|_| !self.failed)?;
        let give_up = (!self.is_ready()).then(|| started + self.config.timeout);
        let check = self.checks.next().filter(|_| self.checking());
        [give_up, check, self.handshake.next()]
            .into_iter()
            .flatten()
            .min()
    }

    /// How far the set-up is at this end: `SenderReady` when this end has its
    /// keys, `Connected` when it knows that the other end has them too; `None`
    /// before the start.
    #[must_use]
    pub fn stage(&self) -> Option<SessionStage> {
        self.started?;
        Some(if self.failed {
            SessionStage::Failed
        } else if !self.set_up || self.handshake.is_confirmed() {
            SessionStage::Connected
        } else if self.is_ready() {
            SessionStage::SenderReady
        } else if self.checks.is_connected() {
            SessionStage::IceConnected
        } else {
            SessionStage::Started
        })
    }

    /// Whether this end has its keys: it may send media and can decrypt what
    /// comes. What comes earlier is lost.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        if self.set_up {
            self.handshake.is_ready()
        } else {
            self.started.is_some()
        }
    }

    /// Round-trip time of the connectivity checks, smoothed.
    #[must_use]
    pub const fn rtt(&self) -> Option<Span> {
        self.checks.rtt()
    }

    fn checking(&self) -> bool {
        self.config.consent || !self.handshake.is_confirmed()
    }
}
