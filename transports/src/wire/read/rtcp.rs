//! RTCP compounds, read back.

use rtcp_types::prelude::{RtcpPacketParser, XrBlockParserExt};
use rtcp_types::{
    DelaySinceLastReceiverReport, Fir, Nack, PayloadFeedback, ReceiverReferenceTime,
    ReceiverReport, RtcpParseError, SenderReport, TransportFeedback, Xr,
};
use weaknet_core::packet::{Media, Rtcp};
use weaknet_core::{Span, Time};

use super::{Bytes, FeedbackReader, WireError};
use crate::rtp::Overhead;
use crate::transport::Unwrapper;
use crate::wire::rtcp::{
    CONGESTION, EXTENDED, FULL_INTRA, JITTER_BUFFER, NACK, PAYLOAD, PICTURE_LOSS, RECEIVER_REPORT,
    SENDER_REPORT, TRANSPORT, TRANSPORT_WIDE,
};
use crate::wire::streams::{Stream, from_ssrc};
use crate::wire::{from_ntp, ip, ntp};

/// Reads the RTCP packets of one end of a flow.
#[derive(Debug, Default)]
pub(super) struct RtcpReader {
    feedback: FeedbackReader,
    audio: Unwrapper<16>,
    video: Unwrapper<16>,
    sender_time: MiddleTime,
    receiver_time: MiddleTime,
    /// Of the report before.
    expected: u32,
    lost: u32,
}

impl RtcpReader {
    /// Reads a compound with its SRTCP trailer.
    pub(super) fn read(
        &mut self,
        payload: &[u8],
        overhead: &Overhead,
    ) -> Result<Vec<Rtcp>, WireError> {
        let trailer = overhead.srtcp + overhead.ip_udp.saturating_sub(ip::HEADERS as u32);
        let end = payload.len().checked_sub(trailer as usize);
        let mut rest = Bytes(payload.get(..end.ok_or(WireError::Short)?).unwrap_or(&[]));
        let mut compound = Vec::new();
        while let [first, kind, l0, l1, ..] = *rest.0 {
            if first >> 6 != 2 {
                return Err(WireError::Version);
            }
            let length = 4 * (usize::from(u16::from_be_bytes([l0, l1])) + 1);
            let packet = rest.take(length)?;
            self.one(kind, first & 0x1f, packet, &mut compound)?;
        }
        if rest.0.is_empty() {
            Ok(compound)
        } else {
            Err(WireError::Short)
        }
    }

    fn one(
        &mut self,
        kind: u8,
        format: u8,
        packet: &[u8],
        out: &mut Vec<Rtcp>,
    ) -> Result<(), WireError> {
        let mut body = Bytes(packet.get(4..).unwrap_or(&[]));
        match (kind, format) {
            (SENDER_REPORT, _) => {
                let report = SenderReport::parse(packet).map_err(refused)?;
                out.push(Rtcp::SenderReport {
                    ntp: from_ntp(report.ntp_timestamp()),
                    dlrr: None,
                });
            }
            (RECEIVER_REPORT, _) => {
                let report = ReceiverReport::parse(packet).map_err(refused)?;
                for block in report.report_blocks() {
                    let last = block.last_sender_report_timestamp();
                    let delay = block.delay_since_last_sender_report_timestamp();
                    let highest = block.extended_sequence_number();
                    let report = self.losses(highest, block.cumulative_lost());
                    out.push(Rtcp::ReceiverReport {
                        last_sr: (last != 0).then(|| self.sender_time.unwrap(last)),
                        delay_since_last_sr: span(delay),
                        expected: report.0,
                        lost: report.1,
                        jitter: block.interarrival_jitter(),
                        rrtr: None,
                    });
                }
            }
            (EXTENDED, _) => self.extended(packet, out)?,
            (TRANSPORT, NACK) => {
                let feedback = TransportFeedback::parse(packet).map_err(refused)?;
                let nack = feedback.parse_fci::<Nack<'_>>().map_err(refused)?;
                if let Some((_, Stream::Media(media))) = from_ssrc(feedback.media_ssrc()) {
                    let numbers = match media {
                        Media::Audio => &mut self.audio,
                        Media::Video => &mut self.video,
                    };
                    let seqs = nack.entries().map(|seq| numbers.unwrap(seq.into()));
                    let seqs = seqs.filter_map(|seq| u64::try_from(seq).ok()).collect();
                    out.push(Rtcp::Nack { media, seqs });
                }
            }
            (TRANSPORT, TRANSPORT_WIDE) => {
                let report = self.feedback.transport_wide(&mut body)?;
                let arrivals = report.arrivals;
                out.push(Rtcp::TransportFeedback { arrivals });
            }
            (TRANSPORT, CONGESTION) => self.congestion(&mut body, out)?,
            (PAYLOAD, PICTURE_LOSS) => {
                PayloadFeedback::parse(packet).map_err(refused)?;
                out.push(Rtcp::Pli);
            }
            (PAYLOAD, FULL_INTRA) => {
                let feedback = PayloadFeedback::parse(packet).map_err(refused)?;
                let full_intra = feedback.parse_fci::<Fir<'_>>().map_err(refused)?;
                let ours = |ssrc| matches!(from_ssrc(ssrc), Some((_, Stream::Media(Media::Video))));
                let entries = full_intra.entries().filter(|entry| ours(entry.ssrc()));
                out.extend(entries.map(|entry| Rtcp::Fir {
                    seq: entry.sequence(),
                }));
            }
            // Descriptions, and what nobody here waits for.
            _ => {}
        }
        Ok(())
    }

