use weaknet_core::event::DropReason;
use weaknet_core::packet::{Class, FlowId, LinkId, Media, Tag};
use weaknet_core::{Bitrate, Event, Span, Time};

use crate::metrics::testing::{call, flow, link, ms, near, packet, path, run, score};
use crate::metrics::{Convergence, Links, PacketDelay, PacketLoss, RunFacts, Throughput};

fn sent(at: u64, packet: Tag) -> (Time, Event) {
    (ms(at), Event::Sent { packet, payload: 0 })
}

fn received(at: u64, packet: Tag, one_way_ms: u64) -> (Time, Event) {
    (
        ms(at),
        Event::Received {
            packet,
            one_way: Span::from_millis(one_way_ms),
        },
    )
}

fn delivered(at: u64, link: u16, packet: Tag, waited_ms: u64) -> (Time, Event) {
    let waited = Span::from_millis(waited_ms);
    (
        ms(at),
        Event::LinkDeliver {
            link: LinkId(link),
            packet,
            waited,
            total: waited,
        },
    )
}

fn dropped(at: u64, packet: Tag) -> (Time, Event) {
    (
        ms(at),
        Event::LinkDrop {
            link: LinkId(0),
            packet,
            reason: DropReason::Overflow,
        },
    )
}

fn usable(at: u64, media: Media, seq: u64) -> (Time, Event) {
    (
        ms(at),
        Event::MediaUsable {
            flow: FlowId(0),
            media,
            seq,
            payload: 1000,
            repaired: false,
        },
    )
}

#[test]
fn a_half_used_link() {
    // 1 Mbit/s for 10 s carries 1.25 MB: 500 packets of 1250 B are half of it.
    let events: Vec<_> = (0..500)
        .map(|n| delivered(n * 20, 0, packet(0, n, Class::Video, 1250), n % 5))
        .collect();
    let scores = score(&Links::default(), &run(10), &events).links.remove(0);
    near(scores.get("utilisation"), 0.5);
    near(scores.get("delivered_kbps"), 500.0);
    near(scores.get("queue_delay_mean_ms"), 2.0);
    near(scores.get("queue_delay_p50_ms"), 2.0);
    near(scores.get("queue_delay_p99_ms"), 4.0);
    near(scores.get("loss_ratio"), 0.0);
    let mut unlimited = run(10);
    unlimited.links[0].capacity = Box::new(|_, _| None);
    let scores = score(&Links::default(), &unlimited, &events)
        .links
        .remove(0);
    assert_eq!(scores.get("utilisation"), None);
    let empty = score(&Links::default(), &run(10), &[]).links.remove(0);
    assert_eq!(
        (empty.get("utilisation"), empty.get("loss_ratio")),
        (Some(&0.0), None)
    );
}

#[test]
fn rates_count_ip_bytes_of_flow_traffic_in_the_window() {
    let run = RunFacts {
        from: ms(2000),
        ..run(10)
    };
    let classes = [
        Class::Video,
        Class::Audio,
        Class::Rtx,
        Class::Fec,
        Class::Padding,
        Class::Other,
    ];
    let mut events = vec![sent(1999, packet(0, 9, Class::Video, 100_000))];
    events.extend(classes.map(|class| sent(2000, packet(0, 1, class, 1000))));
    events.extend([Class::Rtcp, Class::Session].map(|class| sent(2000, packet(0, 2, class, 1000))));
    events.push(received(2050, packet(0, 1, Class::Video, 1000), 50));
    events.push(usable(2050, Media::Video, 0));
    let back = Tag {
        leg: weaknet_core::packet::Leg::Return,
        ..packet(0, 3, Class::Other, 1000)
    };
    events.push(sent(3000, back));
    let scores = call(&Throughput::default(), &run, &events);
    near(scores.get("send_rate_kbps"), 6.0);
    near(scores.get("receive_rate_kbps"), 1.0);
    near(scores.get("goodput_kbps"), 1.0);
    near(scores.get("utilisation"), 8000.0 / 8e6);
    assert_eq!(scores.get("target_bitrate_kbps"), None);
}

#[test]
fn the_target_is_averaged_over_time() {
    let target = |at, kbps| {
        let target = Bitrate::from_kbps(kbps);
        (
            ms(at),
            Event::Target {
                flow: FlowId(0),
                target,
                pacing: target,
            },
        )
    };
    // 300 until 4 s, 600 until 6 s, 900 until the flow stops at 8 s; window from 2 s.
    let mut run = RunFacts {
        from: ms(2000),
        ..run(10)
    };
    run.flows[0].stop = ms(8000);
    let scores = call(
        &Throughput::default(),
        &run,
        &[target(0, 300), target(4000, 600), target(6000, 900)],
    );
    near(scores.get("target_bitrate_kbps"), 600.0);
}

