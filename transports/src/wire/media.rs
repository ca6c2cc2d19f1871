//! What stands in for coded media.
//!
//! The simulator has no coded media, so the body of a media packet is made up: a
//! header of 18 bytes for video, if there is room, then eight bytes over and
//! over that are a function of synchronisation source and sequence number. Every
//! packet has other bytes, a retransmission those of its original, and anyone
//! can tell from a capture whether a repaired packet is the right one.
//!
//! Implements: what payload descriptors, frame headers and the dependency
//! descriptor tell a receiver: flags (1 key frame, 2 screen, 4 quantiser known),
//! quantiser, temporal layer, simulcast layer and number of them (4 bits each),
//! part and parts (16 bits each), frame (32), width, height, reference (16 each).
//! Differs: it is our own format in the place of VP8's descriptor and header.
//! Not modelled: what the pictures show.

use weaknet_core::packet::{Media, Picture, Rtp};

use super::read::{Bytes, WireError};

/// Bytes of the header in video packets.
pub(super) const HEADER: usize = 18;

const KEY: u8 = 1;
const SCREEN: u8 = 2;
const QUANTISER: u8 = 4;

/// Appends a body of `size` bytes for the media packet with this SSRC and number.
pub(super) fn write(rtp: &Rtp, ssrc: u32, size: usize, out: &mut Vec<u8>) {
    let start = out.len();
    let word = filler(ssrc, rtp.seq as u16);
    out.resize(start + size, 0);
    let Some(body) = out.get_mut(start..) else {
        return;
    };
    let (words, rest) = body.as_chunks_mut::<8>();
    words.fill(word);
    for (to, from) in rest.iter_mut().zip(word) {
        *to = from;
    }
    if rtp.media == Media::Video
        && let Some(place) = body.first_chunk_mut::<HEADER>()
    {
        *place = header(rtp);
    }
}

/// What fills the body of a packet, over and over: the mixing function of
/// splitmix64 over SSRC and sequence number.
#[must_use]
pub const fn filler(ssrc: u32, seq: u16) -> [u8; 8] {
    let mut z = ((ssrc as u64) << 16 | seq as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)).to_be_bytes()
}

fn header(rtp: &Rtp) -> [u8; HEADER] {
    let picture = &rtp.picture;
    let flag = |is: bool, flag: u8| if is { flag } else { 0 };
    let flags =
        flag(rtp.key, KEY) | flag(picture.screen, SCREEN) | flag(picture.qp.is_some(), QUANTISER);
    let [p0, p1] = rtp.part.to_be_bytes();
    let [q0, q1] = rtp.parts.to_be_bytes();
    let [f0, f1, f2, f3] = (rtp.frame as u32).to_be_bytes();
    let [w0, w1] = picture.width.to_be_bytes();
    let [h0, h1] = picture.height.to_be_bytes();
    let [r0, r1] = picture.reference.to_be_bytes();
    let layers = picture.simulcast << 4 | picture.simulcast_layers & 0x0f;
    let qp = picture.qp.unwrap_or(0);
    [
        flags,
        qp,
        picture.temporal,
        layers,
        p0,
        p1,
        q0,
        q1,
        f0,
        f1,
        f2,
        f3,
        w0,
        w1,
        h0,
        h1,
        r0,
        r1,
    ]
}

/// What the header of a video packet says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct VideoHeader {
    /// Whether the frame is a key frame.
    pub(super) key: bool,
    /// Position of the packet in its frame.
    pub(super) part: u16,
    /// Packets of the frame.
    pub(super) parts: u16,
    /// Low bits of the frame's number.
    pub(super) frame: u32,
    /// What the frame shows.
    pub(super) picture: Picture,
}

/// Reads the header of a video packet.
pub(super) fn read(body: &[u8]) -> Result<VideoHeader, WireError> {
    let mut bytes = Bytes(body);
    let [flags, qp, temporal, layers] = bytes.array()?;
    let (part, parts, frame) = (bytes.u16()?, bytes.u16()?, bytes.u32()?);
    let (width, height, reference) = (bytes.u16()?, bytes.u16()?, bytes.u16()?);
    Ok(VideoHeader {
        key: flags & KEY != 0,
        part,
        parts,
        frame,
        picture: Picture {
            width,
            height,
            reference,
            qp: (flags & QUANTISER != 0).then_some(qp),
            temporal,
            simulcast: layers >> 4,
            simulcast_layers: layers & 0x0f,
            screen: flags & SCREEN != 0,
        },
    })
}
