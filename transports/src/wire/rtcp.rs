//! RTCP compounds.
//!
//! Implements: sender and receiver reports and source descriptions (RFC 3550,
//! sections 6.4 and 6.5), generic NACK and PLI (RFC 4585, sections 6.2.1 and
//! 6.3.1), FIR with one entry (RFC 5104, section 4.3.1), receiver reference time and its answer (RFC 3611, sections 4.4 and
//! 4.5), de-jitter buffer metrics (RFC 7005, section 4), transport-wide feedback (see `twcc`), congestion control feedback (RFC
//! 8888, section 3.1). Receiver reports that follow each
//! other are blocks of one report. Behind the compound stands the SRTCP index
//! with the E bit off (RFC 3711, section 3.4), then the room of the tag.
//! Differs: a receiver report is about the video stream, whatever it counts (see
//! `encoder`). Reports that do not fit into a datagram are left out.

use weaknet_core::packet::{Arrival, Ecn, FlowId, Leg, Media, Packet, Rtcp};
use weaknet_core::{Span, Time};

use crate::rtp::arrival_offset;

use super::encoder::Counts;
use super::streams::{Stream, ssrc};
use super::{MAX_DATAGRAM, ntp, twcc};

const VERSION: u8 = 2 << 6;
const PADDING: u8 = 1 << 5;

pub(super) const SENDER_REPORT: u8 = 200;
pub(super) const RECEIVER_REPORT: u8 = 201;
const DESCRIPTION: u8 = 202;
pub(super) const TRANSPORT: u8 = 205;
pub(super) const PAYLOAD: u8 = 206;
pub(super) const EXTENDED: u8 = 207;

pub(super) const NACK: u8 = 1;
pub(super) const CONGESTION: u8 = 11;
pub(super) const TRANSPORT_WIDE: u8 = 15;
pub(super) const PICTURE_LOSS: u8 = 1;
pub(super) const FULL_INTRA: u8 = 4;
const CNAME: u8 = 1;
pub(super) const RRTR: u8 = 4;
pub(super) const DLRR: u8 = 5;
pub(super) const JITTER_BUFFER: u8 = 23;
/// Most blocks of one report: the field has five bits.
const MAX_BLOCKS: usize = 31;

/// Appends a compound; the tag's room up to `size` is left to the caller.
pub(super) fn write(
    packet: &Packet,
    compound: &[Rtcp],
    counts: &Counts,
    size: usize,
    out: &mut Vec<u8>,
) {
    let own = match packet.leg {
        Leg::Outward => Stream::Media(Media::Video),
        Leg::Return => Stream::Receiver,
    };
    let mut writer = Writer {
        flow: packet.flow,
        own: ssrc(packet.flow, own),
        counts: *counts,
    };
    let mut rest = compound;
    while let Some((first, behind)) = rest.split_first() {
        let start = out.len();
        rest = match first {
            Rtcp::ReceiverReport { .. } => writer.receiver_report(rest, out),
            _ => {
                writer.one(first, behind.is_empty(), out);
                behind
            }
        };
        if out.len() > MAX_DATAGRAM {
            out.truncate(start);
        }
    }
    if out.len() + 4 <= size {
        out.extend_from_slice(&u32::from(packet.id as u16).to_be_bytes());
    }
}

struct Writer {
    flow: FlowId,
    /// The end that sends.
    own: u32,
    /// What earlier reports have counted.
    counts: Counts,
}

impl Writer {
    fn media(&self, media: Media) -> u32 {
        ssrc(self.flow, Stream::Media(media))
    }

