//! A real cellular trace, read as the links read it. Needs the library of
//! traces in `WEAKNET_SHARED` (default: `shared` beside the workspace).

use std::path::PathBuf;

use crate::support::{drive, link, packet, parts};
use weaknet_core::plugin::{Assets, ReadFile};
use weaknet_core::{BuildContext, Plugin, Streams, Time};
use weaknet_netem::Parts;
use weaknet_netem::model::{Limit, Queue, RateModel};
use weaknet_netem::rate::RateTrace;
use weaknet_netem::trace::Format;

const FILE: &str = "ATT-LTE-driving.down";

struct Folder(PathBuf);

impl ReadFile for Folder {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        std::fs::read(self.0.join(name)).map_err(|e| e.to_string())
    }
}

fn trace() -> Option<Box<dyn RateModel>> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    #[expect(
        clippy::disallowed_methods,
        reason = "only the driver of this test looks for files"
    )]
    let shared = std::env::var("WEAKNET_SHARED").map_or_else(|_| beside(), PathBuf::from);
    let folder = shared.join("traces/mahimahi-cellular");
    if !folder.join(FILE).exists() {
        eprintln!(
            "NOTICE: {} is absent, its test has nothing to test",
            folder.join(FILE).display()
        );
        return None;
    }
    let (streams, assets) = (Streams::new(1), Assets::new(Folder(folder)));
    let cx = BuildContext {
        path: "forward",
        streams: &streams,
        assets: &assets,
    };
    Some(
        RateTrace {
            file: FILE.into(),
            format: Some(Format::Mahimahi),
            ..RateTrace::default()
        }
        .build(&cx)
        .unwrap(),
    )
}

#[test]
fn att_lte_driving_has_the_published_statistics() {
    let Some(rate) = trace() else { return };
    // The trace's README: 786 s, mean 5.17 Mbit/s.
    let whole = Time::from_secs(786);
    let mean = rate.capacity(Time::ZERO, whole).unwrap() / whole.as_secs_f64() / 1e6;
    assert!((mean - 5.17).abs() < 0.005, "{mean}");
    // 1 s bins: p5/p50/p95 of 0.68/5.42/9.53 Mbit/s.
    let second = |s| {
        rate.capacity(Time::from_secs(s), Time::from_secs(s + 1))
            .unwrap()
            / 1e6
    };
    let mut bins: Vec<f64> = (0..786).map(second).collect();
    bins.sort_unstable_by(f64::total_cmp);
    for (quantile, want) in [(0.05, 0.68), (0.5, 5.42), (0.95, 9.53)] {
        let got = bins[(quantile * 786.0) as usize];
        assert!(
            (got - want).abs() < 0.05,
            "p{quantile}: {got}, published {want}"
        );
    }
}

#[test]
fn att_lte_driving_has_the_published_gaps() {
    let Some(rate) = trace() else { return };
    // A backlog of full packets leaves at every opportunity but the first, which
    // is at the instant of its arrival.
    let queue = Queue::DropTail(Limit::Packets(u64::MAX));
    let mut link = link(Parts {
        rate,
        ..parts("unlimited", queue, "0ms")
    });
    let packets = vec![(Time::ZERO, 1_500); 338_894];
    let out = drive(&mut link, &packets, &mut Vec::new());
    let gaps = out
        .windows(2)
        .map(|pair| (pair[1].at - pair[0].at).as_millis());
    let mut gaps: Vec<u64> = gaps.filter(|gap| *gap >= 200).collect();
    gaps.sort_unstable();
    // 5.3 gaps of 200 ms or more per minute, p50/max of 704/1515 ms.
    let minutes = out.last().unwrap().at.as_secs_f64() / 60.0;
    assert!(
        (gaps.len() as f64 / minutes - 5.3).abs() < 0.1,
        "{} in {minutes} min",
        gaps.len()
    );
    assert!(
        gaps[gaps.len() / 2].abs_diff(704) <= 10,
        "{}",
        gaps[gaps.len() / 2]
    );
    assert_eq!(gaps.last(), Some(&1_515));
}

#[test]
fn small_packets_share_an_opportunity() {
    let Some(rate) = trace() else { return };
    let queue = Queue::DropTail(Limit::Packets(u64::MAX));
    let mut link = link(Parts {
        rate,
        ..parts("unlimited", queue, "0ms")
    });
    for id in 0..3 {
        link.arrive(Time::ZERO, packet(id, 500, Time::ZERO), &mut ());
    }
    let mut out = Vec::new();
    while let Some(next) = link.next_event() {
        out.extend(link.deliver(next, &mut ()).map(|delivery| delivery.at));
    }
    assert_eq!(out.len(), 3);
    assert!(
        out[0] > Time::ZERO && out[0] == out[1] && out[1] == out[2],
        "{out:?}"
    );
}
