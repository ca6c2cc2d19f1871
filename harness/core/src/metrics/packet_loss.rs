//! Loss before and after repair, its bursts, and what the repair costs.
//!
//! Implements: RFC 8868 section 3 (loss reported before and after repair).
//!
//! Corners, decided here:
//! - The fate of a packet is known when it arrives or is dropped; it belongs to
//!   the window then, so packets still under way at the end do not count.
//! - Loss after repair compares packets by their order of sending: those sent
//!   in the window and at least 2 s before the end of the run, so that repair
//!   has had its time. Streams number their packets one by one; when the first
//!   number seen is larger than the count of packets sent so far it is taken
//!   for the first packet's, else counting starts at 0.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::{Class, FlowId, Leg, Media};
use weaknet_core::{BuildContext, BuildError, Event, Plugin, Span, Time};

use super::loss_bursts::{self, Fates};
use super::usable::Stream;
use super::{
    BOTH, Better, Definition, EventMask, FLOW, MetricSet, Metrics, RunFacts, Scores,
    is_flow_traffic,
};

const RFC8868: &str = "RFC 8868 section 3 (losses before and after repair)";

pub(super) const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "loss_ratio",
        subjects: BOTH,
        better: Better::Lower,
        summary: "Share of packets that the network loses or drops.",
        formula: "flow: packets of send_rate_kbps dropped or lost on any link or thrown away damaged / those + arrived; link: packets dropped or lost / those + delivered; by time of loss, arrival or delivery in the window",
        source: "RFC 8868 section 3; RFC 7680 (one-way loss)",
    },
    loss_bursts::mean_run(BOTH),
    loss_bursts::ratio(BOTH),
    Definition {
        name: "residual_loss_ratio",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Share of media packets that never become usable, after RTX and FEC.",
        formula: "1 - usable / sent over media packets sent in the window and at least 2 s before the end of the run",
        source: RFC8868,
    },
    loss_bursts::residual_mean_run(FLOW),
    loss_bursts::residual_ratio(FLOW),
    Definition {
        name: "rtx_overhead_ratio",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Retransmissions sent per media sent.",
        formula: "IP bytes of RTX / IP bytes of first transmissions, sent in the window; bulk: packets whose bytes were sent before / all others",
        source: "RFC 4588; W3C webrtc-stats retransmittedBytesSent",
    },
    Definition {
        name: "fec_overhead_ratio",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Repair packets sent per media sent.",
        formula: "IP bytes of FEC, and bytes of copies in audio packets / all other IP bytes of first transmissions, sent in the window",
        source: "RFC 6363 (repair and source packets); RFC 2198",
    },
    Definition {
        name: "repair_overhead_ratio",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Retransmissions and repair packets sent per media sent.",
        formula: "rtx_overhead_ratio + fec_overhead_ratio",
        source: "RFC 6363; RFC 4588",
    },
    Definition {
        name: "fec_recovered",
        subjects: FLOW,
        better: Better::Neither,
        summary: "Media packets that repair packets brought back.",
        formula: "packets recovered from FEC in the window before they came by themselves or by RTX",
        source: "W3C webrtc-stats fecPacketsReceived, fecPacketsDiscarded",
    },
    Definition {
        name: "fec_wasted_ratio",
        subjects: FLOW,
        better: Better::Lower,
        summary: "Share of repair packets that recovered nothing.",
        formula: "1 - packets recovered / FEC packets sent, both in the window; absent without FEC",
        source: "RFC 6363; each repair packet can make up for one packet",
    },
];

/// How long repair may take before a packet counts as lost.
const REPAIR_TIME: Span = Span::from_secs(2);

/// Configuration of the set; there is nothing to choose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PacketLoss {}

impl Plugin for PacketLoss {
    type Kind = Metrics;
    const NAME: &'static str = "packet_loss";
    const SUMMARY: &'static str =
        "loss and bursts of loss before and after repair, overhead of RTX and FEC";
    const REFERENCES: &'static [&'static str] = &[
        "RFC 8868 section 3",
        "RFC 7680",
        "RFC 4588",
        "RFC 6363",
        "ITU-T G.107 clause 3.5",
    ];
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn MetricSet>, BuildError> {
        Ok(Box::new(Set::default()))
    }
}

#[derive(Default)]
struct Set {
    flows: Vec<Counts>,
}

#[derive(Default)]
struct Counts {
    lost: u64,
    arrived: u64,
    fates: Fates,
    media_bytes: u64,
    rtx_bytes: u64,
    fec_bytes: u64,
    fec_packets: u64,
    fec_recovered: u64,
    audio: Stream,
    video: Stream,
}

impl MetricSet for Set {
    fn start(&mut self, run: &RunFacts) {
        self.flows.resize_with(run.flows.len(), Counts::default);
    }

