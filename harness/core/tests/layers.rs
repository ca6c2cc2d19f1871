//! Temporal and simulcast layers through the whole simulator.

#[path = "support/events.rs"]
mod events;

use std::collections::BTreeMap;

use weaknet_core::event::FrameDrop;
use weaknet_core::packet::Picture;
use weaknet_core::{Event, Time};

use events::events;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Shown(Time, Picture),
    Dropped(FrameDrop),
}

/// Frames that the encoder put out and what became of them, by number.
struct Story {
    /// By number and simulcast layer: whether it was a key frame, and more.
    encoded: BTreeMap<(u64, u8), (bool, Picture)>,
    fates: BTreeMap<u64, Fate>,
}

fn story(text: &str) -> Story {
    let (mut encoded, mut fates) = (BTreeMap::new(), BTreeMap::new());
    for (at, event) in events(text) {
        match event {
            Event::FrameEncoded {
                frame,
                key,
                picture,
                ..
            } => {
                let old = encoded.insert((frame, picture.simulcast), (key, picture));
                assert_eq!(old, None, "frame {frame} twice");
            }
            Event::FrameRendered { frame, picture, .. } => {
                let fate = Fate::Shown(at, picture);
                assert_eq!(fates.insert(frame, fate), None, "frame {frame}");
            }
            Event::FrameDropped { frame, reason, .. } => {
                let fate = Fate::Dropped(reason);
                assert_eq!(fates.insert(frame, fate), None, "frame {frame}");
            }
            _ => {}
        }
    }
    Story { encoded, fates }
}

fn temporal(layers: u8) -> Story {
    story(&format!(
        "
duration: 120s
seeds: [1]
network:
  forward: {{rate: 2Mbps, delay: 20ms, loss: 2%}}
  backward: {{delay: 20ms}}
flows:
  - name: call
    media: {{video: {{max_bitrate: 300kbps, source: {{webrtc: {{temporal_layers: {layers}}}}}}}}}
    congestion_control: {{fixed: {{rate: 400kbps}}}}
    arq: none
"
    ))
}

impl Story {
    /// The frame that a frame refers to; `None` for a key frame.
    fn reference(&self, frame: u64) -> Option<u64> {
        let (key, picture) = self.encoded[&(frame, 0)];
        (!key).then(|| frame - u64::from(picture.reference))
    }

    fn is_shown(&self, frame: u64) -> bool {
        matches!(self.fates.get(&frame), Some(Fate::Shown(..)))
    }

    fn shown(&self) -> usize {
        let shown = |fate: &&Fate| matches!(fate, Fate::Shown(..));
        self.fates.values().filter(shown).count()
    }
}

#[test]
fn frames_live_and_die_by_their_references() {
    let story = temporal(3);
    let mut alone = 0;
    for (frame, fate) in &story.fates {
        let reference = story.reference(*frame);
        match fate {
            Fate::Shown(..) => {
                assert!(reference.is_none_or(|to| story.is_shown(to)), "{frame}");
            }
            Fate::Dropped(FrameDrop::Undecodable) => {
                assert!(reference.is_some_and(|to| !story.is_shown(to)), "{frame}");
            }
            Fate::Dropped(_) => {
                let of_top = story.encoded[&(*frame, 0)].1.temporal == 2;
                alone += u32::from(of_top && story.is_shown(frame + 1));
            }
        }
    }
    // Some frames of the top layer were lost and the next one shown all the same.
    assert!(alone > 3, "{alone}");
}

#[test]
fn layers_lose_fewer_frames_to_a_loss_that_nothing_repairs() {
    let (one, three) = (temporal(1), temporal(3));
    // A frame in twenty is lost; one layer then waits for a key frame.
    assert!(
        three.shown() as f64 > 1.2 * one.shown() as f64,
        "{} {}",
        three.shown(),
        one.shown()
    );
}

const SIMULCAST: &str = "
duration: 40s
seeds: [1]
network:
  forward:
    rate: {steps: [[0s, 5Mbps], [15s, 1Mbps], [25s, 5Mbps]]}
    delay: 20ms
    loss: 1%
  backward: {delay: 20ms}
flows:
  - name: call
    media:
      video:
        max_bitrate: 3.2Mbps
        source: {webrtc: {width: 1280, height: 720, simulcast_layers: 3, temporal_layers: 3}}
    congestion_control: oracle
";

#[test]
fn the_highest_layer_is_shown_and_left_at_key_frames_only() {
    let story = story(SIMULCAST);
    let mut layers = Vec::new();
    let mut last: Option<(u64, Picture)> = None;
    for (frame, fate) in &story.fates {
        let Fate::Shown(_, picture) = fate else {
            continue;
        };
        let (key, encoded) = story.encoded[&(*frame, picture.simulcast)];
        assert_eq!(encoded, *picture);
        let switched = last.is_none_or(|(_, old)| old.simulcast != picture.simulcast);
        if switched {
            assert!(key, "frame {frame} is no way into a layer");
            layers.push(picture.simulcast);
        } else if !key {
            let to = frame - u64::from(picture.reference);
            assert!(
                matches!(story.fates[&to], Fate::Shown(_, old) if old.simulcast == picture.simulcast),
                "{frame}"
            );
        }
        last = Some((*frame, *picture));
    }
    // Up from the start rate of 300 kbit/s, down and up again with the link.
    let expected: &[u8] = &[2, 1, 2];
    assert!(layers.ends_with(expected), "{layers:?}");
    // All but the key frame that opens a layer and what was lost.
    let shown = story.shown() as f64;
    assert!(shown > 0.95 * 40.0 * 30.0, "{shown}");
}

/// Seconds that the picture stands still for 0.3 s and more after the link has
/// fallen to an eighth, and how often it changes the layer in that time.
fn stalls(layers: u8, seed: u64) -> (f64, usize) {
    let story = story(&format!(
        "
duration: 30s
seeds: [{seed}]
network:
  forward:
    rate: {{steps: [[0s, 4Mbps], [20s, 500kbps]]}}
    delay: 25ms
    queue: {{drop_tail: {{limit: 300ms}}}}
  backward: {{delay: 25ms}}
flows:
  - name: call
    media:
      video:
        max_bitrate: 3.15Mbps
        source: {{webrtc: {{width: 1280, height: 720, simulcast_layers: {layers}, temporal_layers: 3}}}}
"
    ));
    let shown = story.fates.values().filter_map(|fate| match fate {
        Fate::Shown(at, picture) if *at >= Time::from_secs(20) => Some((*at, picture.simulcast)),
        _ => None,
    });
    let mut shown: Vec<(Time, u8)> = shown.collect();
    shown.sort_by_key(|(at, _)| *at);
    let gaps = shown
        .windows(2)
        .map(|pair| (pair[1].0 - pair[0].0).as_secs_f64());
    let switches = shown.windows(2).filter(|pair| pair[0].1 != pair[1].1);
    (gaps.filter(|gap| *gap >= 0.3).sum(), switches.count())
}

#[test]
fn a_switch_to_a_lower_layer_does_not_stop_the_picture_for_longer() {
    // What stops it is what the full queue lost before, with one layer as with three.
    let of = |layers| (1..=4).map(move |seed| stalls(layers, seed));
    let single: f64 = of(1).map(|(stalled, _)| stalled).sum();
    let three: Vec<(f64, usize)> = of(3).collect();
    assert!(
        three.iter().all(|(_, switches)| *switches >= 1),
        "{three:?}"
    );
    let together: f64 = three.iter().map(|(stalled, _)| stalled).sum();
    assert!(
        single > 4.0 && together < 1.2 * single,
        "{single} {together}"
    );
}
