//! The network of a scenario, as it is and as it becomes while it runs.

use std::collections::BTreeSet;
use std::sync::Arc;

use weaknet_core::Time;
use weaknet_core::packet::LinkId;
use weaknet_core::plugin::Assets;
use weaknet_netem::{Chain, Change, Link};

use crate::metrics::LinkFacts;
use crate::plan::{Case, Plan, PlanError, Request};
use crate::registry::Registry;
use crate::scenario::model::{Measure, Scenario, Topology};
use crate::world::{self, WorldError};

/// Why there is no network to run.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The scenario cannot be read.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// There is no case.
    #[error("there is no case")]
    Nothing,
    /// There is more than one network.
    #[error("{0} has a matrix of networks: choose with --set, as for `weaknet run`")]
    Matrix(String),
    /// It has named links, and no flow at all.
    #[error("applications take the route of a flow over named `links:`: expected `flows:`")]
    Flows,
    /// It has named links, and no such flow.
    #[error(
        "applications take the route of a flow over named `links:`: expected one of {known}, \
         found {found}"
    )]
    Flow {
        /// What was asked for.
        found: String,
        /// Those that there are.
        known: String,
    },
    /// A route was asked for where there is one only.
    #[error("there are no named `links:`: `forward:` and `backward:` are the only route")]
    Ends,
    /// Another network has another route.
    #[error("the route cannot change while packets are on the way")]
    Route,
    /// A link is on both ways, or twice on one.
    #[error(
        "link `{0}` is on the route of the flow twice: live links have a worker per direction \
         and carry one of them"
    )]
    Twice(String),
    /// It cannot be built, or not changed into another one.
    #[error(transparent)]
    World(#[from] WorldError),
}

/// The links of a scenario from left to right and back, with its seed.
#[derive(Clone)]
pub struct Setup {
    request: Request,
    /// Whose route to take over named links; `None`: the first one's.
    flow: Option<String>,
    /// Links from left to right, and back.
    ways: [Vec<LinkId>; 2],
    case: Arc<Case>,
    assets: Arc<Assets>,
}

