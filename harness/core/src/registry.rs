//! The plug-ins that scenarios can choose: one explicit, sorted list.
//!
//! In a scenario a plug-in is its name (`gcc`), a map from its name to its
//! configuration (`gcc: {..}`), or, for kinds that have a shorthand, a bare
//! quantity (`loss: 2%`). A configuration that is not a map stands for the
//! first field of the shorthand plug-in, or for the only field of any other.

mod adapters;
mod builtin;
mod fields;
mod spec;

use std::any::Any;

use schemars::{Schema, SchemaGenerator};
use serde_json::Value as Json;
use weaknet_core::{BuildContext, Kind, Plugin, Streams};

pub use spec::Spec;
use spec::Written;

use crate::metrics::{Definition, Metrics};
use crate::scenario::de;
use crate::scenario::error::{Diagnostic, Diagnostics, Place, Source};
use crate::scenario::tree::{Entry as Pair, Key, Node, Value};

/// The plug-ins that are known, sorted by kind and name.
#[derive(Default)]
pub struct Registry {
    entries: Vec<Entry>,
    refused: Vec<String>,
}

/// One plug-in, whatever its kind.
pub struct Entry {
    /// The name of its kind.
    pub kind: &'static str,
    /// What its kind does.
    pub kind_about: &'static str,
    /// Its name.
    pub name: &'static str,
    /// One sentence for people.
    pub summary: &'static str,
    /// What it follows.
    pub references: &'static [&'static str],
    /// The names of its parameters as declared; `None` when its configuration
    /// is no map.
    pub parameters: Option<&'static [&'static str]>,
    /// Whether a bare quantity chooses it.
    pub shorthand: bool,
    schema: fn(&mut SchemaGenerator) -> Schema,
    defaults: fn() -> Json,
    choose: Box<dyn Any + Send + Sync>,
}

/// What turns a configuration into a [`Spec`]: `None` means all defaults.
type Choose<K> = fn(Option<&Place>, Option<&Node>) -> Result<Spec<K>, Diagnostics>;

impl Entry {
    fn of<P: Plugin>() -> Self {
        let choose: Choose<P::Kind> = choose::<P>;
        Self {
            kind: P::Kind::NAME,
            kind_about: P::Kind::ABOUT,
            name: P::NAME,
            summary: P::SUMMARY,
            references: P::REFERENCES,
            parameters: fields::of::<P>(),
            shorthand: P::Kind::SHORTHAND == Some(P::NAME),
            schema: P::json_schema,
            defaults: || serde_json::to_value(P::default()).unwrap_or(Json::Null),
            choose: Box::new(choose),
        }
    }

    /// The JSON Schema of its configuration.
    pub fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        (self.schema)(generator)
    }

    /// Its default configuration.
    #[must_use]
    pub fn defaults(&self) -> Json {
        (self.defaults)()
    }

    /// The parameter that a configuration stands for when it is not a map.
    #[must_use]
    pub fn bare_parameter(&self) -> Option<&'static str> {
        match self.parameters? {
            [first, rest @ ..] if self.shorthand || rest.is_empty() => Some(first),
            _ => None,
        }
    }

    /// The configuration as a map, when it is given as a bare value.
    fn unfold(&self, config: &Node) -> Option<Node> {
        let field = self.bare_parameter()?;
        if matches!(config.value, Value::Map(_)) {
            return None;
        }
        let key = Key {
            name: field.to_owned(),
            place: config.place().clone(),
        };
        Some(Node::map(
            config.place().clone(),
            vec![Pair {
                key,
                value: config.clone(),
            }],
        ))
    }
}

fn choose<P: Plugin>(
    place: Option<&Place>,
    config: Option<&Node>,
) -> Result<Spec<P::Kind>, Diagnostics> {
    let parsed = config.map_or_else(|| Ok(P::default()), de::read::<P>)?;
    let written = place.map(|place| Written {
        place: place.clone(),
        config: config.cloned(),
    });
    Spec::new(parsed, written).map_err(|error| {
        Diagnostic::bare(format!("`{}` cannot be written as JSON: {error}", P::NAME)).into()
    })
}

impl Registry {
    /// No plug-ins at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every plug-in that weaknet brings along.
    #[must_use]
    pub fn builtin() -> Self {
        builtin::add_all(Self::new())
    }

    /// One plug-in more. A second one of the same kind and name is refused:
    /// [`Registry::check`] tells.
    #[must_use]
    pub fn add<P: Plugin>(mut self) -> Self {
        let entry = Entry::of::<P>();
        match self
            .entries
            .binary_search_by_key(&(entry.kind, entry.name), |e| (e.kind, e.name))
        {
            Ok(_) => self.refused.push(format!(
                "two plug-ins of kind {} are called `{}`",
                entry.kind, entry.name
            )),
            Err(at) => self.entries.insert(at, entry),
        }
        self
    }

    /// Whether all plug-ins could be added.
    ///
    /// # Errors
    /// A message that names the duplicates.
    pub fn check(&self) -> Result<(), String> {
        if self.refused.is_empty() {
            Ok(())
        } else {
            Err(self.refused.join("; "))
        }
    }

