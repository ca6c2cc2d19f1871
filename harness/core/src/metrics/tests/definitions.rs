use std::collections::BTreeSet;

use weaknet_core::{BuildContext, Plugin, Streams, plugin::Assets};

use crate::metrics::*;

/// Contract section 4, as far as this crate's sets go.
const CONTRACT: &str = "freeze_count total_freezes_duration_s freeze_ratio freeze_ratio_200ms freeze_ratio_500ms \
    freeze_ratio_600ms freeze_longest_ms pause_count harmonic_frame_rate_fps frames_rendered frames_dropped \
    frame_delay_p50_ms frame_delay_p95_ms frame_delay_p99_ms frame_delay_max_ms frame_link_to_render_p50_ms \
    frame_link_to_render_p95_ms jitter_buffer_delay_ms video_bitrate_kbps keyframes_requested concealed_ratio \
    concealment_events audio_freeze_ratio_200ms mouth_to_ear_p50_ms mouth_to_ear_p95_ms send_rate_kbps \
    receive_rate_kbps goodput_kbps target_bitrate_kbps utilisation loss_ratio residual_loss_ratio \
    rtx_overhead_ratio fec_overhead_ratio one_way_delay_p50_ms one_way_delay_p95_ms one_way_delay_p99_ms \
    queue_delay_p50_ms queue_delay_p95_ms queue_delay_p99_ms rtt_p50_ms convergence_time_s fairness_jain \
    setup_time_ms first_frame_ms connected_5s_ratio delivery_ratio \
    message_on_time_ratio message_delay_p50_ms message_delay_p95_ms message_delay_p99_ms message_gap_max_ms \
    rtx_wasted_ratio rtx_predicted_late";

#[test]
fn every_name_of_the_contract_is_defined_once_and_fully() {
    let names: Vec<&str> = builtin_definitions().map(|d| d.name).collect();
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(unique.len(), names.len());
    for name in CONTRACT.split_whitespace() {
        assert!(unique.contains(name), "{name}");
    }
    for d in builtin_definitions() {
        assert!(
            !d.subjects.is_empty() && d.summary.ends_with('.'),
            "{}",
            d.name
        );
        assert!(d.formula.len() > 10 && d.source.len() > 5, "{}", d.name);
    }
}

#[test]
fn sets_have_distinct_names_and_refuse_unknown_fields() {
    fn check<P: Plugin<Kind = Metrics>>(names: &mut BTreeSet<&'static str>) {
        assert!(names.insert(P::NAME));
        assert!(serde_json::from_str::<P>("{}").is_ok());
        assert!(serde_json::from_str::<P>("{\"x\":1}").is_err());
        let (streams, assets) = (Streams::new(1), Assets::default());
        let set = P::default()
            .build(&BuildContext {
                path: "metrics",
                streams: &streams,
                assets: &assets,
            })
            .unwrap();
        assert!(
            set.definitions()
                .iter()
                .all(|d| builtin_definitions().any(|b| b.name == d.name))
        );
    }
    let mut names = BTreeSet::new();
    check::<VideoFreezes>(&mut names);
    check::<FrameDelay>(&mut names);
    check::<Audio>(&mut names);
    check::<Throughput>(&mut names);
    check::<PacketLoss>(&mut names);
    check::<PacketDelay>(&mut names);
    check::<Convergence>(&mut names);
    check::<Links>(&mut names);
    check::<Session>(&mut names);
    check::<Pictures>(&mut names);
    check::<VideoQuality>(&mut names);
    check::<Repair>(&mut names);
    check::<Messages>(&mut names);
}
