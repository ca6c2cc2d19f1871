//! Deficit round robin: a queue per flow, served in turns by bytes.
//!
//! At its turn a queue gets a quantum and sends while the next packet is within
//! its deficit; what it does not use it keeps, unless it empties. Packets of
//! any mix of sizes share the link fairly: two flows that always have packets
//! differ by less than a quantum and a packet.
//!
//! Implements: Shreedhar and Varghese, SIGCOMM 1995; when there is no room, the
//! longest queue loses its last packet (buffer stealing, McKenney 1990), so
//! that nobody gains by filling the buffer.
//! Differs: a flow is (flow, direction, path) of the scenario, each with a queue
//! of its own, instead of a hash.

use std::collections::{BTreeMap, VecDeque};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::event::DropReason;
use weaknet_core::{BuildContext, BuildError, Bytes, Plugin, Span};

use super::QueueLimit;
use super::flow_key::FlowKey;
use super::room::Room;
use super::waiting::{Waiting, mark_late};
use crate::model::{Qdisc, Queue, QueueContext, QueueDiscipline, Queued};

/// A queue per flow, served in turns by bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Drr {
    /// How much may wait in all queues together: a time at the current rate,
    /// bytes or packets.
    pub limit: QueueLimit,
    /// Bytes that a queue gets per turn; not below the largest packet, so that
    /// each turn sends one (Shreedhar and Varghese).
    pub quantum: Bytes,
    /// ECN-capable packets that have waited for longer are marked as they
    /// leave; none when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ce_threshold: Option<Span>,
}

impl Default for Drr {
    fn default() -> Self {
        Self {
            limit: QueueLimit::Time(Span::from_millis(300)),
            quantum: Bytes::new(1500),
            ce_threshold: None,
        }
    }
}

impl Plugin for Drr {
    type Kind = Qdisc;
    const NAME: &'static str = "drr";
    const SUMMARY: &'static str = "a queue per flow, served in turns by bytes";
    const REFERENCES: &'static [&'static str] = &[
        "Shreedhar, Varghese: Efficient Fair Queuing Using Deficit Round Robin, SIGCOMM 1995",
        "McKenney: Stochastic Fairness Queueing, INFOCOM 1990 (buffer stealing)",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Queue, BuildError> {
        let quantum = super::quantum(self.quantum)?.into();
        Ok(Queue::Active(Box::new(Discipline::new(self, quantum))))
    }
}

#[derive(Default)]
struct Flow {
    waiting: Waiting,
    deficit: u64,
}

struct Discipline {
    room: Room,
    quantum: u64,
    ce_threshold: Option<Span>,
    flows: Vec<Flow>,
    index: BTreeMap<FlowKey, usize>,
    /// The queues with packets, the next one first.
    active: VecDeque<usize>,
    /// Whether the first of them has had its quantum.
    in_turn: bool,
    packets: u64,
    bytes: u64,
}

impl Discipline {
    fn new(config: &Drr, quantum: u64) -> Self {
        Self {
            room: Room::new(config.limit),
            quantum,
            ce_threshold: config.ce_threshold,
            flows: Vec::new(),
            index: BTreeMap::new(),
            active: VecDeque::new(),
            in_turn: false,
            packets: 0,
            bytes: 0,
        }
    }

    fn drop_from_longest(&mut self, cx: &mut QueueContext<'_>) {
        let length = |flow: &Flow| (flow.waiting.bytes(), flow.waiting.packets());
        let flows = self.flows.iter().enumerate();
        let longest = flows.max_by_key(|(_, flow)| length(flow)).map(|(i, _)| i);
        let Some((longest, dropped)) =
            longest.and_then(|i| Some((i, self.flows[i].waiting.pop_last()?)))
        else {
            return;
        };
        self.packets -= 1;
        self.bytes -= u64::from(dropped.packet.size);
        cx.drop(dropped, DropReason::Overflow);
        if self.flows[longest].waiting.is_empty() {
            self.retire(longest);
        }
    }

    /// Takes an empty queue off the list; its deficit is lost.
    fn retire(&mut self, flow: usize) {
        self.flows[flow].deficit = 0;
        if self.active.front() == Some(&flow) {
            self.in_turn = false;
            self.active.pop_front();
        } else {
            self.active.retain(|other| *other != flow);
        }
    }

    /// The next packet of the queue whose turn it is.
    fn next(&mut self) -> Option<Queued> {
        loop {
            let current = *self.active.front()?;
            if !self.in_turn {
                self.skip_rounds();
                self.flows[current].deficit += self.quantum;
                self.in_turn = true;
            }
            let flow = &mut self.flows[current];
            let size = u64::from(flow.waiting.head_size()?);
            if size <= flow.deficit {
                flow.deficit -= size;
                let queued = flow.waiting.pop()?;
                if flow.waiting.is_empty() {
                    self.retire(current);
                }
                self.packets -= 1;
                self.bytes -= size;
                return Some(queued);
            }
            self.active.rotate_left(1);
            self.in_turn = false;
        }
    }

    /// Gives at once the quanta of all rounds that would pass without a packet:
    /// packets may be many times the quantum.
    fn skip_rounds(&mut self) {
        let rounds = |flow: &usize| {
            let flow = &self.flows[*flow];
            let size = flow.waiting.head_size().map_or(0, u64::from);
            size.saturating_sub(flow.deficit).div_ceil(self.quantum)
        };
        if self.active.front().map_or(0, rounds) <= 1 {
            return;
        }
        let idle = self
            .active
            .iter()
            .map(rounds)
            .min()
            .map_or(0, |rounds| rounds.saturating_sub(1));
        if idle > 0 {
            for flow in &self.active {
                self.flows[*flow].deficit += idle * self.quantum;
            }
        }
    }
}

