//! What the packets of a case's flows look like on the wire.

use weaknet_core::packet::FlowId;
use weaknet_core::{BuildContext, Streams};
use weaknet_transports::wire::{Encoder, FlowFormat};

use crate::plan::Case;
use crate::scenario::model::{Call, Load};

/// An encoder that knows the flows of a case.
pub(super) fn encoder(case: &Case) -> Encoder {
    let streams = Streams::new(case.seed);
    let mut encoder = Encoder::default();
    for (id, flow) in (0..).map(FlowId).zip(&case.scenario.flows) {
        let format = match &flow.load {
            Load::Call(call) => {
                let cx = BuildContext {
                    path: &format!("{}/fec", flow.name),
                    streams: &streams,
                    assets: &case.assets,
                };
                call_format(call, &cx)
            }
            Load::Messages(_) => FlowFormat {
                messages: true,
                ..FlowFormat::default()
            },
            Load::Bulk(_) | Load::Traffic(_) => FlowFormat::default(),
        };
        encoder.set_format(id, format);
    }
    encoder
}

fn call_format(call: &Call, cx: &BuildContext<'_>) -> FlowFormat {
    let mut overhead = call.rtp_overhead.overhead();
    // The world of the case was built with the same scheme: it can be built.
    let fec = call.fec.build(cx).ok().flatten();
    if let Some(pair) = &fec {
        overhead.video_descriptor += pair.encoder.media_header();
    }
    FlowFormat {
        overhead,
        fec: fec.and_then(|pair| pair.codec),
        messages: false,
    }
}
