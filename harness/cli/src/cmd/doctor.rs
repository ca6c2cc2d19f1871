//! `weaknet doctor`: whether shaping works here, and how well.

use weaknet_live::doctor::{Effort, Verdict, examine};

use crate::args::Doctor;
use crate::exit::{Exit, Failure};
use crate::screen;

mod text;

pub(super) fn run(args: &Doctor) -> Result<(), Failure> {
    let (effort, time) = if args.quick {
        (Effort::QUICK, "some seconds")
    } else {
        (Effort::FULL, "three quarters of a minute")
    };
    screen::note(&format!("measuring, {time}:"));
    let diagnosis = examine(effort, &|what| screen::note(&format!("  {what}")));
    screen::print(&if args.json {
        let value = serde_json::to_value(&diagnosis)
            .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
        format!("{value:#}\n")
    } else {
        text::plain(&diagnosis)
    });
    match diagnosis.verdict {
        Verdict::Good | Verdict::Degraded => Ok(()),
        Verdict::NotPossible => Err(Failure {
            exit: Exit::NotPermitted,
            messages: diagnosis.obstacle.into_iter().collect(),
        }),
    }
}
