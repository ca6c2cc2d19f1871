//! From the tree to serde types, with the exact place of every error.
//!
//! Unknown keys do not end the reading: all of a text are reported together,
//! along with the first error of another sort.

use std::cell::RefCell;
use std::fmt;

use serde::de::{self, DeserializeOwned, IntoDeserializer as _, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::error::{Diagnostic, Diagnostics, Place};
use super::tree::{Entry, Meaning, Node, Value};

/// Reads a value of type `T`.
///
/// # Errors
/// All unknown keys, and the first value that does not fit.
pub fn read<T: DeserializeOwned>(node: &Node) -> Result<T, Diagnostics> {
    let unknown = RefCell::new(Vec::new());
    let result = T::deserialize(Reader {
        node,
        unknown: &unknown,
    });
    let mut diagnostics = unknown.into_inner();
    match result {
        Ok(value) if diagnostics.is_empty() => return Ok(value),
        Ok(_) => {}
        Err(error) => diagnostics.push(error.at(node.place()).0),
    }
    Err(Diagnostics(diagnostics))
}

/// An error on its way up; the innermost place wins.
#[derive(Debug)]
struct Error(Diagnostic);

impl Error {
    fn at(mut self, place: &Place) -> Self {
        self.0.place.get_or_insert_with(|| place.clone());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Diagnostic::bare(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let found = match found {
            Unexpected::Bool(value) => format!("`{value}`"),
            Unexpected::Unsigned(value) => format!("`{value}`"),
            Unexpected::Signed(value) => format!("`{value}`"),
            Unexpected::Float(value) => format!("`{value}`"),
            Unexpected::Str(value) => quoted(value),
            Unexpected::Unit => "nothing".to_owned(),
            Unexpected::Seq => "a list".to_owned(),
            Unexpected::Map => "a map".to_owned(),
            other => other.to_string(),
        };
        Self(Diagnostic::bare(format!(
            "expected {expected}, found {found}"
        )))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn missing_field(field: &'static str) -> Self {
        Self(Diagnostic::bare(format!("`{field}:` is missing")))
    }
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    node: &'a Node,
    unknown: &'a RefCell<Vec<Diagnostic>>,
}

impl<'a> Reader<'a> {
    const fn with(self, node: &'a Node) -> Self {
        Self { node, ..self }
    }

    fn any<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Scalar(scalar) => match scalar.meaning() {
                Meaning::Null => visitor.visit_unit(),
                Meaning::Bool(value) => visitor.visit_bool(value),
                Meaning::Unsigned(value) => visitor.visit_u64(value),
                Meaning::Signed(value) => visitor.visit_i64(value),
                Meaning::Float(value) => visitor.visit_f64(value),
                Meaning::Text(text) => visitor.visit_str(text),
            },
            Value::List(items) => visitor.visit_seq(Items {
                rest: items.iter(),
                reader: self,
            }),
            Value::Map(entries) => visitor.visit_map(Pairs {
                rest: entries.iter(),
                value: None,
                reader: self,
            }),
        }
    }

    fn place<T>(self, result: Result<T, Error>) -> Result<T, Error> {
        result.map_err(|error| error.at(self.node.place()))
    }
}

impl<'de> de::Deserializer<'de> for Reader<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.place(self.any(visitor))
    }

    /// Text is taken as written even when it looks like a number.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.text() {
            Some(text) if !self.node.is_null() => self.place(visitor.visit_str(text)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.node.is_null() {
            visitor.visit_none()
        } else {
            self.place(visitor.visit_some(self))
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.place(visitor.visit_newtype_struct(self))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let Value::Map(entries) = &self.node.value else {
            let found = if self.node.is_null() {
                "nothing".to_owned()
            } else {
                describe(self.node)
            };
            let message = format!(
                "expected a map with any of {}, found {found}",
                fields.join(", ")
            );
            return self.place(Err(Error(Diagnostic::bare(message))));
        };
        let known: Vec<&Entry> = entries
            .iter()
            .filter(|entry| {
                let known = fields.contains(&entry.key.name.as_str());
                if !known {
                    let unknown = Diagnostic::unknown(
                        &entry.key.place,
                        "key",
                        &entry.key.name,
                        fields.iter().copied(),
                    );
                    self.unknown.borrow_mut().push(unknown);
                }
                known
            })
            .collect();
        self.place(visitor.visit_map(Pairs {
            rest: known.into_iter(),
            value: None,
            reader: self,
        }))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let (name, place, content) = match &self.node.value {
            Value::Scalar(scalar) => (scalar.text.as_str(), self.node.place(), None),
            Value::Map(entries) if entries.len() == 1 => (
                entries[0].key.name.as_str(),
                &entries[0].key.place,
                Some(&entries[0].value),
            ),
            _ => {
                let message = format!(
                    "expected one of {}, found {}",
                    variants.join(", "),
                    describe(self.node)
                );
                return self.place(Err(Error(Diagnostic::bare(message))));
            }
        };
        if !variants.contains(&name) {
            return Err(Error(Diagnostic::unknown(
                place,
                "word",
                name,
                variants.iter().copied(),
            )));
        }
        self.place(visitor.visit_enum(Variant {
            name,
            content,
            reader: self,
        }))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf
        unit unit_struct seq tuple tuple_struct map identifier
    }
}

