//! Which flows can run over real sockets.

use weaknet_core::plugin::BuildContext;
use weaknet_core::{BuildError, Streams};
use weaknet_harness::plan::Case;
use weaknet_harness::scenario::error::Diagnostic;
use weaknet_harness::scenario::model::{Call, Flow, Load, Topology};
use weaknet_transports::fec::Scheme;
use weaknet_transports::fec::audio::Place;
use weaknet_transports::rtp::RtpOverhead;
use weaknet_transports::session::Fallback;

use crate::exit::{Exit, Failure};

/// Refuses a case whose flows cannot be carried, with all reasons.
pub(super) fn can_run(case: &Case) -> Result<(), Failure> {
    let mut messages = Vec::new();
    if case.scenario.network.topology != Topology::Ends {
        messages.push(
            "flows over sockets share two links: expected `forward:` and `backward:`, found \
             `links:` (without --flows applications take the route of a flow)"
                .to_owned(),
        );
    }
    for flow in &case.scenario.flows {
        if let Load::Call(call) = &flow.load {
            check_call(case, flow, call, &mut messages);
        }
    }
    if messages.is_empty() {
        return Ok(());
    }
    Err(Failure {
        exit: Exit::BadData,
        messages,
    })
}

fn check_call(case: &Case, flow: &Flow, call: &Call, messages: &mut Vec<String>) {
    let mut refuse = |part: &str, expected: &str| {
        let name = &case.scenario.name;
        messages.push(format!(
            "{name}: flows.{}.{part} cannot run live: expected {expected}",
            flow.name
        ));
    };
    if call.session.fallback != Fallback::None {
        refuse(
            "session.fallback",
            "none, since endpoints have UDP sockets only",
        );
    }
    if call.rtp_overhead == RtpOverhead::None {
        refuse(
            "rtp_overhead",
            "webrtc or quic, since real packets have headers",
        );
    }
    let streams = Streams::new(case.seed);
    let cx = BuildContext {
        path: "check",
        streams: &streams,
        assets: &case.assets,
    };
    for spec in &call.fec {
        // What cannot be built was refused before.
        let expected = match spec.build(&cx) {
            Ok(Scheme::Video(pair)) if pair.codec.is_none() => {
                "cannot run live: expected a scheme that has a form in bytes"
            }
            Ok(Scheme::Audio(scheme)) if scheme.place() != Place::Blocks => {
                "cannot run live: expected `red_audio` or a scheme for video, since the payload \
                 of the codec is made up and has nothing in it"
            }
            _ => continue,
        };
        messages.push(spec.diagnose(&BuildError::new(expected)).to_string());
    }
    let buffer = call.jitter_buffer.build(&cx);
    if buffer.is_ok_and(|buffer| buffer.wants_arrivals()) {
        let message = "cannot run live: expected a buffer that does not know the future";
        let found: Diagnostic = call.jitter_buffer.diagnose(&BuildError::new(message));
        messages.push(found.to_string());
    }
}
