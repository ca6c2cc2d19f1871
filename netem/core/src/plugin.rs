//! Plug-ins: everything that researchers vary has a kind and a name.
//!
//! The configuration struct of a plug-in is its factory. It deserialises from
//! the scenario file (unknown fields refused), documents itself through its
//! JSON Schema, and [`Plugin::build`] turns it into the running thing.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::{Arc, Mutex, PoisonError};

use crate::rng::Streams;
use crate::time::Time;

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

    /// The same a piece at a time, for files that no memory holds.
    ///
    /// # Errors
    /// A message that says where it was looked for.
    fn open(&self, name: &str) -> Result<Box<dyn Read + '_>, String> {
        Ok(Box::new(Cursor::new(self.read(name)?)))
    }
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

/// What a file was parsed for: its name, the options, the horizon, the type.
type Purpose = (String, String, Time, TypeId);

/// Files of the scenario, each parsed at most once per process and purpose.
pub struct Assets {
    files: Arc<dyn ReadFile>,
    parsed: Arc<Mutex<BTreeMap<Purpose, Parsed>>>,
    horizon: Time,
}

impl Assets {
    /// Assets read through `files`, for runs without an end.
    pub fn new(files: impl ReadFile + 'static) -> Self {
        Self {
            files: Arc::new(files),
            parsed: Arc::default(),
            horizon: Time::MAX,
        }
    }

    /// The same files for a run that ends at `horizon`: nothing of a file that
    /// speaks of later times needs to be kept.
    #[must_use]
    pub fn until(&self, horizon: Time) -> Self {
        Self {
            files: Arc::clone(&self.files),
            parsed: Arc::clone(&self.parsed),
            horizon,
        }
    }

    /// The end of the run; [`Time::MAX`] when it has none.
    #[must_use]
    pub const fn horizon(&self) -> Time {
        self.horizon
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
        self.cached(name, "", Time::MAX, |files| {
            let bytes = files.read(name)?;
            parse(&bytes).map_err(|e| format!("`{name}`: {e}"))
        })
    }

    /// The file `name` as `parse` understands it while reading it, which need
    /// not go beyond the horizon. Cached by name, options, horizon and type.
    ///
    /// # Errors
    /// The reader's or the parser's message, the latter after the file's name.
    pub fn stream<T: Any + Send + Sync>(
        &self,
        name: &str,
        options: &str,
        parse: impl FnOnce(&mut dyn Read) -> Result<T, String>,
    ) -> Result<Arc<T>, String> {
        self.cached(name, options, self.horizon, |files| {
            let mut input = files.open(name)?;
            parse(&mut input).map_err(|e| format!("`{name}`: {e}"))
        })
    }

    fn cached<T: Any + Send + Sync>(
        &self,
        name: &str,
        options: &str,
        horizon: Time,
        make: impl FnOnce(&dyn ReadFile) -> Result<T, String>,
    ) -> Result<Arc<T>, String> {
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        let purpose = (
            name.to_owned(),
            options.to_owned(),
            horizon,
            TypeId::of::<T>(),
        );
        let entry = parsed.entry(purpose).or_insert_with(|| {
            make(&*self.files).map(|value| Arc::new(value) as Arc<dyn Any + Send + Sync>)
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
