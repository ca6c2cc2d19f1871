//! Forward error correction: repair packets sent before anything is missing.
//!
//! A scheme has three parts. The encoder says after each media packet which
//! repair packets are due, and the decoder which packets can be recovered: both on
//! numbers alone, which is all that the simulator needs. The codec does the same
//! on bytes, for captures and real sockets. Whatever the decoder recovers by
//! numbers the codec recovers in bytes, and nothing else.
//!
//! How much is spent says a protection control, which any scheme for video
//! follows. Audio is protected within its own packets (`audio`): a scheme says
//! which older packets each new one carries, and what that costs.

pub mod audio;
mod block;
mod duplicate;
mod elimination;
mod flexfec;
pub mod gf256;
mod linear;
mod none;
pub mod protection;
mod raptorq;
mod reed_solomon;
mod rlc;
mod schemes;
mod share;
mod streaming;
mod symbols;
#[cfg(test)]
mod test_support;
mod ulpfec;
mod xor;

pub use self::raptorq::Raptorq;
pub use audio::{Dred, OpusLbrr, RedAudio};
pub use duplicate::Duplicate;
pub use flexfec::{Flexfec, FlexfecVersion};
pub use none::NoFec;
pub use reed_solomon::ReedSolomon;
pub use rlc::Rlc;
pub use schemes::Schemes;
pub use streaming::Streaming;
pub use ulpfec::Ulpfec;
pub use xor::MaskFamily;

use std::collections::BTreeMap;

use weaknet_core::{Bitrate, Kind, Span, Time};

use self::audio::AudioRedundancy;

/// The kind of FEC schemes.
pub enum Fec {}

impl Kind for Fec {
    type Product = Scheme;
    const NAME: &'static str = "fec";
    const ABOUT: &'static str = "repairs losses by packets sent in advance";
}

/// A scheme, for one of the streams of a call.
pub enum Scheme {
    /// None at all.
    None,
    /// Repair packets for video.
    Video(FecPair),
    /// Older sound in audio packets.
    Audio(Box<dyn AudioRedundancy>),
}

impl Scheme {
    /// The parts of a scheme for video.
    #[must_use]
    pub fn video(self) -> Option<FecPair> {
        match self {
            Self::Video(pair) => Some(pair),
            Self::None | Self::Audio(_) => None,
        }
    }
}

/// The parts of a scheme for video.
pub struct FecPair {
    /// At the sender.
    pub encoder: Box<dyn FecEncoder>,
    /// At the receiver.
    pub decoder: Box<dyn FecDecoder>,
    /// On bytes; `None` for a scheme that exists in the simulator only.
    pub codec: Option<Box<dyn FecCodec>>,
}

/// A media packet as schemes see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Extended sequence number.
    pub seq: u64,
    /// Payload bytes.
    pub payload: u16,
    /// Number of its frame.
    pub frame: u64,
    /// Position in the frame, from 0.
    pub part: u16,
    /// Number of packets of the frame.
    pub parts: u16,
    /// Whether the frame is a key frame.
    pub key: bool,
}

impl Source {
    /// Whether the frame ends with it.
    #[must_use]
    pub const fn ends_frame(&self) -> bool {
        self.part + 1 >= self.parts
    }
}

/// A repair packet: what it protects and how large it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// Media sequence numbers that it protects, ascending.
    pub protects: Vec<u64>,
    /// Which of the repair packets over these numbers it is: what a scheme's
    /// coefficients hang on.
    pub symbol: u32,
    /// Payload bytes, repair header included.
    pub payload: u16,
}

/// How much is spent on repair packets, as `FecProtectionParams` of libwebrtc
/// has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Protection {
    /// Repair packets per media packet, not negative.
    pub rate: f64,
    /// Frames that may wait for their repair packets together, at least 1.
    pub max_frames: u32,
    /// Whether losses come in bursts, for schemes that can be built for either.
    pub bursts: bool,
}

/// The sender's half.
pub trait FecEncoder: Send {
    /// A media packet is about to be sent; repair packets that are due after it
    /// are pushed to `out`.
    fn on_media(
        &mut self,
        now: Time,
        packet: &Source,
        protection: &Protection,
        out: &mut Vec<Repair>,
    );
    /// Bytes that the scheme adds in front of the payload of every packet of the
    /// media stream.
    fn media_header(&self) -> u32 {
        0
    }
}

/// The receiver's half.
pub trait FecDecoder: Send {
    /// A media packet arrived; recovered numbers are pushed to `out`.
    fn on_media(&mut self, now: Time, seq: u64, out: &mut Vec<u64>);
    /// A repair packet arrived; recovered numbers are pushed to `out`.
    fn on_repair(&mut self, now: Time, repair: &Repair, out: &mut Vec<u64>);
}

/// A scheme on bytes. A packet is what it protects of an RTP packet, from the
/// header on.
pub trait FecCodec: Send {
    /// The payload of a repair packet, its header first: `payload` bytes of
    /// `repair` when the packets in `sources` have the sizes that the encoder was
    /// told. `None` when a packet that it protects is not there.
    fn encode(&self, repair: &Repair, sources: &BTreeMap<u64, Vec<u8>>) -> Option<Vec<u8>>;
    /// What the header of a repair packet says; `None` when it makes no sense.
    /// Sequence numbers on the wire are taken to be the nearest to `around`.
    fn header(&self, payload: &[u8], around: u64) -> Option<Repair>;
    /// The packets among those protected that are not in `sources` but follow
    /// from them and the repair packets together. Damaged ones may yield wrong
    /// packets, never a panic.
    fn decode(
        &self,
        sources: &BTreeMap<u64, Vec<u8>>,
        repairs: &[(Repair, Vec<u8>)],
    ) -> BTreeMap<u64, Vec<u8>>;
}

/// The kind of protection controls.
pub enum ProtectionControl {}

impl Kind for ProtectionControl {
    type Product = Box<dyn Protect>;
    const NAME: &'static str = "protection";
    const ABOUT: &'static str = "decides how much is spent on repair packets";
}

/// What a control knows of the path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PathState {
    /// The share of packets lost since the last report, 0 to 1.
    pub loss: f64,
    /// The mean number of packets lost in a row, at least 1.
    pub burst: f64,
    /// The round-trip time.
    pub rtt: Span,
    /// What video may use with all that protects it.
    pub target: Bitrate,
}

/// A running protection control.
pub trait Protect: Send {
    /// A frame was encoded: payload bytes in so many packets.
    fn on_frame(&mut self, now: Time, key: bool, packets: u16, size: u32);
    /// The path was measured.
    fn on_path(&mut self, now: Time, path: &PathState);
    /// How much a frame that is sent now gets.
    fn protection(&self, now: Time, key: bool) -> Protection;
}
