//! The flow queues of FQ-CoDel and the order in which they get their turn.
//!
//! Implements: the lists of new and of old queues of RFC 8290 sections 4.1
//! and 4.2, and the credits of each queue.

use std::collections::VecDeque;

use super::TurnEnds;
use crate::model::Queued;
use crate::queue::codel::{State, Supply};
use crate::queue::waiting::Waiting;

/// One queue.
#[derive(Debug, Default)]
pub(super) struct Flow {
    pub(super) waiting: Waiting,
    pub(super) codel: State,
    credits: i64,
    /// Whether it is in a list.
    active: bool,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) flow: usize,
    is_new: bool,
}

/// All queues.
#[derive(Debug)]
pub(super) struct Lists {
    flows: Vec<Flow>,
    new: VecDeque<usize>,
    old: VecDeque<usize>,
    quantum: i64,
    turn_ends: TurnEnds,
    packets: u64,
    bytes: u64,
}

impl Lists {
    pub(super) fn new(flows: u32, quantum: u32, turn_ends: TurnEnds) -> Self {
        let flows = flows as usize;
        Self {
            flows: std::iter::repeat_with(Flow::default).take(flows).collect(),
            new: VecDeque::with_capacity(flows),
            old: VecDeque::with_capacity(flows),
            quantum: i64::from(quantum),
            turn_ends,
            packets: 0,
            bytes: 0,
        }
    }

    pub(super) const fn packets(&self) -> u64 {
        self.packets
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn push(&mut self, flow: usize, queued: Queued) {
        self.packets += 1;
        self.bytes += u64::from(queued.packet.size);
        let entry = &mut self.flows[flow];
        entry.waiting.push(queued);
        if !entry.active {
            entry.active = true;
            entry.credits = self.quantum;
            self.new.push_back(flow);
        }
    }

    /// Takes from the head of a queue.
    pub(super) fn pop(&mut self, flow: usize) -> Option<Queued> {
        let queued = self.flows[flow].waiting.pop()?;
        self.packets -= 1;
        self.bytes -= u64::from(queued.packet.size);
        Some(queued)
    }

    /// The queue with the most bytes, with its bytes.
    pub(super) fn fattest(&self) -> Option<(usize, u64)> {
        let key = |flow: &Flow| (flow.waiting.bytes(), flow.waiting.packets());
        let flows = self.flows.iter().enumerate().rev();
        flows
            .max_by_key(|(_, flow)| key(flow))
            .map(|(index, flow)| (index, flow.waiting.bytes()))
    }

    pub(super) fn codel(&mut self, flow: usize) -> &mut State {
        &mut self.flows[flow].codel
    }

    /// The queue at the head, after those in front of it that have used up
    /// their credits got new ones and went to the end of the old ones.
    pub(super) fn turn(&mut self) -> Option<Turn> {
        loop {
            let (flow, is_new) = match (self.new.front(), self.old.front()) {
                (Some(flow), _) => (*flow, true),
                (None, Some(flow)) => (*flow, false),
                (None, None) => return None,
            };
            if !self.is_spent(self.flows[flow].credits) {
                return Some(Turn { flow, is_new });
            }
            if self.new.is_empty() {
                self.skip_rounds(flow);
            }
            self.flows[flow].credits += self.quantum;
            self.leave(is_new);
            self.old.push_back(flow);
        }
    }

    /// Charges a queue for a packet that is sent.
    pub(super) fn charge(&mut self, turn: Turn, bytes: u32) {
        self.flows[turn.flow].credits -= i64::from(bytes);
    }

    /// Moves on from a queue that had nothing: a new one passes through the old
    /// ones, lest it starve them.
    pub(super) fn emptied(&mut self, turn: Turn) {
        self.leave(turn.is_new);
        let behind_others = turn.is_new && !self.old.is_empty();
        if behind_others {
            self.old.push_back(turn.flow);
        } else {
            self.flows[turn.flow].active = false;
        }
    }

    fn leave(&mut self, is_new: bool) {
        if is_new {
            self.new.pop_front();
        } else {
            self.old.pop_front();
        }
    }

    const fn is_spent(&self, credits: i64) -> bool {
        match self.turn_ends {
            TurnEnds::AtZero => credits <= 0,
            TurnEnds::BelowZero => credits < 0,
        }
    }

    /// Rounds that `credits` lack until there is a turn.
    const fn rounds(&self, credits: i64) -> i64 {
        let missing = match self.turn_ends {
            TurnEnds::AtZero => 1 - credits,
            TurnEnds::BelowZero => -credits,
        };
        // Above zero for those that are spent.
        (missing + self.quantum - 1) / self.quantum
    }

    /// Gives at once the credits of all rounds that would pass without a turn
    /// for anyone: packets may be many times the quantum.
    fn skip_rounds(&mut self, head: usize) {
        if self.rounds(self.flows[head].credits) <= 1 {
            return;
        }
        let rounds = self.old.iter().map(|flow| self.flows[*flow].credits);
        let rounds = rounds.map(|credits| self.rounds(credits)).min();
        let idle = rounds.map_or(0, |rounds| rounds - 1);
        if idle > 0 {
            for flow in &self.old {
                self.flows[*flow].credits += idle * self.quantum;
            }
        }
    }
}

/// One queue as CoDel sees it.
pub(super) struct FlowSupply<'a> {
    pub(super) lists: &'a mut Lists,
    pub(super) flow: usize,
}

impl Supply for FlowSupply<'_> {
    fn pop(&mut self) -> Option<Queued> {
        self.lists.pop(self.flow)
    }

    fn backlog(&self) -> u64 {
        self.lists.bytes
    }
}
