//! The order of events and its limits.

use weaknet_core::event::Event;
use weaknet_core::packet::{FlowId, Leg, LinkId, Packet};
use weaknet_core::{Node, Outbox, Span, Time};
use weaknet_sim::{Component, Flow, Misfit, Path, World};

use crate::support::{Answer, Pacer, arrivals, flow, packet, pipe, run};

fn ms(t: u64) -> Time {
    Time::from_millis(t)
}

/// One packet at `start`.
fn once(flow: u16, start: u64) -> Pacer {
    Pacer::new(flow, ms(start), Span::from_millis(1), 100, 1)
}

/// The components that act at an instant, as their events tell.
fn actors(events: &[(Time, Event)], at: Time) -> Vec<String> {
    let actor = |(time, event): &(Time, Event)| match event {
        Event::LinkDeliver { link, .. } if *time == at => Some(format!("link {}", link.0)),
        Event::Sent { packet, .. } if *time == at && packet.leg == Leg::Outward => {
            Some(format!("node {}", 2 * packet.flow.0))
        }
        _ => None,
    };
    events.iter().filter_map(actor).collect()
}

#[test]
fn equal_instants_go_links_first_then_nodes_by_id() {
    // Flow f uses link 5 - f and sends such that all packets get to the far
    // end at 10 ms, the longest first; the others send at 10 ms.
    let links = (0..6)
        .map(|id| pipe(id, &format!("{}ms", id + 1)))
        .collect();
    let mut flows: Vec<Flow> = (0..6u16)
        .map(|f| flow(once(f, 10 - u64::from(6 - f)), &[5 - f], &[]))
        .collect();
    flows.extend((6..9u16).map(|f| flow(once(f, 10), &[0], &[])));
    let mut events = Vec::new();
    run(links, flows, ms(100), &mut events);
    let want = [
        "link 0", "link 1", "link 2", "link 3", "link 4", "link 5", "node 12", "node 14", "node 16",
    ];
    assert_eq!(actors(&events, ms(10)), want);
    assert!(events.is_sorted_by_key(|(at, _)| *at));
}

#[test]
fn lower_links_go_first_even_when_they_become_due_now() {
    // Link 1 delivers at 10 ms into link 0, which has no delay, while link 2
    // is due at 10 ms too.
    let links = vec![pipe(0, "0ms"), pipe(1, "10ms"), pipe(2, "10ms")];
    let flows = vec![flow(once(0, 0), &[2], &[]), flow(once(1, 0), &[1, 0], &[])];
    let mut events = Vec::new();
    run(links, flows, ms(100), &mut events);
    assert_eq!(actors(&events, ms(10)), ["link 1", "link 0", "link 2"]);
}

#[test]
fn handled_events_are_wakes_of_nodes_and_turns_of_links() {
    let sender = Pacer::new(0, Time::ZERO, Span::from_millis(1), 100, 50);
    let links = vec![pipe(0, "7ms"), pipe(1, "7ms")];
    let mut world = World::new(links, vec![flow(sender, &[0], &[1])]).unwrap();
    // Before 7 ms the sender alone acts; then each packet leaves a link, and so
    // does its answer.
    for (until, handled) in [(0, 0), (7, 7), (8, 8 + 1), (15, 15 + 8 + 1), (100, 150)] {
        world.run(ms(until), &mut ()).unwrap();
        assert_eq!(world.handled(), handled, "{until} ms");
    }
}

#[test]
fn stops_before_until_and_goes_on_from_there() {
    let make = || {
        let sender = Pacer::new(0, Time::ZERO, Span::from_millis(1), 100, 50);
        World::new(
            vec![pipe(0, "7ms"), pipe(1, "7ms")],
            vec![flow(sender, &[0], &[1])],
        )
        .unwrap()
    };
    let (mut whole, mut parts) = (Vec::new(), Vec::new());
    make().run(ms(100), &mut whole).unwrap();
    let mut world = make();
    world.run(ms(20), &mut parts).unwrap();
    assert_eq!(parts.last().map(|(at, _)| *at), Some(ms(19)));
    world.run(ms(20), &mut parts).unwrap();
    assert_eq!(parts.last().map(|(at, _)| *at), Some(ms(19)));
    world.run(ms(100), &mut parts).unwrap();
    assert_eq!(parts, whole);
}

