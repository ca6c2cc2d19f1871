//! How many bytes RTCP takes on the wire.
//!
//! Implements: SR, RR and SDES (RFC 3550, section 6), generic NACK and PLI
//! (RFC 4585, sections 6.2.1 and 6.3.1), FIR with one entry (RFC 5104, section
//! 4.3.1), transport-wide feedback
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01) with the choice of
//! chunks of libwebrtc (see `status_chunks`), congestion control feedback (RFC
//! 8888, see `ccfb`).
//! Feedback is sent alone (RFC 5506); a sender report brings an SDES with a
//! CNAME of 16 characters and a receiver report an RRTR block (RFC 3611,
//! section 4.4), as Chromium 156 does: 98 and 94 bytes measured.

use weaknet_core::packet::{Arrival, Rtcp};

use super::ccfb::ccfb_size;
use super::overhead::Overhead;
use super::status_chunks::{Chunks, statuses};

const FEEDBACK_HEADER: u32 = 12;
const FIR_ENTRY: u32 = 8;
const TWCC_HEADER: u32 = FEEDBACK_HEADER + 8;
const SENDER_REPORT: u32 = 28;
const SDES: u32 = 28;
const RECEIVER_REPORT: u32 = 8;
const REPORT_BLOCK: u32 = 24;
/// Extended report with a receiver reference time (RFC 3611, section 4.4).
const RRTR: u32 = 20;
/// Extended report with the answer to one (RFC 3611, section 4.5).
const DLRR: u32 = 24;
/// Extended report with de-jitter buffer metrics (RFC 7005, section 4).
const JITTER_BUFFER: u32 = 24;

/// Bytes of a compound packet, IP header included. Receiver reports that follow
/// each other are blocks of one report.
#[must_use]
pub fn rtcp_size(compound: &[Rtcp], overhead: &Overhead) -> u32 {
    let mut size = overhead.ip_udp + overhead.srtcp;
    let mut in_receiver_report = false;
    for packet in compound {
        let continues = in_receiver_report;
        in_receiver_report = matches!(packet, Rtcp::ReceiverReport { .. });
        size += match packet {
            Rtcp::TransportFeedback { arrivals, .. } => twcc_size(arrivals),
            Rtcp::CongestionFeedback { arrivals, .. } => ccfb_size(arrivals),
            Rtcp::Nack { seqs, .. } => FEEDBACK_HEADER + 4 * nack_entries(seqs),
            Rtcp::Fir { .. } => FEEDBACK_HEADER + FIR_ENTRY,
            Rtcp::JitterBuffer { .. } => JITTER_BUFFER,
            Rtcp::SenderReport { dlrr, .. } => {
                SENDER_REPORT + SDES + if dlrr.is_some() { DLRR } else { 0 }
            }
            Rtcp::ReceiverReport { .. } if continues => REPORT_BLOCK,
            Rtcp::ReceiverReport { rrtr, .. } => {
                RECEIVER_REPORT + REPORT_BLOCK + if rrtr.is_some() { RRTR } else { 0 }
            }
            // Picture loss indication; anything unknown counts as a bare header.
            _ => FEEDBACK_HEADER,
        };
    }
    size
}

/// Number of PID and BLP pairs that name `seqs` (ascending): each takes the
/// lowest one left and what follows it within 16.
#[must_use]
pub fn nack_entries(seqs: &[u64]) -> u32 {
    let mut entries = 0;
    let mut reach = None;
    for &seq in seqs {
        if reach.is_none_or(|last| seq > last) {
            entries += 1;
            reach = Some(seq.saturating_add(16));
        }
    }
    entries
}

