//! What a flow of messages sends, and how it looks on the wire.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::{Ack, Message};
use weaknet_core::{BuildError, Bytes, Span};

use super::profile::{Profile, Settings};
use crate::traffic::Lengths;
use crate::transport::{AckRules, LossRules, Tail};

/// What happens to a message whose packet is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reliability {
    /// It is sent again until it has arrived (RFC 8831).
    #[default]
    Reliable,
    /// It is sent again unless a newer one has been given by then; the receiver
    /// hands on nothing older than what it handed on before.
    NewestWins,
    /// It is not sent again.
    Unreliable,
    /// It is sent again so many times at most (RFC 8832: limit of
    /// retransmissions).
    MaxRetransmits(u32),
    /// It is sent, and sent again, until it is that old (RFC 8832: limit of
    /// lifetime).
    MaxLifetime(Span),
}

/// A flow of messages: a profile, and what differs from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MessagesConfig {
    /// The kind of messages; what follows replaces parts of it.
    pub profile: Profile,
    /// Bytes of a message, 1 B to 1200 B; the least if there is a `max_size`.
    pub size: Option<Bytes>,
    /// Sizes are drawn evenly from `size` to this.
    pub max_size: Option<Bytes>,
    /// Time between messages, or its mean; 100 us to 1 h.
    pub every: Option<Span>,
    /// How times between messages are drawn.
    pub times: Option<Lengths>,
    /// Until when a message shall be delivered (`message_on_time_ratio`); above
    /// 0 ms.
    pub deadline: Option<Span>,
    /// What happens to lost messages.
    pub reliability: Option<Reliability>,
    /// Whether messages are handed on in the order in which they were given.
    pub ordered: Option<bool>,
    /// How many messages before it are sent again with each new one, unless they
    /// have been acknowledged; at most 16.
    pub redundancy: Option<u32>,
    /// How often a message is sent without being asked, 1 to 16.
    pub copies: Option<u32>,
    /// Time from one copy to the next, at most 10 s. Copies that are apart by more
    /// than a burst of losses do not share it.
    pub spacing: Option<Span>,
    /// A packet is lost when one sent so many later is acknowledged, 1 to 100.
    /// Default 3 (RFC 9002 section 6.1.1, RFC 9260 section 7.2.4); less repairs
    /// sooner, and mistakes reordering for loss.
    pub loss_threshold: u32,
}

impl Default for MessagesConfig {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            size: None,
            max_size: None,
            every: None,
            times: None,
            deadline: None,
            reliability: None,
            ordered: None,
            redundancy: None,
            copies: None,
            spacing: None,
            loss_threshold: 3,
        }
    }
}

/// Most bytes of messages in a packet, and of one message (RFC 8831, section 5:
/// SCTP packets fit into the 1200 B that every path carries).
pub(super) const MOST: u16 = 1_200;
/// IPv4, UDP, DTLS 1.2 record with AES-128-GCM (RFC 5288), SCTP common header.
const HEADERS: u32 = 20 + 8 + 13 + 8 + 16 + 12;
/// DATA chunk (RFC 9260, section 3.3.1); its data are padded to whole words.
const DATA_CHUNK: u32 = 16;
/// FORWARD TSN chunk (RFC 3758, section 3.2).
const FORWARD_CHUNK: u32 = 8;
/// SACK chunk (RFC 9260, section 3.3.4), and each block of it.
const SACK_CHUNK: u32 = 16;
const SACK_BLOCK: u32 = 4;
/// Arrival times that controllers made for media ask for.
const ARRIVAL: u32 = 2;

impl MessagesConfig {
    /// The profile with all that differs from it.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let usual = self.profile.settings();
        let least = self.size.unwrap_or(usual.size.0);
        let largest = match (self.max_size, self.size) {
            (Some(largest), _) => largest,
            (None, Some(size)) => size,
            (None, None) => usual.size.1,
        };
        Settings {
            size: (least, largest),
            every: self.every.unwrap_or(usual.every),
            times: self.times.unwrap_or(usual.times),
            deadline: self.deadline.unwrap_or(usual.deadline),
            reliability: self.reliability.unwrap_or(usual.reliability),
            ordered: self.ordered.unwrap_or(usual.ordered),
            redundancy: self.redundancy.unwrap_or(usual.redundancy),
            copies: self.copies.unwrap_or(usual.copies),
            spacing: self.spacing.unwrap_or(usual.spacing),
        }
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// Names the parameter at fault.
    pub fn check(&self) -> Result<(), BuildError> {
        let wrong = |field: &str, message: &str| Err(BuildError::field(field, message));
        let settings = self.settings();
        let sizes = Bytes::new(1)..=Bytes::new(u64::from(MOST));
        if !sizes.contains(&settings.size.0) {
            return wrong("size", "expected 1B to 1200B");
        }
        if !(settings.size.0..=*sizes.end()).contains(&settings.size.1) {
            return wrong("max_size", "expected `size:` to 1200B");
        }
        if !(Span::from_micros(100)..=Span::from_secs(3_600)).contains(&settings.every) {
            return wrong("every", "expected 100us to 1h");
        }
        if settings.deadline.is_zero() {
            return wrong("deadline", "expected a time above zero");
        }
        if settings.redundancy > 16 {
            return wrong("redundancy", "expected at most 16 messages");
        }
        if !(1..=16).contains(&settings.copies) {
            return wrong("copies", "expected 1 to 16");
        }
        if settings.spacing > Span::from_secs(10) {
            return wrong("spacing", "expected at most 10s");
        }
        if !(1..=100).contains(&self.loss_threshold) {
            return wrong("loss_threshold", "expected 1 to 100 packets");
        }
        Ok(())
    }