#[test]
fn empty_routes_deliver_at_once_in_order() {
    let flows = vec![flow(once(0, 5), &[], &[]), flow(once(1, 5), &[], &[])];
    let mut events = Vec::new();
    run(Vec::new(), flows, ms(100), &mut events);
    let want = [
        (0, Leg::Outward),
        (0, Leg::Return),
        (1, Leg::Outward),
        (1, Leg::Return),
    ];
    assert_eq!(
        arrivals(&events),
        want.map(|(flow, leg)| (ms(5), flow, leg, 0))
    );
}

/// Wants to be woken again and again.
struct Restless;

impl Node for Restless {
    fn receive(&mut self, _: &mut Packet, _: &mut Outbox<'_>) {}
    fn wake(&mut self, _: &mut Outbox<'_>) {}
    fn next_wake(&self) -> Option<Time> {
        Some(ms(3))
    }
}

/// Answers everything, without end.
struct Parrot(Leg, bool);

impl Node for Parrot {
    fn receive(&mut self, received: &mut Packet, out: &mut Outbox<'_>) {
        out.send(packet(0, self.0, received.id, 1, out.now()));
    }
    fn wake(&mut self, out: &mut Outbox<'_>) {
        self.1 = false;
        out.send(packet(0, self.0, 0, 1, out.now()));
    }
    fn next_wake(&self) -> Option<Time> {
        self.1.then_some(ms(4))
    }
}

#[test]
fn a_world_that_stands_still_is_given_up() {
    let still = |sender: Box<dyn Node>, receiver: Box<dyn Node>, route: Vec<LinkId>| {
        let flow = Flow {
            sender,
            receiver,
            paths: vec![Path {
                outward: route,
                back: Vec::new(),
            }],
        };
        World::new(vec![pipe(0, "0ms")], vec![flow])
            .unwrap()
            .run(ms(100), &mut ())
            .unwrap_err()
    };
    let stuck = still(Box::new(Restless), Box::new(Answer), Vec::new());
    assert_eq!(
        (stuck.at, stuck.component),
        (ms(3), Component::Node(FlowId(0), Leg::Outward))
    );
    assert_eq!(
        stuck.to_string(),
        "the sender of flow 0 acts at 3ms for ever: 1000000 events without time passing"
    );
    let stuck = still(Box::new(once(0, 0)), Box::new(Restless), Vec::new());
    assert_eq!(stuck.component, Component::Node(FlowId(0), Leg::Return));
    // Ends that answer each other without any delay, with and without a link.
    for route in [Vec::new(), vec![LinkId(0)]] {
        let stuck = still(
            Box::new(Parrot(Leg::Outward, true)),
            Box::new(Parrot(Leg::Return, false)),
            route,
        );
        assert_eq!(stuck.at, ms(4));
    }
}

#[test]
fn refuses_what_does_not_fit_together() {
    let error = |links, flows| World::new(links, flows).err().unwrap();
    let numbering = error(vec![pipe(1, "0ms")], Vec::new());
    assert_eq!(
        numbering,
        Misfit::Numbering {
            position: 0,
            id: LinkId(1)
        }
    );
    let missing = error(vec![pipe(0, "0ms")], vec![flow(once(0, 0), &[0], &[7])]);
    assert_eq!(
        missing.to_string(),
        "a route of flow 0 names link 7, which does not exist"
    );
    let long = error(vec![pipe(0, "0ms")], vec![flow(once(0, 0), &[0; 256], &[])]);
    assert_eq!(
        long,
        Misfit::TooLong {
            flow: 0,
            length: 256
        }
    );
    for count in [0, 257] {
        let mut unreachable = flow(once(0, 0), &[], &[]);
        unreachable.paths = vec![Path::default(); count];
        let paths = error(Vec::new(), vec![unreachable]);
        assert_eq!(paths, Misfit::Paths { flow: 0, count });
    }
}