    /// Appends anything but a receiver report.
    fn one(&mut self, packet: &Rtcp, last: bool, out: &mut Vec<u8>) {
        let start = out.len();
        match packet {
            Rtcp::TransportFeedback { arrivals, .. } => {
                self.header(TRANSPORT_WIDE, TRANSPORT, out);
                put(out, self.media(Media::Video));
                let padding = twcc::write(arrivals, self.counts.feedback, out);
                self.counts.feedback = self.counts.feedback.wrapping_add(1);
                if padding > 0 && last {
                    out[start] |= PADDING;
                    let end = out.len() - 1;
                    out[end] = padding as u8;
                }
            }
            Rtcp::CongestionFeedback { arrivals, made } => {
                self.header(CONGESTION, TRANSPORT, out);
                put(out, self.media(Media::Video));
                congestion_feedback(arrivals, *made, out);
            }
            Rtcp::Nack { media, seqs } => {
                self.header(NACK, TRANSPORT, out);
                put(out, self.media(*media));
                nack_entries(seqs, out);
            }
            Rtcp::SenderReport { ntp: at, dlrr } => {
                self.sender_report(*at, out);
                self.description(out);
                if let Some((reference, delay)) = *dlrr {
                    self.answer(reference, delay, out);
                }
                return;
            }
            Rtcp::Pli => {
                self.header(PICTURE_LOSS, PAYLOAD, out);
                put(out, self.media(Media::Video));
            }
            Rtcp::Fir { seq } => {
                self.header(FULL_INTRA, PAYLOAD, out);
                // The target stands in the entry (RFC 5104, section 4.3.1.2).
                put(out, 0);
                put(out, self.media(Media::Video));
                out.extend_from_slice(&[*seq, 0, 0, 0]);
            }
            Rtcp::JitterBuffer { delay } => {
                self.extended(JITTER_BUFFER, 3, out);
                // A sampled value of an adaptive buffer.
                out[start + 9] = 1 << 6 | 1 << 5;
                put(out, self.media(Media::Video));
                let ms = u16::try_from(delay.as_millis())
                    .unwrap_or(0xfffe)
                    .min(0xfffe);
                // Nominal, and the same as the most and the marks of late.
                for field in [ms; 4] {
                    out.extend_from_slice(&field.to_be_bytes());
                }
            }
            // Nothing is known of it but that it is RTCP: an empty report.
            _ => self.header(0, RECEIVER_REPORT, out),
        }
        finish(start, out);
    }

    /// Appends one report for all receiver reports at the head of `compound` and
    /// yields what follows them.
    fn receiver_report<'a>(&mut self, compound: &'a [Rtcp], out: &mut Vec<u8>) -> &'a [Rtcp] {
        let is_report = |packet: &&Rtcp| matches!(packet, Rtcp::ReceiverReport { .. });
        let count = compound.iter().take_while(is_report).count();
        let (reports, rest) = compound.split_at(count.min(MAX_BLOCKS));
        let start = out.len();
        self.header(reports.len() as u8, RECEIVER_REPORT, out);
        let mut reference = None;
        for (position, report) in reports.iter().enumerate() {
            if let Rtcp::ReceiverReport {
                last_sr,
                delay_since_last_sr,
                expected,
                lost,
                jitter,
                rrtr,
            } = *report
            {
                if position == 0 {
                    reference = rrtr;
                }
                put(out, self.media(Media::Video));
                self.counts.expected = self.counts.expected.wrapping_add(expected);
                self.counts.lost = self.counts.lost.saturating_add(lost);
                let total = self.counts.lost.min(0x007f_ffff);
                put(out, fraction(lost, expected) << 24 | total);
                // The first number is 0.
                put(out, self.counts.expected.wrapping_sub(1));
                put(out, jitter);
                put(out, last_sr.map_or(0, middle));
                put(out, last_sr.map_or(0, |_| fractions(delay_since_last_sr)));
            }
        }
        finish(start, out);
        if let Some(at) = reference {
            let start = out.len();
            self.extended(RRTR, 2, out);
            out.extend_from_slice(&ntp(at).to_be_bytes());
            finish(start, out);
        }
        rest
    }

    fn sender_report(&self, at: Time, out: &mut Vec<u8>) {
        let start = out.len();
        self.header(0, SENDER_REPORT, out);
        out.extend_from_slice(&ntp(at).to_be_bytes());
        put(out, at.ticks(90_000) as u32);
        put(out, self.counts.packets);
        put(out, self.counts.octets);
        finish(start, out);
    }

    /// How long ago the receiver's reference time arrived.
    fn answer(&self, reference: Time, delay: Span, out: &mut Vec<u8>) {
        let start = out.len();
        self.extended(DLRR, 3, out);
        put(out, ssrc(self.flow, Stream::Receiver));
        put(out, middle(reference));
        put(out, fractions(delay));
        finish(start, out);
    }

    fn description(&self, out: &mut Vec<u8>) {
        let start = out.len();
        self.header(1, DESCRIPTION, out);
        let name = cname(self.flow);
        out.extend_from_slice(&[CNAME, name.len() as u8]);
        out.extend_from_slice(name.as_bytes());
        // At least one zero ends the items.
        out.extend_from_slice(&[0; 2]);
        finish(start, out);
    }

    /// The header of an extended report and of its only block.
    fn extended(&self, block: u8, words: u8, out: &mut Vec<u8>) {
        self.header(0, EXTENDED, out);
        out.extend_from_slice(&[block, 0, 0, words]);
    }

    /// The common header with its length still missing, and the sender's SSRC.
    fn header(&self, count: u8, kind: u8, out: &mut Vec<u8>) {
        out.extend_from_slice(&[VERSION | count, kind, 0, 0]);
        put(out, self.own);
    }
}

