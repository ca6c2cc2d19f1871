//! What disciplines are for: delays, shares and isolation against sources that
//! respond, and CoDel's control law on a link.

use weaknet_core::event::{DropReason, Event};
use weaknet_core::packet::{Class, Ecn, FlowId, Packet};
use weaknet_core::{Span, Time};
use weaknet_netem::queue::{
    Codel, DropHead, Drr, DualPi2, DualPi2Variant, FqCodel, Latency, Pie, Priority, QueueLimit, Red,
};

use crate::sources::{Control, Outcome, Source, run};
use crate::traffic::{build, constant, drive, link, packet, payload};

fn source(control: Control, ecn: Ecn, rtt_ms: u64) -> Source {
    Source {
        control,
        ecn,
        size: 1500,
        rtt: Span::from_millis(rtt_ms),
    }
}

fn classic(n: usize, rtt_ms: u64) -> Vec<Source> {
    let reno = |_| source(Control::Classic, Ecn::NotEct, rtt_ms);
    (0..n).map(reno).collect()
}

fn mean_wait_ms(outcomes: &[Outcome], flow: impl Fn(usize) -> bool, from: Time) -> f64 {
    let waits = outcomes
        .iter()
        .filter(|o| o.at >= from && flow(o.flow))
        .filter_map(|o| o.waited)
        .map(Span::as_millis_f64);
    let (sum, n) = waits.fold((0.0, 0), |(sum, n), wait| (sum + wait, n + 1));
    sum / f64::from(n)
}

fn delivered_bytes(outcomes: &[Outcome], flow: usize, from: Time) -> u64 {
    outcomes
        .iter()
        .filter(|o| o.at >= from && o.flow == flow && o.waited.is_some())
        .map(|o| u64::from(o.size))
        .sum()
}

/// So many packets of 1500 B one by one.
fn paced(n: u64, every: Span) -> Vec<Packet> {
    (0..n)
        .map(|id| packet(id, 1500, Time::ZERO + every * id))
        .collect()
}

fn drops(events: &[(Time, Event)]) -> Vec<Time> {
    let drop = |(at, event): &(Time, Event)| match event {
        Event::LinkDrop { reason, .. } => {
            assert_eq!(*reason, DropReason::Aqm);
            Some(*at)
        }
        _ => None,
    };
    events.iter().filter_map(drop).collect()
}
#[test]
fn explore() {
    // codel overload 10%
    for over in [1.05, 1.1, 1.3] {
        let every = Span::from_nanos((1_200_000.0 / over) as u64);
        let mut l = link(constant("10Mbps"), build(&Codel::default(), 1));
        let mut ev = Vec::new();
        drive(&mut l, &paced(40_000, every), &mut ev, |_, _, _| {});
        for w in 0..9 {
            let (a, b) = (Time::from_secs(5 * w), Time::from_secs(5 * w + 5));
            let ws: Vec<f64> = ev.iter().filter(|(t, _)| *t >= a && *t < b).filter_map(|(_, e)| match e { Event::LinkDeliver { waited, .. } => Some(waited.as_millis_f64()), _ => None }).collect();
            eprintln!("codel {over} {w}: mean {:.2} max {:.2}", ws.iter().sum::<f64>() / ws.len() as f64, ws.iter().cloned().fold(0.0, f64::max));
        }
    }
    for n in [2, 5, 10] {
        for lat in [Latency::Timestamp, Latency::DepartureRate] { for der in [false, true] {
            let mut l = link(constant("10Mbps"), build(&Pie { latency: lat, derandomise: der, ..Pie::default() }, 1));
            let o = run(&mut l, classic(n, 50), Span::from_secs(60));
            eprintln!("pie {n} {lat:?} {der}: {:.2}", mean_wait_ms(&o, |_| true, Time::from_secs(10)));
        }}
        let mut l = link(constant("10Mbps"), build(&Codel::default(), 1));
        let o = run(&mut l, classic(n, 50), Span::from_secs(60));
        eprintln!("codel reno {n}: {:.2}", mean_wait_ms(&o, |_| true, Time::from_secs(10)));
        let mut l = link(constant("10Mbps"), build(&Red { target_delay: Some(Span::from_millis(10)), adaptive: true, limit: QueueLimit::Packets(1000), ..Red::default() }, 1));
        let o = run(&mut l, classic(n, 50), Span::from_secs(60));
        eprintln!("ared reno {n}: {:.2}", mean_wait_ms(&o, |_| true, Time::from_secs(10)));
    }
    for v in [DualPi2Variant::Rfc9332, DualPi2Variant::Linux] { for rtt in [10, 25, 50] {
        let mut l = link(constant("40Mbps"), build(&DualPi2 { variant: v, ..DualPi2::default() }, 1));
        let o = run(&mut l, vec![source(Control::Scalable, Ecn::Ect1, rtt), source(Control::Classic, Ecn::NotEct, rtt)], Span::from_secs(60));
        let f = Time::from_secs(10);
        eprintln!("dualpi2 {v:?} {rtt}: L {:.3} C {:.2} bytes {} {}", mean_wait_ms(&o, |f| f == 0, f), mean_wait_ms(&o, |f| f == 1, f), delivered_bytes(&o, 0, f), delivered_bytes(&o, 1, f));
    }}
}