    /// All plug-ins, sorted by kind and name.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The plug-ins of a kind, sorted by name.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.kind == kind)
    }

    /// All metrics, set by set.
    ///
    /// # Errors
    /// When a metric set cannot be built with its defaults.
    pub fn definitions(&self) -> Result<Vec<Definition>, String> {
        let sets = self.definitions_by_set()?;
        Ok(sets.into_iter().flat_map(|(_, metrics)| metrics).collect())
    }

    /// All metric sets by name, with their metrics.
    ///
    /// # Errors
    /// When a metric set cannot be built with its defaults.
    pub fn definitions_by_set(&self) -> Result<Vec<(&'static str, Vec<Definition>)>, String> {
        let (streams, assets) = (Streams::new(0), weaknet_core::plugin::Assets::default());
        let cx = BuildContext {
            path: "metrics",
            streams: &streams,
            assets: &assets,
        };
        let build = |set: Spec<Metrics>| match set.build(&cx) {
            Ok(built) => Ok((set.name(), built.definitions().to_vec())),
            Err(error) => Err(format!("metric set `{}`: {error}", set.name())),
        };
        self.metric_sets()?.into_iter().map(build).collect()
    }

    /// All metric sets with their defaults, sorted by name.
    ///
    /// # Errors
    /// When a metric set's defaults cannot be written as JSON.
    pub fn metric_sets(&self) -> Result<Vec<Spec<Metrics>>, String> {
        self.of_kind(Metrics::NAME)
            .map(|entry| {
                self.default_of::<Metrics>(entry.name)
                    .map_err(|error| error.message)
            })
            .collect()
    }

    /// The plug-in of kind `K` that a scenario chooses when it says nothing.
    ///
    /// # Errors
    /// When there is no such plug-in here.
    pub fn default_of<K: Kind>(&self, text: &str) -> Result<Spec<K>, Diagnostic> {
        let source = Source::new("default", text);
        let node = Node::plain(source.place(0..text.len()), text);
        let spec = self
            .select::<K>(&node)
            .and_then(|selected| selected.configure(None));
        spec.map_err(|error| {
            let reason = error
                .0
                .into_iter()
                .next()
                .map(|first| first.message)
                .unwrap_or_default();
            Diagnostic::bare(format!(
                "the default of {}, `{text}`, cannot be used: {reason}",
                K::NAME
            ))
        })
    }

    /// The plug-in of kind `K` that a node chooses.
    ///
    /// # Errors
    /// Unknown names and parameters, and values that do not fit.
    pub fn choose<K: Kind>(&self, node: &Node) -> Result<Spec<K>, Diagnostics> {
        let selected = self.select::<K>(node)?;
        selected.configure(Some(selected.place))
    }

    fn select<'a, K: Kind>(&'a self, node: &'a Node) -> Result<Selected<'a>, Diagnostics> {
        let quantity =
            |text: &str| text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        let place = node.place();
        match (&node.value, K::SHORTHAND) {
            (Value::Scalar(scalar), Some(shorthand)) if quantity(&scalar.text) => Ok(Selected {
                entry: self.named::<K>(shorthand, place)?,
                place,
                config: Some(node),
            }),
            (Value::Scalar(scalar), _) if !node.is_null() => Ok(Selected {
                entry: self.named::<K>(&scalar.text, place)?,
                place,
                config: None,
            }),
            (Value::Map(entries), _) if entries.len() == 1 => {
                let Pair { key, value } = &entries[0];
                let config = Some(value).filter(|value| !value.is_null());
                Ok(Selected {
                    entry: self.named::<K>(&key.name, &key.place)?,
                    place: &key.place,
                    config,
                })
            }
            (Value::Map(entries), _) if entries.len() > 1 => {
                let (first, second) = (&entries[0].key, &entries[1].key);
                let message = format!(
                    "expected one {}, found `{}` besides `{}`",
                    K::NAME,
                    second.name,
                    first.name
                );
                Err(Diagnostic::new(&second.place, message)
                    .help(self.forms::<K>())
                    .into())
            }
            _ => {
                let message = format!("expected a {}, found {}", K::NAME, de::describe(node));
                Err(Diagnostic::new(place, message)
                    .help(self.forms::<K>())
                    .into())
            }
        }
    }

    fn forms<K: Kind>(&self) -> String {
        let names: Vec<&str> = self.of_kind(K::NAME).map(|entry| entry.name).collect();
        let bare = if K::SHORTHAND.is_some() {
            ", or a bare quantity"
        } else {
            ""
        };
        format!(
            "write a name, or `name: {{..}}` with parameters{bare}; known are {}",
            names.join(", ")
        )
    }

    fn named<K: Kind>(&self, name: &str, place: &Place) -> Result<&Entry, Diagnostic> {
        if let Some(entry) = self.of_kind(K::NAME).find(|entry| entry.name == name) {
            return Ok(entry);
        }
        let unknown = Diagnostic::unknown(
            place,
            K::NAME,
            name,
            self.of_kind(K::NAME).map(|entry| entry.name),
        );
        if let Some(feature) = adapters::feature_of(name) {
            return Err(unknown.help(format!(
                "`{name}` is in the adapters: build with `--features {feature}`"
            )));
        }
        let owner = self
            .of_kind(K::NAME)
            .find(|e| e.parameters.is_some_and(|fields| fields.contains(&name)));
        Err(match owner {
            Some(owner) => unknown.help(format!(
                "`{name}` is a parameter: write `{}: {{{name}: ..}}`",
                owner.name
            )),
            None => unknown,
        })
    }
}

/// A plug-in with the place where it was chosen and its configuration.
struct Selected<'a> {
    entry: &'a Entry,
    place: &'a Place,
    config: Option<&'a Node>,
}

impl Selected<'_> {
    fn configure<K: Kind>(&self, place: Option<&Place>) -> Result<Spec<K>, Diagnostics> {
        let Some(choose) = self.entry.choose.downcast_ref::<Choose<K>>() else {
            let message = format!("two kinds of plug-ins are called {}", K::NAME);
            return Err(Diagnostic::new(self.place, message).into());
        };
        let unfolded = self.config.and_then(|config| self.entry.unfold(config));
        choose(place, unfolded.as_ref().or(self.config))
    }
}
