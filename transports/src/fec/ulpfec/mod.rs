//! ULPFEC: parity packets within the media stream.
//!
//! Implements: RFC 5109 with one level, in RED (RFC 2198), as libwebrtc's
//! `UlpfecGenerator` makes it (2026-07); Chromium's choice for VP8. One repair
//! packet is the XOR of the RTP packets in its mask. The header has 14 bytes, 18
//! when the mask spans more than 16 numbers.
//! Differs: a mask counts from the first packet that it protects; libwebrtc's
//! from the first of the block, so that in blocks of more than 16 packets its
//! headers always have 18 bytes. See `xor` for masks and generator.
//! Not modelled: several levels. Repair packets have numbers of their own here;
//! in RED they have the stream's, so that one that is lost is asked for, in vain,
//! until the next frame is decoded.

mod layout;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin};

use self::layout::{LONG, header};
use super::xor::{Generator, MaskFamily, Peeler, Reach, XorCodec};
use super::{Fec, FecPair, Scheme};

/// Header of the only block of a packet (RFC 2198, section 3).
const RED_HEADER: u32 = 1;

/// Parity in RED.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ulpfec {
    /// What losses the masks are made for; default: as the protection control
    /// says (libwebrtc's says independent ones).
    pub masks: MaskFamily,
}

impl Plugin for Ulpfec {
    type Kind = Fec;
    const NAME: &'static str = "ulpfec";
    const SUMMARY: &'static str = "XOR of packets of one to six frames, as Chromium sends for VP8";
    const REFERENCES: &'static [&'static str] = &[
        "RFC 5109",
        "RFC 2198",
        "libwebrtc modules/rtp_rtcp/source/ulpfec_generator.cc, July 2026",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Scheme, BuildError> {
        let reach = Reach {
            span: LONG,
            header,
            media_header: RED_HEADER,
        };
        Ok(Scheme::Video(FecPair {
            encoder: Box::new(Generator::new(reach, self.masks)),
            decoder: Box::new(Peeler::new(LONG as usize)),
            codec: Some(Box::new(XorCodec(layout::Ulpfec))),
        }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fec::test_support::build;
    use crate::fec::xor::testing::{any_bytes_can_be_read, cases, numbers_and_bytes_agree};

    fn pair() -> FecPair {
        build(&Ulpfec::default()).video().unwrap()
    }

    proptest! {
        #[test]
        fn recovers_in_bytes_what_it_recovers_by_numbers(case in cases()) {
            numbers_and_bytes_agree(pair(), &case);
        }

        #[test]
        fn reads_anything(payload in proptest::collection::vec(any::<u8>(), 0..60), around in any::<u64>()) {
            any_bytes_can_be_read(pair(), &payload, around);
        }
    }
}
