//! Flows with several paths.

use weaknet_core::event::Event;
use weaknet_core::packet::{Leg, LinkId, Packet};
use weaknet_core::{Node, Outbox, Span, Time};
use weaknet_sim::{Flow, Path};

use crate::support::{packet, pipe, run};

fn ms(t: u64) -> Time {
    Time::from_millis(t)
}

/// Sends packet i at i ms on path i mod `paths`.
struct Stripes {
    paths: u8,
    next: u64,
    left: u64,
}

impl Node for Stripes {
    fn receive(&mut self, packet: &mut Packet, out: &mut Outbox<'_>) {
        let one_way = out.now() - packet.sent;
        let packet = packet.tag();
        out.event(Event::Received { packet, one_way });
    }
    fn wake(&mut self, out: &mut Outbox<'_>) {
        if ms(self.next) <= out.now() && self.left > 0 {
            let mut stripe = packet(0, Leg::Outward, self.next, 100, out.now());
            stripe.path = (self.next % u64::from(self.paths)) as u8;
            self.next += 1;
            self.left -= 1;
            out.send(stripe);
        }
    }
    fn next_wake(&self) -> Option<Time> {
        (self.left > 0).then_some(ms(self.next))
    }
}

/// Answers each packet on the path on which it came.
struct Echo;

impl Node for Echo {
    fn receive(&mut self, got: &mut Packet, out: &mut Outbox<'_>) {
        let one_way = out.now() - got.sent;
        let tag = got.tag();
        out.event(Event::Received {
            packet: tag,
            one_way,
        });
        let mut answer = packet(0, Leg::Return, got.id, 60, out.now());
        answer.path = got.path;
        out.send(answer);
    }
    fn wake(&mut self, _: &mut Outbox<'_>) {}
    fn next_wake(&self) -> Option<Time> {
        None
    }
}

/// Path 0: links 0 and 2, back over 3. Path 1: links 1 and 2, back over nothing.
fn striped(paths: u8, left: u64) -> (Vec<(Time, Event)>, Vec<u64>) {
    let route = |links: &[u16]| links.iter().copied().map(LinkId).collect();
    let links = vec![
        pipe(0, "10ms"),
        pipe(1, "40ms"),
        pipe(2, "5ms"),
        pipe(3, "7ms"),
    ];
    let flow = Flow {
        sender: Box::new(Stripes {
            paths,
            next: 0,
            left,
        }),
        receiver: Box::new(Echo),
        paths: vec![
            Path {
                outward: route(&[0, 2]),
                back: route(&[3]),
            },
            Path {
                outward: route(&[1, 2]),
                back: Vec::new(),
            },
        ],
    };
    let mut events = Vec::new();
    let world = run(links, vec![flow], ms(1_000), &mut events);
    let carried = world.links().iter().map(|l| l.counts().delivered.packets);
    (events, carried.collect())
}

#[test]
fn each_packet_takes_the_path_that_it_names_on_both_legs() {
    let (events, carried) = striped(2, 20);
    assert_eq!(carried, [10, 10, 20, 10]);
    let delay = |want: Leg, path: u64| {
        let delays = events.iter().filter_map(move |(_, event)| match event {
            Event::Received { packet, one_way } if packet.leg == want && packet.id % 2 == path => {
                Some(*one_way)
            }
            _ => None,
        });
        delays.collect::<Vec<Span>>()
    };
    let millis = Span::from_millis;
    assert_eq!(delay(Leg::Outward, 0), [millis(15); 10]);
    assert_eq!(delay(Leg::Outward, 1), [millis(45); 10]);
    assert_eq!(delay(Leg::Return, 0), [millis(7); 10]);
    assert_eq!(delay(Leg::Return, 1), [millis(0); 10]);
}

#[test]
fn a_packet_on_a_path_that_is_not_there_goes_nowhere_and_is_told() {
    let (events, carried) = striped(3, 21);
    assert_eq!(carried, [7, 7, 14, 7]);
    let strays = events.iter().filter_map(|(at, event)| match event {
        Event::NoPath { packet } => Some((*at, packet.id)),
        _ => None,
    });
    let want: Vec<(Time, u64)> = (0..7).map(|i| (ms(3 * i + 2), 3 * i + 2)).collect();
    assert_eq!(strays.collect::<Vec<_>>(), want);
}
