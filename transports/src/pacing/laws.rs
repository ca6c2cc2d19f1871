//! Laws that every pacer keeps, whatever it is asked to do.

use std::collections::VecDeque;

use proptest::prelude::*;
use weaknet_core::plugin::{Assets, BuildContext, Plugin};
use weaknet_core::rng::Streams;
use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::{
    Paced, Pacer, PacerAction, Pacing, PacketPacing, Priority, ProbeCluster, WebrtcPacing,
};

fn build<P: Plugin<Kind = Pacing>>(config: &P) -> Box<dyn Pacer> {
    let (streams, assets) = (Streams::new(1), Assets::default());
    config
        .build(&BuildContext {
            path: "call/pacer",
            streams: &streams,
            assets: &assets,
        })
        .unwrap()
}

#[derive(Debug, Clone)]
enum Step {
    Enqueue(u64, u8),
    Rates(u64, u64),
    Congested(bool),
    Probe(u64, u32, u64),
}

fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let step = prop_oneof![
        8 => (1_u64..1_500, 0_u8..3).prop_map(|(size, class)| Step::Enqueue(size, class)),
        1 => (prop_oneof![Just(0), 1_000_u64..20_000_000], prop_oneof![Just(0), 1_u64..1_000_000])
            .prop_map(|(pacing, padding)| Step::Rates(pacing, padding)),
        1 => any::<bool>().prop_map(Step::Congested),
        1 => (prop_oneof![Just(0), 10_000_u64..10_000_000], 0_u32..8, 0_u64..20_000).prop_map(|(rate, n, bytes)| Step::Probe(rate, n, bytes)),
    ];
    prop::collection::vec((0_u64..30_000, step), 1..200)
}

fn priority(class: u8) -> Priority {
    [Priority::Audio, Priority::Retransmission, Priority::Video][usize::from(class)]
}

struct Bench {
    pacer: Box<dyn Pacer>,
    now: Time,
    waiting: [VecDeque<(u64, u64)>; 3],
    padding: bool,
}

impl Bench {
    /// Polls until nothing comes; every packet must be the next of its class.
    fn settle(&mut self) {
        for round in 0.. {
            assert!(round < 100_000, "polling does not end");
            match self.pacer.poll(self.now) {
                None => break,
                Some(PacerAction::Send { handle, .. }) => {
                    let class = self
                        .waiting
                        .iter_mut()
                        .find(|w| w.front().is_some_and(|(h, _)| *h == handle));
                    assert!(
                        class.is_some(),
                        "packet {handle} is out of order or left twice"
                    );
                    class.unwrap().pop_front();
                }
                Some(PacerAction::Pad { size, .. }) => {
                    assert!(size > Bytes::ZERO);
                    self.pacer
                        .on_padding(self.now, if self.padding { size } else { Bytes::ZERO });
                }
            }
        }
        let bytes: u64 = self.waiting.iter().flatten().map(|(_, size)| size).sum();
        assert_eq!(self.pacer.queued(), Bytes::new(bytes));
        if let Some(next) = self.pacer.next_wake(self.now) {
            assert!(next > self.now, "would wake at once, for ever");
        }
    }

    fn run_until(&mut self, end: Time) {
        self.settle();
        while let Some(next) = self.pacer.next_wake(self.now).filter(|next| *next <= end) {
            self.now = next;
            self.settle();
        }
        self.now = end;
    }
}

fn conserve(pacer: Box<dyn Pacer>, steps: &[(u64, Step)], padding: bool) {
    let mut bench = Bench {
        pacer,
        now: Time::ZERO,
        waiting: Default::default(),
        padding,
    };
    bench
        .pacer
        .set_rates(Time::ZERO, Bitrate::from_mbps(1), Bitrate::ZERO);
    for (handle, (gap, step)) in (0..).zip(steps) {
        bench.run_until(bench.now + Span::from_micros(*gap));
        let now = bench.now;
        match *step {
            Step::Enqueue(size, class) => {
                bench.waiting[usize::from(class)].push_back((handle, size));
                let (size, priority) = (Bytes::new(size), priority(class));
                bench.pacer.enqueue(
                    now,
                    Paced {
                        handle,
                        size,
                        priority,
                    },
                );
            }
            Step::Rates(pacing, padding) => {
                bench
                    .pacer
                    .set_rates(now, Bitrate::from_bps(pacing), Bitrate::from_bps(padding));
            }
            Step::Congested(congested) => bench.pacer.set_congested(now, congested),
            Step::Probe(rate, min_packets, min_bytes) => bench.pacer.add_probe(
                now,
                ProbeCluster {
                    id: 1,
                    rate: Bitrate::from_bps(rate),
                    min_packets,
                    min_bytes: Bytes::new(min_bytes),
                    duration: Span::from_millis(15),
                },
            ),
        }
        bench.settle();
    }
    let now = bench.now;
    bench.pacer.set_congested(now, false);
    bench
        .pacer
        .set_rates(now, Bitrate::from_mbps(1), Bitrate::ZERO);
    bench.run_until(now + Span::from_secs(3_600));
    assert!(
        bench.waiting.iter().all(VecDeque::is_empty),
        "packets are left behind"
    );
}

proptest! {
    #[test]
    fn every_packet_leaves_once_and_in_order(steps in steps(), padding in any::<bool>()) {
        conserve(build(&WebrtcPacing::default()), &steps, padding);
        conserve(build(&PacketPacing {}), &steps, padding);
    }

    /// Without padding, probes and the queue time limit, no second carries more
    /// than the rate allows in a second and one window, and one packet.
    #[test]
    fn the_rate_is_kept_beyond_one_burst(
        packets in prop::collection::vec((0_u64..20_000, 50_u64..1_500), 50..300),
        kbps in 100_u64..5_000,
    ) {
        let config = WebrtcPacing { drain_large_queues: false, ..WebrtcPacing::default() };
        let mut pacer = build(&config);
        let rate = Bitrate::from_kbps(kbps);
        pacer.set_rates(Time::ZERO, rate, Bitrate::ZERO);
        let mut inputs = packets.iter();
        let (mut arrival, mut handle, mut sent) = (Time::ZERO, 0, Vec::new());
        let mut next_input = inputs.next();
        loop {
            let input = next_input.map(|(gap, _)| arrival + Span::from_micros(*gap));
            let Some(now) = [input, pacer.next_wake(arrival)].into_iter().flatten().min() else { break };
            if input == Some(now) {
                let size = Bytes::new(next_input.unwrap().1);
                pacer.enqueue(now, Paced { handle, size, priority: Priority::Video });
                (arrival, handle, next_input) = (now, handle + 1, inputs.next());
            }
            while let Some(PacerAction::Send { handle, .. }) = pacer.poll(now) {
                sent.push((now, packets[usize::try_from(handle).unwrap()].1));
            }
        }
        prop_assert_eq!(sent.len(), packets.len());
        let second = Span::from_secs(1);
        let limit = rate.bytes_in(second + config.burst).get() + 1_500;
        for (i, (from, _)) in sent.iter().enumerate() {
            let within: u64 = sent[i..].iter().take_while(|(at, _)| *at < *from + second).map(|(_, size)| size).sum();
            prop_assert!(within <= limit, "{within} > {limit}");
        }
    }
}
