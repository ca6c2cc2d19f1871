//! Repeatability, independence of components, and an oracle.

use proptest::prelude::*;
use weaknet_core::event::Event;
use weaknet_core::{Span, Time};
use weaknet_netem::{Counts, Link, Tally};
use weaknet_sim::Trajectory;

use crate::plain_driver::PlainDriver;
use crate::support::{Pacer, Plan, arrivals, flow, link, pipe, run};

const END: Time = Time::from_secs(3);

/// One call: a bottleneck with loss, and a way back.
fn call_links(first: u16) -> [Link; 2] {
    [
        link(first, "2Mbps", "30ms", "2%"),
        link(first + 1, "unlimited", "30ms", "1%"),
    ]
}

fn pacer(flow: u16) -> Pacer {
    Pacer::new(
        flow,
        Time::from_millis(10),
        Span::from_micros(4_300),
        1_200,
        500,
    )
}

/// 64 flows that start on a grid of 10 ms share one bottleneck.
fn crowd() -> (Vec<Link>, Vec<Plan>) {
    let mut links: Vec<Link> = (0..8).map(|id| pipe(id, "5ms")).collect();
    links.push(link(8, "50Mbps", "20ms", "0.5%"));
    links.push(pipe(9, "25ms"));
    let sender = |f: u16| {
        Pacer::new(
            f,
            Time::from_millis(10 * u64::from(f % 4)),
            Span::from_millis(10),
            1_200,
            200,
        )
    };
    (
        links,
        (0..64)
            .map(|f| (sender(f), vec![f % 8, 8], vec![9]))
            .collect(),
    )
}

fn run_crowd(sink: &mut impl weaknet_core::EventSink) {
    let (links, flows) = crowd();
    run(
        links,
        flows
            .into_iter()
            .map(|(sender, out, back)| flow(sender, &out, &back))
            .collect(),
        END,
        sink,
    );
}

#[test]
fn two_runs_have_one_trajectory() {
    let (mut one, mut two) = (Trajectory::new(), Trajectory::new());
    run_crowd(&mut one);
    run_crowd(&mut two);
    assert_eq!(one.digest(), two.digest());
    assert_ne!(one, Trajectory::new());
}

#[test]
fn sixty_four_flows_agree_with_the_oracle() {
    let (mut events, mut plain) = (Vec::new(), Vec::new());
    run_crowd(&mut events);
    let (links, flows) = crowd();
    let mut oracle = PlainDriver::new(links, flows);
    oracle.run(END, &mut plain);
    assert!(
        events == plain,
        "{} events, the oracle has {}",
        events.len(),
        plain.len()
    );
    // 64 flows of 0.96 Mbit/s for 2 s on 50 Mbit/s with 300 ms of room: of
    // 12 800 packets the fluid passes (2 + 0.3) s x 50 Mbit/s, 11 979, and drops
    // 821; of what passes 0.5 % are lost (4 sigma).
    let Counts { dropped, lost, .. } = oracle.links[8].counts();
    assert!(dropped.packets.abs_diff(821) < 20, "{dropped:?}");
    assert!(lost.packets.abs_diff(60) <= 31, "{lost:?}");
}

#[test]
fn unrelated_components_leave_a_trajectory_alone() {
    let call = |events: &[(Time, Event)], its: u16| {
        let of_the_call = arrivals(events)
            .into_iter()
            .filter(|(_, flow, ..)| *flow == its);
        of_the_call
            .map(|(at, _, leg, id)| (at, leg, id))
            .collect::<Vec<_>>()
    };
    let mut alone = Vec::new();
    run(
        call_links(0).into(),
        vec![flow(pacer(0), &[0], &[1])],
        END,
        &mut alone,
    );
    assert!(call(&alone, 0).len() > 900);

    let mut followed = Vec::new();
    let links = call_links(0).into_iter().chain(call_links(2)).collect();
    run(
        links,
        vec![flow(pacer(0), &[0], &[1]), flow(pacer(1), &[2], &[3])],
        END,
        &mut followed,
    );
    assert_eq!(call(&followed, 0), call(&alone, 0));

    // Its links keep their random streams by name, whatever stands before them.
    let mut preceded = Vec::new();
    let links = call_links(0).into_iter().chain(call_links(2)).collect();
    run(
        links,
        vec![flow(pacer(0), &[2], &[3]), flow(pacer(1), &[0], &[1])],
        END,
        &mut preceded,
    );
    assert_eq!(call(&preceded, 1), call(&alone, 0));
}

#[test]
fn a_delay_split_over_links_is_one_delay() {
    let times = |links: Vec<Link>, route: &[u16]| {
        let mut events = Vec::new();
        run(links, vec![flow(pacer(0), route, &[0])], END, &mut events);
        arrivals(&events)
    };
    let whole = times(vec![pipe(0, "9ms"), link(1, "2Mbps", "30ms", "2%")], &[1]);
    let split = times(
        vec![
            pipe(0, "9ms"),
            link(1, "2Mbps", "13ms", "2%"),
            pipe(2, "0ms"),
            pipe(3, "17ms"),
        ],
        &[1, 2, 3],
    );
    assert_eq!(whole, split);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// What is sent is received, dropped, lost or still on its way, and the
    /// oracle sees the same events, in any topology.
    #[test]
    fn any_topology_keeps_its_books(
        delays in prop::collection::vec(0u64..4, 1..6),
        rates in prop::collection::vec(prop::option::of(1u64..20), 6),
        routes in prop::collection::vec((prop::collection::vec(0usize..6, 0..4), prop::collection::vec(0usize..6, 0..4)), 1..6),
        until in 0u64..60,
    ) {
        let links = || -> Vec<Link> {
            let rate = |i: usize| rates[i].map_or_else(|| "unlimited".to_owned(), |mbps| format!("{mbps}Mbps"));
            (0u16..).zip(&delays).map(|(i, ms)| link(i, &rate(usize::from(i)), &format!("{ms}ms"), "3%")).collect()
        };
        let route = |links: &[usize]| -> Vec<u16> { links.iter().map(|link| (link % delays.len()) as u16).collect() };
        let flows: Vec<Plan> = (0u16..)
            .zip(&routes)
            .map(|(f, (out, back))| {
                let every = Span::from_millis(1 + u64::from(f % 3));
                (Pacer::new(f, Time::from_millis(u64::from(f % 2)), every, 500, 20), route(out), route(back))
            })
            .collect();
        let until = Time::from_millis(until);
        let (mut events, mut plain) = (Vec::new(), Vec::new());
        let simulated = flows.iter().map(|(sender, out, back)| flow(sender.clone(), out, back)).collect();
        let world = run(links(), simulated, until, &mut events);
        PlainDriver::new(links(), flows).run(until, &mut plain);
        prop_assert_eq!(&events, &plain);

        let sent = events.iter().filter(|(_, e)| matches!(e, Event::Sent { .. })).count() as u64;
        let received = arrivals(&events).len() as u64;
        let total = |part: fn(&Counts) -> Tally| world.links().iter().map(|link| part(&link.counts()).packets).sum::<u64>();
        prop_assert_eq!(sent, received + total(|c| c.dropped) + total(|c| c.lost) + total(|c| c.inside));
        prop_assert!(events.is_sorted_by_key(|(at, _)| *at));
    }
}
