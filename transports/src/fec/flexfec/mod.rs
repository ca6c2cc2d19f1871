//! Flexible FEC: parity packets in a stream of their own.
//!
//! Implements: RFC 8627 with flexible masks, or the draft -03 as in libwebrtc's
//! `FlexfecSender` (2026-07), which makes the same repair packets as for ULPFEC.
//! Headers have 12, 16 or 24 bytes, in the draft 20, 24 or 32, by the span of the
//! mask. See `xor` for masks and generator.

mod layout;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin};

pub use self::layout::FlexfecVersion;
use super::xor::{Generator, MaskFamily, Peeler, Reach, XorCodec};
use super::{Fec, FecPair, Scheme};

/// Parity in a stream of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Flexfec {
    /// Which header repair packets have; default `draft03`, as in libwebrtc.
    pub version: FlexfecVersion,
    /// What losses the masks are made for; default: as the protection control
    /// says (libwebrtc's says independent ones).
    pub masks: MaskFamily,
}

impl Plugin for Flexfec {
    type Kind = Fec;
    const NAME: &'static str = "flexfec";
    const SUMMARY: &'static str = "XOR of packets as in ulpfec, in a stream of its own";
    const REFERENCES: &'static [&'static str] = &[
        "RFC 8627",
        "draft-ietf-payload-flexible-fec-scheme-03",
        "libwebrtc modules/rtp_rtcp/source/flexfec_sender.cc, July 2026",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Scheme, BuildError> {
        let header: fn(&[u64]) -> u16 = match self.version {
            FlexfecVersion::Rfc8627 => |protects| FlexfecVersion::Rfc8627.header(protects),
            FlexfecVersion::Draft03 => |protects| FlexfecVersion::Draft03.header(protects),
        };
        let span = self.version.span();
        let reach = Reach {
            span,
            header,
            media_header: 0,
        };
        Ok(Scheme::Video(FecPair {
            encoder: Box::new(Generator::new(reach, self.masks)),
            decoder: Box::new(Peeler::new(span as usize)),
            codec: Some(Box::new(XorCodec(self.version))),
        }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fec::test_support::build;
    use crate::fec::xor::testing::{any_bytes_can_be_read, cases, numbers_and_bytes_agree};

    fn pair(version: FlexfecVersion) -> FecPair {
        let config = Flexfec {
            version,
            ..Flexfec::default()
        };
        build(&config).video().unwrap()
    }

    fn versions() -> impl Strategy<Value = FlexfecVersion> {
        prop_oneof![Just(FlexfecVersion::Rfc8627), Just(FlexfecVersion::Draft03)]
    }

    proptest! {
        #[test]
        fn recovers_in_bytes_what_it_recovers_by_numbers(version in versions(), case in cases()) {
            numbers_and_bytes_agree(pair(version), &case);
        }

        #[test]
        fn reads_anything(version in versions(), payload in proptest::collection::vec(any::<u8>(), 0..60), around in any::<u64>()) {
            any_bytes_can_be_read(pair(version), &payload, around);
        }
    }
}