impl Setup {
    /// The case of a request, whose network is the only one; of several seeds, and of
    /// several ways to use that network, the first.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub fn load(request: Request, registry: &Registry) -> Result<Self, SetupError> {
        Self::of_flow(request, None, registry)
    }

    /// The same over the route of a flow, where links have names.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub fn of_flow(
        request: Request,
        flow: Option<String>,
        registry: &Registry,
    ) -> Result<Self, SetupError> {
        let plan = Plan::load(&request, registry)?;
        let mut cases = plan.cases.into_iter();
        let case = cases.next().ok_or(SetupError::Nothing)?;
        if cases.any(|other| !world::same_network(&other.scenario, &case.scenario)) {
            return Err(SetupError::Matrix(request.paths.join(", ")));
        }
        let ways = ways(&case.scenario, flow.as_deref())?;
        // A live run ends when its commands do, not after `duration`.
        let assets = Arc::new(case.assets.until(Time::MAX));
        Ok(Self {
            request,
            flow,
            ways,
            case: Arc::new(case),
            assets,
        })
    }

    /// The same with further arguments of `--set`.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub fn with(&self, sets: &[String], registry: &Registry) -> Result<Self, SetupError> {
        let mut request = self.request.clone();
        request.sets.extend_from_slice(sets);
        Self::of_flow(request, self.flow.clone(), registry)
    }

    /// The case that it is the network of.
    #[must_use]
    pub fn case(&self) -> &Case {
        &self.case
    }

    /// The case as it was run until `end`, a whole millisecond: measured as a whole, and without the flows of
    /// the scenario, for which something else stood.
    #[must_use]
    pub fn until(&self, end: Time) -> Case {
        let mut scenario = Scenario::clone(&self.case.scenario);
        scenario.duration = end.since(Time::ZERO);
        scenario.measure = Measure {
            from: Time::ZERO,
            to: end,
        };
        scenario.flows.clear();
        scenario.expect.clear();
        Case {
            index: 0,
            id: self.case.id.clone(),
            scenario: Arc::new(scenario),
            params: self.case.params.clone(),
            seed: self.case.seed,
            assets: Arc::clone(&self.assets),
        }
    }

    /// The links from left to right, and back.
    #[must_use]
    pub const fn ways(&self) -> &[Vec<LinkId>; 2] {
        &self.ways
    }

    /// Where `--set` finds those links.
    #[must_use]
    pub fn paths(&self) -> [Vec<String>; 2] {
        let network = &self.case.scenario.network;
        let folder = match network.topology {
            Topology::Ends => "network",
            Topology::Links => "network.links",
        };
        let path = |link: &LinkId| {
            let link = network.links.get(usize::from(link.0));
            format!("{folder}.{}", link.map_or("", |link| &link.name))
        };
        [0, 1].map(|way: usize| self.ways[way].iter().map(path).collect())
    }

    /// Both ways, at rest.
    ///
    /// # Errors
    /// When a plug-in refuses its parameters or a file that it needs.
    pub fn links(&self) -> Result<[Chain; 2], SetupError> {
        let links = world::links(&self.case.scenario, self.case.seed, &self.assets)?;
        let mut links: Vec<Option<Link>> = links.into_iter().map(Some).collect();
        let mut chain = |way: &[LinkId]| {
            let mut taken = way
                .iter()
                .filter_map(|link| links.get_mut(usize::from(link.0))?.take());
            let first = taken.next();
            first.map(|first| Chain::new(first, taken.collect()))
        };
        let [forward, backward] = &self.ways;
        match (chain(forward), chain(backward)) {
            (Some(forward), Some(backward)) => Ok([forward, backward]),
            _ => Err(SetupError::Nothing),
        }
    }

    /// What metrics need to know of all links of the scenario.
    ///
    /// # Errors
    /// As [`Self::links`].
    pub fn facts(&self) -> Result<Vec<LinkFacts>, SetupError> {
        let facts = world::link_facts(&self.case.scenario, self.case.seed, &self.assets)?;
        Ok(facts)
    }

    /// What becomes different of both ways when another network takes the place of this
    /// one.
    ///
    /// # Errors
    /// When something differs that cannot change while packets are on the way.
    pub fn changes(&self, to: &Self) -> Result<[Vec<Change>; 2], SetupError> {
        if self.ways != to.ways {
            return Err(SetupError::Route);
        }
        let changes = world::changes(
            &self.case.scenario,
            &to.case.scenario,
            self.case.seed,
            &to.assets,
        )?;
        let mut changes: Vec<Option<Change>> = changes.into_iter().map(Some).collect();
        Ok([0, 1].map(|way: usize| {
            let links = self.ways[way].iter();
            links
                .map(|link| changes.get_mut(usize::from(link.0)).and_then(Option::take))
                .map(Option::unwrap_or_default)
                .collect()
        }))
    }
}

/// The links that applications use.
fn ways(scenario: &Scenario, flow: Option<&str>) -> Result<[Vec<LinkId>; 2], SetupError> {
    if scenario.network.topology == Topology::Ends {
        return match flow {
            Some(_) => Err(SetupError::Ends),
            None => Ok([vec![LinkId(0)], vec![LinkId(1)]]),
        };
    }
    let mut flows = scenario.flows.iter();
    let chosen = flows.find(|known| flow.is_none_or(|flow| known.name == flow));
    let Some(path) = chosen.and_then(|flow| flow.paths.first()) else {
        if scenario.flows.is_empty() {
            return Err(SetupError::Flows);
        }
        let known: Vec<&str> = scenario.flows.iter().map(|flow| &*flow.name).collect();
        return Err(SetupError::Flow {
            found: flow.map_or_else(|| "none".to_owned(), |flow| format!("`{flow}`")),
            known: known.join(", "),
        });
    };
    let mut seen = BTreeSet::new();
    for link in path.outward.iter().chain(&path.back) {
        if !seen.insert(*link) {
            let spec = scenario.network.links.get(usize::from(link.0));
            return Err(SetupError::Twice(
                spec.map_or(String::new(), |spec| spec.name.clone()),
            ));
        }
    }
    Ok([path.outward.clone(), path.back.clone()])
}
