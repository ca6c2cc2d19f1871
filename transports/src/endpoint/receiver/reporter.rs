//! What the receiver tells its sender about packets, by the format chosen.

use weaknet_core::packet::{Ecn, Payload};
use weaknet_core::{BuildError, Time};

use crate::rtp::{FeedbackConfig, FeedbackFormat, FeedbackGenerator, Overhead, rtcp_size};
use crate::transport::{DatagramAcks, quic};

/// Reports on packets.
#[derive(Debug, Clone)]
pub enum Reporter {
    /// Reports that name each packet.
    Packets(FeedbackGenerator),
    /// Acknowledgements of ranges.
    Acks(DatagramAcks),
    /// No such reports: receiver reports have to do.
    Counts,
}

impl Reporter {
    /// Reports as `config` says; `arrival_times` says whether the sender wants to
    /// know when each packet arrived, which acknowledgements tell on request.
    ///
    /// # Errors
    /// When the interval is zero.
    pub fn new(config: &FeedbackConfig, arrival_times: bool) -> Result<Self, BuildError> {
        Ok(match config.format {
            FeedbackFormat::Twcc | FeedbackFormat::Ccfb => Self::Packets(config.build()?),
            FeedbackFormat::Ack => Self::Acks(config.acks(arrival_times)),
            FeedbackFormat::Rr => Self::Counts,
        })
    }

    pub(super) fn on_packet(&mut self, now: Time, number: u64, ecn: Ecn) {
        match self {
            Self::Packets(generator) => generator.on_packet(now, number, ecn),
            Self::Acks(acks) => acks.on_packet(now, number, ecn),
            Self::Counts => {}
        }
    }

    pub(super) fn next_wake(&self) -> Option<Time> {
        match self {
            Self::Packets(generator) => generator.next_wake(),
            Self::Acks(acks) => acks.next_wake(),
            Self::Counts => None,
        }
    }

    /// The report that is due and its bytes on the wire; ask until there is none.
    pub(super) fn poll(&mut self, now: Time, overhead: &Overhead) -> Option<(u32, Payload)> {
        match self {
            Self::Packets(generator) => {
                let reports = vec![generator.poll(now)?];
                Some((rtcp_size(&reports, overhead), Payload::Rtcp(reports)))
            }
            Self::Acks(acks) => {
                let ack = acks.poll(now)?;
                Some((quic::ack_size(&ack), Payload::Ack(ack)))
            }
            Self::Counts => None,
        }
    }
}
