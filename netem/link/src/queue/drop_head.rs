//! First in, first out; when there is no room, the oldest packets make it.
//!
//! What arrives is taken and packets at the head are dropped until the rest is
//! within the limit: what is delivered is fresher than behind a tail drop, and
//! a sender learns of the loss a queue's length earlier.
//!
//! Implements: `pfifo_head_drop` of Linux, with the limits of `drop_tail`: the
//! packet in service does not count.
//! Differs: a packet that is larger than the whole limit is dropped itself,
//! after all others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Span};

use super::QueueLimit;
use super::fifo::{DropAt, Fifo};
use crate::model::{Qdisc, Queue};

/// FIFO with drops at the head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DropHead {
    /// How much may wait: a time at the current rate, bytes or packets.
    pub limit: QueueLimit,
    /// The rate that a limit in time counts with; the link's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Bitrate>,
    /// ECN-capable packets that have waited for longer are marked as they
    /// leave; none when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ce_threshold: Option<Span>,
}

impl Default for DropHead {
    fn default() -> Self {
        Self {
            limit: QueueLimit::Time(Span::from_millis(300)),
            at: None,
            ce_threshold: None,
        }
    }
}

impl Plugin for DropHead {
    type Kind = Qdisc;
    const NAME: &'static str = "drop_head";
    const SUMMARY: &'static str = "first in, first out; the oldest packets make room for new ones";
    const REFERENCES: &'static [&'static str] = &[
        "Lakshman, Neidhardt, Ott: The drop from front strategy in TCP and in TCP over ATM, INFOCOM 1996",
        "Linux net/sched/sch_fifo.c: pfifo_head_drop",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Queue, BuildError> {
        let limit = self.limit.at(self.at)?;
        Ok(Queue::Active(Box::new(Fifo::new(
            limit,
            DropAt::Head,
            self.ce_threshold,
        ))))
    }
}
