//! Negative acknowledgement with more copies as the deadline comes near: a first
//! round is repeated if it fails, a last one is not, so it is worth more.
//!
//! The receiver asks as `nack` does and says what its jitter buffer aims at. The
//! sender reckons how many more rounds there is time for after this one, and
//! answers with as many copies as the table says for that.
//!
//! Implements: the idea of Hairpin (NSDI 2024): redundancy of a retransmission by
//! the rounds that are left, remaining deadline over round-trip time.
//! Differs: Hairpin optimises redundancy by the loss rate and the cost of
//! bandwidth and of misses, and sends coded packets; here a table says how many
//! copies. What is late is answered too, since it ends a freeze.
//! Not modelled: copies apart in time, which would survive bursts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin, Span};

use super::deadline::{Late, PlayoutResponder};
use super::{Arq, ArqPair, Nack};

/// Negative acknowledgement with copies that grow towards the deadline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hybrid {
    /// When the receiver asks, and what the sender keeps.
    pub nack: Nack,
    /// Copies when there is time for 0, 1, 2, .. more rounds after this one; the
    /// last stands for all more. Default [3, 2, 1] (own choice; Hairpin's are
    /// computed). 1 to 16 numbers from 1 to 16.
    pub copies: Vec<u32>,
    /// Copies of what will be late: until it is there the picture stands still.
    /// Default 2 (own choice), 1 to 16.
    pub late_copies: u32,
    /// How long before its play-out a packet must be there. Default 15 ms: 10 ms
    /// for the screen, as libwebrtc reckons, and 5 ms for decoding. At most 1 s.
    pub ahead: Span,
}

impl Default for Hybrid {
    fn default() -> Self {
        Self {
            nack: Nack::default(),
            copies: vec![3, 2, 1],
            late_copies: 2,
            ahead: Span::from_millis(15),
        }
    }
}

impl Plugin for Hybrid {
    type Kind = Arq;
    const NAME: &'static str = "hybrid";
    const SUMMARY: &'static str =
        "asks as `nack` does; the fewer rounds are left, the more copies are sent";
    const REFERENCES: &'static [&'static str] = &[
        "Meng et al., Hairpin: rethinking packet loss recovery in edge-based interactive video streaming, NSDI 2024",
        "RFC 7005 (de-jitter buffer metrics)",
        "libwebrtc modules/video_coding/nack_requester.cc, 2026-07",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<ArqPair, BuildError> {
        let few = 1..=16;
        if !few.contains(&self.copies.len()) || !self.copies.iter().all(|n| (1..=16).contains(n)) {
            let message = "expected 1 to 16 numbers from 1 to 16";
            return Err(BuildError::field("copies", message));
        }
        if !few.contains(&(self.late_copies as usize)) {
            return Err(BuildError::field("late_copies", "expected 1 to 16"));
        }
        if self.ahead > Span::from_secs(1) {
            return Err(BuildError::field("ahead", "expected at most 1s"));
        }
        let requester = self
            .nack
            .requester()
            .map_err(|error| BuildError::field("nack", error.to_string()))?;
        let sender = self.nack.sender.clone();
        let responder = PlayoutResponder::new(
            sender,
            self.ahead,
            self.copies.clone(),
            Late::Answer(self.late_copies),
        );
        Ok(ArqPair {
            requester: Box::new(requester.telling_playout_delay()),
            responder: Box::new(responder),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::Streams;
    use weaknet_core::plugin::Assets;

    fn field(config: &Hybrid) -> Option<String> {
        let (streams, assets) = (Streams::new(1), Assets::default());
        let context = BuildContext {
            path: "arq",
            streams: &streams,
            assets: &assets,
        };
        config.build(&context).err().and_then(|error| error.field)
    }

    #[test]
    fn refuses_senseless_tables_and_what_nack_refuses() {
        let plain = Hybrid::default;
        assert_eq!(field(&plain()), None);
        for copies in [vec![], vec![0], vec![1, 17], vec![1; 17]] {
            let config = Hybrid { copies, ..plain() };
            assert_eq!(field(&config).as_deref(), Some("copies"));
        }
        let late = Hybrid {
            late_copies: 0,
            ..plain()
        };
        assert_eq!(field(&late).as_deref(), Some("late_copies"));
        let nack = Nack {
            default_rtt: Span::from_secs(61),
            ..Nack::default()
        };
        assert_eq!(field(&Hybrid { nack, ..plain() }).as_deref(), Some("nack"));
    }
}
