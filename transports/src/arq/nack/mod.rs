//! Retransmission on negative acknowledgement, as libwebrtc does it: the
//! receiver lists the holes in the sequence numbers and asks once per
//! round-trip time; the sender keeps what it sent and answers each request at
//! most once per round-trip time.
//!
//! Implements: generic NACK (RFC 4585 section 6.2.1) with retransmission
//! (RFC 4588) by libwebrtc's rules; see `requester` and `history`.
//! Not modelled: splitting of long lists over several RTCP packets.

mod requester;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Span};

use super::history::PacketHistory;
use super::{Arq, ArqPair, SenderRules};
use crate::version::LibwebrtcVersion;
pub(super) use requester::NackRequester;
use requester::{ListFull, Rules};

/// libwebrtc's NACK and retransmission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Nack {
    /// Which libwebrtc. 2026-01: a packet is asked for at most 100 times, a
    /// full list is cleared and a key frame requested. 2024-10: at most 10
    /// times, and a full list is first cut at the key frames that arrived (a
    /// tree of that date that trails upstream, which changed the list in
    /// 2024-01 and the number of requests in 2024-07).
    pub version: LibwebrtcVersion,
    /// How often the list is looked through. Default 20 ms (`kUpdateInterval`
    /// of `nack_requester.h`).
    pub process_interval: Span,
    /// Round-trip time until one is measured. Default 100 ms (`kDefaultRtt`).
    pub default_rtt: Span,
    /// How long to hold back a first request. Default 0 ms, at most 20 ms
    /// (field trial `WebRTC-SendNackDelayMs`).
    pub send_delay: Span,
    /// What the sender keeps, and how much of it may be sent again.
    pub sender: SenderRules,
}

impl Default for Nack {
    fn default() -> Self {
        Self {
            version: LibwebrtcVersion::default(),
            process_interval: Span::from_millis(20),
            default_rtt: Span::from_millis(100),
            send_delay: Span::ZERO,
            sender: SenderRules::default(),
        }
    }
}

impl Plugin for Nack {
    type Kind = Arq;
    const NAME: &'static str = "nack";
    const SUMMARY: &'static str =
        "asks for missing packets once per round-trip time, as libwebrtc does";
    const REFERENCES: &'static [&'static str] = &[
        "RFC 4585 section 6.2.1, RFC 4588",
        "libwebrtc modules/video_coding/nack_requester.cc, 2026-07 (rules of 2026-01)",
        "libwebrtc modules/rtp_rtcp/source/rtp_packet_history.cc and rtp_sender.cc, 2026-07",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<ArqPair, BuildError> {
        Ok(ArqPair {
            requester: Box::new(self.requester()?),
            responder: Box::new(PacketHistory::new(self.sender.clone())),
        })
    }
}

impl Nack {
    /// The receiver's half, when the parameters of both are valid.
    pub(super) fn requester(&self) -> Result<NackRequester, BuildError> {
        let second = Span::from_secs(1);
        if self.process_interval < Span::from_millis(1) || self.process_interval > second {
            return Err(BuildError::field("process_interval", "expected 1ms to 1s"));
        }
        if self.default_rtt > Span::from_secs(60) {
            return Err(BuildError::field("default_rtt", "expected at most 1min"));
        }
        if self.send_delay > Span::from_millis(20) {
            return Err(BuildError::field("send_delay", "expected at most 20ms"));
        }
        self.sender.check()?;
        let (max_retries, list_full) = match self.version {
            LibwebrtcVersion::January2026 => (100, ListFull::Clear),
            LibwebrtcVersion::October2024 => (10, ListFull::CutAtKeyFrames),
        };
        let rules = Rules {
            max_retries,
            list_full,
            process_interval: self.process_interval,
            send_delay: self.send_delay,
        };
        Ok(NackRequester::new(rules, self.default_rtt))
    }
}
