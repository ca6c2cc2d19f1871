//! Pauses, outages and blocked UDP through the whole simulator.

#[path = "support/events.rs"]
mod events;

use weaknet_core::event::SessionStage;
use weaknet_core::packet::{Class, Leg, Media, Protocol, Tag};
use weaknet_core::{Event, Span, Time};

use events::events;

type Events = Vec<(Time, Event)>;

fn at(ms: u64) -> Time {
    Time::from_millis(ms)
}

fn stages(events: &Events, wanted: SessionStage) -> Vec<Time> {
    let stages = events.iter().filter(|(_, event)| {
        let stage = wanted;
        matches!(event, Event::Session { stage: found, .. } if *found == stage)
    });
    stages.map(|(at, _)| *at).collect()
}

/// What the sender's end has sent, and when.
fn sent(events: &Events) -> impl Iterator<Item = (Time, Tag)> + '_ {
    events.iter().filter_map(|(at, event)| match event {
        Event::Sent { packet, .. } if packet.leg == Leg::Outward => Some((*at, *packet)),
        _ => None,
    })
}

/// When frames were shown, and which.
fn shown(events: &Events) -> Vec<(Time, u64)> {
    let shown = events.iter().filter_map(|(at, event)| match event {
        Event::FrameRendered { frame, .. } => Some((*at, *frame)),
        _ => None,
    });
    shown.collect()
}

fn call(seconds: u64, network: &str, more: &str) -> Events {
    events(&format!(
        "
duration: {seconds}s
seeds: [1]
network:
{network}
flows:
  - name: call
    media: {{video: {{max_bitrate: 1Mbps}}, audio: {{}}}}
{more}
"
    ))
}

const CLEAN: &str = "  forward: {rate: 3Mbps, delay: 25ms}\n  backward: {rate: 3Mbps, delay: 25ms}";

#[test]
fn nothing_of_a_paused_stream_is_sent_and_it_resumes_with_a_key_frame() {
    let text = format!(
        "
duration: 30s
seeds: [1]
network:
{CLEAN}
flows:
  - name: call
    media:
      video: {{max_bitrate: 1Mbps, pause: [{{from: 10s, to: 20s}}]}}
      audio: {{pause: [{{from: 12s, to: 18s}}]}}
"
    );
    let events = events(&text);
    let of = |class: Class, from: u64, to: u64| {
        let within =
            |(when, tag): &(Time, Tag)| tag.class == class && (at(from)..at(to)).contains(when);
        sent(&events).filter(within).count()
    };
    for class in [Class::Video, Class::Rtx, Class::Fec, Class::Padding] {
        assert_eq!(of(class, 10_000, 20_000), 0, "{class:?}");
    }
    assert_eq!(of(Class::Audio, 12_000, 18_000), 0);
    assert!(
        of(Class::Audio, 10_000, 12_000) >= 98,
        "audio goes on alone"
    );
    // Reports each second, consent at least every 2.7 s.
    assert!(of(Class::Rtcp, 12_000, 18_000) >= 5);
    assert!(of(Class::Session, 12_000, 18_000) >= 2);
    let told = events.iter().filter_map(|(at, event)| match event {
        Event::Paused { media, paused, .. } => Some((*at, *media, *paused)),
        _ => None,
    });
    let told: Vec<_> = told.collect();
    assert_eq!(
        told,
        [
            (at(10_000), Media::Video, true),
            (at(12_000), Media::Audio, true),
            (at(18_000), Media::Audio, false),
            (at(20_000), Media::Video, false),
        ]
    );
    let first = events.iter().find_map(|(when, event)| match event {
        Event::FrameEncoded { key, .. } if *when >= at(20_000) => Some(*key),
        _ => None,
    });
    assert_eq!(first, Some(true));
    let shown = shown(&events);
    let back = shown.iter().find(|(when, _)| *when >= at(20_000)).unwrap();
    // One way and a jitter buffer that knows the link.
    assert!(back.0 < at(20_300), "{back:?}");
    assert!(shown.iter().filter(|(when, _)| *when >= at(21_000)).count() > 250);
}

