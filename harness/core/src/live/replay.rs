//! The simulator fed with what came to a live link.

use weaknet_core::Time;
use weaknet_core::event::Event;
use weaknet_core::packet::{Leg, Packet};
use weaknet_netem::Link;

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
    for (number, link) in (0..).zip(setup.links()?) {
        let mut mine: Vec<&Row> = rows.iter().filter(|row| row.link == number).collect();
        // Changes are noted by another hand than packets; one at the time of an arrival
        // came after it.
        mine.sort_by_key(|row| (row.at, matches!(row.what, What::Set(_))));
        let run = Run {
            link,
            setup: setup.clone(),
            number,
            decided: &mut decided,
        };
        run.all(&mine, setup, registry)?;
    }
    Ok(decided)
}

struct Run<'a> {
    link: Link,
    /// With the changes so far.
    setup: Setup,
    number: u16,
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
                        leg: if self.number == 0 {
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
                    self.watched(|link, events| link.arrive(row.at, packet, events));
                }
                What::Set(sets) => {
                    self.until(row.at);
                    let next = setup.with(sets, registry)?;
                    let changes = self.setup.changes(&next)?;
                    if let Some(change) = changes.into_iter().nth(self.number.into()) {
                        self.watched(|link, events| link.change(row.at, change, events));
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
        self.watched(|link, events| while link.deliver(at, events).is_some() {});
    }

    fn watched(&mut self, what: impl FnOnce(&mut Link, &mut Vec<(Time, Event)>)) {
        let mut events = Vec::new();
        what(&mut self.link, &mut events);
        let rows = events
            .iter()
            .filter_map(|(at, event)| Row::of_event(*at, event));
        self.decided.extend(rows);
    }
}

/// Where two runs part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which link: 0 forward, 1 backward.
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
    for link in 0..2 {
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
