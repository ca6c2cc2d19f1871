//! The simulator fed with what came to a live link.

use std::collections::BTreeSet;

use weaknet_core::Time;
use weaknet_core::event::Event;
use weaknet_core::packet::{Leg, Packet};
use weaknet_netem::Chain;

use super::recording::{Row, What};
use super::setup::{Setup, SetupError};
use crate::registry::Registry;

/// What the links decide about the arrivals of a recording: deliveries, drops, marks
/// and copies, per link in the order in which they are found out. Ends where the
/// recording does.
///
/// # Errors
/// When a change of the recording cannot be made.
pub fn replay(setup: &Setup, rows: &[Row], registry: &Registry) -> Result<Vec<Row>, SetupError> {
    let mut decided = Vec::new();
    for (way, links) in (0..).zip(setup.links()?) {
        let [first, last] = links.ends();
        let mine = |row: &&Row| row.link == first.0 || row.link == last.0;
        let mut mine: Vec<&Row> = rows.iter().filter(mine).collect();
        // Changes are noted by another hand than packets; one at the time of an arrival
        // came after it.
        mine.sort_by_key(|row| (row.at, matches!(row.what, What::Set(_))));
        let run = Run {
            links,
            setup: setup.clone(),
            way,
            decided: &mut decided,
        };
        run.all(&mine, setup, registry)?;
    }
    Ok(decided)
}

struct Run<'a> {
    links: Chain,
    /// With the changes so far.
    setup: Setup,
    way: usize,
    decided: &'a mut Vec<Row>,
}

impl Run<'_> {
    fn all(mut self, rows: &[&Row], setup: &Setup, registry: &Registry) -> Result<(), SetupError> {
        for row in rows {
            match &row.what {
                What::In {
                    packet,
                    size,
                    flow,
                    protocol,
                    ecn,
                } => {
                    self.until(row.at);
                    let packet = Packet {
                        id: *packet,
                        leg: if self.way == 0 {
                            Leg::Outward
                        } else {
                            Leg::Return
                        },
                        flow: *flow,
                        ecn: *ecn,
                        protocol: *protocol,
                        size: *size,
                        sent: row.at,
                        ..Packet::VACANT
                    };
                    self.watched(|links, events| links.arrive(row.at, packet, events));
                }
                What::Set(sets) => {
                    self.until(row.at);
                    let next = setup.with(sets, registry)?;
                    let changes = self.setup.changes(&next)?;
                    if let Some(changes) = changes.into_iter().nth(self.way) {
                        self.watched(|links, events| links.change(row.at, changes, events));
                    }
                    self.setup = next;
                }
                What::End => self.until(row.at),
                _ => {}
            }
        }
        Ok(())
    }

    fn until(&mut self, at: Time) {
        self.watched(|links, events| while links.deliver(at, events).is_some() {});
    }

    fn watched(&mut self, what: impl FnOnce(&mut Chain, &mut Vec<(Time, Event)>)) {
        let mut events = Vec::new();
        what(&mut self.links, &mut events);
        let [first, _] = self.links.ends();
        let came = |row: &Row| row.link == first.0 && matches!(row.what, What::Via { .. });
        let rows = events
            .iter()
            .filter_map(|(at, event)| Row::of_event(*at, event));
        self.decided.extend(rows.filter(|row| !came(row)));
    }
}

/// Where two runs part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which link, by its place in the scenario.
    pub link: u16,
    /// How many decisions they have in common before.
    pub after: usize,
    /// What was recorded.
    pub recorded: Option<Row>,
    /// What was decided again.
    pub replayed: Option<Row>,
}

/// How many decisions there are when two runs made the same ones, at the same logical
/// times.
///
/// # Errors
/// The first one that is not the same.
pub fn compare(recorded: &[Row], replayed: &[Row]) -> Result<usize, Box<Difference>> {
    let mut count = 0;
    let links: BTreeSet<u16> = recorded
        .iter()
        .chain(replayed)
        .map(|row| row.link)
        .collect();
    for link in links {
        let decisions = |rows: &'_ [Row]| -> Vec<Row> {
            let is_decision = |row: &&Row| {
                let what = &row.what;
                let kept = matches!(
                    what,
                    What::Out { .. } | What::Drop { .. } | What::Mark { .. } | What::Copy { .. }
                );
                kept && row.link == link
            };
            rows.iter().filter(is_decision).cloned().collect()
        };
        let (a, b) = (decisions(recorded), decisions(replayed));
        let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
        if same < a.len().max(b.len()) {
            return Err(Box::new(Difference {
                link,
                after: same,
                recorded: a.get(same).cloned(),
                replayed: b.get(same).cloned(),
            }));
        }
        count += same;
    }
    Ok(count)
}
