//! Calls through the whole simulator, from scenario text to events.

#[path = "support/events.rs"]
mod events;

use std::collections::{BTreeMap, BTreeSet};

use weaknet_core::event::DropReason;
use weaknet_core::packet::{Class, FlowId, Leg, LinkId, Media};
use weaknet_core::{Event, Span, Time};

use events::events;

const BOTH_WAYS: &str = "
duration: 20s
seeds: [1]
network:
  forward: {rate: 1.2Mbps, delay: 40ms, loss: 3%}
  backward: {rate: 900kbps, delay: 20ms, loss: {gilbert_elliott: {average: 2%, burst: 3}}}
flows:
  - name: there
    media: {video: {max_bitrate: 2Mbps}, audio: {bitrate: 32kbps}}
  - name: back
    from: b
    start: 3s
    stop: 15s
    media: {video: {max_bitrate: 2Mbps}, audio: {bitrate: 32kbps}}
";

#[test]
fn two_flows_make_a_call_in_both_directions() {
    let events = events(BOTH_WAYS);
    assert!(events.windows(2).all(|w| w[0].0 <= w[1].0));
    let mut ids = BTreeSet::new();
    let mut rendered: BTreeMap<FlowId, Vec<Time>> = BTreeMap::new();
    let mut first = BTreeMap::new();
    let mut last = BTreeMap::new();
    for (at, event) in &events {
        match event {
            Event::Sent { packet, .. } => {
                assert!(ids.insert(packet.id), "{packet:?} has an old id");
                first.entry(packet.flow).or_insert(*at);
                last.insert(packet.flow, *at);
            }
            Event::FrameRendered { flow, .. } => rendered.entry(*flow).or_default().push(*at),
            _ => {}
        }
    }
    let seconds = |time: Time| time.as_secs_f64();
    let (there, back) = (&rendered[&FlowId(0)], &rendered[&FlowId(1)]);
    assert!(
        there.len() > 400 && back.len() > 250,
        "{} {}",
        there.len(),
        back.len()
    );
    assert_eq!(
        (seconds(first[&FlowId(0)]), seconds(first[&FlowId(1)])),
        (0.0, 3.0)
    );
    assert!(seconds(back[0]) > 3.1 && seconds(back[back.len() - 1]) < 15.0);
    assert!((14.9..15.0).contains(&seconds(last[&FlowId(1)])));
    assert!(seconds(last[&FlowId(0)]) > 19.9);
}

/// Where a packet of one leg of a flow has got to.
#[derive(Default)]
struct Counts {
    sent: u64,
    arrived: u64,
    dropped: u64,
}

#[test]
fn packets_are_conserved_and_media_are_accounted_for() {
    let events = events(BOTH_WAYS);
    let mut legs: BTreeMap<(FlowId, Leg), Counts> = BTreeMap::new();
    let mut under_way = BTreeSet::new();
    let mut usable = BTreeSet::new();
    let mut first_sent: BTreeMap<(FlowId, Media), u64> = BTreeMap::new();
    let mut fates: BTreeMap<(FlowId, u64), u32> = BTreeMap::new();
    let mut encoded: BTreeMap<FlowId, u64> = BTreeMap::new();
    for (_, event) in &events {
        match event {
            Event::Sent { packet, payload } => {
                legs.entry((packet.flow, packet.leg)).or_default().sent += 1;
                assert!(under_way.insert(packet.id));
                let media = match packet.class {
                    Class::Audio => Some(Media::Audio),
                    Class::Video => Some(Media::Video),
                    _ => None,
                };
                assert_eq!(media.is_some(), *payload > 0, "{packet:?}");
                if let Some(media) = media {
                    *first_sent.entry((packet.flow, media)).or_default() += 1;
                }
            }
            Event::Received { packet, .. } => {
                legs.entry((packet.flow, packet.leg)).or_default().arrived += 1;
                assert!(under_way.remove(&packet.id));
            }
            Event::LinkDrop { packet, .. } => {
                legs.entry((packet.flow, packet.leg)).or_default().dropped += 1;
                assert!(under_way.remove(&packet.id));
            }
            Event::MediaUsable {
                flow, media, seq, ..
            } => {
                assert!(
                    usable.insert((*flow, *media, *seq)),
                    "{media:?} {seq} twice"
                );
                assert!(*seq < first_sent[&(*flow, *media)], "{seq} was never sent");
            }
            Event::FrameEncoded { flow, .. } => *encoded.entry(*flow).or_default() += 1,
            Event::FrameRendered { flow, frame, .. } | Event::FrameDropped { flow, frame, .. } => {
                assert!(*frame < encoded[flow]);
                *fates.entry((*flow, *frame)).or_default() += 1;
            }
            _ => {}
        }
    }
    assert_eq!(legs.len(), 4);
    let open: u64 = legs
        .values()
        .map(|leg| leg.sent - leg.arrived - leg.dropped)
        .sum();
    assert_eq!(open, under_way.len() as u64);
    assert!(
        legs.values()
            .all(|leg| leg.dropped > 0 && leg.arrived > 10 * leg.dropped)
    );
    assert!(fates.values().all(|n| *n == 1), "a frame has one fate");
    for (flow, count) in encoded {
        let settled = fates.keys().filter(|(f, _)| *f == flow).count() as u64;
        assert!(count - settled < 30, "{flow:?}: {settled} of {count}");
    }
}

