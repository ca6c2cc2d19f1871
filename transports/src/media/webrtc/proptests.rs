use proptest::prelude::*;
use weaknet_core::{Bitrate, Time};

use super::super::test_support::{build, format};
use super::{DegradationPreference, Webrtc};

fn configs() -> impl Strategy<Value = Webrtc> {
    let preference = prop::sample::select(vec![
        DegradationPreference::MaintainFramerate,
        DegradationPreference::MaintainResolution,
        DegradationPreference::Balanced,
    ]);
    let sizes = prop::sample::select(vec![(1280, 720), (960, 540), (1920, 1080)]);
    (preference, sizes, 1u8..=3, 1u8..=4, any::<bool>()).prop_map(
        |(degradation_preference, (width, height), simulcast_layers, temporal_layers, suspend)| {
            Webrtc {
                width,
                height,
                simulcast_layers,
                temporal_layers,
                degradation_preference,
                suspend_below_min_bitrate: suspend,
                ..Webrtc::default()
            }
        },
    )
}

proptest! {
    /// Whatever is asked for: frames have bytes, times never fall, the layers of
    /// one moment stand together, and every delta frame refers to a frame of
    /// its layer that was sent.
    #[test]
    fn any_sequence_of_calls_yields_a_stream(
        config in configs(),
        calls in prop::collection::vec((0u8..12, 0u64..6_000, 0.0f64..1.0), 1..400),
    ) {
        let mut source = build(&config);
        prop_assert_eq!(source.next_capture(), None);
        prop_assert!(source.capture(Time::ZERO).is_none());
        source.start(Time::from_millis(3), format(5_000), Bitrate::from_kbps(300));
        let mut last = Time::ZERO;
        // By layer: numbers of the frames that can be referred to.
        let mut sent: [Vec<i64>; 3] = Default::default();
        let mut number = -1;
        for (call, kbps, drop) in calls {
            match call {
                0 => source.request_key_frame(last),
                1 | 2 => source.set_target(last, Bitrate::from_kbps(kbps), drop),
                _ => {
                    let at = source.next_capture().unwrap();
                    prop_assert!(at >= last);
                    let Some(frame) = source.capture(at) else { continue };
                    prop_assert_eq!(frame.captured, at);
                    prop_assert!(frame.size >= 1 && frame.ready >= frame.captured);
                    if frame.captured > last || number < 0 {
                        number += 1;
                    }
                    last = frame.captured;
                    let picture = frame.picture;
                    prop_assert!(picture.simulcast < picture.simulcast_layers);
                    let layer = &mut sent[usize::from(picture.simulcast)];
                    if frame.key {
                        layer.clear();
                    } else {
                        let to = number - i64::from(picture.reference);
                        prop_assert!(layer.contains(&to), "{} of {:?}", to, layer);
                    }
                    layer.push(number);
                }
            }
        }
    }
}
