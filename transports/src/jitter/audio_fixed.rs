//! An audio jitter buffer with a constant delay: playout starts `delay` after
//! the first packet arrived and then never stops. A stretch of sound whose
//! packet is not there in time is concealed, and the packet is useless when it
//! comes.
//!
//! Implements: own design; the classic fixed playout of RFC 3550 appendix A.8's
//! receivers, with re-anchoring after a long underrun.
//! Differs: from NetEQ in that nothing is stretched or compressed.
//! Not modelled: discontinuous transmission; a silent sender counts as loss.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::event::AudioCounter;
use weaknet_core::{BuildContext, BuildError, Plugin, Span, Time};

use super::{AudioAction, AudioBuffer, AudioDecode, AudioJitter, AudioPacket, Playout};

/// A constant playout delay for audio.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FixedAudio {
    /// Time from the first packet's arrival to its playout. Default 60 ms,
    /// three packets of 20 ms.
    pub delay: Span,
    /// After concealing for this long, the next packet that is newer than all
    /// that was played starts playout anew. Default 1 s.
    pub reanchor_after: Span,
    /// Packets held at most; the oldest gives way. Default 200, as NetEQ's
    /// packet buffer (`max_packets_in_buffer`).
    pub capacity: u32,
}

impl Default for FixedAudio {
    fn default() -> Self {
        Self {
            delay: Span::from_millis(60),
            reanchor_after: Span::from_secs(1),
            capacity: 200,
        }
    }
}

impl Plugin for FixedAudio {
    type Kind = AudioJitter;
    const NAME: &'static str = "fixed";
    const SUMMARY: &'static str =
        "plays audio a constant time after its first packet and conceals what is late";
    const REFERENCES: &'static [&'static str] = &["own design"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn AudioBuffer>, BuildError> {
        if self.delay > Span::from_secs(60) {
            return Err(BuildError::field("delay", "expected at most 1min"));
        }
        if self.capacity == 0 || self.capacity > 100_000 {
            return Err(BuildError::field(
                "capacity",
                "expected 1 to 100000 packets",
            ));
        }
        Ok(Box::new(FixedAudioBuffer::new(self.clone())))
    }
}

/// Where playout stands.
#[derive(Debug, Clone, Copy)]
struct Position {
    /// When the next stretch starts.
    at: Time,
    /// The timestamp that is due then.
    timestamp: u64,
    /// How long it is, if it must be concealed.
    length: Span,
    /// How much was concealed since a packet was last played.
    concealed: Span,
    /// Whether anything was played or concealed since playout (re)started.
    started: bool,
}

struct FixedAudioBuffer {
    config: FixedAudio,
    /// Packets that wait, by timestamp.
    packets: VecDeque<Waiting>,
    position: Option<Position>,
    /// Timestamp of the newest packet that was played.
    played: Option<u64>,
    actions: VecDeque<AudioAction>,
}

/// A packet and when it came.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    packet: AudioPacket,
    since: Time,
}

impl FixedAudioBuffer {
    const fn new(config: FixedAudio) -> Self {
        Self {
            config,
            packets: VecDeque::new(),
            position: None,
            played: None,
            actions: VecDeque::new(),
        }
    }

    fn count(&mut self, counter: AudioCounter, by: u64) {
        self.actions.push_back(AudioAction::Count(counter, by));
    }

    fn anchor(&mut self, now: Time, packet: &AudioPacket) {
        self.position = Some(Position {
            at: now + self.config.delay,
            timestamp: packet.timestamp,
            length: packet.length,
            concealed: Span::ZERO,
            started: false,
        });
    }

    /// Makes room for a packet older than the first one, if it can still be
    /// played before that.
    fn begin_earlier(&mut self, now: Time, packet: &AudioPacket) {
        if let Some(p) = &mut self.position
            && !p.started
            && packet.timestamp < p.timestamp
        {
            let earlier =
                p.at.saturating_sub(duration(p.timestamp - packet.timestamp));
            if earlier >= now && earlier < p.at {
                p.at = earlier;
                p.timestamp = packet.timestamp;
            }
        }
    }
}

