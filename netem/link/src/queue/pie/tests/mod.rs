//! Vectors of queues-and-wire 1.3 and the edges of RFC 8033 and of Linux.

mod controller;
mod linux;
mod rfc8033;

use weaknet_core::packet::{Ecn, Packet};
use weaknet_core::rng::Draws;
use weaknet_core::{Ratio, Span, Time};

use super::{Algorithm, Discipline, Pie};
use crate::queue::support::{Tested, packet, refusal};

fn ms(n: u64) -> Time {
    Time::from_millis(n)
}

fn on_bench<A: Algorithm>(config: &Pie, algorithm: A) -> Tested<Discipline<A>> {
    let draws = Draws::from_key(1);
    let discipline = Discipline::new(algorithm, config.limit, config.update, draws);
    Tested::of(Box::new(discipline))
}

fn with_ecn(id: u64, ecn: Ecn) -> Packet {
    Packet {
        ecn,
        ..packet(id, 0, 1500)
    }
}

#[test]
fn refuses_numbers_that_make_no_sense() {
    fn refused(field: &str, set: impl Fn(&mut Pie)) {
        let mut config = Pie::default();
        set(&mut config);
        assert_eq!(refusal(&config).0, field);
    }
    refused("update", |pie| pie.update = Span::ZERO);
    refused("target", |pie| pie.target = Span::ZERO);
    refused("alpha", |pie| pie.alpha = f64::NAN);
    refused("beta", |pie| pie.beta = -1.0);
    refused("mark_threshold", |pie| {
        pie.mark_threshold = Ratio::from_f64(1.1);
    });
    // Linux counts gains in sixteenths and has one rule of decay.
    let linux = |pie: &mut Pie| pie.variant = super::PieVariant::Linux;
    refused("alpha", |pie| {
        linux(pie);
        pie.alpha = 0.1;
    });
    refused("decay", |pie| {
        linux(pie);
        pie.decay = super::Decay::BelowHalfTarget;
    });
}
