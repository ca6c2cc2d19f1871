//! The schemes of one call, told apart by the stream that they protect.

use weaknet_core::BuildError;

use super::audio::AudioProtection;
use super::{FecPair, Scheme};

/// At most one scheme for video; for audio one in each place of a packet.
#[derive(Default)]
pub struct Schemes {
    /// For video.
    pub video: Option<FecPair>,
    /// For audio.
    pub audio: AudioProtection,
}

impl Schemes {
    /// Adds a scheme to those of a call with audio or without.
    ///
    /// # Errors
    /// When another scheme stands where it would, or there is no such stream.
    pub fn add(&mut self, scheme: Scheme, has_audio: bool) -> Result<(), BuildError> {
        match scheme {
            Scheme::None => Ok(()),
            Scheme::Video(pair) if self.video.is_none() => {
                self.video = Some(pair);
                Ok(())
            }
            Scheme::Video(_) => Err(BuildError::new(
                "video has a scheme already: expected one for video, others for audio",
            )),
            Scheme::Audio(_) if !has_audio => Err(BuildError::new(
                "protects audio, of which this flow has none: expected `audio:` in its `media:`",
            )),
            Scheme::Audio(scheme) => self.audio.add(scheme),
        }
    }
}
