//! What a bulk flow sends, and how it looks on the wire.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::{Ack, Protocol};
use weaknet_core::{BuildError, Bytes, Span};

use crate::traffic::Lengths;
use crate::transport::{AckRules, LossRules, Tail, WindowRate, quic};

/// Which transport protocol a bulk flow looks like: header sizes, delayed
/// acknowledgements, timeouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    /// TCP over IPv4 with timestamps (52 B of headers) and SACK.
    #[default]
    Tcp,
    /// QUIC over IPv4 and UDP: short header with an 8-byte connection id, one
    /// STREAM frame, authentication tag (69 B).
    Quic,
}

/// What happens to the connection between two transfers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Connections {
    /// Each transfer has its own: controller and round-trip time begin anew.
    #[default]
    New,
    /// All transfers share one.
    Kept,
}

/// What a flow of several transfers begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// A transfer.
    #[default]
    Transfer,
    /// An idle time.
    Idle,
}

/// How reordering is told from loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LossByReordering {
    /// Three packets or 9/8 of a round trip (RFC 9002).
    #[default]
    Fixed,
    /// By time that grows with the reordering seen (RFC 8985).
    Adaptive,
}

/// A reliable byte stream: what it carries and how it looks on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BulkConfig {
    /// Bytes of a transfer, at least 1 B; absent: without end. Short flows of
    /// RFC 8868 section 5.1 have 30 kB to 50 kB.
    pub size: Option<Bytes>,
    /// Sizes are drawn evenly from `size` to this; absent: all are of `size`.
    pub max_size: Option<Bytes>,
    /// Idle time after each transfer, or its mean; absent: there is only one
    /// transfer. RFC 8868 section 5.1: 10 s.
    pub idle: Option<Span>,
    /// How idle times are drawn (RFC 8868 section 5.1: exponential).
    pub idle_times: Lengths,
    /// What comes first (RFC 8867 section 5.7 starts 2 of 10 flows on, 8 off).
    pub first: Start,
    /// What happens to the connection between transfers.
    pub connections: Connections,
    /// Header sizes, delayed acknowledgements and timeouts.
    #[serde(rename = "as")]
    pub wire: Wire,
    /// Bytes of a full packet from the IP header on, 200 B to 65535 B (1500 B,
    /// the MTU of Ethernet).
    pub packet_size: Bytes,
    /// Bytes beyond the first missing one that the receiver can hold (16 MB; the
    /// most that Linux grants by default is 6 MB of TCP, 15 MB of Chrome's QUIC).
    pub receive_window: Bytes,
    /// Pacing rate over window / round-trip time for controllers that give
    /// none, 1 to 10 (1.25: RFC 9002 section 7.7); 0: no pacing.
    pub pacing_gain: f64,
    /// Packets that may leave in a row before pacing sets in, 1 to 1000 (10, the
    /// initial window: RFC 9002 section 7.7).
    pub burst: u32,
    /// An acknowledgement for each so many packets, 1 to 100 (2: RFC 5681 section
    /// 4.2, RFC 9000 section 13.2.2).
    pub ack_every: u32,
    /// And after this time; absent: 40 ms as TCP (Linux), 25 ms as QUIC (RFC 9000
    /// section 18.2).
    pub ack_delay: Option<Span>,
    /// How reordering is told from loss.
    pub reordering: LossByReordering,
    /// The least retransmission timeout of TCP (200 ms, Linux; RFC 6298 rule 2.4
    /// says 1 s).
    pub least_timeout: Span,
}

impl Default for BulkConfig {
    fn default() -> Self {
        Self {
            size: None,
            max_size: None,
            idle: None,
            idle_times: Lengths::Exponential,
            first: Start::Transfer,
            connections: Connections::New,
            wire: Wire::Tcp,
            packet_size: Bytes::new(1_500),
            receive_window: Bytes::new(16_000_000),
            pacing_gain: WindowRate::GAIN,
            burst: 10,
            ack_every: 2,
            ack_delay: None,
            reordering: LossByReordering::Fixed,
            least_timeout: Span::from_millis(200),
        }
    }
}

