//! Toy sources that respond to drops and marks, in a loop with a link.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use weaknet_core::event::Event;
use weaknet_core::packet::{Ecn, FlowId, Packet};
use weaknet_core::{Span, Time};
use weaknet_netem::Link;

use crate::support::packet;

/// How a source finds its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    /// Half the window per round trip with a drop or mark, a packet more per
    /// round trip without (Reno).
    Classic,
    /// Half a packet less per mark, a packet more per round trip (RFC 9331
    /// scalable: the same number of marks per round trip at any rate).
    Scalable,
    /// A packet every so often, whatever happens.
    Steady(Span),
}

pub(crate) struct Source {
    pub(crate) control: Control,
    pub(crate) ecn: Ecn,
    pub(crate) size: u32,
    pub(crate) rtt: Span,
}

struct State {
    source: Source,
    window: f64,
    in_flight: f64,
    reduced: Time,
}

impl State {
    fn respond(&mut self, now: Time, lost: bool, marked: bool) {
        self.in_flight -= 1.0;
        match self.source.control {
            Control::Steady(_) => {}
            Control::Scalable if marked => self.window -= 0.5,
            _ if lost || marked => {
                if now - self.reduced > self.source.rtt {
                    self.reduced = now;
                    self.window /= 2.0;
                }
            }
            _ => self.window += 1.0 / self.window,
        }
        self.window = self.window.max(2.0);
    }
}

/// What became of a packet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome {
    pub(crate) flow: usize,
    pub(crate) size: u32,
    pub(crate) at: Time,
    /// Time in the queue; `None`: dropped.
    pub(crate) waited: Option<Span>,
}

/// What happens next at the sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Heard { lost: bool, marked: bool },
    Due,
}

/// Lets the sources send through the link for so long.
pub(crate) fn run(link: &mut Link, sources: Vec<Source>, length: Span) -> Vec<Outcome> {
    let mut states: Vec<State> = sources
        .into_iter()
        .map(|source| State {
            source,
            window: 10.0,
            in_flight: 0.0,
            reduced: Time::ZERO,
        })
        .collect();
    let mut outcomes = Vec::new();
    let mut events: Vec<(Time, Event)> = Vec::new();
    let mut agenda = BinaryHeap::new();
    for flow in 0..states.len() {
        // Not all at once.
        agenda.push(Reverse((
            Time::from_millis(7 * flow as u64),
            flow,
            What::Due,
        )));
    }
    let mut id = 0;
    loop {
        let due = agenda.peek().map_or(Time::MAX, |Reverse((at, ..))| *at);
        let next = due.min(link.next_event().unwrap_or(Time::MAX));
        if next > Time::ZERO + length {
            return outcomes;
        }
        while let Some(delivery) = link.deliver(next, &mut events) {
            let flow = usize::from(delivery.packet.flow.0);
            let marked = delivery.packet.ecn == Ecn::Ce;
            let heard = delivery.at + states[flow].source.rtt;
            agenda.push(Reverse((
                heard,
                flow,
                What::Heard {
                    lost: false,
                    marked,
                },
            )));
        }
        while let Some(Reverse((at, flow, what))) = agenda.peek().copied() {
            if at > next {
                break;
            }
            agenda.pop();
            let state = &mut states[flow];
            if let What::Heard { lost, marked } = what {
                state.respond(next, lost, marked);
            }
            let mut send = |state: &mut State| {
                let packet = Packet {
                    flow: FlowId(flow as u16),
                    ecn: state.source.ecn,
                    ..packet(id, state.source.size, next)
                };
                id += 1;
                state.in_flight += 1.0;
                link.arrive(next, packet, &mut events);
            };
            match (state.source.control, what) {
                (Control::Steady(every), What::Due) => {
                    send(state);
                    agenda.push(Reverse((next + every, flow, What::Due)));
                }
                (Control::Steady(_), What::Heard { .. }) => {}
                _ => {
                    while state.in_flight + 1.0 <= state.window {
                        send(state);
                    }
                }
            }
        }
        for (at, event) in events.drain(..) {
            let (packet, waited) = match event {
                Event::LinkDrop { packet, .. } => (packet, None),
                Event::LinkDeliver { packet, waited, .. } => (packet, Some(waited)),
                _ => continue,
            };
            let flow = usize::from(packet.flow.0);
            outcomes.push(Outcome {
                flow,
                size: packet.size,
                at,
                waited,
            });
            if waited.is_none() {
                let heard = at + states[flow].source.rtt;
                let lost = What::Heard {
                    lost: true,
                    marked: false,
                };
                agenda.push(Reverse((heard, flow, lost)));
            }
        }
    }
}
