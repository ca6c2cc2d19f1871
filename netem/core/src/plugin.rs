//! Plug-ins: everything that researchers vary has a kind and a name.
//!
//! The configuration struct of a plug-in is its factory. It deserialises from
//! the scenario file (unknown fields refused), documents itself through its
//! JSON Schema, and [`Plugin::build`] turns it into the running thing.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::rng::Streams;

/// A family of plug-ins that can stand in for each other.
pub trait Kind: 'static {
    /// What building such a plug-in yields, a boxed trait object as a rule.
    type Product;
    /// The name of the kind, as in `weaknet list plugins`.
    const NAME: &'static str;
    /// One sentence for people.
    const ABOUT: &'static str;
    /// The plug-in that a bare quantity configures, as in `loss: 2%`.
    const SHORTHAND: Option<&'static str> = None;
}

/// A plug-in: a configuration that can be built.
pub trait Plugin:
    Clone
    + Default
    + serde::Serialize
    + serde::de::DeserializeOwned
    + schemars::JsonSchema
    + Send
    + Sync
    + 'static
{
    /// The family that it belongs to.
    type Kind: Kind;
    /// The name in scenario files, in snake case.
    const NAME: &'static str;
    /// One sentence for people.
    const SUMMARY: &'static str;
    /// What it follows: RFC, draft, source and date.
    const REFERENCES: &'static [&'static str];

    /// Builds the running thing.
    ///
    /// # Errors
    /// When the parameters make no sense together or a file is unusable.
    fn build(&self, cx: &BuildContext<'_>) -> Result<<Self::Kind as Kind>::Product, BuildError>;
}

/// Why a plug-in could not be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BuildError {
    /// The parameter at fault, when it is one, as a path of keys.
    pub field: Option<String>,
    /// What is wrong and what was expected.
    pub message: String,
}

impl BuildError {
    /// An error of the plug-in as a whole.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            field: None,
            message: message.into(),
        }
    }
    /// An error of one parameter.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: Some(field.into()),
            message: message.into(),
        }
    }
}

/// What a plug-in may use while it is built.
#[derive(Clone, Copy)]
pub struct BuildContext<'a> {
    /// Where in the run the product will live, for example `forward/loss`.
    pub path: &'a str,
    /// The run's random streams.
    pub streams: &'a Streams,
    /// Trace files and what has been made of them.
    pub assets: &'a Assets,
}

impl<'a> BuildContext<'a> {
    /// The same context for a component of this one.
    #[must_use]
    pub const fn at(&self, path: &'a str) -> Self {
        Self { path, ..*self }
    }
}

/// Reads a file by the name that the scenario gives it.
pub trait ReadFile: Send + Sync {
    /// The file's bytes.
    ///
    /// # Errors
    /// A message that says where it was looked for.
    fn read(&self, name: &str) -> Result<Vec<u8>, String>;
}

/// No files at all.
impl ReadFile for () {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        Err(format!(
            "`{name}` cannot be read here: no folder of traces is known"
        ))
    }
}

type Parsed = Result<Arc<dyn Any + Send + Sync>, String>;

/// Files of the scenario, each parsed at most once per process and purpose.
pub struct Assets {
    files: Box<dyn ReadFile>,
    parsed: Mutex<BTreeMap<(String, TypeId), Parsed>>,
}

impl Assets {
    /// Assets read through `files`.
    pub fn new(files: impl ReadFile + 'static) -> Self {
        Self {
            files: Box::new(files),
            parsed: Mutex::default(),
        }
    }

    /// The file `name` as `parse` understands it. Cached by name and type.
    ///
    /// # Errors
    /// The reader's or the parser's message, the latter after the file's name.
    pub fn get<T: Any + Send + Sync>(
        &self,
        name: &str,
        parse: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Result<Arc<T>, String> {
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = parsed
            .entry((name.to_owned(), TypeId::of::<T>()))
            .or_insert_with(|| {
                let bytes = self.files.read(name)?;
                let value = parse(&bytes).map_err(|e| format!("`{name}`: {e}"))?;
                Ok(Arc::new(value) as Arc<dyn Any + Send + Sync>)
            });
        match entry {
            Ok(value) => Arc::clone(value)
                .downcast::<T>()
                .map_err(|_| format!("`{name}` has two meanings")),
            Err(message) => Err(message.clone()),
        }
    }
}

impl Default for Assets {
    fn default() -> Self {
        Self::new(())
    }
}