/// The canonical name of a flow's sender.
fn cname(flow: FlowId) -> String {
    format!("flow{:05}@sender", flow.0)
}

fn put(out: &mut Vec<u8>, word: u32) {
    out.extend_from_slice(&word.to_be_bytes());
}

/// Fills in the length of the packet that begins at `start`, in words less one.
fn finish(start: usize, out: &mut [u8]) {
    let words = (out.len() - start) / 4 - 1;
    out[start + 2..start + 4].copy_from_slice(&(words as u16).to_be_bytes());
}

/// A block of statuses (RFC 8888, section 3.1), then the report's timestamp.
fn congestion_feedback(arrivals: &[Arrival], made: Time, out: &mut Vec<u8>) {
    let begin = arrivals.first().map_or(0, |first| first.seq);
    for half in [begin as u16, arrivals.len() as u16] {
        out.extend_from_slice(&half.to_be_bytes());
    }
    let status = |arrival: &Arrival| {
        let ecn = match arrival.ecn {
            Ecn::NotEct => 0,
            Ecn::Ect1 => 1,
            Ecn::Ect0 => 2,
            Ecn::Ce => 3,
        };
        let received = |at| 1 << 15 | ecn << 13 | arrival_offset(made, at);
        arrival.at.map_or(0, received)
    };
    let padding = (arrivals.len() % 2 == 1).then_some(0);
    for status in arrivals.iter().map(status).chain(padding) {
        out.extend_from_slice(&status.to_be_bytes());
    }
    put(out, middle(made));
}

/// Pairs of a number and a mask of the 16 numbers behind it: each takes the
/// lowest number left.
fn nack_entries(seqs: &[u64], out: &mut Vec<u8>) {
    let mut seqs = seqs.iter().copied().peekable();
    while let Some(first) = seqs.next() {
        let mut mask = 0_u16;
        while let Some(next) = seqs.next_if(|&next| next <= first.saturating_add(16)) {
            if let Some(bit @ 0..16) = next.checked_sub(first.saturating_add(1)) {
                mask |= 1 << bit;
            }
        }
        out.extend_from_slice(&(first as u16).to_be_bytes());
        out.extend_from_slice(&mask.to_be_bytes());
    }
}

/// The middle 32 bits of an NTP timestamp.
const fn middle(at: Time) -> u32 {
    (ntp(at) >> 16) as u32
}

/// A length of time in units of 1/65536 s, at most what the field can say.
fn fractions(span: Span) -> u32 {
    let units = (u128::from(span.as_nanos()) << 16) / 1_000_000_000;
    u32::try_from(units).unwrap_or(u32::MAX)
}

/// The share of packets lost, of 256.
fn fraction(lost: u32, expected: u32) -> u32 {
    let share = u64::from(lost) * 256 / u64::from(expected.max(1));
    share.min(255) as u32
}