    fn event(&mut self, run: &RunFacts, at: Time, event: &Event) {
        let inside = run.in_window(at);
        match *event {
            Event::Sent { packet, .. } if packet.leg == Leg::Outward => {
                let Some(counts) = self.flows.get_mut(usize::from(packet.flow.0)) else {
                    return;
                };
                let bytes = if inside { u64::from(packet.size) } else { 0 };
                let judged = inside && at + REPAIR_TIME <= run.duration;
                if is_flow_traffic(&packet) {
                    counts.fates.start(packet.id);
                }
                match packet.class {
                    Class::Audio => counts.audio.sent(judged),
                    Class::Video => counts.video.sent(judged),
                    _ => {}
                }
                match packet.class {
                    Class::Audio | Class::Video | Class::Message | Class::Other => {
                        counts.media_bytes += bytes;
                    }
                    Class::Rtx => counts.rtx_bytes += bytes,
                    Class::Fec => {
                        counts.fec_bytes += bytes;
                        counts.fec_packets += u64::from(inside);
                    }
                    _ => {}
                }
            }
            Event::LinkCopy { packet, .. } if is_flow_traffic(&packet) => {
                if let Some(counts) = self.flows.get_mut(usize::from(packet.flow.0)) {
                    counts.fates.copied(packet.id);
                }
            }
            Event::LinkDrop { packet, .. } | Event::Damaged { packet }
                if is_flow_traffic(&packet) =>
            {
                if let Some(counts) = self.flows.get_mut(usize::from(packet.flow.0)) {
                    counts.fates.lost(packet.id, inside);
                    counts.lost += u64::from(inside);
                }
            }
            Event::Received { packet, .. } if is_flow_traffic(&packet) => {
                if let Some(counts) = self.flows.get_mut(usize::from(packet.flow.0)) {
                    counts.fates.arrived(packet.id, inside);
                    counts.arrived += u64::from(inside);
                }
            }
            // These bytes were counted as media with their packet.
            Event::RedundancySent { flow, bytes } if inside => {
                if let Some(counts) = self.flows.get_mut(usize::from(flow.0)) {
                    let bytes = u64::from(bytes).min(counts.media_bytes);
                    counts.media_bytes -= bytes;
                    counts.fec_bytes += bytes;
                }
            }
            Event::FecRecovered { flow } if inside => {
                if let Some(counts) = self.flows.get_mut(usize::from(flow.0)) {
                    counts.fec_recovered += 1;
                }
            }
            Event::MediaUsable {
                flow, media, seq, ..
            } => {
                if let Some(counts) = self.flows.get_mut(usize::from(flow.0)) {
                    match media {
                        Media::Audio => counts.audio.usable(seq),
                        Media::Video => counts.video.usable(seq),
                    }
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, run: &RunFacts, scores: &mut Scores) {
        for (index, (counts, facts)) in self.flows.iter_mut().zip(&run.flows).enumerate() {
            // A quotient without a denominator is NaN and left out.
            let flow = FlowId(index as u16);
            let runs = counts.fates.runs();
            scores.flow(flow, "loss_burst_mean_packets", runs.mean());
            scores.flow(flow, "loss_burst_ratio", runs.ratio());
            let audio = std::mem::take(&mut counts.audio).finish();
            let video = std::mem::take(&mut counts.video).finish();
            let residual = audio.runs.and(&video.runs);
            scores.flow(flow, "residual_loss_burst_mean_packets", residual.mean());
            scores.flow(flow, "residual_loss_burst_ratio", residual.ratio());
            let mut set = |name, part: u64, whole: u64| {
                scores.flow(flow, name, part as f64 / whole as f64);
            };
            set("loss_ratio", counts.lost, counts.lost + counts.arrived);
            if facts.adapts && facts.deadline.is_none() {
                set("rtx_overhead_ratio", counts.rtx_bytes, counts.media_bytes);
            }
            if facts.is_call() {
                let sent = audio.packets + video.packets;
                let usable = audio.usable + video.usable;
                set("residual_loss_ratio", sent.saturating_sub(usable), sent);
                set("fec_overhead_ratio", counts.fec_bytes, counts.media_bytes);
                let repair = counts.fec_bytes + counts.rtx_bytes;
                set("repair_overhead_ratio", repair, counts.media_bytes);
                let wasted = counts.fec_packets.saturating_sub(counts.fec_recovered);
                set("fec_wasted_ratio", wasted, counts.fec_packets);
                if counts.fec_packets > 0 {
                    scores.flow(flow, "fec_recovered", counts.fec_recovered as f64);
                }
            }
        }
    }

    fn definitions(&self) -> &'static [Definition] {
        DEFINITIONS
    }

    fn interest(&self) -> EventMask {
        EventMask::SENT
            | EventMask::LINK_COPY
            | EventMask::LINK_DROP
            | EventMask::DAMAGED
            | EventMask::RECEIVED
            | EventMask::MEDIA_USABLE
            | EventMask::FEC_RECOVERED
            | EventMask::REDUNDANCY_SENT
    }
}
