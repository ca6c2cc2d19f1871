//! Super-frames: what the kernel hands over instead of many packets of one flow.
//!
//! A sender's kernel gives a device up to 64 kB of a flow in one piece, with a header
//! that says how to cut it. A link has to see the packets of which it stands, each
//! with its own loss and its own time; so pieces are cut on the way in and, where
//! packets leave together, joined again on the way out.
//!
//! Implements: the header of virtio (OASIS virtio 1.2, section 5.1.6.1) as Linux's
//! `IFF_VNET_HDR` has it: TCP over IPv4 and IPv6, UDP (`UDP_L4`).
//! Differs: packets inside have complete checksums, not partial ones, so that a bit
//! flipped on the link is a wrong checksum at the far end.
//! Not modelled: tunnels, UDP fragmentation offload.

mod checksum;
mod headers;
mod join;
mod split;

#[cfg(test)]
mod tests;

pub(crate) use join::Train;
pub(crate) use split::split;

/// Bytes of the header.
pub(crate) const HEADER: usize = 10;
/// The longest super-frame, header included.
pub(crate) const LONGEST: usize = HEADER + 65_535;

const NEEDS_CHECKSUM: u8 = 1;
const CHECKSUM_IS_VALID: u8 = 2;
const GSO_TCP4: u8 = 1;
const GSO_TCP6: u8 = 4;
const GSO_UDP: u8 = 5;
/// May stand with any of them: the congestion window was reduced.
const GSO_ECN: u8 = 0x80;

/// The header in front of a packet or super-frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Offload {
    flags: u8,
    gso: u8,
    /// Bytes of all headers.
    headers: u16,
    /// Bytes of payload per packet.
    size: u16,
    /// Where checksumming starts.
    start: u16,
    /// Where the checksum stands, from there.
    offset: u16,
}

impl Offload {
    /// Reads it, in the order of the machine.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (header, _) = bytes.split_first_chunk::<HEADER>()?;
        let [flags, gso, h0, h1, s0, s1, c0, c1, o0, o1] = *header;
        Some(Self {
            flags,
            gso,
            headers: u16::from_ne_bytes([h0, h1]),
            size: u16::from_ne_bytes([s0, s1]),
            start: u16::from_ne_bytes([c0, c1]),
            offset: u16::from_ne_bytes([o0, o1]),
        })
    }

    /// The same with its places elsewhere: where headers end and checksumming starts.
    pub(crate) fn moved(mut self, to: impl Fn(u16) -> u16) -> Self {
        if self.gso != 0 {
            self.headers = to(self.headers);
        }
        if self.flags & NEEDS_CHECKSUM != 0 {
            self.start = to(self.start);
        }
        self
    }

    pub(crate) fn bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        (bytes[0], bytes[1]) = (self.flags, self.gso);
        let words = [self.headers, self.size, self.start, self.offset];
        for (to, word) in bytes[2..].chunks_exact_mut(2).zip(words) {
            to.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }
}
