//! `weaknet ctl`: changes a running link.

use std::io::{BufRead as _, BufReader, Write as _};

use super::control::connect;
use super::snapshot::Command;
use crate::args::{Ctl, CtlCommand};
use crate::exit::{Exit, Failure};
use crate::screen;

pub(crate) fn run(args: &Ctl) -> Result<(), Failure> {
    let stream = connect(args.link.as_deref())?;
    let command = match &args.command {
        CtlCommand::Set { sets } => Command::Set(sets.clone()),
        CtlCommand::Outage { length } => Command::Outage {
            seconds: length.as_secs_f64(),
        },
        CtlCommand::Handover { length } => Command::Handover {
            seconds: length.as_secs_f64(),
        },
        CtlCommand::Show => Command::Watch {},
    };
    let lost = |error: std::io::Error| {
        Failure::new(
            Exit::Internal,
            format!("failed to speak to the link: {error}"),
        )
    };
    let json = serde_json::to_string(&command).map_err(|error| lost(error.into()))?;
    writeln!(&stream, "{json}").map_err(lost)?;
    let mut answer = String::new();
    BufReader::new(&stream)
        .read_line(&mut answer)
        .map_err(lost)?;
    if let CtlCommand::Show = args.command {
        screen::print(&answer);
        return Ok(());
    }
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
    match answer.get("error").and_then(|error| error.as_str()) {
        Some(error) => Err(Failure::new(Exit::Usage, error)),
        None if answer.is_null() => Err(Failure::new(Exit::Internal, "the link has ended")),
        None => Ok(()),
    }
}
