//! What the packets of a case's flows look like on the wire.

use weaknet_core::packet::FlowId;
use weaknet_core::{BuildContext, Streams};
use weaknet_transports::fec::Scheme;
use weaknet_transports::wire::{Encoder, FlowFormat};

use crate::plan::Case;
use crate::scenario::model::{Call, Flow, Load};

/// An encoder that knows the flows of a case.
pub(super) fn encoder(case: &Case) -> Encoder {
    let mut encoder = Encoder::default();
    for (id, flow) in (0..).map(FlowId).zip(&case.scenario.flows) {
        encoder.set_format(id, flow_format(case, flow));
    }
    encoder
}

/// What the packets of a flow of this case look like, to write or to read them.
#[must_use]
pub fn flow_format(case: &Case, flow: &Flow) -> FlowFormat {
    match &flow.load {
        Load::Call(call) => call_format(case, flow, call),
        Load::Messages(_) => FlowFormat {
            messages: true,
            ..FlowFormat::default()
        },
        Load::Bulk(_) | Load::Traffic(_) => FlowFormat::default(),
    }
}

fn call_format(case: &Case, flow: &Flow, call: &Call) -> FlowFormat {
    let cx = BuildContext {
        path: &format!("{}/fec", flow.name),
        streams: &Streams::new(case.seed),
        assets: &case.assets,
    };
    let mut overhead = call.rtp_overhead.overhead();
    // The world of the case was built with the same schemes: they can be built.
    let schemes = call.fec.iter().filter_map(|spec| spec.build(&cx).ok());
    let fec = schemes.filter_map(Scheme::video).next();
    if let Some(pair) = &fec {
        overhead.video_descriptor += pair.encoder.media_header();
    }
    FlowFormat {
        overhead,
        fec: fec.and_then(|pair| pair.codec),
        messages: false,
    }
}
