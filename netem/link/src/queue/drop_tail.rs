//! First in, first out; what finds no room is dropped.
//!
//! Implements: only waiting packets count, not the one in service unless
//! `count_service` says so, and a packet must fit whole. A packet that finds the serialiser idle does not wait and is
//! always taken. A limit in time is converted at the rate of the packet's
//! arrival; on an unlimited link it never drops. With `ce_threshold` packets
//! that waited for longer are marked as they leave; with it or `count_service`
//! packets take the general path instead of the closed form.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Span};

use super::QueueLimit;
use super::fifo::{DropAt, Fifo};
use super::room::Room;
use crate::model::{Limit, Qdisc, Queue};

/// FIFO with tail drop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DropTail {
    /// How much may wait: a time at the current rate, bytes or packets.
    pub limit: QueueLimit,
    /// The rate that a limit in time counts with; the link's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Bitrate>,
    /// ECN-capable packets that have waited for longer are marked as they
    /// leave; none when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ce_threshold: Option<Span>,
    /// Whether the packet in service, all of it, counts for the limit too (no).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub count_service: bool,
}

impl Default for DropTail {
    fn default() -> Self {
        Self {
            limit: QueueLimit::Time(Span::from_millis(300)),
            at: None,
            ce_threshold: None,
            count_service: false,
        }
    }
}

impl Plugin for DropTail {
    type Kind = Qdisc;
    const NAME: &'static str = "drop_tail";
    const SUMMARY: &'static str = "first in, first out; what finds no room is dropped";
    const REFERENCES: &'static [&'static str] = &["RFC 7567 section 2: tail drop"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Queue, BuildError> {
        let limit = self.limit.at(self.at)?;
        if self.ce_threshold.is_none() && !self.count_service {
            return Ok(Queue::DropTail(limit));
        }
        let room = if self.count_service {
            Room::with_service(limit)
        } else {
            Room::new(limit)
        };
        let fifo = Fifo::with_room(room, DropAt::Tail, self.ce_threshold);
        Ok(Queue::Active(Box::new(fifo)))
    }
}

/// What [`Queue::DropTail`] is in closed form, asked at each departure.
pub(crate) fn active(limit: Limit) -> Queue {
    Queue::Active(Box::new(Fifo::new(limit, DropAt::Tail, None)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::build;

    fn limit(limit: &str, at: Option<&str>) -> Result<Limit, String> {
        let config = DropTail {
            limit: limit.parse().unwrap(),
            at: at.map(|rate| rate.parse().unwrap()),
            ce_threshold: None,
            count_service: false,
        };
        match build(&config) {
            Ok(Queue::DropTail(limit)) => Ok(limit),
            Ok(Queue::Active(_)) => Err("not a closed form".into()),
            Err(e) => Err(e.to_string()),
        }
    }

    #[test]
    fn builds_the_three_limits() {
        assert_eq!(
            limit("300ms", None),
            Ok(Limit::Time(Span::from_millis(300), None))
        );
        assert_eq!(
            limit("300ms", Some("1Mbps")),
            Ok(Limit::Time(
                Span::from_millis(300),
                Some(Bitrate::from_mbps(1))
            ))
        );
        assert_eq!(limit("64kB", None), Ok(Limit::Bytes(64_000)));
        assert_eq!(limit("0packets", None), Ok(Limit::Packets(0)));
    }

    #[test]
    fn refuses_a_rate_without_use() {
        assert_eq!(
            limit("64kB", Some("1Mbps")),
            Err("only a limit in time has a rate, `64kB` is none".into())
        );
        assert_eq!(
            limit("300ms", Some("0bps")),
            Err("expected a rate above 0bps".into())
        );
    }
}
