//! What users of other stacks ran into, as tests: each is named after the
//! symptom and cites the report. All rows of the list, with the test that
//! covers them: `kit` is a rule of [`weaknet_transports::conformance`], which all
//! controllers pass in `tests/conformance`; `cc::` are unit tests beside the
//! code; `harness` is `harness/core/tests`.
//!
//! | Report | Symptom | Test |
//! |---|---|---|
//! | pion/interceptor#299, pion/bwe-test#54 | estimate climbs without bound | `estimate::an_estimate_does_not_climb_beyond_what_is_acknowledged`, kit `app_limited` |
//! | pion/interceptor#156 | first overuse cuts far below the estimate | `estimate::a_cut_far_below_the_estimate_is_probed_away_within_five_seconds` |
//! | pion/webrtc#3310 | minimum not honoured | `estimate::the_minimum_holds_while_half_of_the_packets_are_lost`, kit `bounds` |
//! | pion/webrtc#3122 | count of reports wraps | `reports::three_hundred_lost_reports_in_a_row_are_survived` (the count is written in captures and read by nobody) |
//! | str0m#599 | a packet reported twice | `reports::packets_that_reports_repeat_count_once`, kit `duplicates`, `repeated_reports` |
//! | str0m#51 | report older than the history | `reports::reports_older_than_the_history_are_ignored`, kit `late_reports`, `unknown_packets` |
//! | str0m#1018 | small source never probed; no packets for padding | `sources::a_small_source_is_probed_up_to_the_capacity`, harness `field_reports::probes_need_no_old_packets` |
//! | mediasoup#1059 | reordering looks like loss | `reports::packets_that_arrive_late_are_no_losses_in_the_end`, kit `reordering` |
//! | mediasoup#1031 | stuck after 20 % loss, or after a pause | `sources::a_minute_of_heavy_loss_is_overcome`, `sources::ten_seconds_without_a_packet_are_no_congestion` |
//! | mediasoup#468 | nervous on a single jump of delay | `estimate::one_spike_of_delay_costs_at_most_one_cut` |
//! | amazon-kinesis-video-streams-webrtc-sdk-c#1449 | sequence numbers wrap | kit `number_shift`, `wrapped_numbers` |
//! | razor#60 | depends on the start rate, collapses under jitter | kit `start_rates`, `sources::jitter_of_30_ms_does_not_make_the_rate_collapse_wherever_it_starts` |
//! | licode#723, #718 | clocks with different epochs | kit `time_shift` (abs-send-time is not used) |
//! | licode#945 | no maximum: 1 Gbit/s, slow to fall | `estimate::without_a_maximum_the_acknowledged_rate_is_the_bound_and_falls_are_fast` |
//! | jitsi#871 | small changes are kept back | `reports::the_smallest_change_of_bounds_is_a_change_of_the_target`, harness `field_reports::changes_of_a_thousandth_reach_the_encoder` |
//! | jitsi-videobridge#2443 | bursty source is suspended | `sources::a_bursty_source_keeps_its_estimate` |
//! | Ericsson/scream#75 | overflow after ten minutes | kit `soak` |
//! | Ericsson/scream#76 | random first numbers and clocks | kit `number_shift`, `time_shift` |
//! | Ericsson/scream#4 | a step of more than the whole | `estimate::no_step_triples_a_rate_at_a_bottleneck_of_200_kbps` |
//! | Ericsson/scream#44 | slow encoder, bursts at each change | `sources::an_encoder_half_a_second_late_does_not_make_the_target_swing`, harness `field_reports::a_slow_encoder_with_bursts_does_not_make_the_target_swing` |
//! | quinn#2640 | beta applied twice | `cc::cubic::tests::the_second_reduction_is_by_beta_too`, `cc::cubic::curve::tests::fast_convergence_moves_the_plateau_and_cuts_once` |
//! | quinn#2798 | BBR limited from birth: no bound | `cc::bbr1::tests::a_flow_limited_from_birth_learns_its_own_rate_and_keeps_a_small_window`, same in `bbr3`, kit `app_limited` |
//! | quiche#2249 | data held by the pacer taken for none | harness `field_reports::what_the_pacer_holds_back_is_not_missing` |
//! | quinn#1225, xquic#602 | persistent congestion ignored | `cc::new_reno::tests::persistent_congestion_leaves_two_packets_and_the_threshold` (BBR has no such event in its drafts: a timeout begins anew) |
//! | goog_cc, measured | standing queue after a step down | harness `closed_loop::variants` |
//! | ScreamV2Tx, measured | -1 for a rate in band | by type: kit `bounds` (a target is one, or there is none) |
//!
//! Read in libwebrtc's code:
//!
//! | Behaviour | Test |
//! |---|---|
//! | arrival clock jumps by 3 s | `cc::gcc::inter_arrival::tests::clock_jump_of_three_seconds_starts_anew`, `cc::gcc::tests::receiver_clock_set_forward_or_back_does_not_cut_the_rate` |
//! | arrivals go backwards three times | `cc::gcc::inter_arrival::tests::third_backward_group_starts_anew` |
//! | 2 s without feedback | `cc::gcc::delay_based::tests::two_seconds_of_silence_forget_the_trend` |
//! | trend above the threshold by 15 | `cc::gcc::trendline::tests::spikes_leave_the_threshold_alone` |
//! | step of at least 1 kbit/s per call | `estimate::growth_at_low_rates_depends_on_the_interval_of_reports` (has the spread), kit `feedback_intervals` |
//! | probe in one millisecond; received more than twice as fast as sent | `cc::gcc::probe_estimator::tests::implausible_clusters_tell_nothing` |
//! | probe partly lost | `cc::gcc::probe_estimator::tests::four_of_five_are_enough_and_three_are_not` |
//! | capacity falls during a probe | `estimate::a_capacity_that_falls_while_a_probe_is_under_way_is_found` |
//! | 3 s without feedback while sending | `cc::gcc::tests::silence_of_feedback_backs_off_after_three_seconds_and_recovers` |
//! | another route | `cc::gcc::tests::another_path_starts_over` (from the start rate; the lesser of that and what is acknowledged is WebRTC-Bwe-SafeResetOnRouteChange, off) |
//!
//! Determinism, copies and shifted clocks: kit `determinism`, `copies`,
//! `time_shift`.

mod estimate;
mod reports;
mod sources;
mod support;
