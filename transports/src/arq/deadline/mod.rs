//! Retransmission with a deadline: nothing is asked for, and nothing is sent,
//! that is predicted to arrive too late.
//!
//! The receiver knows when the packet is due: when others of its timestamp came,
//! later by what the jitter buffer aims at and by the grace that the picture may
//! stand still for. It asks while an answer, which takes
//! a round trip and some of its variations, would come before that. A packet
//! that is not asked for any more is waited for until it is due (repair packets
//! may bring it), then a key frame is asked for; frames between the two cannot be
//! decoded, so that nothing is asked for of them. Each request tells the sender
//! what the jitter buffer aims at; the sender answers while the packet is not
//! older than that, for what is sent again travels as long as what was sent
//! first. Where frames refer to each other a frame that comes late still ends the
//! freeze that its loss began, sooner than a key frame would: a short grace suits
//! calls with repair packets, or streams whose lost frames can be skipped.
//!
//! Implements: own design, after the too-late packet drop of SRT
//! (draft-sharabayko-srt-01, section 4.6) and the deadlines of RIST; the delay of
//! the jitter buffer travels as RFC 7005 writes it.
//! Differs: SRT agrees on one latency when a connection begins; here it is what
//! the jitter buffer aims at, which moves.
//! Not modelled: the time that a retransmission waits in the pacer.

mod clock;
mod requester;
mod responder;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Span};

use super::{Arq, ArqPair, SenderRules};
use requester::{DeadlineRequester, Rules};
pub(super) use responder::{Late, PlayoutResponder};

/// Retransmission of what can still come in time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Deadline {
    /// How long before its play-out a packet must be there. Default 15 ms: 10 ms
    /// for the screen, as libwebrtc reckons, and 5 ms for decoding. At most 1 s.
    pub ahead: Span,
    /// How long after its play-out a frame is still worth showing: the picture
    /// stands still for so long. Default 150 ms: what is longer is a freeze by the
    /// rule of getStats. At most 10 s.
    pub grace: Span,
    /// An answer is expected after the smoothed round-trip time and so many of
    /// its mean deviations. Default 2; 4 are those of a retransmission timeout
    /// (RFC 6298). 0 to 10.
    pub deviations: f64,
    /// Round-trip time until one is measured. Default 100 ms (libwebrtc's
    /// `kDefaultRtt`), at most 1 min.
    pub default_rtt: Span,
    /// How often a packet is asked for at most. Default 10, 1 to 1000.
    pub max_retries: u32,
    /// Whether a packet that has not come when it is due makes the receiver ask
    /// for a key frame; without that, the jitter buffer does so when its own
    /// time-out is over. Default true.
    pub key_frames: bool,
    /// What the sender keeps, and how much of it may be sent again.
    pub sender: SenderRules,
}

impl Default for Deadline {
    fn default() -> Self {
        Self {
            ahead: Span::from_millis(15),
            grace: Span::from_millis(150),
            deviations: 2.0,
            default_rtt: Span::from_millis(100),
            max_retries: 10,
            key_frames: true,
            sender: SenderRules::default(),
        }
    }
}

impl Plugin for Deadline {
    type Kind = Arq;
    const NAME: &'static str = "deadline";
    const SUMMARY: &'static str =
        "asks for and sends again only what is predicted to come before it is due";
    const REFERENCES: &'static [&'static str] = &[
        "draft-sharabayko-srt-01 section 4.6 (too-late packet drop)",
        "RFC 7005 (de-jitter buffer metrics)",
        "RFC 4585 section 6.2.1, RFC 4588",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<ArqPair, BuildError> {
        if self.ahead > Span::from_secs(1) {
            return Err(BuildError::field("ahead", "expected at most 1s"));
        }
        if self.grace > Span::from_secs(10) {
            return Err(BuildError::field("grace", "expected at most 10s"));
        }
        if !(0.0..=10.0).contains(&self.deviations) {
            return Err(BuildError::field("deviations", "expected 0 to 10"));
        }
        if self.default_rtt > Span::from_secs(60) {
            return Err(BuildError::field("default_rtt", "expected at most 1min"));
        }
        if !(1..=1_000).contains(&self.max_retries) {
            return Err(BuildError::field("max_retries", "expected 1 to 1000"));
        }
        self.sender.check()?;
        let rules = Rules {
            ahead: self.ahead,
            grace: self.grace,
            deviations: self.deviations,
            max_retries: self.max_retries,
            key_frames: self.key_frames,
        };
        let responder = PlayoutResponder::new(
            self.sender.clone(),
            self.ahead,
            vec![1],
            Late::Refuse(self.grace),
        );
        Ok(ArqPair {
            requester: Box::new(DeadlineRequester::new(rules, self.default_rtt)),
            responder: Box::new(responder),
        })
    }
}
