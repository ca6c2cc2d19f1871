//! The network of a scenario, as it is and as it becomes while it runs.

use std::sync::Arc;

use weaknet_core::Time;
use weaknet_core::plugin::Assets;
use weaknet_netem::{Change, Link};

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
    /// It has other links than two.
    #[error("a live link has two ends: expected `forward:` and `backward:`, found `links:`")]
    Topology,
    /// It cannot be built, or not changed into another one.
    #[error(transparent)]
    World(#[from] WorldError),
}

/// The two links of a scenario, forward and backward, with its seed.
#[derive(Clone)]
pub struct Setup {
    request: Request,
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
        let plan = Plan::load(&request, registry)?;
        let mut cases = plan.cases.into_iter();
        let case = cases.next().ok_or(SetupError::Nothing)?;
        if cases.any(|other| !world::same_network(&other.scenario, &case.scenario)) {
            return Err(SetupError::Matrix(request.paths.join(", ")));
        }
        if case.scenario.network.topology != Topology::Ends {
            return Err(SetupError::Topology);
        }
        // A live run ends when its commands do, not after `duration`.
        let assets = Arc::new(case.assets.until(Time::MAX));
        Ok(Self {
            request,
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
        Self::load(request, registry)
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

    /// Both links, at rest.
    ///
    /// # Errors
    /// When a plug-in refuses its parameters or a file that it needs.
    pub fn links(&self) -> Result<[Link; 2], SetupError> {
        let links = world::links(&self.case.scenario, self.case.seed, &self.assets)?;
        links.try_into().map_err(|_| SetupError::Topology)
    }

    /// What metrics need to know of both.
    ///
    /// # Errors
    /// As [`Self::links`].
    pub fn facts(&self) -> Result<[LinkFacts; 2], SetupError> {
        let facts = world::link_facts(&self.case.scenario, self.case.seed, &self.assets)?;
        facts.try_into().map_err(|_| SetupError::Topology)
    }

    /// What becomes different of both when another network takes the place of this
    /// one.
    ///
    /// # Errors
    /// When something differs that cannot change while packets are on the way.
    pub fn changes(&self, to: &Self) -> Result<[Change; 2], SetupError> {
        let changes = world::changes(
            &self.case.scenario,
            &to.case.scenario,
            self.case.seed,
            &to.assets,
        )?;
        changes.try_into().map_err(|_| SetupError::Topology)
    }
}