#[test]
fn an_outage_of_8_s_stops_media_after_5_s_and_one_of_2_s_does_not() {
    let outage = |to: &str, session: &str| {
        let network = format!(
            "  forward: {{rate: 3Mbps, delay: 25ms, loss: {{windows: [{{from: 20s, to: {to}}}]}}}}
  backward: {{rate: 3Mbps, delay: 25ms, loss: {{windows: [{{from: 20s, to: {to}}}]}}}}"
        );
        call(40, &network, session)
    };
    let events = outage("28s", "    session: {on_outage: wait}");
    let [lost] = stages(&events, SessionStage::Disconnected)[..] else {
        panic!("once");
    };
    // The first lost check leaves within a consent interval of the outage.
    assert!((at(24_900)..at(27_700)).contains(&lost), "{lost:?}");
    let back = *stages(&events, SessionStage::Connected).last().unwrap();
    // A check every 62.5 ms, a round trip, and 1 ms on the link.
    assert!((at(28_050)..at(28_114)).contains(&back), "{back:?}");
    let media = |from: Time, to: Time| {
        let media = |tag: &Tag| !matches!(tag.class, Class::Session);
        let within = |(when, tag): &(Time, Tag)| media(tag) && (from..to).contains(when);
        sent(&events).filter(within).count()
    };
    assert!(media(at(20_000), lost) > 0);
    assert_eq!(media(lost, back), 0);
    let shown = shown(&events);
    let first = shown.iter().find(|(when, _)| *when >= back).unwrap();
    assert!(first.0 < back + Span::from_millis(500), "{first:?}");

    let short = outage("22s", "    session: {on_outage: restart_ice}");
    assert!(stages(&short, SessionStage::Disconnected).is_empty());
    let old = outage("28s", "");
    assert!(stages(&old, SessionStage::Disconnected).is_empty());
}

const UDP_BLOCKED: &str = "  forward: {rate: 3Mbps, delay: 25ms, loss: 1%, blocks: udp}
  backward: {rate: 3Mbps, delay: 25ms, blocks: udp}";

#[test]
fn where_udp_is_blocked_media_go_over_tcp_in_order() {
    let events = call(20, UDP_BLOCKED, "    session: {fallback: ice_tcp}");
    let ready = stages(&events, SessionStage::SenderReady)[0];
    // 50 ms, then the round trips of TCP, a check and the hellos; flights of
    // 1.5 and 1.7 kB at 3 Mbit/s, three computations of 2 ms. Nothing of it was
    // lost with this seed.
    assert!((at(206)..at(230)).contains(&ready), "{ready:?}");
    let by = events.iter().find_map(|(_, event)| match event {
        Event::Selected { protocol, .. } => Some(*protocol),
        _ => None,
    });
    assert_eq!(by, Some(Protocol::Tcp));
    // Nothing that was written is lost or changes its place.
    let written: Vec<u64> = sent(&events)
        .filter(|(when, tag)| *when >= ready && tag.class == Class::Video)
        .map(|(_, tag)| tag.id)
        .collect();
    let read: Vec<u64> = events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Received { packet, .. }
                if packet.leg == Leg::Outward && packet.class == Class::Video =>
            {
                Some(packet.id)
            }
            _ => None,
        })
        .collect();
    assert!(read.len() > 1_000 && written.len() - read.len() < 40);
    assert_eq!(written[..read.len()], read);
    // Segments were lost all the same.
    let lost = |event: &Event| matches!(event, Event::LinkDrop { packet, .. } if packet.class == Class::Other);
    assert!(events.iter().filter(|(_, event)| lost(event)).count() > 5);
    assert!(shown(&events).len() > 500);
}

#[test]
fn where_everything_is_blocked_the_call_fails_and_says_so() {
    let network = "  forward: {delay: 25ms, blocks: all}\n  backward: {delay: 25ms}";
    let events = call(30, network, "    session: {fallback: turn_tls}");
    assert_eq!(stages(&events, SessionStage::Failed), [at(15_000)]);
    assert!(sent(&events).all(|(when, tag)| tag.class == Class::Session && when < at(15_000)));
    // Without a way over TCP the set-up itself is given up.
    let events = call(40, UDP_BLOCKED, "");
    assert_eq!(stages(&events, SessionStage::Failed), [at(30_000)]);
}