    fn congestion(&mut self, body: &mut Bytes<'_>, out: &mut Vec<Rtcp>) -> Result<(), WireError> {
        // The stamp's cycles of 65,536 s do not begin with the run.
        let ahead = span((ntp(Time::ZERO) >> 16) as u32);
        let mut reports = Vec::new();
        self.feedback.congestion(body, &mut reports)?;
        for report in reports {
            let mut arrivals = report.arrivals;
            for at in arrivals
                .iter_mut()
                .filter_map(|arrival| arrival.at.as_mut())
            {
                *at = at.saturating_sub(ahead);
            }
            out.push(Rtcp::CongestionFeedback {
                arrivals,
                made: report.made.unwrap_or_default().saturating_sub(ahead),
            });
        }
        Ok(())
    }

    /// Extended reports complete the report that they follow.
    fn extended(&mut self, packet: &[u8], out: &mut Vec<Rtcp>) -> Result<(), WireError> {
        let extended = Xr::parse(packet).map_err(refused)?;
        let mut bytes = Bytes(packet);
        bytes.take(8)?;
        for block in extended.block_iter() {
            let mut body = Bytes(bytes.take(block.length())?);
            if block.block_type() == JITTER_BUFFER {
                body.take(8)?;
                let delay = Span::from_millis(body.u16()?.into());
                out.push(Rtcp::JitterBuffer { delay });
            } else if let Ok(reference) = block.parse_into::<ReceiverReferenceTime<'_>>() {
                let at = from_ntp(reference.ntp_timestamp());
                let reports = out.iter_mut().rev().map_while(|rtcp| match rtcp {
                    Rtcp::ReceiverReport { rrtr, .. } => Some(rrtr),
                    _ => None,
                });
                if let Some(rrtr) = reports.last() {
                    *rrtr = Some(at);
                }
            } else if let Ok(answer) = block.parse_into::<DelaySinceLastReceiverReport<'_>>()
                && let Some(Rtcp::SenderReport { dlrr, .. }) = out.last_mut()
                && let Some(answer) = answer.block_iter().next()
                && matches!(from_ssrc(answer.ssrc()), Some((_, Stream::Receiver)) | None)
            {
                let reference = self.receiver_time.unwrap(answer.last_receiver_report());
                let delay = span(answer.delay_since_last_receiver_report_timestamp());
                *dlrr = Some((reference, delay));
            }
        }
        Ok(())
    }

    /// Packets expected and lost since the report before.
    fn losses(&mut self, highest: u32, cumulative: u32) -> (u32, u32) {
        let expected = highest.wrapping_add(1);
        let interval = (
            expected.wrapping_sub(self.expected),
            cumulative.saturating_sub(self.lost),
        );
        (self.expected, self.lost) = (expected, cumulative);
        interval
    }
}

const fn refused(error: RtcpParseError) -> WireError {
    match error {
        RtcpParseError::UnsupportedVersion(_) => WireError::Version,
        RtcpParseError::Truncated { .. } => WireError::Short,
        _ => WireError::Length,
    }
}

/// A length of time in units of 1/65536 s, rounded up as the writer cuts down.
fn span(units: u32) -> Span {
    Span::from_nanos((u64::from(units) * 1_000_000_000).div_ceil(1 << 16))
}

/// Times by the middle 32 bits of their NTP timestamps, which begin anew every
/// 65,536 s.
#[derive(Debug, Default)]
struct MiddleTime(Unwrapper<32>);

impl MiddleTime {
    fn unwrap(&mut self, middle: u32) -> Time {
        let since = middle.wrapping_sub((ntp(Time::ZERO) >> 16) as u32);
        let units = u64::try_from(self.0.unwrap(since)).unwrap_or(0);
        let nanos = (u128::from(units) * 1_000_000_000).div_ceil(1 << 16);
        Time::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}
