//! The summary as people read it: cases grouped over seeds, scored, compared
//! and judged. All reports are written from a [`Board`], so they agree.

mod columns;
mod connection;
mod expectations;
mod groups;
mod headline;
mod scores;

pub(crate) use columns::Column;
pub(crate) use connection::Unconnected;
pub(crate) use expectations::Judgement;
pub(crate) use groups::{Axis, Group};
pub(crate) use headline::plural;
pub(crate) use scores::{Cell, Mark, Row, ScoreTable};

use crate::ReportInput;

/// A summary, digested for people.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Board<'s> {
    /// Cases that differ only in the seed.
    pub(crate) groups: Vec<Group<'s>>,
    /// What groups differ in.
    pub(crate) axes: Vec<Axis>,
    /// Scores of flows, one table per kind of flow.
    pub(crate) flows: Vec<ScoreTable>,
    /// Scores of links.
    pub(crate) links: Option<ScoreTable>,
    /// Expectations, by group.
    pub(crate) judgements: Vec<Judgement>,
    /// Calls that were never set up.
    pub(crate) unconnected: Vec<Unconnected>,
    /// Why expectations cannot be judged.
    pub(crate) unjudged: Option<String>,
}

impl<'s> Board<'s> {
    /// Digests a summary.
    pub(crate) fn new(input: &ReportInput<'s>) -> Self {
        let cases = &input.summary.cases;
        let (groups, axes) = groups::group(cases);
        let judged = expectations::judge(cases, &groups);
        let unjudged = judged.as_ref().err().map(ToString::to_string);
        let judgements = judged.unwrap_or_default();
        let (failed, met) = expectations::metrics(&judgements);
        let source = scores::Source {
            cases,
            groups: &groups,
            axes: &axes,
            failed: &failed,
            met: &met,
            rank: input.rank,
            definitions: input.definitions,
            interval: input.interval,
        };
        let (flows, links) = (source.flow_tables(), source.link_table());
        Self {
            unconnected: connection::unconnected(cases, &groups),
            groups,
            axes,
            flows,
            links,
            judgements,
            unjudged,
        }
    }

    /// What [`Mark::Leading`] means here.
    pub(crate) fn leading(&self) -> &'static str {
        let rows = self.flows.iter().flat_map(|table| &table.rows);
        let mut cells = rows.flat_map(|row| row.cells.iter().flatten());
        if cells.any(|cell| cell.interval.is_some()) {
            "best mean, intervals overlap"
        } else {
            "best mean, too few seeds to be sure"
        }
    }

    /// The number of seeds per group, such as `5 seeds`.
    pub(crate) fn seeds(&self) -> String {
        let counts = self.groups.iter().map(|group| group.cases.len());
        let (least, most) = (counts.clone().min().unwrap_or(0), counts.max().unwrap_or(0));
        if least == most {
            format!("{most} {}", plural(most, "seed"))
        } else {
            format!("{least} to {most} seeds")
        }
    }
}