/// A node for people.
#[must_use]
pub fn describe(node: &Node) -> String {
    match &node.value {
        Value::Scalar(_) if node.is_null() => "nothing".to_owned(),
        Value::Scalar(scalar) => quoted(&scalar.text),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a map".to_owned(),
    }
}

/// A text in a message, or its beginning: a file that is no scenario can be one
/// long text.
fn quoted(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("`{}...`", &text[..end]),
        None => format!("`{text}`"),
    }
}

struct Items<'a> {
    rest: std::slice::Iter<'a, Node>,
    reader: Reader<'a>,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some(node) = self.rest.next() else {
            return Ok(None);
        };
        seed.deserialize(self.reader.with(node))
            .map(Some)
            .map_err(|error| error.at(node.place()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

struct Pairs<'a, I> {
    rest: I,
    value: Option<&'a Node>,
    reader: Reader<'a>,
}

impl<'de, 'a, I: Iterator<Item = &'a Entry>> de::MapAccess<'de> for Pairs<'a, I> {
    type Error = Error;

    fn next_key_seed<T: de::DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some(entry) = self.rest.next() else {
            return Ok(None);
        };
        self.value = Some(&entry.value);
        let key = entry.key.name.as_str().into_deserializer();
        seed.deserialize(key)
            .map(Some)
            .map_err(|error: Error| error.at(&entry.key.place))
    }

    fn next_value_seed<T: de::DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        let node = self.value.take().unwrap_or(self.reader.node);
        seed.deserialize(self.reader.with(node))
            .map_err(|error| error.at(node.place()))
    }
}

struct Variant<'a> {
    name: &'a str,
    content: Option<&'a Node>,
    reader: Reader<'a>,
}

impl<'a> Variant<'a> {
    fn content(&self) -> Result<Reader<'a>, Error> {
        let node = self
            .content
            .ok_or_else(|| Error(Diagnostic::bare(format!("`{}` needs a value", self.name))))?;
        Ok(self.reader.with(node))
    }
}

impl<'de> de::EnumAccess<'de> for Variant<'_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Error> {
        let name: Result<T::Value, Error> = seed.deserialize(self.name.into_deserializer());
        Ok((name?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.content {
            Some(node) if !node.is_null() => Err(Error(Diagnostic::new(
                node.place(),
                format!("`{}` takes no value", self.name),
            ))),
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.content()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_seq(self.content()?, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_struct(self.content()?, "", fields, visitor)
    }
}
