//! The text form of a queue's limit: `300ms`, `64kB` or `333packets`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use weaknet_core::text::nearest;
use weaknet_core::{Bitrate, BuildError, Bytes, Span};

use crate::model::Limit;

const EXPECTED: &str = "a limit such as `300ms`, `64kB` or `333packets`";
const UNITS: [&str; 11] = [
    "ns", "us", "ms", "s", "min", "h", "B", "kB", "MB", "GB", "packets",
];

/// How much may wait. The packet in service does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueLimit {
    /// The time that the waiting bytes take at the link's rate.
    Time(Span),
    /// Waiting bytes.
    Bytes(Bytes),
    /// Waiting packets.
    Packets(u64),
}

impl QueueLimit {
    /// The limit with its time, if it is one, counted at the rate `at`; that of
    /// the link when absent.
    ///
    /// # Errors
    /// When the limit is no time and `at` is given, or `at` is zero.
    pub(super) fn at(self, at: Option<Bitrate>) -> Result<Limit, BuildError> {
        match (self, at) {
            (Self::Time(_), Some(Bitrate::ZERO)) => {
                Err(BuildError::field("at", "expected a rate above 0bps"))
            }
            (Self::Time(span), at) => Ok(Limit::Time(span, at)),
            (_, Some(_)) => Err(BuildError::field(
                "at",
                format!("only a limit in time has a rate, `{self}` is none"),
            )),
            (limit, None) => Ok(limit.into()),
        }
    }
}

impl From<QueueLimit> for Limit {
    fn from(limit: QueueLimit) -> Self {
        match limit {
            QueueLimit::Time(span) => Self::Time(span, None),
            QueueLimit::Bytes(bytes) => Self::Bytes(bytes.get()),
            QueueLimit::Packets(packets) => Self::Packets(packets),
        }
    }
}

impl FromStr for QueueLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
        match unit {
            "packets" => {
                let number = &text[..text.len() - unit.len()];
                number
                    .parse()
                    .map(Self::Packets)
                    .map_err(|_| format!("`{number}` is not a whole number of packets"))
            }
            "ns" | "us" | "ms" | "s" | "min" | "h" => {
                text.parse().map(Self::Time).map_err(|e| e.to_string())
            }
            "B" | "kB" | "MB" | "GB" => text.parse().map(Self::Bytes).map_err(|e| e.to_string()),
            "" => Err(format!("`{text}` has no unit: expected {EXPECTED}")),
            _ => {
                let hint = nearest(unit, UNITS)
                    .map_or_else(String::new, |unit| format!(" (did you mean `{unit}`?)"));
                Err(format!("unknown unit `{unit}`: expected {EXPECTED}{hint}"))
            }
        }
    }
}

impl fmt::Display for QueueLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(span) => span.fmt(f),
            Self::Bytes(bytes) => bytes.fmt(f),
            Self::Packets(packets) => write!(f, "{packets}packets"),
        }
    }
}

impl Serialize for QueueLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for QueueLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = QueueLimit;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<QueueLimit, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<QueueLimit, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<QueueLimit, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<QueueLimit, E> {
                self.visit_str(&number.to_string())
            }
        }
        deserializer.deserialize_any(Text)
    }
}

impl JsonSchema for QueueLimit {
    fn schema_name() -> Cow<'static, str> {
        "QueueLimit".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^([0-9]+(\.[0-9]+)?(ns|us|ms|s|min|h|B|kB|MB|GB)|[0-9]+packets)$",
            "description": EXPECTED
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_the_three_forms() {
        assert_eq!(
            "300ms".parse(),
            Ok(QueueLimit::Time(Span::from_millis(300)))
        );
        assert_eq!("64kB".parse(), Ok(QueueLimit::Bytes(Bytes::new(64_000))));
        assert_eq!("333packets".parse(), Ok(QueueLimit::Packets(333)));
    }

    #[test]
    fn says_what_is_wrong() {
        let error = |text: &str| text.parse::<QueueLimit>().unwrap_err();
        assert_eq!(
            error("300"),
            format!("`300` has no unit: expected {EXPECTED}")
        );
        assert_eq!(
            error("333packet"),
            format!("unknown unit `packet`: expected {EXPECTED} (did you mean `packets`?)")
        );
        assert_eq!(
            error("1.5packets"),
            "`1.5` is not a whole number of packets"
        );
        assert!(error("-3ms").contains("negative"));
        assert!(error("packets").contains("not a whole number"));
        assert!(error("3Mbps").starts_with("unknown unit `Mbps`"));
    }

    proptest! {
        #[test]
        fn print_then_parse_is_identity(n in any::<u64>(), form in 0..3) {
            let limit = match form {
                0 => QueueLimit::Time(Span::from_nanos(n)),
                1 => QueueLimit::Bytes(Bytes::new(n)),
                _ => QueueLimit::Packets(n),
            };
            prop_assert_eq!(limit.to_string().parse(), Ok(limit));
        }
        #[test]
        fn any_text_is_refused_politely(text in ".{0,12}") {
            let _ = text.parse::<QueueLimit>();
        }
    }
}
