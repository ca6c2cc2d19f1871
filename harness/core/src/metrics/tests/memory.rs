//! What a long run takes.

use weaknet_core::event::{DropReason, FrameTimes};
use weaknet_core::packet::{Class, FlowId, LinkId, Media};
use weaknet_core::plugin::Assets;
use weaknet_core::{Bitrate, BuildContext, Event, EventSink, Span, Streams};

use crate::metrics::Scorer;
use crate::metrics::testing::{ms, packet, run};
use crate::registry::Registry;

/// A millisecond of a call: one packet, one frame, some sound. Each fiftieth
/// packet is lost, and for 0.4 s of each 10 s there is neither picture nor sound.
fn millisecond(n: u64, sink: &mut dyn EventSink) {
    let (at, flow, link) = (ms(n), FlowId(0), LinkId(0));
    let (packet, delay) = (packet(0, n, Class::Video, 1_200), Span::from_millis(n % 90));
    let mut event = |event| sink.event(at, &event);
    let payload = 1_160;
    event(Event::Sent { packet, payload });
    event(Event::LinkArrive { link, packet });
    event(Event::FrameEncoded {
        flow,
        frame: n,
        key: n == 0,
        size: payload,
        picture: weaknet_core::packet::Picture::default(),
    });
    if n % 50 == 7 {
        let reason = DropReason::Loss;
        event(Event::LinkDrop {
            link,
            packet,
            reason,
        });
    } else {
        event(Event::LinkDeliver {
            link,
            packet,
            waited: delay,
            total: delay,
        });
        event(Event::Received {
            packet,
            one_way: delay,
        });
        event(Event::MediaUsable {
            flow,
            media: Media::Video,
            seq: n,
            payload,
            repaired: false,
        });
    }
    let captured = at.saturating_sub(delay);
    let is_gap = n % 10_000 >= 9_600;
    if !is_gap {
        let times = FrameTimes {
            captured,
            first_sent: captured,
            first_arrived: captured,
            complete: at,
            decode_start: at,
            decoded: at,
        };
        event(Event::FrameRendered {
            flow,
            frame: n,
            times,
            size: payload,
            picture: weaknet_core::packet::Picture::default(),
        });
    }
    event(Event::AudioPlayed {
        flow,
        length: Span::from_millis(1),
        captured: (!is_gap).then_some(captured),
    });
    event(Event::RttSample { flow, rtt: delay });
    let target = Bitrate::from_kbps(1_000 + n % 100);
    event(Event::Target {
        flow,
        target,
        pacing: target,
    });
}

#[test]
fn nothing_grows_with_the_length_of_a_run() {
    // So long that all exact samples have given way to histograms.
    const HALF: u64 = 1_200_000;
    let (streams, assets) = (Streams::new(1), Assets::default());
    let cx = BuildContext {
        path: "metrics",
        streams: &streams,
        assets: &assets,
    };
    let sets = Registry::builtin().metric_sets().unwrap().into_iter();
    let sets = sets.map(|set| set.build(&cx).unwrap()).collect();
    let facts = run(2 * HALF / 1_000);
    let mut scorer = Scorer::new(&facts, sets);
    (0..HALF).for_each(|n| millisecond(n, &mut scorer));
    let second = allocation_counter::measure(|| {
        (HALF..2 * HALF).for_each(|n| millisecond(n, &mut scorer));
    });
    assert!(second.bytes_max < 65_536, "{second:?}");
    let scores = scorer.finish().flows.swap_remove(0);
    // All of it was seen: 1 of 50 lost, 240 freezes of 0.4 s, from 9.599 s on.
    assert_eq!(scores["loss_ratio"], 0.02);
    assert_eq!(scores["freeze_count"], 239.0);
    assert!((scores["freeze_ratio"] - 240.0 * 0.401 / 2_400.0).abs() < 1e-6);
    assert!((scores["frame_delay_p50_ms"] - 44.5).abs() < 0.5 + 44.5 / 2_048.0);
}
