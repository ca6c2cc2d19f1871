//! Redundancy of audio: each packet carries older sound again.
//!
//! A scheme adds copies to packets as they leave the encoder. In-band schemes
//! share the bytes of the encoder's packet (`opus_lbrr`, `dred`); RED wraps whole
//! older packets around it (`red_audio`). They go together, in this order, as in
//! libwebrtc, where RED copies what the encoder made, in-band redundancy
//! included. At the receiver NetEQ ranks the copies of some sound and plays the
//! best one that is there in time.

mod dred;
mod lbrr;
mod red;
pub mod rfc2198;
mod told_loss;

pub use dred::Dred;
pub use lbrr::OpusLbrr;
pub use red::RedAudio;

use weaknet_core::packet::{RedundantAudio, Rtp};
use weaknet_core::{BuildError, Span, Time};

use crate::media::SILENCE_BYTES;

/// Ticks of audio timestamps in a second.
const TICKS_PER_SECOND: u64 = 48_000;

/// Where in a packet a scheme has its copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The codec's own copy of the packet before.
    Lbrr,
    /// The padding behind what the codec made.
    Padding,
    /// Blocks around what the codec made.
    Blocks,
}

/// A running scheme.
pub trait AudioRedundancy: Send {
    /// Where its copies stand.
    fn place(&self) -> Place;
    /// Packets were reported lost: which share, 0 to 1.
    fn on_loss(&mut self, _: Time, _: f64) {}
    /// A packet with sound of this length leaves the encoder. Adds copies of
    /// older ones to it.
    fn protect(&mut self, packet: &mut RedundantAudio, length: Span);
}

/// The schemes of one audio stream, in the order of their places.
#[derive(Default)]
pub struct AudioProtection {
    schemes: Vec<Box<dyn AudioRedundancy>>,
}

impl AudioProtection {
    /// Adds a scheme.
    ///
    /// # Errors
    /// When its place is taken.
    pub fn add(&mut self, scheme: Box<dyn AudioRedundancy>) -> Result<(), BuildError> {
        let place = scheme.place();
        let at = self.schemes.partition_point(|other| other.place() < place);
        if self
            .schemes
            .get(at)
            .is_some_and(|other| other.place() == place)
        {
            return Err(BuildError::new(
                "audio has this scheme already: expected it once",
            ));
        }
        self.schemes.insert(at, scheme);
        Ok(())
    }

    /// Packets were reported lost: which share, 0 to 1.
    pub fn on_loss(&mut self, now: Time, loss: f64) {
        for scheme in &mut self.schemes {
            scheme.on_loss(now, loss);
        }
    }

    /// The packet with all copies that it carries; `None` when it goes as it is.
    pub fn protect(&mut self, rtp: Rtp, length: Span) -> Option<RedundantAudio> {
        if self.schemes.is_empty() {
            return None;
        }
        let mut packet = RedundantAudio {
            rtp,
            redundant: 0,
            red: false,
            copies: Vec::new(),
        };
        for scheme in &mut self.schemes {
            scheme.protect(&mut packet, length);
        }
        (packet.redundant > 0).then_some(packet)
    }
}

/// Whether the packet has sound, and does not only say that there is silence.
const fn is_sound(rtp: &Rtp) -> bool {
    rtp.payload > SILENCE_BYTES
}

/// Ticks of so much sound.
fn ticks(length: Span) -> u64 {
    Time::from_nanos(length.as_nanos()).ticks(TICKS_PER_SECOND as u32)
}

/// The encoder's rate, by one packet.
fn bitrate(rtp: &Rtp, length: Span) -> u32 {
    let bps = f64::from(rtp.payload) * 8.0 / length.as_secs_f64();
    libm::round(bps) as u32
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod testing;
