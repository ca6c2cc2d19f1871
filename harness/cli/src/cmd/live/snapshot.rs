//! What a running link says of its last second, and what it can be told: lines of JSON
//! over its control socket.

use serde::{Deserialize, Serialize};

/// The state of a link, once a second in answer to [`Command::Watch`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// The scenario or preset.
    pub(crate) name: String,
    /// Seconds since the link began.
    pub(crate) time_s: f64,
    /// From left to right.
    pub(crate) forward: Direction,
    /// And back.
    pub(crate) backward: Direction,
    /// What was changed by hand and by the scenario's timeline, the oldest first.
    pub(crate) changes: Vec<Change>,
}

/// A direction of a link in its last second.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Direction {
    /// Its links, as `set` names them.
    #[serde(default)]
    pub(crate) links: Vec<String>,
    /// What it could have carried; nothing when it has no limit.
    pub(crate) capacity_bps: Option<u64>,
    /// Bits of IP packets that came.
    pub(crate) in_bps: u64,
    /// And that left.
    pub(crate) out_bps: u64,
    /// What waits now.
    pub(crate) queue_bytes: u64,
    pub(crate) queue_packets: u64,
    /// How long the packet waited that left the queue last.
    pub(crate) queue_delay_ms: f64,
    /// From arrival to departure of the packets that left; nothing when none did.
    pub(crate) one_way_delay_ms: Option<Delay>,
    /// Packets dropped for any reason, as a share of those that came.
    pub(crate) loss: f64,
    /// Packets dropped since the link began, by reason.
    pub(crate) drops: Vec<Drops>,
    /// How late packets left, since the link began; nothing before the first one.
    pub(crate) emulation_error_us: Option<EmulationError>,
    /// Packets that the system dropped in front of or behind the link, since it began.
    pub(crate) system_drops: u64,
    /// The loss that it is set to, where that is one number.
    pub(crate) set_loss: Option<f64>,
    /// The delay that it is set to, where that is one number.
    pub(crate) set_delay_ms: Option<f64>,
}

/// Quantiles of the one-way delay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Delay {
    pub(crate) p50: f64,
    pub(crate) p95: f64,
}

/// Packets dropped for a reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Drops {
    pub(crate) reason: String,
    pub(crate) packets: u64,
}

/// Quantiles of actual less ideal departures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct EmulationError {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

/// A change of the link.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Change {
    /// Seconds since the link began.
    pub(crate) time_s: f64,
    /// For people.
    pub(crate) text: String,
}

/// What a link can be told. Whatever fails is answered with an object that has `error`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Command {
    /// Say a [`Snapshot`] a second from now on.
    Watch {},
    /// Change values, as `--set` does.
    Set(Vec<String>),
    /// Lose everything in both directions for a time.
    Outage {
        /// How long.
        seconds: f64,
    },
    /// Hold everything back in both directions for a time, then let it go together.
    Handover {
        /// How long.
        seconds: f64,
    },
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Command;

    #[test]
    fn commands_are_written_as_documented() {
        for (command, expected) in [
            (Command::Watch {}, json!({"watch": {}})),
            (
                Command::Set(vec!["network.forward.loss=5%".to_owned()]),
                json!({"set": ["network.forward.loss=5%"]}),
            ),
            (
                Command::Outage { seconds: 2.0 },
                json!({"outage": {"seconds": 2.0}}),
            ),
        ] {
            assert_eq!(serde_json::to_value(&command).unwrap(), expected);
            assert_eq!(
                serde_json::from_value::<Command>(expected).unwrap(),
                command
            );
        }
    }
}
