//! Call set-up inside the impaired network: connectivity checks, then key
//! exchange, then consent checks for as long as the call lasts; what becomes of
//! a call during and after an outage; the way over TCP where UDP is blocked.
//!
//! Both ends run a [`Session`]. They start when the flow starts: the moment at
//! which the answer has reached the end that made the offer, so that both know
//! each other's candidates. The sender's end is the controlling one.
//!
//! A session checks a UDP pair, and with a `fallback` a TCP pair from the moment
//! at which its connection is open. Each end sends over UDP if that works, else
//! over TCP. With `on_outage` a pair that is not answered stops to work, then has
//! failed, then is given up; when all have failed the controlling end may offer
//! to begin anew.
//!
//! Implements: connectivity checks of ICE (RFC 8445) with the timing of
//! libwebrtc, DTLS 1.3 or 1.2 in lock-step flights (RFC 9147,
//! RFC 6347) with libwebrtc's retransmission timer, consent
//! checks (RFC 7675), write and receive states of libwebrtc's `Connection`, ICE
//! restart (RFC 8445, section 9) that keeps the keys. Sizes and times are those
//! of Chromium 156 calls: set-up
//! takes 114 to 119 ms at 50 ms of round-trip time and 3 Mbit/s, two round
//! trips and what the flights take on the link.
//! Differs: in a browser the end that answered has sent its checks and is the
//! DTLS client as soon as its answer is on the way; here the sender's end is the
//! client unless `client` says otherwise, because nothing is sent before the
//! flow starts. Both ways the sender is ready two round trips after the start.
//! Each end chooses the pair by its own checks (ICE: the controlled end follows
//! the nomination). Offers and answers are one packet each on the flow's own
//! links, as if signalling went there over TCP.
//! Not modelled: gathering, more than one pair per protocol, role conflicts,
//! relays over UDP, DTLS carried in connectivity checks.

mod checks;
mod config;
mod handshake;

#[cfg(test)]
mod outage_tests;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use weaknet_core::event::SessionStage;
use weaknet_core::packet::{Protocol, SessionMessage};
use weaknet_core::{BuildError, Span, Time};

use checks::{Checks, PairState};
pub use config::{DtlsVersion, End, Fallback, OnOutage, SessionConfig};
use handshake::Handshake;

/// IP and UDP headers.
const IP_UDP: u32 = 28;
/// STUN messages of Chromium: requests of the controlling and the controlled
/// end, responses.
const REQUEST: [u32; 2] = [100, 96];
const RESPONSE: u32 = 64;
/// An offer or answer as a full segment: descriptions of a call with audio and
/// video have 2 to 6 kB, compressed about this.
const SIGNALLING: u32 = 1_500;

/// A message to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outgoing {
    /// The message.
    pub message: SessionMessage,
    /// Its size, IP header included, as if it went over UDP.
    pub size: u32,
    /// The pair that it goes over.
    pub protocol: Protocol,
}

