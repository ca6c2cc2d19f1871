//! The text form of one packet, `42`, or of a range of packets, `10-19`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const EXPECTED: &str = "a packet such as `42` or a range such as `10-19`";

/// Packets by their numbers, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PacketRange {
    first: u64,
    last: u64,
}

impl PacketRange {
    /// The packets from `first` to `last`; `None` when `last` comes first.
    #[must_use]
    pub fn new(first: u64, last: u64) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    /// The first packet.
    #[must_use]
    pub const fn first(self) -> u64 {
        self.first
    }

    /// The last packet.
    #[must_use]
    pub const fn last(self) -> u64 {
        self.last
    }
}

impl FromStr for PacketRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let number = |text: &str| {
            let digits = text.bytes().all(|b| b.is_ascii_digit());
            text.parse::<u64>().ok().filter(|_| digits)
        };
        let (Some(first), Some(last)) = (number(first), number(last)) else {
            return Err(format!("expected {EXPECTED}, found `{text}`"));
        };
        Self::new(first, last).ok_or_else(|| format!("expected a range upwards, found `{text}`"))
    }
}

impl fmt::Display for PacketRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

impl Serialize for PacketRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.first == self.last {
            serializer.serialize_u64(self.first)
        } else {
            serializer.collect_str(self)
        }
    }
}

impl<'de> Deserialize<'de> for PacketRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = PacketRange;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<PacketRange, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<PacketRange, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<PacketRange, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_f64<E: Error>(self, number: f64) -> Result<PacketRange, E> {
                self.visit_str(&number.to_string())
            }
        }
        deserializer.deserialize_any(Text)
    }
}

impl JsonSchema for PacketRange {
    fn schema_name() -> Cow<'static, str> {
        "PacketRange".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["integer", "string"],
            "pattern": "^[0-9]+(-[0-9]+)?$",
            "minimum": 0,
            "description": EXPECTED
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn says_what_is_wrong() {
        let error = |text: &str| text.parse::<PacketRange>().unwrap_err();
        assert_eq!(error("5-3"), "expected a range upwards, found `5-3`");
        for text in ["", "-", "-1", "1-", "a", "1-2-3", "+1", "1.5", "1 - 2"] {
            assert_eq!(error(text), format!("expected {EXPECTED}, found `{text}`"));
        }
    }

    proptest! {
        #[test]
        fn print_then_parse_is_identity(a in any::<u64>(), b in any::<u64>()) {
            for range in [PacketRange::new(a.min(b), a.max(b)), PacketRange::new(a, a)] {
                let range = range.unwrap();
                prop_assert_eq!(range.to_string().parse(), Ok(range));
                let json = serde_json::to_string(&range).unwrap();
                prop_assert_eq!(serde_json::from_str::<PacketRange>(&json).unwrap(), range);
            }
        }
    }
}