#[test]
fn loss_before_and_after_repair() {
    let video = |n| packet(0, n, Class::Video, 1000);
    let mut events = Vec::new();
    for n in 0..10 {
        events.push(sent(n, video(n)));
    }
    // Three are dropped; two of them are repaired; one more is still under way.
    for n in 0..9 {
        events.push(if n % 3 == 0 {
            dropped(100 + n, video(n))
        } else {
            received(100 + n, video(n), 100)
        });
    }
    for n in [1, 2, 4, 5, 7, 8] {
        events.push(usable(110, Media::Video, n));
    }
    events.push(sent(200, packet(0, 50, Class::Rtx, 1000)));
    events.push(sent(200, packet(0, 51, Class::Fec, 250)));
    events.push(sent(200, packet(0, 52, Class::Fec, 250)));
    events.push((ms(300), Event::FecRecovered { flow: FlowId(0) }));
    events.push(usable(300, Media::Video, 0));
    events.push(usable(300, Media::Video, 3));
    events.push(usable(300, Media::Video, 9));
    // Sent in the last 2 s: not judged after repair.
    events.push(sent(9500, video(60)));
    let scores = call(&PacketLoss::default(), &run(10), &events);
    near(scores.get("loss_ratio"), 3.0 / 9.0);
    near(scores.get("residual_loss_ratio"), 0.1);
    near(scores.get("rtx_overhead_ratio"), 1.0 / 11.0);
    near(scores.get("fec_overhead_ratio"), 0.5 / 11.0);
    near(scores.get("repair_overhead_ratio"), 1.5 / 11.0);
    near(scores.get("fec_recovered"), 1.0);
    near(scores.get("fec_wasted_ratio"), 0.5);
}

#[test]
fn loss_of_everything_is_one_and_streams_may_start_anywhere() {
    let audio = |n| packet(0, n, Class::Audio, 100);
    let all_lost: Vec<_> = (0..20)
        .flat_map(|n| [sent(n, audio(n)), dropped(n, audio(n))])
        .collect();
    let scores = call(&PacketLoss::default(), &run(10), &all_lost);
    near(scores.get("loss_ratio"), 1.0);
    near(scores.get("residual_loss_ratio"), 1.0);
    // Numbered from 40 000 on, every other packet usable.
    let packets = (0..20).map(|n| sent(n, audio(n)));
    let events: Vec<_> = packets
        .chain((0..10).map(|n| usable(30, Media::Audio, 40_000 + 2 * n)))
        .collect();
    near(
        call(&PacketLoss::default(), &run(10), &events).get("residual_loss_ratio"),
        0.5,
    );
}

#[test]
fn residual_loss_follows_packets_by_sending_time_through_the_window() {
    let run = RunFacts {
        from: ms(1000),
        to: ms(2000),
        ..run(10)
    };
    let mut events: Vec<_> = (0..30)
        .map(|n| sent(n * 100, packet(0, n, Class::Video, 1000)))
        .collect();
    // Sent in the window: 10..20. Of those 10..15 get usable, long after it.
    events.extend((0..15).map(|n| usable(5000, Media::Video, n)));
    near(
        call(&PacketLoss::default(), &run, &events).get("residual_loss_ratio"),
        0.5,
    );
}

#[test]
fn delays_jitter_and_wait() {
    let video = |n| packet(0, n, Class::Video, 1000);
    let mut events = vec![
        received(0, video(0), 20),
        received(10, video(1), 36),
        received(20, video(2), 36),
    ];
    events.push((
        ms(30),
        Event::RttSample {
            flow: FlowId(0),
            rtt: Span::from_millis(80),
        },
    ));
    events.push(delivered(40, 0, video(3), 7));
    events.push(delivered(40, 0, packet(0, 4, Class::Rtcp, 100), 99));
    let scores = call(&PacketDelay::default(), &run(10), &events);
    near(scores.get("one_way_delay_p50_ms"), 36.0);
    near(scores.get("one_way_delay_p95_ms"), 36.0);
    // J: 16/16 = 1, then 1 - 1/16.
    near(scores.get("interarrival_jitter_ms"), (1.0 + 0.9375) / 2.0);
    near(scores.get("queue_delay_p50_ms"), 7.0);
    near(scores.get("rtt_p50_ms"), 80.0);
}

