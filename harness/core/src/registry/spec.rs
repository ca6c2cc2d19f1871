//! A plug-in as a scenario chose it: name, configuration and how to build it.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use weaknet_core::{BuildContext, BuildError, Kind, Plugin};

use crate::scenario::error::{Diagnostic, Place};
use crate::scenario::tree::Node;

type Build<K> =
    Box<dyn Fn(&BuildContext<'_>) -> Result<<K as Kind>::Product, BuildError> + Send + Sync>;

/// A plug-in of kind `K` with its configuration, ready to be built as often as
/// there are runs.
pub struct Spec<K: Kind>(Arc<Chosen<K>>);

struct Chosen<K: Kind> {
    name: &'static str,
    config: Value,
    written: Option<Written>,
    build: Build<K>,
}

/// Where a choice stands in a file.
pub(super) struct Written {
    pub(super) place: Place,
    /// The configuration, to find the place of one parameter.
    pub(super) config: Option<Node>,
}

impl<K: Kind> Spec<K> {
    /// A plug-in that no file speaks of.
    ///
    /// # Errors
    /// When the configuration cannot be written as JSON.
    pub fn of<P: Plugin<Kind = K>>(config: P) -> Result<Self, serde_json::Error> {
        Self::new(config, None)
    }

    pub(super) fn new<P: Plugin<Kind = K>>(
        config: P,
        written: Option<Written>,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self(Arc::new(Chosen {
            name: P::NAME,
            config: serde_json::to_value(&config)?,
            written,
            build: Box::new(move |cx| config.build(cx)),
        })))
    }

    /// The plug-in's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// Its configuration, defaults filled in.
    #[must_use]
    pub fn config(&self) -> &Value {
        &self.0.config
    }

    /// `{name: configuration}`, the same however the file spells it.
    #[must_use]
    pub fn canonical(&self) -> Value {
        Value::Object(std::iter::once((self.0.name.to_owned(), self.0.config.clone())).collect())
    }

    /// Where it was chosen; `None` for defaults.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.0.written.as_ref().map(|written| &written.place)
    }

    /// Builds the running thing.
    ///
    /// # Errors
    /// When the parameters make no sense together or a file is unusable.
    pub fn build(&self, cx: &BuildContext<'_>) -> Result<K::Product, BuildError> {
        (self.0.build)(cx)
    }

    /// Points at the parameter at fault, or at the plug-in.
    #[must_use]
    pub fn diagnose(&self, error: &BuildError) -> Diagnostic {
        let config = self
            .0
            .written
            .as_ref()
            .and_then(|written| written.config.as_ref());
        let mut field = error.field.as_deref();
        let mut parameter = None;
        // The parameter itself, or the innermost map around it that is written.
        while let (Some(path), Some(config), None) = (field, config, parameter) {
            parameter = config.find(path);
            field = path.rsplit_once('.').map(|(above, _)| above);
        }
        let message = match &error.field {
            Some(field) => format!("{} `{}`: {field}: {}", K::NAME, self.0.name, error.message),
            None => format!("{} `{}`: {}", K::NAME, self.0.name, error.message),
        };
        match parameter.map(Node::place).or_else(|| self.place()) {
            Some(place) => Diagnostic::new(place, message),
            None => Diagnostic::bare(message),
        }
    }
}

impl<K: Kind> Clone for Spec<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Kind> fmt::Debug for Spec<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", K::NAME, self.0.name, self.0.config)
    }
}