/// IP and TCP headers with the timestamps option (RFC 7323).
const TCP_HEADERS: u32 = 20 + 32;
/// SACK option (RFC 2018) with its padding, and each block of at most three.
const SACK: u32 = 4;
const SACK_BLOCK: u32 = 8;
const MAX_SACK_BLOCKS: u32 = 3;

impl BulkConfig {
    /// Checks what the types cannot.
    ///
    /// # Errors
    /// Names the parameter at fault.
    pub fn check(&self) -> Result<(), BuildError> {
        let wrong = |field: &str, message: String| Err(BuildError::field(field, message));
        if self.size.is_some_and(|size| size == Bytes::ZERO) {
            return wrong("size", "expected at least 1B".to_owned());
        }
        for (field, given) in [
            ("max_size", self.max_size.is_some()),
            ("idle", self.idle.is_some()),
        ] {
            if given && self.size.is_none() {
                return wrong(field, "goes with `size:`, which is missing".to_owned());
            }
        }
        if let Some(largest) = self.max_size.filter(|largest| Some(*largest) < self.size) {
            return wrong(
                "max_size",
                format!("expected at least `size:`, found {largest}"),
            );
        }
        if self.first == Start::Idle && self.idle.is_none() {
            return wrong("first", "goes with `idle:`, which is missing".to_owned());
        }
        if !(200..=65_535).contains(&self.packet_size.get()) {
            return wrong(
                "packet_size",
                format!(
                    "expected 200B to 65535B from the IP header on, found {}",
                    self.packet_size
                ),
            );
        }
        if self.receive_window < self.packet_size {
            return wrong(
                "receive_window",
                format!(
                    "expected at least a packet of {}, found {}",
                    self.packet_size, self.receive_window
                ),
            );
        }
        if self.pacing_gain != 0.0 && !(1.0..=10.0).contains(&self.pacing_gain) {
            return wrong("pacing_gain", "expected 0 or 1 to 10".to_owned());
        }
        if !(1..=1_000).contains(&self.burst) {
            return wrong("burst", "expected 1 to 1000 packets".to_owned());
        }
        if !(1..=100).contains(&self.ack_every) {
            return wrong("ack_every", "expected 1 to 100 packets".to_owned());
        }
        if self.ack_delay() > Span::from_secs(1) {
            return wrong("ack_delay", "expected at most 1s".to_owned());
        }
        Ok(())
    }

    /// How long an acknowledgement may be held back.
    pub(crate) fn ack_delay(&self) -> Span {
        self.ack_delay.unwrap_or(match self.wire {
            Wire::Tcp => Span::from_millis(40),
            Wire::Quic => Span::from_millis(25),
        })
    }

    pub(crate) const fn protocol(&self) -> Protocol {
        match self.wire {
            Wire::Tcp => Protocol::Tcp,
            Wire::Quic => Protocol::Udp,
        }
    }

    pub(crate) const fn headers(&self) -> u32 {
        match self.wire {
            Wire::Tcp => TCP_HEADERS,
            Wire::Quic => quic::PACKET + quic::STREAM_FRAME,
        }
    }

    /// Bytes of the stream in a full packet.
    pub(crate) fn payload(&self) -> u16 {
        let size = self.packet_size.get() - u64::from(self.headers());
        u16::try_from(size).unwrap_or(u16::MAX)
    }

