//! Parts of a link as scenarios write them, and how they become random.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, from_value, json};
use weaknet_core::plugin::{Assets, ReadFile};
use weaknet_core::{BuildContext, Kind, Plugin, Streams};

/// The files that parts of random links read.
struct Files;

impl ReadFile for Files {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let text = match name {
            "opportunities" => "0\n1\n1\n4\n9\n9\n9\n30\n",
            "rates" => "0 2.5\n0.02 0\n0.03 11\n0.05 0.3\n",
            "delays" => "time_s,delay_ms\n0,12\n0.01,40\n0.03,3\n0.1,3\n",
            "losses" => "0 0\n0.02 0.4\n0.06 0.05\n",
            "fates" => "0010 1000 0001 10",
            "table" => "-9000 -3000 0 0 100 5000 20000",
            "samples" => "1.5\n0.2\n30\n7\n",
            _ => return Err(format!("there is no {name}")),
        };
        Ok(text.as_bytes().to_vec())
    }
}

type Build<K> = dyn Fn(&BuildContext<'_>) -> <K as Kind>::Product;

/// A part of a link: it prints as scenarios write it.
pub(crate) struct Part<K: Kind> {
    text: String,
    build: Arc<Build<K>>,
}

impl<K: Kind> Clone for Part<K> {
    fn clone(&self) -> Self {
        let (text, build) = (self.text.clone(), Arc::clone(&self.build));
        Self { text, build }
    }
}

impl<K: Kind> Debug for Part<K> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<K: Kind> Part<K> {
    pub(crate) fn new<P: Plugin<Kind = K>>(config: P) -> Self {
        let text = format!("{}: {}", P::NAME, json!(config));
        let build = move |cx: &BuildContext<'_>| {
            let built = config.build(cx);
            built.unwrap_or_else(|e| panic!("{}: {e}", json!(config)))
        };
        Self {
            text,
            build: Arc::new(build),
        }
    }

    pub(crate) fn build(&self, seed: u64, path: &str) -> K::Product {
        let (streams, assets) = (Streams::new(seed), Assets::new(Files));
        (self.build)(&BuildContext {
            path,
            streams: &streams,
            assets: &assets,
        })
    }
}

pub(super) type Strategies<K> = BoxedStrategy<Part<K>>;

/// A part as a scenario writes it.
pub(super) fn read<P: Plugin>(value: Value) -> Part<P::Kind> {
    let config = from_value::<P>(value.clone());
    Part::new(config.unwrap_or_else(|e| panic!("{}: {e} in {value}", P::NAME)))
}

/// One of a kind for each of two random numbers and a switch.
pub(super) fn of<K: Kind>(make: impl Fn(u64, u64, bool) -> Part<K> + 'static) -> Strategies<K> {
    (0..100u64, 0..100u64, any::<bool>())
        .prop_map(move |(a, b, switch)| make(a, b, switch))
        .boxed()
}

pub(super) fn one_of<K: Kind>(all: Vec<Strategies<K>>) -> Strategies<K> {
    prop::strategy::Union::new(all).boxed()
}

pub(super) fn ms(n: u64) -> String {
    format!("{n}ms")
}

pub(super) fn percent(n: u64) -> String {
    format!("{n}%")
}

pub(super) fn kbps(n: u64) -> String {
    format!("{}kbps", 100 + 100 * n)
}
