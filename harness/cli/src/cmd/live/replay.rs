//! `weaknet replay-link`: the simulator fed with what came to a live link.

use std::fs::File;
use std::io::BufWriter;

use weaknet_harness::live::{Difference, Row, Setup, Writer, compare, replay};
use weaknet_harness::registry::Registry;

use super::results::open;
use crate::args::ReplayLink;
use crate::exit::{Exit, Failure};
use crate::screen;

pub(crate) fn run(args: &ReplayLink, registry: &Registry) -> Result<(), Failure> {
    let path = &args.recording;
    let bad = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::BadData, format!("{}: {error}", path.display()))
    };
    let recording = open(path)?;
    let about = recording.about().clone();
    let rows: Result<Vec<Row>, _> = recording.collect();
    let rows = rows.map_err(|error| bad(&error))?;
    let scenario = args.path.as_deref().unwrap_or(&about.path);
    let mut sets = about.sets.clone();
    sets.extend(args.sets.iter().cloned());
    let seed = Some(args.seed.unwrap_or(about.seed));
    let request = super::request(scenario, &sets, seed, args.trace_dir.as_deref())?;
    let setup = Setup::of_flow(request, about.route.clone(), registry)?;
    let decided = replay(&setup, &rows, registry)?;
    if let Some(out) = &args.out {
        let cannot = |error: std::io::Error| {
            let message = format!("failed to write `{}`: {error}", out.display());
            Failure::new(Exit::Internal, message)
        };
        let file = File::create(out).map_err(cannot)?;
        let mut writer = Writer::new(BufWriter::new(file), &about).map_err(cannot)?;
        for row in &decided {
            writer.row(row).map_err(cannot)?;
        }
        let file = writer.finish().map_err(cannot)?;
        file.into_inner()
            .map_err(|error| cannot(error.into_error()))?;
    }
    match compare(&rows, &decided) {
        Ok(count) => {
            screen::print(&format!(
                "{count} decisions, all as recorded, at the same logical times\n"
            ));
            Ok(())
        }
        Err(difference) => {
            let links = &setup.case().scenario.network.links;
            let name = links.get(usize::from(difference.link));
            let name = name.map_or("no link of the scenario", |link| &link.name);
            Err(Failure::new(
                Exit::ExpectationFailed,
                told(name, &difference),
            ))
        }
    }
}

fn told(name: &str, difference: &Difference) -> String {
    let Difference {
        after,
        recorded,
        replayed,
        ..
    } = difference;
    let row = |row: &Option<Row>| {
        row.as_ref().map_or_else(
            || "nothing further".to_owned(),
            |row| format!("{:?} at {} ns", row.what, row.at.as_nanos()),
        )
    };
    format!(
        "{name}: the same for {after} decisions, then another one\n  recorded: {}\n  replayed: {}",
        row(recorded),
        row(replayed)
    )
}