/// One end of a call that is being set up or kept up.
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
    udp: Checks,
    tcp: Checks,
    /// When the TCP connection is to be opened, unless UDP works by then.
    fallback_at: Option<Time>,
    /// The TCP connection that is wanted, 0 for none.
    connection: u32,
    /// The pair that this end sends over.
    selected: Option<Protocol>,
    /// How often the session has begun anew.
    generation: u32,
    /// When the next offer to begin anew is due.
    next_offer: Option<Time>,
    handshake: Handshake,
    outbox: VecDeque<Outgoing>,
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
        Ok(Self::with(end, config.clone(), true))
    }

    /// The session of one end that has its keys as soon as it starts and sends
    /// nothing, neither set-up nor consent checks.
    #[must_use]
    pub fn established(end: End) -> Self {
        Self::with(end, SessionConfig::default(), false)
    }

    fn with(end: End, config: SessionConfig, set_up: bool) -> Self {
        Self {
            end,
            set_up,
            started: None,
            failed: false,
            udp: Checks::new(&config),
            tcp: Checks::new(&config),
            fallback_at: None,
            connection: 0,
            selected: None,
            generation: 0,
            next_offer: None,
            handshake: Handshake::new(&config, end == config.client),
            outbox: VecDeque::new(),
            wake_at: None,
            config,
        }
    }

    /// How the call is set up and kept up.
    #[must_use]
    pub const fn config(&self) -> &SessionConfig {
        &self.config
    }

    /// Both ends know each other's candidates.
    pub fn start(&mut self, now: Time) {
        if self.started.is_none() {
            self.started = Some(now);
            if self.set_up {
                self.begin_checks(now);
            }
        }
    }

    fn begin_checks(&mut self, now: Time) {
        self.udp.start(now);
        let falls_back = self.config.fallback != Fallback::None;
        self.fallback_at = falls_back.then(|| now + self.config.fallback_after);
        self.wake_at = Some(now);
    }

    /// New checks, and new keys for a new session.
    fn begin_anew(&mut self, now: Time) {
        self.udp.restart(&self.config);
        self.tcp.restart(&self.config);
        (self.selected, self.next_offer) = (None, None);
        self.outbox.clear();
        if self.config.on_outage == OnOutage::Rejoin {
            self.handshake = Handshake::new(&self.config, self.end == self.config.client);
        }
        self.begin_checks(now);
    }

    /// The TCP connection that this end has to open or to accept, counted from
    /// 1; 0: none.
    #[must_use]
    pub const fn connection(&self) -> u32 {
        self.connection
    }

    /// The TCP connection that is wanted is open. Whether that is news that
    /// matters.
    pub fn on_open(&mut self, now: Time) -> bool {
        let begins = self.started.is_some() && !self.tcp.has_started() && !self.udp_works(now);
        if begins {
            self.tcp.start(now);
            self.wake_at = Some(now);
        }
        begins
    }

    fn udp_works(&self, now: Time) -> bool {
        self.udp.state(now) == PairState::Writable
    }

    /// A packet of the other end arrived over this pair, whatever it carries.
    pub fn on_heard(&mut self, now: Time, protocol: Protocol) {
        self.checks(protocol).on_heard(now);
    }

    /// The checks of a pair: one over TCP, the other over UDP.
    fn checks(&mut self, protocol: Protocol) -> &mut Checks {
        if protocol == Protocol::Tcp {
            &mut self.tcp
        } else {
            &mut self.udp
        }
    }

    /// A message of the other end arrived over this pair. Before the start
    /// nothing is heard.
    pub fn on_message(&mut self, now: Time, message: SessionMessage, protocol: Protocol) {
        if self.started.is_none() || self.failed || !self.set_up {
            return;
        }
        self.wake_at = Some(now);
        match message {
            SessionMessage::BindingRequest { transaction } => {
                if protocol == Protocol::Tcp {
                    self.on_open(now);
                }
                self.outbox.push_back(Outgoing {
                    message: SessionMessage::BindingResponse { transaction },
                    size: RESPONSE + IP_UDP,
                    protocol,
                });
            }
            SessionMessage::BindingResponse { transaction } => {
                let checks = self.checks(protocol);
                let first = checks.on_response(now, transaction);
                let rtt = checks.rtt();
                self.select(now);
                if first && !self.handshake.has_begun() {
                    self.handshake.on_connected(now, rtt);
                }
            }
            SessionMessage::Handshake { flight, part, .. } => {
                let rtt = self.rtt();
                self.handshake.on_part(now, flight, part, rtt);
            }
            SessionMessage::Offer { generation } => {
                if generation > self.generation {
                    self.generation = generation;
                    self.begin_anew(now);
                }
                self.signal(SessionMessage::Answer { generation });
            }
            SessionMessage::Answer { generation } => {
                if self.next_offer.is_some() && generation == self.generation {
                    self.begin_anew(now);
                }
            }
        }
    }

    fn signal(&mut self, message: SessionMessage) {
        self.outbox.push_back(Outgoing {
            message,
            size: SIGNALLING,
            protocol: Protocol::Tcp,
        });
    }

    /// The next message to send.
    pub fn poll(&mut self, now: Time) -> Option<Outgoing> {
        self.wake_at.filter(|at| *at <= now)?;
        let message = self.next_message(now);
        if message.is_none() {
            self.wake_at = self.next_event(now);
        }
        message
    }

    fn next_message(&mut self, now: Time) -> Option<Outgoing> {
        self.started?;
        self.select(now);
        self.judge(now);
        if self.failed {
            return None;
        }
        if self.fallback_at.is_some_and(|at| at <= now) {
            self.fallback_at = None;
            if !self.udp_works(now) {
                self.connection = self.generation + 1;
            }
        }
        if self.next_offer.is_some_and(|at| at <= now) {
            self.next_offer = Some(now + self.config.offer_interval);
            let generation = self.generation;
            self.signal(SessionMessage::Offer { generation });
        }
        if let Some(message) = self.outbox.pop_front() {
            return Some(message);
        }
        if let Some(check) = self.next_check(now) {
            return Some(check);
        }
        let (message, size) = self.handshake.poll(now)?;
        Some(Outgoing {
            message,
            size: size + IP_UDP,
            protocol: self.protocol(),
        })
    }

    fn next_check(&mut self, now: Time) -> Option<Outgoing> {
        if !self.checking() {
            return None;
        }
        for protocol in [Protocol::Udp, Protocol::Tcp] {
            if !self.is_checked(now, protocol) {
                continue;
            }
            if let Some(transaction) = self.checks(protocol).poll(now) {
                let size = REQUEST[usize::from(self.end == End::Receiver)] + IP_UDP;
                return Some(Outgoing {
                    message: SessionMessage::BindingRequest { transaction },
                    size,
                    protocol,
                });
            }
        }
        None
    }

    /// Whether a pair is checked beside the selected one: not when it is given
    /// up, not when a better one works, and not when it has failed and another
    /// one works.
    fn is_checked(&self, now: Time, protocol: Protocol) -> bool {
        let (checks, other) = if protocol == Protocol::Tcp {
            (&self.tcp, Protocol::Udp)
        } else {
            (&self.udp, Protocol::Tcp)
        };
        match checks.state(now) {
            PairState::Dead => false,
            PairState::Failed => self.selected != Some(other),
            _ => protocol == Protocol::Udp || self.selected != Some(other),
        }
    }

    /// Chooses the pair to send over.
    fn select(&mut self, now: Time) {
        let works = |checks: &Checks| checks.state(now) == PairState::Writable;
        self.selected = if works(&self.udp) {
            Some(Protocol::Udp)
        } else if works(&self.tcp) {
            Some(Protocol::Tcp)
        } else {
            None
        };
        if self.selected.is_some() {
            self.next_offer = None;
        }
    }

    /// Gives up, or wants to begin anew.
    fn judge(&mut self, now: Time) {
        let waited_out = |started: Time| now >= started + self.config.timeout;
        if !self.is_ready() && self.generation == 0 && self.started.is_some_and(waited_out) {
            self.fail();
            return;
        }
        let state = |checks: &Checks| match checks.has_started() {
            true => checks.state(now),
            false => PairState::Dead,
        };
        let states = [state(&self.udp), state(&self.tcp)];
        let failed = |state: &PairState| matches!(state, PairState::Failed | PairState::Dead);
        let was_connected = self.generation > 0 || self.is_ready();
        let again = matches!(
            self.config.on_outage,
            OnOutage::RestartIce | OnOutage::Rejoin
        );
        if again && was_connected {
            let due = self.next_offer.is_none() && states.iter().all(failed);
            if due && self.end == End::Sender {
                self.generation += 1;
                self.next_offer = Some(now);
            }
        } else if states == [PairState::Dead; 2] && self.fallback_at.is_none() {
            self.fail();
        }
    }

    fn fail(&mut self) {
        self.failed = true;
        self.outbox.clear();
    }

    /// When [`Session::poll`] may yield something again or the session changes.
    #[must_use]
    pub const fn next_wake(&self) -> Option<Time> {
        self.wake_at
    }

    fn next_event(&self, now: Time) -> Option<Time> {
        let started = self.started.filter(|_| !self.failed)?;
        let give_up =
            (!self.is_ready() && self.generation == 0).then(|| started + self.config.timeout);
        let check = |checks: &Checks, protocol| {
            let checked = self.checking() && self.is_checked(now, protocol);
            checks.next().filter(|_| checked)
        };
        [
            give_up,
            check(&self.udp, Protocol::Udp),
            check(&self.tcp, Protocol::Tcp),
            self.udp.next_change(now),
            self.tcp.next_change(now),
            self.fallback_at,
            self.next_offer,
            self.handshake.next(),
        ]
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
        } else if !self.set_up {
            SessionStage::Connected
        } else if self.was_ready() && !self.may_send() {
            if self.next_offer.is_some() {
                SessionStage::Failed
            } else {
                SessionStage::Disconnected
            }
        } else if self.handshake.is_confirmed() {
            SessionStage::Connected
        } else if self.is_ready() {
            SessionStage::SenderReady
        } else if self.udp.is_connected() || self.tcp.is_connected() {
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

    const fn was_ready(&self) -> bool {
        self.is_ready() || self.generation > 0
    }

    /// Whether media can be sent: the keys are there and a pair works.
    #[must_use]
    pub fn may_send(&self) -> bool {
        let works = !self.set_up || self.selected.is_some() || !self.loses_pairs();
        self.is_ready() && works && !self.failed
    }

    fn loses_pairs(&self) -> bool {
        self.config.on_outage != OnOutage::Ignore
    }

    /// The protocol that is sent by.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.selected.unwrap_or_default()
    }

    /// The protocol that is sent by when observers are to be told of it.
    #[must_use]
    pub fn watched_protocol(&self) -> Option<Protocol> {
        self.selected.filter(|_| self.config.is_watched())
    }

    /// How often the session has begun anew with new keys.
    #[must_use]
    pub fn rejoined(&self) -> u32 {
        match self.config.on_outage {
            OnOutage::Rejoin => self.generation,
            _ => 0,
        }
    }

    /// Round-trip time of the connectivity checks, smoothed.
    #[must_use]
    pub const fn rtt(&self) -> Option<Span> {
        match self.selected {
            Some(Protocol::Tcp) => self.tcp.rtt(),
            _ => self.udp.rtt(),
        }
    }

    fn checking(&self) -> bool {
        self.config.consent || !self.handshake.is_confirmed()
    }
}
