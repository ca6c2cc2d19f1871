//! How a call is set up and kept up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildError, Bytes, Span};

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

/// What becomes of a call when the other end is not heard of any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnOutage {
    /// Nothing: once connected it is taken to be so until its end.
    #[default]
    Ignore,
    /// Media stop while no candidate pair works and go on when one does again;
    /// a pair that is silent for too long is given up.
    Wait,
    /// The same; when all pairs have timed out ICE begins anew, with the keys
    /// that there are.
    RestartIce,
    /// The same, but with a new session: new checks, new keys, a controller that
    /// begins where it began.
    Rejoin,
}

/// What a call falls back to when UDP does not get through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// Nothing.
    #[default]
    None,
    /// A TCP candidate of the other end (RFC 6544), as media servers offer.
    IceTcp,
    /// A relay that is asked over TCP (RFC 8656) and stands beside the other end.
    TurnTcp,
    /// The same over TLS, which passes for web traffic.
    TurnTls,
}

/// How a call is set up and kept up.
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
    /// What becomes of the call when the other end is not heard of any more.
    pub on_outage: OnOutage,
    /// A pair from which nothing has come for so long is checked at
    /// `check_interval` (libwebrtc `kWeakConnectionReceiveTimeout`, 2.5 s).
    pub receiving_timeout: Span,
    /// A pair does not work any more this long after the first of five checks
    /// without answer (libwebrtc `kConnectionWriteConnectTimeout`, 5 s).
    pub unwritable_timeout: Span,
    /// And has failed after this long (libwebrtc `kConnectionWriteTimeout`, 15 s;
    /// Signal sets 30 s).
    pub inactive_timeout: Span,
    /// And is given up after this long (libwebrtc
    /// `kDeadConnectionReceiveTimeout`, 30 s).
    pub dead_timeout: Span,
    /// Time between offers to begin anew until one is answered (no standard;
    /// a signalling client that connects again every second).
    pub offer_interval: Span,
    /// What the call falls back to when UDP does not get through.
    pub fallback: Fallback,
    /// The fallback is begun this long after UDP, unless that works by then
    /// (Chromium begins the next kind of candidates after 50 ms; stacks that wait
    /// for UDP to fail first take seconds).
    pub fallback_after: Span,
    /// Bytes that a TCP connection takes before they are acknowledged; what is
    /// written beyond is lost (libwebrtc's `kVideoRtpSendBufferSize`, 256 KiB).
    pub tcp_send_buffer: Bytes,
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
            on_outage: OnOutage::Ignore,
            receiving_timeout: Span::from_millis(2_500),
            unwritable_timeout: Span::from_secs(5),
            inactive_timeout: Span::from_secs(15),
            dead_timeout: Span::from_secs(30),
            offer_interval: Span::from_secs(1),
            fallback: Fallback::None,
            fallback_after: Span::from_millis(50),
            tcp_send_buffer: Bytes::new(262_144),
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
            ("receiving_timeout", self.receiving_timeout),
            ("unwritable_timeout", self.unwritable_timeout),
            ("offer_interval", self.offer_interval),
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
        let order = [
            (
                "inactive_timeout",
                self.unwritable_timeout,
                self.inactive_timeout,
            ),
            ("dead_timeout", self.inactive_timeout, self.dead_timeout),
        ];
        for (name, least, given) in order {
            if given < least {
                let message = format!("expected at least {least}, found {given}");
                return Err(BuildError::field(name, message));
            }
        }
        if self.on_outage != OnOutage::Ignore && !self.consent {
            let message = "expected `ignore`: without `consent` nothing is noticed";
            return Err(BuildError::field("on_outage", message));
        }
        if self.tcp_send_buffer < Bytes::new(1_500) {
            let message = "expected at least 1500B";
            return Err(BuildError::field("tcp_send_buffer", message));
        }
        Ok(())
    }

    /// Whether observers are told by which protocol the call goes and when it is
    /// disconnected.
    pub(super) fn is_watched(&self) -> bool {
        self.on_outage != OnOutage::Ignore || self.fallback != Fallback::None
    }
}