/// Bytes of a transport-wide feedback packet, RTCP header included.
#[must_use]
pub fn twcc_size(arrivals: &[Arrival]) -> u32 {
    let mut chunks = Chunks::default();
    let (mut count, mut deltas) = (0, 0);
    for (symbol, _) in statuses(arrivals) {
        deltas += symbol as u32;
        chunks.push(symbol, &mut |_| count += 1);
    }
    chunks.finish(&mut |_| count += 1);
    (TWCC_HEADER + 2 * count + deltas).next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use weaknet_core::packet::{Ecn, Media};
    use weaknet_core::{Span, Time};

    fn report(at_us: &[Option<u64>]) -> Vec<Arrival> {
        at_us
            .iter()
            .enumerate()
            .map(|(i, at)| Arrival {
                seq: i as u64,
                at: at.map(Time::from_micros),
                ecn: Ecn::NotEct,
            })
            .collect()
    }

    #[test]
    fn the_byte_examples_have_their_lengths() {
        // small, lost, small, large, negative: one two-bit chunk, deltas 1+1+2+2.
        let mixed = [
            Some(1_025_000),
            None,
            Some(1_045_000),
            Some(1_145_000),
            Some(1_143_000),
        ];
        assert_eq!(twcc_size(&report(&mixed)), 28);
        // 20 small ones: one run-length chunk.
        let run: Vec<_> = (0..20).map(|i| Some(10_000 + 1_000 * i)).collect();
        assert_eq!(twcc_size(&report(&run)), 44);
        // One-bit vector of 14 with ten received.
        let pattern = [1, 1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 0];
        let one_bit: Vec<_> = (0_u64..)
            .zip(pattern)
            .map(|(i, got)| (got == 1).then_some(2_000 * (i + 1)))
            .collect();
        assert_eq!(twcc_size(&report(&one_bit)), 32);
        assert_eq!(twcc_size(&[]), 20);
    }

    #[test]
    fn a_large_delta_closes_a_one_bit_vector_early() {
        // 10 symbols of which one is lost, then a gap of 100 ms: the first seven
        // leave as two-bit symbols, the other three stay open with the large one.
        let mut at: Vec<_> = (0..10).map(|i| Some(1_000 * i)).collect();
        at[3] = None;
        at.push(Some(109_000));
        assert_eq!(
            twcc_size(&report(&at)),
            (20 + 4 + 9 + 2_u32).next_multiple_of(4)
        );
    }

    #[test]
    fn chromium_reports_of_5_and_12_packets_weigh_70_and_78_bytes() {
        let feedback = |n: u64| Rtcp::TransportFeedback {
            arrivals: report(&(0..n).map(|i| Some(5_000 * i)).collect::<Vec<_>>()),
        };
        assert_eq!(rtcp_size(&[feedback(5)], &Overhead::WEBRTC), 70);
        assert_eq!(rtcp_size(&[feedback(12)], &Overhead::WEBRTC), 78);
    }

    #[test]
    fn nack_packs_greedily() {
        let seqs = vec![100, 101, 103, 116, 117, 120];
        assert_eq!(nack_entries(&seqs), 2);
        assert_eq!(nack_entries(&[]), 0);
        assert_eq!(nack_entries(&[7, 23]), 1);
        assert_eq!(nack_entries(&[7, 24]), 2);
        let nack = Rtcp::Nack {
            media: Media::Video,
            seqs,
        };
        assert_eq!(rtcp_size(std::slice::from_ref(&nack), &Overhead::NONE), 20);
        assert_eq!(rtcp_size(&[nack], &Overhead::WEBRTC), 62);
    }

    #[test]
    fn reports_weigh_what_chromium_sends() {
        let rr = Rtcp::ReceiverReport {
            last_sr: None,
            delay_since_last_sr: Span::ZERO,
            expected: 0,
            lost: 0,
            jitter: 0,
            rrtr: Some(Time::ZERO),
        };
        let size = |compound: &[Rtcp]| rtcp_size(compound, &Overhead::WEBRTC);
        let sr = |dlrr| Rtcp::SenderReport {
            ntp: Time::ZERO,
            dlrr,
        };
        assert_eq!(size(&[sr(None)]), 98);
        assert_eq!(size(&[sr(Some((Time::ZERO, Span::ZERO)))]), 122);
        assert_eq!(size(std::slice::from_ref(&rr)), 94);
        assert_eq!(size(&[rr.clone(), rr]), 118);
        assert_eq!(size(&[Rtcp::Pli]), 54);
        assert_eq!(size(&[Rtcp::Fir { seq: 7 }]), 62);
    }

    proptest! {
        #[test]
        fn size_is_bounded_by_its_parts(gaps in prop::collection::vec(prop::option::of(0_u64..200_000), 1..400)) {
            let mut now = 0;
            let at: Vec<_> = gaps.iter().map(|g| g.map(|gap| { now += gap; now })).collect();
            let received = u32::try_from(at.iter().flatten().count()).unwrap();
            let n = u32::try_from(at.len()).unwrap();
            let size = twcc_size(&report(&at));
            prop_assert!(size.is_multiple_of(4));
            prop_assert!(size >= 20 + 2 + received);
            prop_assert!(size <= (20 + 2 * n.div_ceil(7) + 2 * received).next_multiple_of(4));
        }
    }
}
