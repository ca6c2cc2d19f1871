//! The whole controller: numbers by hand, and over a link that knows no chance.

use weaknet_core::plugin::Assets;
use weaknet_core::{Bitrate, BuildContext, Bytes, Plugin, Span, Streams, Time};

use super::Bbr3;
use super::controller::Controller;
use crate::cc::CongestionController;
use crate::cc::testing::{IdealLink, PACKET, value};

fn config() -> Bbr3 {
    Bbr3 {
        mss: PACKET,
        ..Bbr3::default()
    }
}

fn build(config: &Bbr3, seed: u64) -> Box<dyn CongestionController> {
    let (streams, assets) = (Streams::new(seed), Assets::default());
    let context = BuildContext {
        path: "call",
        streams: &streams,
        assets: &assets,
    };
    config.build(&context).unwrap()
}

fn trace(
    link: &mut IdealLink,
    flow: usize,
    span: Span,
    mut each: impl FnMut(Time, &dyn CongestionController),
) {
    let end = link.now() + span;
    while link.now() < end {
        link.run(Span::from_millis(1));
        each(link.now(), link.controller(flow));
    }
}

#[test]
fn walk() {
    let mut link = IdealLink::new(
        Bitrate::from_mbps(10),
        Span::from_millis(40),
        Bytes::new(100_000),
    );
    let flow = link.add(build(&config(), 1));
    let mut last = -1.0;
    trace(&mut link, flow, Span::from_secs(20), |now, c| {
        let state = value(c, "state");
        if state != last {
            last = state;
            eprintln!(
                "{:?} state {state} bw {} min_rtt {} cwnd {} round {} cyc {} extra {} lt {} rec {}",
                now.as_millis(),
                value(c, "max_bw_bps"),
                value(c, "min_rtt_ms"),
                value(c, "cwnd_bytes"),
                value(c, "round_count"),
                value(c, "cycle_count"),
                value(c, "extra_acked_bytes"),
                value(c, "inflight_longterm_bytes"),
                value(c, "in_recovery")
            );
        }
    });
    eprintln!(
        "{:?} {:?} {:?}",
        link.throughput(flow, Span::from_secs(15)),
        link.wait_percentile(Span::from_secs(15), 0.5),
        link.wait_percentile(Span::from_secs(15), 1.0)
    );
}
