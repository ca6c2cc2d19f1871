//! The call that a flow of a scenario describes, between peers of str0m.

use weaknet_core::packet::FlowId;
use weaknet_core::{BuildContext, BuildError};
use weaknet_harness::scenario::model::Flow;
use weaknet_harness::world::Ends;
use weaknet_transports::media::VideoFormat;

use super::Str0mCall;

/// Both ends of a flow for [`weaknet_harness::runner::run_with_ends`]. Of the
/// call they have its video: source, frame rate and bounds, and the rate to
/// start with. `None` for a flow without video.
pub fn ends(id: FlowId, flow: &Flow, cx: &BuildContext<'_>) -> Option<Result<Ends, BuildError>> {
    let call = flow.call()?;
    let video = call.media.video.as_ref()?;
    let path = format!("{}/video_source", cx.path);
    let source = video.source.build(&cx.at(&path));
    Some(source.and_then(|source| {
        let call = Str0mCall {
            flow: id,
            start: flow.start,
            stop: flow.stop,
            source,
            format: VideoFormat {
                fps: video.fps,
                min_bitrate: video.min_bitrate,
                max_bitrate: video.max_bitrate,
            },
            start_bitrate: call.constraints.start,
            seed: cx.streams.key(cx.path, "str0m"),
        };
        call.build()
    }))
}
