//! `weaknet ctl`: changes and watches a running link.

use super::client::Client;
use super::control::connect;
use super::dashboard;
use super::snapshot::Command;
use crate::args::{Ctl, CtlCommand};
use crate::exit::{Exit, Failure};
use crate::screen;

pub(crate) fn run(args: &Ctl) -> Result<(), Failure> {
    let connect = || connect(args.link.as_deref());
    let client = Client(&connect);
    match &args.command {
        CtlCommand::Set { sets } => client.tell(&Command::Set(sets.clone())),
        CtlCommand::Outage { length } => client.tell(&Command::Outage {
            seconds: length.as_secs_f64(),
        }),
        CtlCommand::Handover { length } => client.tell(&Command::Handover {
            seconds: length.as_secs_f64(),
        }),
        CtlCommand::Watch => dashboard::watch(&client),
        CtlCommand::Show => {
            let first = client.watch()?.next();
            let ended = || Failure::new(Exit::Internal, "the link has ended");
            let snapshot = first.ok_or_else(ended)??;
            let json = serde_json::to_string(&snapshot);
            let json = json.map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
            screen::print(&format!("{json}\n"));
            Ok(())
        }
    }
}
