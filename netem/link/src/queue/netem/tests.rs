//! The order of operations on scripted draws, and statistics against theory.

mod order;
mod refused;
mod statistics;

use std::collections::VecDeque;

use weaknet_core::event::DropReason;
use weaknet_core::packet::{Ecn, Packet};
use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, Streams, Time};

use super::Netem;
use super::chance::Source;
use super::discipline::Discipline;
use crate::model::{QueueContext, QueueDiscipline, Queued, RateModel, Verdict};
use crate::rate::UnlimitedRate;
use crate::testing::{build, packet};

/// A configuration as a scenario writes it.
fn netem(json: &str) -> Netem {
    serde_json::from_str(json).unwrap()
}

fn built<T>(with: impl FnOnce(&BuildContext<'_>) -> T) -> T {
    let (streams, assets) = (Streams::new(1), Assets::default());
    with(&BuildContext {
        path: "forward",
        streams: &streams,
        assets: &assets,
    })
}

/// Draws that are known beforehand.
#[derive(Debug, Default)]
struct Script(VecDeque<u32>);

impl Source for Script {
    fn draw(&mut self) -> u32 {
        self.0.pop_front().expect("a draw more than the script has")
    }
}

/// A queue on scripted draws, asked like a link asks it.
struct Bench {
    queue: Discipline<Script>,
    rate: Box<dyn RateModel>,
    /// What it reported: a letter and the packet.
    reports: Vec<(char, u64)>,
    next: u64,
}

impl Bench {
    fn new(json: &str, draws: &[u32], entropy: &[u32]) -> Self {
        let built = built(|cx| netem(json).discipline(cx)).unwrap();
        let script = |draws: &[u32]| Script(draws.iter().copied().collect());
        Self {
            queue: Discipline {
                stages: built.stages,
                draws: script(draws),
                entropy: script(entropy),
            },
            rate: build(&UnlimitedRate {}).unwrap(),
            reports: Vec::new(),
            next: 0,
        }
    }

    fn ask<T>(
        &mut self,
        now: Time,
        call: impl FnOnce(&mut Discipline<Script>, &mut QueueContext<'_>) -> T,
    ) -> T {
        let mut verdicts = Vec::new();
        let mut cx = QueueContext::new(now, &mut *self.rate, &mut verdicts);
        let result = call(&mut self.queue, &mut cx);
        self.reports
            .extend(verdicts.into_iter().map(|verdict| match verdict {
                Verdict::Drop(queued, DropReason::Loss) => ('L', queued.packet.id),
                Verdict::Drop(queued, _) => ('O', queued.packet.id),
                Verdict::Mark(tag) => ('M', tag.id),
                Verdict::Copy(tag) => ('C', tag.id),
            }));
        result
    }

    fn arrive(&mut self, ms: u64, size: u32, ecn: Ecn) {
        let now = Time::from_millis(ms);
        let packet = Packet {
            ecn,
            sent: now,
            ..packet(self.next, 0, size)
        };
        self.next += 1;
        let queued = Queued {
            arrived: now,
            packet,
        };
        self.ask(now, |queue, cx| queue.enqueue(queued, cx));
    }

    /// What leaves until then: microseconds, packet, and whether it is damaged.
    fn leave(&mut self, until_ms: u64) -> Vec<(u64, u64, bool)> {
        let mut out = Vec::new();
        let mut now = Time::ZERO;
        while now <= Time::from_millis(until_ms) {
            while let Some(queued) = self.ask(now, |queue, cx| queue.dequeue(cx)) {
                let packet = queued.packet;
                out.push((now.as_nanos() / 1_000, packet.id, packet.damaged));
            }
            let Some(ready) = self.queue.next_ready() else {
                break;
            };
            assert!(ready > now, "{ready:?} {now:?}");
            now = ready;
        }
        out
    }

    fn draws_left(&self) -> usize {
        self.queue.draws.0.len() + self.queue.entropy.0.len()
    }
}
