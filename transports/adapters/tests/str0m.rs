//! Calls of str0m over simulated links.

mod support;

use support::{metric, outcome_with};
use weaknet_adapters::str0m::Str0mCall;
use weaknet_core::packet::FlowId;
use weaknet_core::{BuildContext, BuildError};
use weaknet_harness::registry::Registry;
use weaknet_harness::runner::Outcome;
use weaknet_harness::scenario::model::Flow;
use weaknet_harness::world::Ends;
use weaknet_transports::media::VideoFormat;

/// Calls are str0m's.
fn ends(flow_id: FlowId, flow: &Flow, cx: &BuildContext<'_>) -> Option<Result<Ends, BuildError>> {
    let call = flow.call()?;
    let video = call.media.video.as_ref()?;
    let source = video.source.build(&cx.at(&format!("{}/video_source", flow.name)));
    Some(source.and_then(|source| {
        Str0mCall {
            flow: flow_id,
            start: flow.start,
            stop: flow.stop,
            source,
            format: VideoFormat {
                fps: video.fps,
                min_bitrate: video.min_bitrate,
                max_bitrate: video.max_bitrate,
            },
            start_bitrate: call.constraints.start,
            seed: cx.streams.key(&flow.name, "str0m"),
        }
        .build()
    }))
}

fn call(rate: &str, loss: &str) -> Outcome {
    let text = format!(
        "
name: call
duration: 40s
seeds: [1]
network:
  forward:
    rate: {rate}
    delay: 25ms
    loss: {loss}
  backward: {{delay: 25ms}}
flows:
  - name: call
    media:
      video: {{max_bitrate: 2.5Mbps}}
"
    );
    outcome_with(&text, &Registry::builtin(), &ends)
}

#[test]
fn print() {
    for (rate, loss) in [("10Mbps", "0%"), ("2.5Mbps", "0%"), ("2.5Mbps", "2%"), ("{steps: [[0s, 2.5Mbps], [20s, 1Mbps]]}", "0%")] {
        let started = std::time::Instant::now();
        let outcome = call(rate, loss);
        eprintln!("== {rate} {loss} {:?} {}", started.elapsed(), outcome.result.trajectory);
        for (name, value) in &outcome.result.flows[0].metrics {
            eprintln!("{name} {value}");
        }
        let again = call(rate, loss);
        eprintln!("same scores: {} trajectory {}", again.result.flows == outcome.result.flows, again.result.trajectory == outcome.result.trajectory);
        metric(&outcome, "call", "freeze_count");
    }
}