impl QueueDiscipline for Discipline {
    fn enqueue(&mut self, queued: Queued, cx: &mut QueueContext<'_>) {
        let next = self.flows.len();
        let flow = *self
            .index
            .entry(FlowKey::of(&queued.packet))
            .or_insert(next);
        if flow == next {
            self.flows.push(Flow::default());
        }
        self.packets += 1;
        self.bytes += u64::from(queued.packet.size);
        let waiting = &mut self.flows[flow].waiting;
        if waiting.is_empty() {
            self.active.push_back(flow);
        }
        waiting.push(queued);
        while self.packets > 0 && !self.room.holds(self.packets, self.bytes, cx) {
            self.drop_from_longest(cx);
        }
    }

    fn dequeue(&mut self, cx: &mut QueueContext<'_>) -> Option<Queued> {
        let queued = mark_late(self.ce_threshold, self.next(), cx);
        self.room.give(queued)
    }

    fn packets(&self) -> u64 {
        self.packets
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::support::{Bench, Tested, packet, refusal};
    use weaknet_core::Time;

    fn drr(quantum: u64) -> Tested {
        Tested::new(&Drr {
            quantum: Bytes::new(quantum),
            ..Drr::default()
        })
    }

    /// queues-and-wire 1.6: what is served, and the deficit that each visit
    /// leaves.
    #[test]
    fn reference_order() {
        let queues: [&[u32]; 4] = [
            &[200, 750, 20],
            &[500, 500],
            &[200, 600, 100],
            &[50, 700, 180],
        ];
        let mut drr = Discipline::new(&Drr::default(), 500);
        let mut bench = Bench::new(10);
        for (flow, sizes) in (1..).zip(queues) {
            for size in sizes {
                let packet = packet(0, flow, *size);
                let arrived = Time::ZERO;
                drr.enqueue(Queued { arrived, packet }, &mut bench.at(arrived));
            }
        }
        let visits: [(u16, &[u32], u64); 8] = [
            (1, &[200], 300),
            (2, &[500], 0),
            (3, &[200], 300),
            (4, &[50], 450),
            (1, &[750, 20], 0),
            (2, &[500], 0),
            (3, &[600, 100], 0),
            (4, &[700, 180], 0),
        ];
        for (flow, sizes, deficit) in visits {
            for size in sizes {
                let queued = drr.dequeue(&mut bench.at(Time::ZERO)).unwrap();
                assert_eq!((queued.packet.flow.0, queued.packet.size), (flow, *size));
            }
            assert_eq!(drr.flows[usize::from(flow) - 1].deficit, deficit);
        }
        assert!(drr.dequeue(&mut bench.at(Time::ZERO)).is_none());
    }

    #[test]
    fn a_queue_that_empties_loses_its_deficit() {
        let mut tested = drr(500);
        tested.enqueue(Time::ZERO, packet(0, 1, 100));
        tested.enqueue(Time::ZERO, packet(1, 2, 100));
        assert_eq!(tested.ids(Time::ZERO, 1), [0]);
        // With the 400 bytes that it had left it would send both.
        tested.enqueue(Time::ZERO, packet(2, 1, 500));
        tested.enqueue(Time::ZERO, packet(3, 1, 300));
        tested.enqueue(Time::ZERO, packet(4, 2, 500));
        assert_eq!(tested.ids(Time::ZERO, 9), [1, 2, 4, 3]);
    }

    /// Flows that always have packets differ by less than a quantum and a
    /// packet at every instant.
    #[test]
    fn bytes_are_shared_whatever_the_sizes() {
        let sizes = [1500u64, 60, 700];
        let mut tested = drr(1500);
        for _ in 0..3_000 {
            for (flow, size) in (0..).zip(sizes) {
                tested.enqueue(Time::ZERO, packet(0, flow, size as u32));
            }
        }
        let mut sent = [0u64; 3];
        // Until the flow of small packets would run out.
        while sent[1] < 2_900 * 60 {
            let queued = tested.dequeue(Time::ZERO).unwrap();
            sent[usize::from(queued.packet.flow.0)] += u64::from(queued.packet.size);
            let (least, most) = (sent.iter().min().unwrap(), sent.iter().max().unwrap());
            assert!(most - least <= 1500 + 1500, "{sent:?}");
        }
    }

    #[test]
    fn the_longest_queue_makes_room() {
        let mut tested = Tested::new(&Drr {
            limit: QueueLimit::Packets(4),
            ..Drr::default()
        });
        tested.enqueue(Time::ZERO, packet(0, 1, 100));
        tested.dequeue(Time::ZERO).unwrap();
        for id in 1..=4 {
            tested.enqueue(Time::ZERO, packet(id, 1, 100));
        }
        for id in 5..=7 {
            tested.enqueue(Time::ZERO, packet(id, 2, 100));
        }
        let dropped: Vec<u64> = tested.bench.dropped().iter().map(|(id, _)| *id).collect();
        assert_eq!(dropped[..2], [4, 3]);
        assert_eq!(tested.discipline.packets(), 4);
    }

    /// Rounds in which nobody can send take no time.
    #[test]
    fn packets_of_many_quanta_are_served() {
        let mut tested = drr(1);
        tested.enqueue(Time::ZERO, packet(0, 1, u32::MAX));
        tested.enqueue(Time::ZERO, packet(1, 2, u32::MAX - 1));
        tested.enqueue(Time::ZERO, packet(2, 3, 0));
        assert_eq!(tested.ids(Time::ZERO, 9), [2, 1, 0]);
    }

    #[test]
    fn refuses_a_quantum_of_nothing() {
        let config = Drr {
            quantum: Bytes::ZERO,
            ..Drr::default()
        };
        assert_eq!(refusal(&config).0, "quantum");
    }
}