#[test]
fn a_flow_waits_in_all_queues_of_its_route() {
    let mut run = run(10);
    run.links.push(link("second", 1e6));
    run.flows[0].paths = vec![path(&[0, 1])];
    let video = |n| packet(0, n, Class::Video, 1000);
    let events = [
        delivered(10, 0, video(1), 3),
        delivered(11, 0, video(2), 50),
        delivered(20, 1, video(1), 4),
    ];
    near(
        call(&PacketDelay::default(), &run, &events).get("queue_delay_p50_ms"),
        7.0,
    );
}

#[test]
fn convergence_is_the_first_second_at_nine_tenths() {
    // 10 packets a second for 5 s, then 100 a second until 30 s.
    let slow = (0..50).map(|n| n * 100);
    let fast = (0..2500).map(|n| 5000 + n * 10);
    let events: Vec<_> = slow
        .chain(fast)
        .map(|at| received(at, packet(0, at, Class::Video, 1000), 20))
        .collect();
    let scores = call(&Convergence::default(), &run(30), &events);
    // After x ms of the fast second there are (1000 - x) / 100 + x / 10 >= 90 packets: x >= 889.
    near(scores.get("convergence_time_s"), 5.9);
    assert_eq!(
        call(&Convergence::default(), &run(30), &[]).get("convergence_time_s"),
        None
    );
    assert_eq!(
        call(&Convergence::default(), &run(1), &events[..10]).get("convergence_time_s"),
        None
    );
}

#[test]
fn jain_over_flows_that_are_on_together() {
    let mut two = run(20);
    two.flows.push(flow("second", ms(20_000)));
    two.flows[1].start = ms(10_000);
    // Alone the first flow gets much; together they get 3 : 1.
    let mut events: Vec<_> = (0..100)
        .map(|n| received(n * 100, packet(0, n, Class::Other, 1000), 5))
        .collect();
    for n in 0..40 {
        events.push(received(
            10_000 + n,
            packet(u16::from(n % 4 == 3), n, Class::Other, 1000),
            5,
        ));
    }
    let scores = score(&Convergence::default(), &two, &events);
    let want = 40.0f64.powi(2) / (2.0 * (30.0f64.powi(2) + 10.0f64.powi(2)));
    near(scores.links[0].get("fairness_jain"), want);
    near(scores.flows[0].get("fairness_jain"), want);
    near(scores.flows[1].get("fairness_jain"), want);
    assert_eq!(
        score(&Convergence::default(), &run(20), &events).links[0].get("fairness_jain"),
        None
    );
}

#[test]
fn bursts_before_and_after_repair() {
    let video = |n| packet(0, n, Class::Video, 1000);
    // Of 20 packets 4, 5, 6, 7 and 12 are lost, and 5 and 6 are repaired; the
    // last one is under way at the end.
    let is_lost = |n: u64| (4..8).contains(&n) || n == 12;
    let mut events: Vec<_> = (0..21).map(|n| sent(n, video(n))).collect();
    events.extend(
        (0..20)
            .filter(|n| is_lost(*n))
            .map(|n| dropped(30 + n, video(n))),
    );
    events.extend(
        (0..20)
            .filter(|n| !is_lost(*n))
            .map(|n| received(60 + n, video(n), 60)),
    );
    let usable_ones = (0..21).filter(|n| !is_lost(*n) || [5, 6].contains(n));
    events.extend(usable_ones.map(|n| usable(200, Media::Video, n)));
    let scores = call(&PacketLoss::default(), &run(10), &events);
    near(scores.get("loss_burst_mean_packets"), 2.5);
    near(scores.get("loss_burst_ratio"), 2.5 * 0.75);
    near(scores.get("residual_loss_burst_mean_packets"), 1.0);
    near(scores.get("residual_loss_burst_ratio"), 18.0 / 21.0);
}

#[test]
fn damaged_packets_are_lost_and_copies_save_theirs() {
    let video = |n| packet(0, n, Class::Video, 1000);
    let mut events: Vec<_> = (0..4).map(|n| sent(n, video(n))).collect();
    let copy = Event::LinkCopy {
        link: LinkId(0),
        packet: video(1),
    };
    events.extend([
        (ms(5), copy),
        dropped(6, video(1)),
        received(7, video(0), 7),
    ]);
    events.extend([
        received(8, video(1), 7),
        (ms(9), Event::Damaged { packet: video(2) }),
    ]);
    events.push(received(10, video(3), 7));
    let scores = call(&PacketLoss::default(), &run(10), &events);
    near(scores.get("loss_burst_mean_packets"), 1.0);
    near(scores.get("loss_burst_ratio"), 0.75);
    near(scores.get("loss_ratio"), 2.0 / 5.0);
}

