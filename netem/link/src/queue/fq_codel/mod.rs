//! FQ-CoDel: a queue per flow, each with CoDel, served in turns by bytes;
//! flows that send little go first.
//!
//! Implements: RFC 8290 sections 4 and 5; where its text leaves a choice, Linux
//! `sch_fq_codel.c`: a queue's turn ends at zero credits, a new queue that
//! empties while there are no old ones leaves at once, overload drops count in
//! CoDel.
//! Differs: a flow is (flow, direction, path) of the scenario, hashed with
//! SplitMix64 instead of the addresses and ports with Jenkins; at overload
//! packets are dropped until the rest is within the limit, also when one batch
//! does not do.
//! Not modelled: Linux's limit of memory and its filters.

mod lists;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::event::DropReason;
use weaknet_core::{BuildContext, BuildError, Bytes, Plugin, Span};

use self::lists::{FlowSupply, Lists};
use super::QueueLimit;
use super::codel::{self, ControlLaw, Settings, State};
use super::flow_key::FlowKey;
use super::room::Room;
use crate::model::{Qdisc, Queue, QueueContext, QueueDiscipline, Queued};

/// When a queue's turn ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TurnEnds {
    /// When its credits are used up (Linux).
    #[default]
    AtZero,
    /// When they are overdrawn (RFC 8290 section 4.2 to the letter).
    BelowZero,
}

/// A queue with CoDel per flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FqCodel {
    /// How much may wait in all queues together (RFC 8290 section 5.2: 10240
    /// packets).
    pub limit: QueueLimit,
    /// Number of queues that flows are hashed to (RFC 8290 section 5.2: 1024).
    pub flows: u32,
    /// Bytes that a queue may send per turn (RFC 8290 section 5.2.4: 1514).
    pub quantum: Bytes,
    /// Time that packets may wait for good (RFC 8290 section 5.2: 5ms). On
    /// slow links not below the time of one packet.
    pub target: Span,
    /// How long they may wait for more: about a round-trip time (RFC 8290
    /// section 5.2: 100ms).
    pub interval: Span,
    /// The largest packet: CoDel does not act while no more bytes are left in
    /// all queues together (RFC 8289 section 5.6).
    pub mtu: Bytes,
    /// Whether ECN-capable packets are marked instead of dropped (RFC 8290
    /// section 5.2: on).
    pub ecn: bool,
    /// ECN-capable packets that have waited for longer are marked in any case
    /// (RFC 8290 section 5.2); none when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ce_threshold: Option<Span>,
    /// Packets dropped at most at once, from the head of the queue with most
    /// bytes, up to half of them (RFC 8290 section 4.1: 64).
    pub drop_batch: u32,
    /// When a queue's turn ends.
    pub turn_ends: TurnEnds,
    /// Whose arithmetic CoDel follows.
    pub control_law: ControlLaw,
    /// Salt of the hash that chooses a flow's queue; another one moves
    /// collisions to other flows.
    pub salt: u64,
}

impl Default for FqCodel {
    fn default() -> Self {
        Self {
            limit: QueueLimit::Packets(10_240),
            flows: 1024,
            quantum: Bytes::new(1514),
            target: Span::from_millis(5),
            interval: Span::from_millis(100),
            mtu: Bytes::new(1500),
            ecn: true,
            ce_threshold: None,
            drop_batch: 64,
            turn_ends: TurnEnds::AtZero,
            control_law: ControlLaw::Rfc8289,
            salt: 8290,
        }
    }
}

impl Plugin for FqCodel {
    type Kind = Qdisc;
    const NAME: &'static str = "fq_codel";
    const SUMMARY: &'static str = "a queue with CoDel per flow, served in turns";
    const REFERENCES: &'static [&'static str] =
        &["RFC 8290", "RFC 8289", "Linux net/sched/sch_fq_codel.c"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Queue, BuildError> {
        if !(1..=65_536).contains(&self.flows) {
            return Err(BuildError::field(
                "flows",
                format!("expected 1 to 65536 queues, found {}", self.flows),
            ));
        }
        let quantum = super::quantum(self.quantum)?;
        if self.drop_batch == 0 {
            return Err(BuildError::field("drop_batch", "expected 1 packet or more"));
        }
        let settings = codel::settings(self.control_law, self.target, self.interval, self.mtu)?;
        Ok(Queue::Active(Box::new(Discipline {
            room: Room::new(self.limit),
            settings: Settings {
                ecn: self.ecn,
                ce_threshold: self.ce_threshold,
                ..settings
            },
            queues: self.flows,
            salt: self.salt,
            drop_batch: self.drop_batch,
            lists: Lists::new(self.flows, quantum, self.turn_ends),
        })))
    }
}

struct Discipline {
    room: Room,
    settings: Settings,
    queues: u32,
    salt: u64,
    drop_batch: u32,
    lists: Lists,
}

impl Discipline {
    /// Drops from the head of the fattest queue: half of its bytes or a batch.
    fn drop_from_fattest(&mut self, cx: &mut QueueContext<'_>) {
        let Some((flow, bytes)) = self.lists.fattest() else {
            return;
        };
        let (mut drops, mut gone) = (0, 0);
        while let Some(queued) = self.lists.pop(flow) {
            drops += 1;
            gone += u64::from(queued.packet.size);
            cx.drop(queued, DropReason::Overflow);
            if drops >= self.drop_batch || gone >= bytes.div_ceil(2) {
                break;
            }
        }
        self.lists.codel(flow).count_drops(drops);
    }
}

impl QueueDiscipline for Discipline {
    fn enqueue(&mut self, queued: Queued, cx: &mut QueueContext<'_>) {
        let flow = FlowKey::of(&queued.packet).queue(self.salt, self.queues);
        self.lists.push(flow, queued);
        while self.lists.packets() > 0
            && !self
                .room
                .holds(self.lists.packets(), self.lists.bytes(), cx)
        {
            self.drop_from_fattest(cx);
        }
    }

    fn dequeue(&mut self, cx: &mut QueueContext<'_>) -> Option<Queued> {
        let queued = loop {
            let Some(turn) = self.lists.turn() else {
                break None;
            };
            // Its state comes out, so that CoDel can see all queues.
            let mut codel: State = std::mem::take(self.lists.codel(turn.flow));
            let mut supply = FlowSupply {
                lists: &mut self.lists,
                flow: turn.flow,
            };
            let queued = codel.dequeue(&self.settings, &mut supply, cx);
            *self.lists.codel(turn.flow) = codel;
            if let Some(queued) = queued {
                self.lists.charge(turn, queued.packet.size);
                break Some(queued);
            }
            self.lists.emptied(turn);
        };
        self.room.give(queued)
    }

    fn packets(&self) -> u64 {
        self.lists.packets()
    }

    fn bytes(&self) -> u64 {
        self.lists.bytes()
    }
}