impl FixedAudioBuffer {
    /// What starts to play at `now`, if it is time.
    fn play(&mut self, now: Time) -> Option<Playout> {
        let p = self.position.as_mut().filter(|p| p.at <= now)?;
        p.started = true;
        let end = p.timestamp.saturating_add(ticks(p.length));
        let next = self.packets.front().copied();
        let playout = if let Some(Waiting { packet, since }) =
            next.filter(|next| next.packet.timestamp < end)
        {
            self.packets.pop_front();
            p.length = packet.length;
            p.concealed = Span::ZERO;
            self.played = Some(packet.timestamp);
            p.timestamp = packet.timestamp;
            self.actions.push_back(AudioAction::Decode(AudioDecode {
                length: packet.length,
                waited: p.at.since(since),
                target: self.config.delay,
                minimum: self.config.delay,
            }));
            for (counter, by) in packet.level.recovered(ticks(packet.length)) {
                self.actions.push_back(AudioAction::Count(counter, by));
            }
            Playout {
                length: packet.length,
                captured: Some(packet.captured),
            }
        } else {
            let first = p.concealed.is_zero();
            p.concealed += p.length;
            let length = p.length;
            // Nothing is made up before the first sound.
            if self.played.is_some() {
                self.count(AudioCounter::ConcealedSamples, ticks(length));
                if first {
                    self.count(AudioCounter::ConcealmentEvents, 1);
                }
            }
            Playout {
                length,
                captured: None,
            }
        };
        let p = self.position.as_mut()?;
        p.timestamp = p.timestamp.saturating_add(ticks(p.length));
        p.at += p.length;
        let due = p.timestamp;
        while self
            .packets
            .front()
            .is_some_and(|next| next.packet.timestamp < due)
        {
            self.packets.pop_front();
            self.count(AudioCounter::PacketsDiscarded, 1);
        }
        Some(playout)
    }
}

impl AudioBuffer for FixedAudioBuffer {
    fn on_packet(&mut self, now: Time, packet: AudioPacket) {
        if packet.length.is_zero() {
            return;
        }
        if self.played.is_some_and(|played| packet.timestamp <= played) {
            self.count(AudioCounter::PacketsDiscarded, 1);
            return;
        }
        match self.position {
            None => self.anchor(now, &packet),
            Some(p) if p.concealed > self.config.reanchor_after => {
                self.packets
                    .retain(|other| other.packet.timestamp > packet.timestamp);
                self.anchor(now, &packet);
            }
            Some(_) => self.begin_earlier(now, &packet),
        }
        if self
            .position
            .is_some_and(|p| packet.timestamp < p.timestamp)
        {
            self.count(AudioCounter::PacketsDiscarded, 1);
            return;
        }
        let place = self
            .packets
            .partition_point(|other| other.packet.timestamp < packet.timestamp);
        let since = now;
        match self.packets.get_mut(place) {
            Some(other) if other.packet.timestamp == packet.timestamp => {
                if packet.level < other.packet.level {
                    other.packet = packet;
                }
                self.count(AudioCounter::PacketsDiscarded, 1);
            }
            _ => self.packets.insert(place, Waiting { packet, since }),
        }
        if self.packets.len() > self.config.capacity as usize {
            self.packets.pop_front();
            self.count(AudioCounter::PacketsDiscarded, 1);
        }
    }

    fn poll(&mut self, now: Time) -> Option<AudioAction> {
        if self.actions.is_empty()
            && let Some(playout) = self.play(now)
        {
            self.actions.push_back(AudioAction::Play(playout));
        }
        self.actions.pop_front()
    }

    fn next_wake(&self) -> Option<Time> {
        if !self.actions.is_empty() {
            return Some(Time::ZERO);
        }
        self.position.map(|p| p.at)
    }

    fn target_delay(&self) -> Span {
        self.config.delay
    }
}

/// Ticks of the 48 kHz clock, at least one.
fn ticks(length: Span) -> u64 {
    (u128::from(length.as_nanos()) * 48 / 1_000_000).clamp(1, u128::from(u64::MAX)) as u64
}

/// The length of that many ticks.
fn duration(ticks: u64) -> Span {
    Span::from_nanos(u64::try_from(u128::from(ticks) * 1_000_000 / 48).unwrap_or(u64::MAX))
}

#[cfg(test)]
#[path = "audio_fixed_tests.rs"]
mod tests;