#[test]
fn long_opus_packets_are_played_without_concealment() {
    let events = events(
        "
duration: 5s
seeds: [1]
network: {forward: {delay: 20ms}, backward: {delay: 20ms}}
flows:
  - name: call
    media: {audio: {bitrate: 32kbps, source: {opus: {frame: 60ms}}}}
",
    );
    // Until two packets have come their length is not known.
    let later = events.iter().filter(|(at, _)| *at >= Time::from_secs(1));
    let (mut real, mut decoded) = (Span::ZERO, Vec::new());
    for (_, event) in later {
        match event {
            Event::AudioPlayed {
                length, captured, ..
            } => {
                assert!(captured.is_some());
                real += *length;
            }
            Event::AudioDecoded { length, .. } => decoded.push(length.as_millis()),
            _ => {}
        }
    }
    assert!((3_990..=4_010).contains(&real.as_millis()), "{real}");
    assert!(decoded.len() > 60 && decoded.iter().all(|ms| *ms == 60));
}

/// The fates of the packets of a link in the order in which they left its
/// serialiser: whether lost, and the delay behind it otherwise.
fn fates(events: &[(Time, Event)], rate: u64) -> Vec<(bool, Span)> {
    let mut fates = Vec::new();
    for (at, event) in events {
        match *event {
            Event::LinkDrop {
                link: LinkId(0),
                reason: DropReason::Loss,
                ..
            } => fates.push((*at, true, Span::ZERO)),
            Event::LinkDeliver {
                link: LinkId(0),
                packet,
                waited,
                total,
            } => {
                let service = Span::from_nanos(u64::from(packet.size) * 8_000_000_000 / rate);
                let behind = total - waited - service;
                let left = Time::ZERO + ((*at - Time::ZERO) - behind);
                fates.push((left, false, behind));
            }
            _ => {}
        }
    }
    fates.sort_by_key(|(left, ..)| *left);
    // The nanosecond of rounding at the serialiser is not the weather's.
    let micros = |span: Span| Span::from_micros(span.as_nanos().div_ceil(1_000) - 1);
    let fate =
        |(_, lost, behind): (Time, bool, Span)| (lost, if lost { behind } else { micros(behind) });
    fates.into_iter().map(fate).collect()
}

#[test]
fn two_controllers_meet_the_same_weather() {
    let run = |controller: &str| {
        let text = format!(
            "
duration: 20s
network:
  forward:
    rate: 8Mbps
    delay: {{uniform: {{min: 20ms, max: 80ms, reorder: allowed}}}}
    loss: [{{gilbert_elliott: {{average: 5%, burst: 3}}}}, 1%]
  backward: {{delay: 20ms}}
flows:
  - name: call
    media: {{video: {{max_bitrate: 2Mbps}}}}
    congestion_control: {controller}
"
        );
        fates(&events(&text), 8_000_000)
    };
    let gcc = run("gcc");
    let fixed = run("{fixed: {rate: 700kbps}}");
    let common = gcc.len().min(fixed.len()) - 10;
    assert!(common > 1_000, "{} {}", gcc.len(), fixed.len());
    let losses = |fates: &[(bool, Span)]| fates.iter().map(|(lost, _)| *lost).collect::<Vec<_>>();
    assert_eq!(losses(&gcc[..common]), losses(&fixed[..common]));
    assert_eq!(gcc[..common], fixed[..common]);
    assert!(gcc[..common].iter().filter(|(lost, _)| *lost).count() > 20);
}
