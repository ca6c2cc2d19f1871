//! Memory.

use weaknet_core::{Bitrate, Span};

use super::behaviour::{add, link};
use super::judge;
use crate::conformance::battery::Bench;
use crate::conformance::report::Verdict;

const WARM_UP: Span = Span::from_secs(10);

pub(super) fn none(bench: &Bench<'_>) -> Verdict {
    let Some(controller) = bench.counted() else {
        let why = "nobody counts: see Kit::count_allocations";
        return Verdict::NotApplicable(why.to_owned());
    };
    let mut link = link(Bitrate::from_mbps(2));
    add(&mut link, bench, controller);
    link.run(WARM_UP);
    bench.log.get().allocations = 0;
    link.run(Span::from_secs(10));
    link.set_down(true);
    link.run(Span::from_secs(2));
    link.set_down(false);
    link.set_rate(Bitrate::from_kbps(500));
    link.set_loss(0.05);
    link.run(Span::from_secs(18));
    let made = bench.log.get().allocations;
    judge(if made == 0 {
        Ok("none in 30 s".to_owned())
    } else {
        Err(format!("{made} allocations in 30 s after the warm-up"))
    })
}
