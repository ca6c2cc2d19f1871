//! Jitter buffers: when a frame that arrived is decoded and shown.

mod adaptive_percentile;
mod audio_fixed;
mod fixed;
mod frame_buffer;
mod history;
mod key_frames;
pub mod neteq;
mod oracle;
mod playout;
pub mod webrtc;

pub use adaptive_percentile::AdaptivePercentile;
pub use audio_fixed::FixedAudio;
pub use fixed::Fixed;
pub use neteq::Neteq;
pub use oracle::Oracle;
pub use webrtc::Webrtc;

use weaknet_core::event::AudioCounter;
use weaknet_core::packet::Picture;
use weaknet_core::{Kind, Span, Time};

/// The kind of video jitter buffers.
pub enum Jitter {}

impl Kind for Jitter {
    type Product = Box<dyn JitterBuffer>;
    const NAME: &'static str = "jitter_buffer";
    const ABOUT: &'static str =
        "evens out the arrival of video frames before they are decoded and shown";
}

/// The kind of audio jitter buffers.
pub enum AudioJitter {}

impl Kind for AudioJitter {
    type Product = Box<dyn AudioBuffer>;
    const NAME: &'static str = "audio_buffer";
    const ABOUT: &'static str = "evens out the arrival of audio packets before they are played";
}

/// A video frame all of whose packets are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompleteFrame {
    /// Number of the frame, from 0.
    pub frame: u64,
    /// The frame that it refers to; `None` for a key frame.
    pub reference: Option<u64>,
    /// Extended RTP timestamp, 90 kHz.
    pub timestamp: u64,
    /// Payload bytes.
    pub size: u32,
    /// First packet's arrival.
    pub first_arrived: Time,
    /// Last packet's arrival.
    pub complete: Time,
    /// Whether one of its packets had to be asked for again.
    pub retransmitted: bool,
    /// Sequence numbers of its first and last packet.
    pub seqs: (u64, u64),
    /// What it shows, and its layers.
    pub picture: Picture,
}

/// A frame to be decoded now and shown at `render_at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// The frame.
    pub frame: CompleteFrame,
    /// When it shall be on the screen; `None`: as soon as it is decoded.
    pub render_at: Option<Time>,
}

/// What a jitter buffer does with a frame or asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JitterAction {
    /// Decode this frame now.
    Decode(Release),
    /// This frame will never be decoded.
    Drop {
        /// Its number.
        frame: u64,
        /// Why.
        reason: weaknet_core::event::FrameDrop,
    },
    /// Nothing decodable has come for too long, or ever: ask for a key frame.
    RequestKeyFrame,
}

/// A video jitter buffer.
///
/// After any call the receiver asks [`JitterBuffer::poll`] until it yields
/// nothing, then sleeps until [`JitterBuffer::next_wake`]. The decoder takes
/// one frame at a time: after [`JitterAction::Decode`] the buffer yields no
/// other until [`JitterBuffer::on_decoded`].
pub trait JitterBuffer: Send {
    /// The stream begins: no frame has arrived, a key frame is needed.
    fn start(&mut self, now: Time);
    /// A frame is complete.
    fn on_frame(&mut self, now: Time, frame: CompleteFrame);
    /// Any media packet of the stream arrived (also one that completes nothing).
    fn on_packet(&mut self, now: Time, key: bool);
    /// The frame given out last has been decoded.
    fn on_decoded(&mut self, now: Time, took: Span);
    /// A new round-trip time.
    fn on_rtt(&mut self, now: Time, rtt: Span);
    /// What to do now, if anything.
    fn poll(&mut self, now: Time) -> Option<JitterAction>;
    /// When [`JitterBuffer::poll`] may yield something.
    fn next_wake(&self) -> Option<Time>;
    /// The delay that the buffer aims at now.
    fn target_delay(&self) -> Span;
    /// Whether it wants to be told when frames will be complete, which takes a run
    /// of the case ahead.
    fn wants_arrivals(&self) -> bool {
        false
    }
    /// When the frames of the stream will be complete: captured, complete.
    fn tell_arrivals(&mut self, _: &[(Time, Time)]) {}
    /// How long frames that are complete wait for the screen at present.
    fn current_delay(&self) -> Span {
        self.target_delay()
    }
    /// Asks for at least this delay, to stay in step with audio. A buffer that does
    /// not wait for it leaves video ahead.
    fn set_sync_delay(&mut self, _: Span) {}
}

/// An audio packet that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioPacket {
    /// Extended sequence number.
    pub seq: u64,
    /// Extended RTP timestamp, 48 kHz.
    pub timestamp: u64,
    /// Length of the sound.
    pub length: Span,
    /// Which copy of the sound it is.
    pub level: AudioLevel,
    /// Whether it only says that there is silence (discontinuous transmission).
    pub silence: bool,
    /// When it was captured, for observers only.
    pub captured: Time,
}

/// Rank of a copy of some sound; the least one is best.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AudioLevel {
    /// 0: the codec's full quality; above: its in-band redundancy (of Opus: LBRR
    /// 1, DRED 2).
    pub codec: u8,
    /// 0: the packet itself; above: how many packets later a copy came (RFC 2198).
    pub red: u8,
}

impl AudioLevel {
    /// What counts when so many samples of it are decoded.
    fn recovered(self, samples: u64) -> impl Iterator<Item = (AudioCounter, u64)> {
        let recovered = (self != Self::default()).then_some(AudioCounter::RecoveredSamples);
        let reduced = (self.codec > 0).then_some(AudioCounter::ReducedSamples);
        recovered
            .into_iter()
            .chain(reduced)
            .map(move |counter| (counter, samples))
    }
}

/// A stretch of sound that starts to play now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Playout {
    /// How long it is.
    pub length: Span,
    /// When it was captured; `None`: made up, most of it.
    pub captured: Option<Time>,
}

/// A packet that leaves the audio buffer to be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioDecode {
    /// Length of its sound.
    pub length: Span,
    /// How long it was in the buffer.
    pub waited: Span,
    /// The delay that the buffer aims at.
    pub target: Span,
    /// What it would aim at without bounds from outside.
    pub minimum: Span,
}

/// What an audio buffer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudioAction {
    /// Sound starts to play now.
    Play(Playout),
    /// A packet is decoded.
    Decode(AudioDecode),
    /// Something is counted.
    Count(AudioCounter, u64),
}

/// An audio jitter buffer: pulled at [`AudioBuffer::next_wake`].
///
/// Its clock is that of the loudspeaker, which may run faster or slower than
/// that of the network.
pub trait AudioBuffer: Send {
    /// A packet arrived.
    fn on_packet(&mut self, now: Time, packet: AudioPacket);
    /// What it does now, if anything.
    fn poll(&mut self, now: Time) -> Option<AudioAction>;
    /// When [`AudioBuffer::poll`] may yield something; `None` before the first
    /// packet.
    fn next_wake(&self) -> Option<Time>;
    /// The delay that the buffer aims at now.
    fn target_delay(&self) -> Span;
    /// The delay that sound has in the buffer now.
    fn current_delay(&self) -> Span {
        self.target_delay()
    }
    /// Asks for at least this delay, to stay in step with video; whether the
    /// buffer can do that.
    fn set_min_delay(&mut self, _: Span) -> bool {
        false
    }
}
