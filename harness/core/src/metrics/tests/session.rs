use weaknet_core::event::SessionStage;
use weaknet_core::packet::{FlowId, Media, Protocol};
use weaknet_core::{Event, Span, Time};

use crate::metrics::testing::{call, ms, near, run};
use crate::metrics::{Audio, Session};

fn stage(at: u64, stage: SessionStage) -> (Time, Event) {
    let flow = FlowId(0);
    (ms(at), Event::Session { flow, stage })
}

fn selected(at: u64, protocol: Protocol) -> (Time, Event) {
    let flow = FlowId(0);
    (ms(at), Event::Selected { flow, protocol })
}

#[test]
fn reconnects_are_counted_and_timed_and_protocols_have_their_shares() {
    let events = [
        stage(0, SessionStage::Started),
        selected(400, Protocol::Tcp),
        stage(1_000, SessionStage::SenderReady),
        stage(1_100, SessionStage::Connected),
        stage(3_000, SessionStage::Disconnected),
        stage(4_000, SessionStage::Failed),
        selected(5_500, Protocol::Udp),
        stage(5_500, SessionStage::Connected),
        stage(8_000, SessionStage::Disconnected),
        stage(8_500, SessionStage::Connected),
    ];
    let scores = call(&Session::default(), &run(11), &events);
    near(scores.get("reconnects"), 2.0);
    near(scores.get("reconnect_time_ms"), 2_500.0);
    // Connected from 1 to 3, from 5.5 to 8 and from 8.5 to 11 s.
    near(scores.get("disconnected_ratio"), 3.0 / 10.0);
    near(scores.get("tcp_ratio"), 2.0 / 7.0);
    near(scores.get("setup_time_ms"), 1_000.0);

    let lost = call(&Session::default(), &run(11), &events[..5]);
    near(lost.get("reconnects"), 0.0);
    assert_eq!(lost.get("reconnect_time_ms"), None);
    near(lost.get("disconnected_ratio"), 8.0 / 10.0);
    // Who does not tell of pairs has none of it.
    let silent = call(
        &Session::default(),
        &run(11),
        &[events[0], events[2], events[3]],
    );
    for name in ["reconnects", "disconnected_ratio", "tcp_ratio"] {
        assert_eq!(silent.get(name), None);
    }
}

/// 20 ms of sound that begin at `at`.
fn sound(at: u64, real: bool) -> (Time, Event) {
    let captured = real.then(|| ms(at.saturating_sub(100)));
    (
        ms(at),
        Event::AudioPlayed {
            flow: FlowId(0),
            length: Span::from_millis(20),
            captured,
        },
    )
}

#[test]
fn made_up_sound_of_a_pause_is_no_concealment_and_no_gap() {
    let pause = |at, paused| {
        let (flow, media) = (FlowId(0), Media::Audio);
        let event = Event::Paused {
            flow,
            media,
            paused,
        };
        (ms(at), event)
    };
    // Real sound to 2.1 s and from 6.1 s on; the application pauses from 2 to 6 s.
    let real = |at: u64| !(2_100..6_100).contains(&at);
    let mut events: Vec<_> = (0..10_000)
        .step_by(20)
        .map(|at| sound(at, real(at)))
        .collect();
    let without = call(&Audio::default(), &run(10), &events);
    near(without.get("audio_freeze_ratio_200ms"), 0.4);
    let silent = call(&Session::default(), &run(10), &events);
    near(silent.get("delivery_ratio"), 0.6);
    events.extend([pause(2_000, true), pause(6_000, false)]);
    events.sort_by_key(|(at, _)| *at);
    let scores = call(&Audio::default(), &run(10), &events);
    near(scores.get("audio_freeze_ratio_200ms"), 0.0);
    let heard = call(&Session::default(), &run(10), &events);
    near(heard.get("delivery_ratio"), 1.0);
    // It never comes back: from the resumption on that is a gap, of 6 s on air.
    let dead: Vec<_> = events
        .iter()
        .copied()
        .filter(|(at, _)| *at < ms(6_100))
        .collect();
    let dead = call(&Audio::default(), &run(10), &dead);
    near(dead.get("audio_freeze_ratio_200ms"), 4.0 / 6.0);
}
