//! What kinds of messages applications send.
//!
//! Implements: sizes, rates and deadlines of the project's scenes, own choices
//! but for the figures named with each; 3GPP TS 22.156 for commands of remote
//! driving (up to 1000 B every 20 ms), TR 38.838 for poses (100 B every 4 ms).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bytes, Span};

use super::config::Reliability;
use crate::traffic::Lengths;

/// A named kind of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Mute, raise a hand, join a stage, chat: 200 B, one a second on average,
    /// reliable and in order, within 1 s.
    #[default]
    RoomCommands,
    /// Strokes on a whiteboard: 60 B to 100 B every 50 ms, reliable and in order,
    /// within 300 ms.
    Board,
    /// A mouse at 60 Hz: 40 B, unreliable, each packet with the last 3 messages
    /// again, within 50 ms.
    Mouse,
    /// Inputs of a game: 40 B to 80 B at 125 Hz, unreliable, each packet with the
    /// last 3 messages again, within 30 ms.
    GameInput,
    /// Commands to a vehicle or a robot: 250 B every 20 ms, the newest counts, two
    /// copies 10 ms apart, within 100 ms.
    RemoteControl,
    /// Poses of a head or a hand: 100 B every 4 ms, unreliable, within 30 ms.
    Pose,
    /// State of a machine: 200 B every 100 ms, the newest counts, within 500 ms.
    Telemetry,
}

/// What a flow of messages does, nothing left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Least and largest size.
    pub size: (Bytes, Bytes),
    /// Time between messages, or its mean.
    pub every: Span,
    /// How times between messages are drawn.
    pub times: Lengths,
    /// Until when a message shall be delivered.
    pub deadline: Span,
    /// What happens to lost messages.
    pub reliability: Reliability,
    /// Whether messages are handed on in the order in which they were given.
    pub ordered: bool,
    /// How many messages before it are sent again with each new one.
    pub redundancy: u32,
    /// How often a message is sent without being asked.
    pub copies: u32,
    /// Time between copies.
    pub spacing: Span,
}

impl Profile {
    /// What the name stands for.
    #[must_use]
    pub const fn settings(self) -> Settings {
        let plain = Settings {
            size: (Bytes::new(200), Bytes::new(200)),
            every: Span::from_secs(1),
            times: Lengths::Fixed,
            deadline: Span::from_secs(1),
            reliability: Reliability::Reliable,
            ordered: true,
            redundancy: 0,
            copies: 1,
            spacing: Span::ZERO,
        };
        let events = Settings {
            reliability: Reliability::Unreliable,
            ordered: false,
            redundancy: 3,
            ..plain
        };
        let state = Settings {
            reliability: Reliability::NewestWins,
            ordered: false,
            ..plain
        };
        match self {
            Self::RoomCommands => Settings {
                times: Lengths::Exponential,
                ..plain
            },
            Self::Board => Settings {
                size: (Bytes::new(60), Bytes::new(100)),
                every: Span::from_millis(50),
                deadline: Span::from_millis(300),
                ..plain
            },
            Self::Mouse => Settings {
                size: (Bytes::new(40), Bytes::new(40)),
                every: Span::from_nanos(16_666_667),
                deadline: Span::from_millis(50),
                ..events
            },
            Self::GameInput => Settings {
                size: (Bytes::new(40), Bytes::new(80)),
                every: Span::from_millis(8),
                deadline: Span::from_millis(30),
                ..events
            },
            Self::RemoteControl => Settings {
                size: (Bytes::new(250), Bytes::new(250)),
                every: Span::from_millis(20),
                deadline: Span::from_millis(100),
                copies: 2,
                spacing: Span::from_millis(10),
                ..state
            },
            Self::Pose => Settings {
                size: (Bytes::new(100), Bytes::new(100)),
                every: Span::from_millis(4),
                deadline: Span::from_millis(30),
                redundancy: 0,
                ..events
            },
            Self::Telemetry => Settings {
                every: Span::from_millis(100),
                deadline: Span::from_millis(500),
                ..state
            },
        }
    }
}
