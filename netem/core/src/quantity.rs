//! Exact decimal quantities: `2.5Mbps`, `30ms`, `64kB`, `5%`.
//!
//! A quantity is a non-negative decimal number directly followed by its unit.
//! Parsing never goes through floating point: a text either denotes a whole
//! number of base units or is refused. Printing chooses the largest unit that
//! needs at most three decimals, so that `parse(print(x)) == x` always holds.

use std::fmt;

/// One unit of a quantity: its suffix and its size in base units.
pub(crate) type Unit = (&'static str, u64);

/// Why a text is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// The text is not a number followed by a known unit.
    #[error("expected {expected}, found `{found}`")]
    Malformed {
        /// What the place asks for, with an example.
        expected: &'static str,
        /// The text as written.
        found: String,
    },
    /// The unit is not one of this quantity's.
    #[error("unknown unit `{unit}`: expected {expected}{}", hint(.nearest))]
    Unit {
        /// What the place asks for, with an example.
        expected: &'static str,
        /// The unit as written.
        unit: String,
        /// The known unit closest to it.
        nearest: Option<&'static str>,
    },
    /// The number has no unit.
    #[error("`{found}` has no unit: expected {expected}")]
    NoUnit {
        /// What the place asks for, with an example.
        expected: &'static str,
        /// The text as written.
        found: String,
    },
    /// The number is below zero.
    #[error("`{found}` is negative: expected {expected}")]
    Negative {
        /// What the place asks for, with an example.
        expected: &'static str,
        /// The text as written.
        found: String,
    },
    /// The number is finer than the base unit or too large.
    #[error("`{found}` is not a whole number of {base} or is out of range")]
    Range {
        /// The text as written.
        found: String,
        /// The name of the base unit.
        base: &'static str,
    },
}

fn hint(nearest: &Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |n| format!(" (did you mean `{n}`?)"))
}

/// Parses `text` as a number of base units.
///
/// # Errors
/// See [`QuantityError`].
pub(crate) fn parse(
    text: &str,
    units: &[Unit],
    expected: &'static str,
    base: &'static str,
) -> Result<u64, QuantityError> {
    let malformed = || QuantityError::Malformed {
        expected,
        found: text.to_owned(),
    };
    let range = || QuantityError::Range {
        found: text.to_owned(),
        base,
    };
    let (negative, body) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let end = body
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(body.len());
    let (number, unit) = body.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.contains('.') || (number.contains('.') && fraction.is_empty()) {
        return Err(malformed());
    }
    if negative {
        return Err(QuantityError::Negative {
            expected,
            found: text.to_owned(),
        });
    }
    if unit.is_empty() {
        return Err(QuantityError::NoUnit {
            expected,
            found: text.to_owned(),
        });
    }
    let Some(&(_, scale)) = units.iter().find(|(name, _)| *name == unit) else {
        let unit = unit.trim_start();
        return Err(QuantityError::Unit {
            expected,
            unit: unit.to_owned(),
            nearest: crate::text::nearest(unit, units.iter().map(|(name, _)| *name)),
        });
    };
    let mut total = whole
        .parse::<u64>()
        .ok()
        .and_then(|w| w.checked_mul(scale))
        .ok_or_else(range)?;
    let mut place = scale;
    for digit in fraction.bytes().map(|b| u64::from(b - b'0')) {
        if !place.is_multiple_of(10) {
            if digit == 0 {
                continue;
            }
            return Err(range());
        }
        place /= 10;
        total = total.checked_add(digit * place).ok_or_else(range)?;
    }
    Ok(total)
}

/// Prints a number of base units in the largest unit that needs at most three
/// decimals, or exactly in the smallest.
///
/// # Errors
/// Only those of the formatter.
pub(crate) fn print(f: &mut fmt::Formatter<'_>, value: u64, units: &[Unit]) -> fmt::Result {
    let mut text = String::new();
    let smallest = units
        .iter()
        .min_by_key(|(_, scale)| *scale)
        .copied()
        .unwrap_or(("", 1));
    let mut sorted: Vec<Unit> = units.to_vec();
    sorted.sort_by_key(|(_, scale)| std::cmp::Reverse(*scale));
    for (name, scale) in sorted {
        // Minutes and hours have no decimal fractions: whole numbers only.
        let step = if scale.is_multiple_of(1000) && !name.ends_with("min") && name != "h" {
            scale / 1000
        } else {
            scale
        };
        if value >= scale && value.is_multiple_of(step) {
            text = format!("{}{}", value / scale, decimals(value % scale, scale));
            text.push_str(name);
            break;
        }
    }
    if text.is_empty() {
        let (name, scale) = smallest;
        text = format!("{}{}{name}", value / scale, decimals(value % scale, scale));
    }
    f.pad(&text)
}

fn decimals(rest: u64, scale: u64) -> String {
    if rest == 0 {
        return String::new();
    }
    let mut out = String::from(".");
    let (mut rest, mut place) = (rest, scale);
    while rest != 0 {
        place /= 10;
        out.push(char::from(b'0' + u8::try_from(rest / place).unwrap_or(0)));
        rest %= place;
    }
    out
}

/// Declares a newtype over a whole number of base units, with exact parsing,
/// printing, serde as text and a JSON Schema pattern.
macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $base:literal, $expected:literal, $pattern:literal, [$(($unit:literal, $scale:expr)),+ $(,)?]) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub(crate) u64);

        impl $name {
            /// Zero.
            pub const ZERO: Self = Self(0);
            /// The largest value.
            pub const MAX: Self = Self(u64::MAX);
            const UNITS: &'static [$crate::quantity::Unit] = &[$(($unit, $scale)),+];
        }

        impl std::str::FromStr for $name {
            type Err = $crate::quantity::QuantityError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::quantity::parse(text, Self::UNITS, $expected, $base).map(Self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::quantity::print(f, self.0, Self::UNITS)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl serde::de::Visitor<'_> for Visitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($expected)
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<$name, E> {
                        number.to_string().parse().map_err(E::custom)
                    }
                    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<$name, E> {
                        number.to_string().parse().map_err(E::custom)
                    }
                    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<$name, E> {
                        number.to_string().parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_any(Visitor)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern, "description": $expected })
            }
        }
    };
}
pub(crate) use quantity;
