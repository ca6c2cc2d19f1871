//! Calls that were never set up.

use weaknet_harness::results::CaseResult;

use super::Group;

/// Calls of one name in one group that did not connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unconnected {
    /// Name of the flow.
    pub(crate) flow: String,
    /// Index of the group.
    pub(crate) group: usize,
    /// Runs in which it did not connect.
    pub(crate) runs: usize,
    /// Runs of the group.
    pub(crate) of: usize,
}

/// All of them, by group. Whether a call is set up at all is seen from
/// `connected_5s_ratio`, which every such call has; the time that it took is
/// missing when it did not get there.
pub(crate) fn unconnected(cases: &[CaseResult], groups: &[Group<'_>]) -> Vec<Unconnected> {
    let mut found: Vec<Unconnected> = Vec::new();
    for (group, members) in groups.iter().enumerate() {
        let cases = members.cases.iter().filter_map(|&at| cases.get(at));
        for flow in cases.flat_map(|case| &case.flows) {
            let has = |name| flow.metrics.contains_key(name);
            if !has("connected_5s_ratio") || has("setup_time_ms") {
                continue;
            }
            let known = found
                .iter_mut()
                .find(|known| known.group == group && known.flow == flow.name);
            match known {
                Some(known) => known.runs += 1,
                None => found.push(Unconnected {
                    flow: flow.name.clone(),
                    group,
                    runs: 1,
                    of: members.cases.len(),
                }),
            }
        }
    }
    found
}