#[test]
fn bursts_on_a_link_follow_the_order_of_arrival() {
    let video = |n| packet(0, n, Class::Video, 1000);
    let arrive = |at, n| {
        (
            ms(at),
            Event::LinkArrive {
                link: LinkId(0),
                packet: video(n),
            },
        )
    };
    // 3, 4 and 5 find no room while 0, 1 and 2 wait; 7 does not either.
    let mut events: Vec<_> = (0..8).map(|n| arrive(n, n)).collect();
    events.extend([3, 4, 5, 7].map(|n| dropped(n, video(n))));
    events.sort_by_key(|(at, _)| *at);
    events.extend([0, 1, 2, 6].map(|n| delivered(50 + n, 0, video(n), 5)));
    let links = score(&Links::default(), &run(10), &events).links;
    near(links[0].get("loss_burst_mean_packets"), 2.0);
    near(links[0].get("loss_burst_ratio"), 1.0);
    near(links[0].get("loss_ratio"), 0.5);
    // Without a loss there are no bursts.
    let clean = [arrive(0, 0), delivered(5, 0, video(0), 5)];
    let links = score(&Links::default(), &run(10), &clean).links;
    assert_eq!(links[0].get("loss_burst_mean_packets"), None);
    assert_eq!(links[0].get("loss_burst_ratio"), None);
}

/// A flow with two paths: link 0 (1 Mbit/s) or 1 (3 Mbit/s), then 2 (10 Mbit/s).
fn two_paths() -> RunFacts {
    let mut run = run(10);
    run.links.extend([link("lte", 3e6), link("core", 1e7)]);
    run.flows[0].paths = vec![path(&[0, 2]), path(&[1, 2])];
    run
}

#[test]
fn a_flow_with_two_paths_waits_on_the_one_that_a_packet_takes() {
    let video = |n| packet(0, n, Class::Video, 1000);
    let events = [
        delivered(10, 0, video(1), 3),
        delivered(11, 1, video(2), 50),
        delivered(12, 1, video(3), 60),
        delivered(20, 2, video(1), 4),
        received(20, video(1), 15),
        delivered(25, 2, video(2), 1),
        received(25, video(2), 18),
        // Still under way.
        delivered(30, 2, video(3), 99),
    ];
    let scores = call(&PacketDelay::default(), &two_paths(), &events);
    near(scores.get("queue_delay_mean_ms"), (7.0 + 51.0) / 2.0);
}

#[test]
fn a_flow_with_two_paths_has_the_sum_of_their_bottlenecks() {
    // 5 MB in 10 s of 1 + 3 Mbit/s.
    let events = [received(20, packet(0, 1, Class::Video, 5_000_000), 15)];
    let mut run = two_paths();
    near(
        call(&Throughput::default(), &run, &events).get("utilisation"),
        1.0,
    );
    // One that both share counts once.
    run.links[2] = link("core", 5e5);
    near(
        call(&Throughput::default(), &run, &events).get("utilisation"),
        8.0,
    );
}

#[test]
fn cross_traffic_takes_no_part_in_fairness_and_has_no_goodput() {
    let mut three = run(10);
    three.flows.push(flow("second", ms(10_000)));
    three.flows.push(flow("cross", ms(10_000)));
    let cross = &mut three.flows[2];
    (cross.video, cross.audio, cross.adapts) = (false, false, false);
    let packets = |n| (0..3).map(move |flow| (flow, n));
    let events: Vec<_> = (0..2_000)
        .flat_map(packets)
        // The third flow gets ten times as much.
        .map(|(flow, n)| {
            let size = if flow == 2 { 10_000 } else { 1_000 };
            received(n * 5, packet(flow, n, Class::Other, size), 5)
        })
        .collect();
    let scores = score(&Convergence::default(), &three, &events);
    near(scores.links[0].get("fairness_jain"), 1.0);
    assert!(scores.flows[1].contains_key("convergence_time_s"));
    assert_eq!(scores.flows[2].len(), 0);
    let rates = &score(&Throughput::default(), &three, &events).flows[2];
    near(rates.get("receive_rate_kbps"), 16_000.0);
    assert!(!rates.contains_key("goodput_kbps"));
}