    /// Bytes of an acknowledgement from the IP header on; `holes` counts those
    /// in the stream.
    pub(crate) fn ack_size(&self, ack: &Ack, holes: usize) -> u32 {
        let blocks = u32::try_from(holes).unwrap_or(u32::MAX);
        match (self.wire, blocks.min(MAX_SACK_BLOCKS)) {
            (Wire::Quic, _) => quic::ack_size(ack),
            (Wire::Tcp, 0) => TCP_HEADERS + quic::arrival_times(ack),
            (Wire::Tcp, blocks) => {
                TCP_HEADERS + SACK + SACK_BLOCK * blocks + quic::arrival_times(ack)
            }
        }
    }

    pub(crate) fn ack_rules(&self, arrival_times: bool) -> AckRules {
        AckRules {
            every: self.ack_every,
            max_delay: self.ack_delay(),
            arrival_times,
        }
    }

    pub(crate) fn loss_rules(&self) -> LossRules {
        LossRules {
            packet_threshold: 3,
            adaptive: self.reordering == LossByReordering::Adaptive,
            tail: match self.wire {
                Wire::Tcp => Tail::Timeout {
                    least: self.least_timeout,
                },
                Wire::Quic => Tail::Probe,
            },
            max_ack_delay: self.ack_delay(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::packet::AckDetails;

    #[test]
    fn packets_have_the_sizes_of_their_protocols() {
        let (tcp, quic) = (
            BulkConfig::default(),
            BulkConfig {
                wire: Wire::Quic,
                ..BulkConfig::default()
            },
        );
        assert_eq!((tcp.payload(), quic.payload()), (1_448, 1_431));
        let plain = Ack {
            largest: 7,
            before: 7,
            delay_us: 0,
            more: None,
        };
        assert_eq!(
            (tcp.ack_size(&plain, 0), quic.ack_size(&plain, 0)),
            (52, 67)
        );
        let more = AckDetails {
            ranges: vec![(1, 2), (4, 4)],
            ecn: [9, 0, 0],
            arrivals: Vec::new(),
        };
        let gaps = Ack {
            more: Some(Box::new(more)),
            ..plain
        };
        assert_eq!(tcp.ack_size(&gaps, 1), 64);
        assert_eq!(tcp.ack_size(&gaps, 5), 80, "as long as TCP options can be");
        assert_eq!(quic.ack_size(&gaps, 2), 67 + 8 + 12);
    }

    #[test]
    fn nonsense_is_refused() {
        let field = |config: BulkConfig| config.check().err().and_then(|error| error.field);
        let plain = BulkConfig::default;
        assert_eq!(field(plain()), None);
        let size = Some(Bytes::new(1_000));
        for (want, config) in [
            (
                "size",
                BulkConfig {
                    size: Some(Bytes::ZERO),
                    ..plain()
                },
            ),
            (
                "max_size",
                BulkConfig {
                    max_size: size,
                    ..plain()
                },
            ),
            (
                "max_size",
                BulkConfig {
                    size,
                    max_size: Some(Bytes::new(999)),
                    ..plain()
                },
            ),
            (
                "idle",
                BulkConfig {
                    idle: Some(Span::ZERO),
                    ..plain()
                },
            ),
            (
                "first",
                BulkConfig {
                    size,
                    first: Start::Idle,
                    ..plain()
                },
            ),
            (
                "packet_size",
                BulkConfig {
                    packet_size: Bytes::new(199),
                    ..plain()
                },
            ),
            (
                "receive_window",
                BulkConfig {
                    receive_window: Bytes::new(1),
                    ..plain()
                },
            ),
            (
                "pacing_gain",
                BulkConfig {
                    pacing_gain: f64::NAN,
                    ..plain()
                },
            ),
            (
                "burst",
                BulkConfig {
                    burst: 0,
                    ..plain()
                },
            ),
            (
                "ack_every",
                BulkConfig {
                    ack_every: 0,
                    ..plain()
                },
            ),
            (
                "ack_delay",
                BulkConfig {
                    ack_delay: Some(Span::from_secs(2)),
                    ..plain()
                },
            ),
        ] {
            assert_eq!(field(config).as_deref(), Some(want));
        }
    }
}
