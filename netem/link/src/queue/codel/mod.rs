//! CoDel: drops when packets have waited for longer than a target all through
//! an interval, and then ever faster until they no longer do.
//!
//! Implements: RFC 8289 sections 4 and 5 in integers, see `control_law` and
//! `state`; the comparison or all arithmetic of Linux as variants; ECN marking and
//! `ce_threshold` as Linux `sch_codel.c`.
//! Differs: bytes are counted from the IP header on, also for `mtu`.
//! Not modelled: the wrap of Linux's clock.

mod control_law;
mod state;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::event::DropReason;
use weaknet_core::{BuildContext, BuildError, Bytes, Plugin, Span};

use super::QueueLimit;
use super::room::Room;
use super::waiting::Waiting;
use crate::model::{Qdisc, Queue, QueueContext, QueueDiscipline, Queued};

pub use control_law::ControlLaw;
pub(super) use state::{Codel as State, Settings, Supply};

/// One queue with CoDel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Codel {
    /// How much may wait before arriving packets are dropped (Linux: 1000
    /// packets).
    pub limit: QueueLimit,
    /// Time that packets may wait for good (RFC 8289 section 4: 5ms). On slow
    /// links not below the time of one packet.
    pub target: Span,
    /// How long they may wait for more: about a round-trip time (RFC 8289
    /// section 4: 100ms).
    pub interval: Span,
    /// The largest packet: a queue with no more bytes left is not acted on (RFC
    /// 8289 section 5.6, `maxpacket`).
    pub mtu: Bytes,
    /// Whether ECN-capable packets are marked instead of dropped (Linux: off).
    pub ecn: bool,
    /// ECN-capable packets that have waited for longer are marked in any case
    /// (Linux); none when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ce_threshold: Option<Span>,
    /// Whose arithmetic it follows.
    pub control_law: ControlLaw,
}

impl Default for Codel {
    fn default() -> Self {
        Self {
            limit: QueueLimit::Packets(1000),
            target: Span::from_millis(5),
            interval: Span::from_millis(100),
            mtu: Bytes::new(1500),
            ecn: false,
            ce_threshold: None,
            control_law: ControlLaw::Rfc8289,
        }
    }
}

/// CoDel's parameters if they make sense.
pub(super) fn settings(
    law: ControlLaw,
    target: Span,
    interval: Span,
    mtu: Bytes,
) -> Result<Settings, BuildError> {
    let settings = Settings {
        law,
        target: law.units(target.as_nanos()),
        interval: law.units(interval.as_nanos()),
        mtu: mtu.get(),
        ecn: false,
        ce_threshold: None,
    };
    if settings.interval == 0 {
        return Err(BuildError::field(
            "interval",
            format!("expected about a round-trip time such as `100ms`, found `{interval}`"),
        ));
    }
    if target > interval {
        return Err(BuildError::field(
            "target",
            format!("expected at most the interval, {interval}, found `{target}`"),
        ));
    }
    Ok(settings)
}

impl Plugin for Codel {
    type Kind = Qdisc;
    const NAME: &'static str = "codel";
    const SUMMARY: &'static str = "drops when packets wait too long all through an interval";
    const REFERENCES: &'static [&'static str] = &[
        "RFC 8289",
        "Nichols, Jacobson: Controlling Queue Delay, ACM Queue 10(5), 2012",
        "Linux include/net/codel_impl.h (variant `linux`, ECN)",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Queue, BuildError> {
        let settings = settings(self.control_law, self.target, self.interval, self.mtu)?;
        Ok(Queue::Active(Box::new(Discipline {
            room: Room::new(self.limit),
            settings: Settings {
                ecn: self.ecn,
                ce_threshold: self.ce_threshold,
                ..settings
            },
            state: State::default(),
            waiting: Waiting::default(),
        })))
    }
}

struct Discipline {
    room: Room,
    settings: Settings,
    state: State,
    waiting: Waiting,
}

impl Supply for Waiting {
    fn pop(&mut self) -> Option<Queued> {
        Self::pop(self)
    }

    fn backlog(&self) -> u64 {
        self.bytes()
    }
}

impl QueueDiscipline for Discipline {
    fn enqueue(&mut self, queued: Queued, cx: &mut QueueContext<'_>) {
        let packets = self.waiting.packets() + 1;
        let bytes = self.waiting.bytes() + u64::from(queued.packet.size);
        if self.room.holds(packets, bytes, cx) {
            self.waiting.push(queued);
        } else {
            cx.drop(queued, DropReason::Overflow);
        }
    }

    fn dequeue(&mut self, cx: &mut QueueContext<'_>) -> Option<Queued> {
        let queued = self.state.dequeue(&self.settings, &mut self.waiting, cx);
        self.room.give(queued)
    }

    fn packets(&self) -> u64 {
        self.waiting.packets()
    }

    fn bytes(&self) -> u64 {
        self.waiting.bytes()
    }
}
