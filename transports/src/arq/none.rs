//! No retransmission: nobody asks, nobody answers.
//!
//! Implements: the absence of NACK in an RTP session (RFC 4585 not negotiated).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Span, Time};

use super::{Answer, Arq, ArqPair, Requester, Responder, UsablePacket, Wish};

/// No retransmission.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NoArq {}

impl Plugin for NoArq {
    type Kind = Arq;
    const NAME: &'static str = "none";
    const SUMMARY: &'static str = "never asks for retransmissions and never answers";
    const REFERENCES: &'static [&'static str] = &["RFC 4585 without generic NACK"];

    fn build(&self, _: &BuildContext<'_>) -> Result<ArqPair, BuildError> {
        Ok(ArqPair {
            requester: Box::new(Silent),
            responder: Box::new(Deaf::default()),
        })
    }
}

struct Silent;

impl Requester for Silent {
    fn on_packet(&mut self, _: Time, _: &UsablePacket, _: &mut Vec<u64>) -> Wish {
        Wish::default()
    }
    fn clear_up_to(&mut self, _: Time, _: u64) {}
    fn on_rtt(&mut self, _: Span) {}
    fn wake(&mut self, _: Time, _: &mut Vec<u64>) -> Wish {
        Wish::default()
    }
    fn next_wake(&self) -> Option<Time> {
        None
    }
    fn times_requested(&self, _: u64) -> u32 {
        0
    }
}

/// Keeps nothing.
#[derive(Default)]
struct Deaf {
    next: u64,
}

impl Responder for Deaf {
    fn on_sent(&mut self, _: Time, seq: u64, _: u32) {
        self.next = self.next.max(seq.saturating_add(1));
    }
    fn on_nack(&mut self, _: Time, _: u64) -> Answer {
        Answer::Refused
    }
    fn on_rtt(&mut self, _: Time, _: Span) {}
    fn on_target(&mut self, _: Time, _: Bitrate) {}
    fn oldest_kept(&self, _: Time) -> u64 {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::Streams;
    use weaknet_core::plugin::Assets;

    #[test]
    fn never_asks_and_never_answers() {
        let (streams, assets) = (Streams::new(1), Assets::default());
        let mut pair = NoArq {}
            .build(&BuildContext {
                path: "arq",
                streams: &streams,
                assets: &assets,
            })
            .unwrap();
        let mut nack = Vec::new();
        for seq in [0, 5, 900] {
            let packet = UsablePacket {
                seq,
                timestamp: 0,
                key: false,
                repaired: false,
            };
            let wish = pair.requester.on_packet(Time::ZERO, &packet, &mut nack);
            assert_eq!(wish, Wish::default());
            pair.responder.on_sent(Time::ZERO, seq, 1000);
        }
        assert_eq!((nack.len(), pair.requester.next_wake()), (0, None));
        assert_eq!(pair.responder.on_nack(Time::ZERO, 5), Answer::Refused);
        assert_eq!(pair.responder.oldest_kept(Time::ZERO), 901);
    }
}