    /// Every packet is acknowledged at once: the sender shall know what is lost.
    pub(super) const fn ack_rules(arrival_times: bool) -> AckRules {
        AckRules {
            every: 1,
            max_delay: Span::ZERO,
            arrival_times,
        }
    }

    pub(super) const fn loss_rules(&self) -> LossRules {
        LossRules {
            packet_threshold: self.loss_threshold as u64,
            adaptive: false,
            tail: Tail::Probe,
            max_ack_delay: Span::ZERO,
        }
    }
}

/// Bytes of a packet of messages from the IP header on.
pub(crate) fn packet_size(messages: &[Message], forgets: bool) -> u32 {
    let chunk = |message: &Message| DATA_CHUNK + u32::from(message.size).next_multiple_of(4);
    let forward = if forgets { FORWARD_CHUNK } else { 0 };
    HEADERS + forward + messages.iter().map(chunk).sum::<u32>()
}

/// Bytes of an acknowledgement from the IP header on.
pub(crate) fn ack_size(ack: &Ack) -> u32 {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX / 16);
    let more = ack.more.as_deref().map_or(0, |more| {
        SACK_BLOCK * count(more.ranges.len()) + ARRIVAL * count(more.arrivals.len())
    });
    HEADERS + SACK_CHUNK + more
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::Time;

    #[test]
    fn sizes_are_those_of_sctp_over_dtls() {
        let message = |size| Message {
            number: 0,
            size,
            again: false,
            given: Time::ZERO,
        };
        // 77 B of headers, 16 B of a chunk.
        assert_eq!(packet_size(&[message(40)], false), 77 + 16 + 40);
        let two = [message(1), message(5)];
        assert_eq!(packet_size(&two, true), 77 + 8 + 16 + 4 + 16 + 8);
        let ack = Ack {
            largest: 0,
            before: 0,
            delay_us: 0,
            more: None,
        };
        assert_eq!(ack_size(&ack), 93);
    }

    #[test]
    fn a_profile_can_be_changed_in_part() {
        let config = MessagesConfig {
            profile: Profile::RemoteControl,
            size: Some(Bytes::new(100)),
            copies: Some(1),
            ..MessagesConfig::default()
        };
        let usual = Profile::RemoteControl.settings();
        let expected = Settings {
            size: (Bytes::new(100), Bytes::new(100)),
            copies: 1,
            ..usual
        };
        assert_eq!((config.settings(), usual.copies), (expected, 2));
        assert_eq!(Profile::Board.settings().size.1, Bytes::new(100));
    }

    #[test]
    fn every_profile_is_valid_and_nonsense_is_refused() {
        use Profile::{Board, GameInput, Mouse, Pose, RemoteControl, RoomCommands, Telemetry};
        let plain = MessagesConfig::default;
        for profile in [
            RoomCommands,
            Board,
            Mouse,
            GameInput,
            RemoteControl,
            Pose,
            Telemetry,
        ] {
            let config = MessagesConfig { profile, ..plain() };
            assert!(config.check().is_ok(), "{profile:?}");
        }
        let field = |config: MessagesConfig| config.check().unwrap_err().field;
        let large = Some(Bytes::new(1_201));
        let long = Some(Span::from_secs(3_601));
        for (want, config) in [
            (
                "size",
                MessagesConfig {
                    size: Some(Bytes::ZERO),
                    ..plain()
                },
            ),
            (
                "size",
                MessagesConfig {
                    size: large,
                    ..plain()
                },
            ),
            (
                "max_size",
                MessagesConfig {
                    max_size: large,
                    ..plain()
                },
            ),
            (
                "max_size",
                MessagesConfig {
                    max_size: Some(Bytes::new(199)),
                    ..plain()
                },
            ),
            (
                "every",
                MessagesConfig {
                    every: long,
                    ..plain()
                },
            ),
            (
                "deadline",
                MessagesConfig {
                    deadline: Some(Span::ZERO),
                    ..plain()
                },
            ),
            (
                "redundancy",
                MessagesConfig {
                    redundancy: Some(17),
                    ..plain()
                },
            ),
            (
                "copies",
                MessagesConfig {
                    copies: Some(0),
                    ..plain()
                },
            ),
            (
                "spacing",
                MessagesConfig {
                    spacing: long,
                    ..plain()
                },
            ),
            (
                "loss_threshold",
                MessagesConfig {
                    loss_threshold: 0,
                    ..plain()
                },
            ),
        ] {
            assert_eq!(field(config).as_deref(), Some(want));
        }
    }
}
