//! How much faster a clock runs than another: `50ppm`, `-20ppm`.

use std::fmt;
use std::str::FromStr;

use crate::quantity::{self, QuantityError, Unit};

const EXPECTED: &str = "a clock drift such as `50ppm` or `-20ppm`";
const UNITS: &[Unit] = &[("ppm", 1_000), ("ppb", 1)];
/// A tenth: no clock is that bad.
const MOST_PPB: u64 = 100_000_000;

/// The relative error of a clock's rate, in parts per billion; above zero: fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ClockDrift(i64);

impl ClockDrift {
    /// None.
    pub const ZERO: Self = Self(0);

    /// Parts per billion.
    #[must_use]
    pub const fn ppb(self) -> i64 {
        self.0
    }
}

impl FromStr for ClockDrift {
    type Err = QuantityError;
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let (sign, size) = match text.strip_prefix('-') {
            Some(size) => (-1, size),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        // A plain number is one of ppm.
        let plain = size.ends_with(|c: char| c.is_ascii_digit());
        let with_unit = if plain {
            format!("{size}ppm")
        } else {
            size.to_owned()
        };
        let ppb = quantity::parse(&with_unit, UNITS, EXPECTED, "ppb")?;
        if ppb > MOST_PPB {
            return Err(QuantityError::Range {
                found: text.to_owned(),
                base: "ppb up to 100000ppm",
            });
        }
        Ok(Self(sign * ppb.cast_signed()))
    }
}

impl fmt::Display for ClockDrift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            f.write_str("-")?;
        }
        if self.0 == 0 {
            return f.write_str("0ppm");
        }
        quantity::print(f, self.0.unsigned_abs(), UNITS)
    }
}

impl serde::Serialize for ClockDrift {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for ClockDrift {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = ClockDrift;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ClockDrift, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<ClockDrift, E> {
                number.to_string().parse().map_err(E::custom)
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<ClockDrift, E> {
                number.to_string().parse().map_err(E::custom)
            }
            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<ClockDrift, E> {
                number.to_string().parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl schemars::JsonSchema for ClockDrift {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ClockDrift".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "anyOf": [
            { "type": "number" },
            { "type": "string", "pattern": r"^[+-]?\d+(\.\d+)?(ppm|ppb)?$", "description": EXPECTED }
        ] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn signs_units_and_plain_numbers() {
        for (text, ppb) in [
            ("50ppm", 50_000),
            ("-20ppm", -20_000),
            ("+0.5ppm", 500),
            ("50", 50_000),
            ("-1.25", -1_250),
            ("7ppb", 7),
            ("0ppm", 0),
        ] {
            assert_eq!(text.parse::<ClockDrift>().unwrap().ppb(), ppb, "{text}");
        }
        assert_eq!(ClockDrift(-50_500).to_string(), "-50.5ppm");
        for text in ["", "-", "50pm", "--5ppm", "200000ppm", "ppm", "1e3"] {
            assert!(text.parse::<ClockDrift>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn print_then_parse_is_identity(ppb in -100_000_000i64..=100_000_000) {
            let drift = ClockDrift(ppb);
            prop_assert_eq!(drift.to_string().parse::<ClockDrift>().unwrap(), drift);
        }
    }
}
