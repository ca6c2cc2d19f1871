//! Packets that wait to be decoded, by timestamp.
//!
//! Implements: `packet_buffer.cc` of NetEQ. A packet that finds the buffer full
//! empties it; of two with the same timestamp the better one stays (in-band
//! redundancy of the codec is worse than any copy in RED), of equals the first.

use std::collections::VecDeque;

use weaknet_core::Time;

use super::super::AudioLevel;
use super::units::{PER_MS, Samples, TICK_MS};

/// A packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet {
    pub(super) timestamp: Samples,
    pub(super) length: Samples,
    pub(super) level: AudioLevel,
    pub(super) silence: bool,
    pub(super) captured: Time,
    /// The tick before which it came.
    pub(super) since: u64,
}

impl Packet {
    pub(super) const fn waited_ms(&self, tick: u64) -> i64 {
        tick.saturating_sub(self.since).cast_signed() * TICK_MS
    }
}

/// Packets that went to waste.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Discarded {
    /// With the codec's full quality.
    pub(super) primary: u64,
    /// With less.
    pub(super) redundant: u64,
    /// Whether the whole buffer went.
    pub(super) flushed: bool,
}

impl Discarded {
    const fn add(&mut self, packet: &Packet) {
        if packet.level.codec == 0 {
            self.primary += 1;
        } else {
            self.redundant += 1;
        }
    }
}

/// The buffer.
#[derive(Debug, Clone)]
pub(super) struct PacketBuffer {
    packets: VecDeque<Packet>,
    capacity: usize,
}

impl PacketBuffer {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            packets: VecDeque::with_capacity(capacity),
            capacity,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    pub(super) fn next(&self) -> Option<&Packet> {
        self.packets.front()
    }

    pub(super) fn take(&mut self) -> Option<Packet> {
        self.packets.pop_front()
    }

    pub(super) fn flush(&mut self) -> Discarded {
        let mut discarded = Discarded {
            flushed: true,
            ..Discarded::default()
        };
        self.packets.iter().for_each(|packet| discarded.add(packet));
        self.packets.clear();
        discarded
    }

    pub(super) fn insert(&mut self, packet: Packet) -> Discarded {
        let mut discarded = Discarded::default();
        if self.packets.len() >= self.capacity {
            discarded = self.flush();
        }
        let place = self
            .packets
            .partition_point(|other| other.timestamp < packet.timestamp);
        match self.packets.get_mut(place) {
            Some(other) if other.timestamp == packet.timestamp => {
                if packet.level < other.level {
                    discarded.add(other);
                    *other = packet;
                } else {
                    discarded.add(&packet);
                }
            }
            _ => self.packets.insert(place, packet),
        }
        discarded
    }

    /// Throws away what is older than `limit`, by less than `horizon`.
    pub(super) fn discard_older(&mut self, limit: Samples, horizon: Samples) -> Discarded {
        let mut discarded = Discarded::default();
        let oldest = limit.saturating_sub(horizon);
        self.packets.retain(|packet| {
            let obsolete = oldest < packet.timestamp && packet.timestamp < limit;
            if obsolete {
                discarded.add(packet);
            }
            !obsolete
        });
        discarded
    }

    /// Sound from the first packet to the end of the last one.
    pub(super) fn span(&self, tick: u64) -> Samples {
        self.ends().map_or(0, |(first, last)| {
            let length = if last.silence {
                last.length.max(last.waited_ms(tick) * PER_MS)
            } else {
                last.length
            };
            (last.timestamp - first.timestamp).saturating_add(length)
        })
    }

    /// From the first packet to the start of the last one, and since that came.
    pub(super) fn span_and_wait(&self, tick: u64) -> Samples {
        self.ends().map_or(0, |(first, last)| {
            (last.timestamp - first.timestamp).saturating_add(last.waited_ms(tick) * PER_MS)
        })
    }

    pub(super) fn has_silence(&self) -> bool {
        self.packets.iter().any(|packet| packet.silence)
    }

    fn ends(&self) -> Option<(&Packet, &Packet)> {
        self.packets.front().zip(self.packets.back())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(n: i64, codec: u8, red: u8) -> Packet {
        Packet {
            timestamp: n * 960,
            length: 960,
            level: AudioLevel { codec, red },
            silence: false,
            captured: Time::ZERO,
            since: 0,
        }
    }

    /// media.md 1.6: "Same timestamp: higher priority wins: order is (codec_level,
    /// red_level), 0 best: primary beats Opus-FEC beats older RED copies" - with
    /// RED copies of full quality before Opus FEC, as libwebrtc's packet.h says.
    #[test]
    fn the_better_copy_stays() {
        let mut buffer = PacketBuffer::new(200);
        let discarded = |primary, redundant| Discarded {
            primary,
            redundant,
            flushed: false,
        };
        assert_eq!(buffer.insert(packet(0, 1, 0)), discarded(0, 0));
        assert_eq!(buffer.insert(packet(0, 0, 2)), discarded(0, 1), "RED copy");
        assert_eq!(
            buffer.insert(packet(0, 0, 1)),
            discarded(1, 0),
            "earlier copy"
        );
        assert_eq!(buffer.insert(packet(0, 0, 0)), discarded(1, 0), "primary");
        assert_eq!(buffer.insert(packet(0, 0, 0)), discarded(1, 0), "again");
        assert_eq!(buffer.insert(packet(0, 2, 0)), discarded(0, 1), "DRED");
        assert_eq!(buffer.packets.len(), 1);
        assert_eq!(buffer.packets[0].level, AudioLevel::default());
    }

    /// media.md 1.9: "250 packets burst -> one flush"; 1.6: "Max 200 packets; when
    /// full the whole buffer is flushed".
    #[test]
    fn a_burst_of_250_packets_flushes_once() {
        let mut buffer = PacketBuffer::new(200);
        let results: Vec<Discarded> = (0..250).map(|n| buffer.insert(packet(n, 0, 0))).collect();
        assert_eq!(results.iter().filter(|d| d.flushed).count(), 1);
        assert_eq!(results[200].primary, 200);
        assert_eq!(buffer.packets.len(), 50);
    }

    #[test]
    fn levels_with_and_without_waiting() {
        let mut buffer = PacketBuffer::new(200);
        assert_eq!((buffer.span(9), buffer.span_and_wait(9)), (0, 0));
        for n in [3, 1] {
            buffer.insert(packet(n, 0, 0));
        }
        assert_eq!(
            (buffer.span(9), buffer.span_and_wait(9)),
            (2_880, 1_920 + 4_320)
        );
        assert_eq!(buffer.discard_older(960, 240_000).primary, 0);
        assert_eq!(buffer.discard_older(961, 240_000).primary, 1);
    }
}
