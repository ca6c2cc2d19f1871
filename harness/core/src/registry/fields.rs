//! The declared field names of a configuration struct, in order.
//!
//! A derived `Deserialize` hands them to the deserialiser before it asks for
//! any value; this deserialiser notes them and gives up.

use serde::de::value::Error;
use serde::de::{Deserializer, Error as _, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

/// The field names of `T`; `None` when it is no struct with named fields.
pub(super) fn of<'de, T: Deserialize<'de>>() -> Option<&'static [&'static str]> {
    let mut found = None;
    // Always an error: the fields are all that is asked for.
    let _ = T::deserialize(Probe(&mut found));
    found
}

struct Probe<'a>(&'a mut Option<&'static [&'static str]>);

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("no value"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = Some(fields);
        Err(Error::custom("no value"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    #[derive(serde::Deserialize)]
    #[allow(dead_code)]
    struct Named {
        zeta: u8,
        alpha: u8,
    }
    #[derive(serde::Deserialize)]
    #[allow(dead_code)]
    struct Wrapper(u8);

    #[test]
    fn fields_come_in_order_of_declaration() {
        assert_eq!(super::of::<Named>(), Some(&["zeta", "alpha"][..]));
        assert_eq!(super::of::<Wrapper>(), None);
    }
}
