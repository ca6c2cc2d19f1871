//! A link between two interfaces of this machine.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::session::Session;
use crate::exit::Failure;
use crate::screen;

/// How often is looked whether it is over.
const LOOK: Duration = Duration::from_millis(50);

/// Passes frames on until interrupted.
pub(super) fn run(session: Session<'_>, names: [&str; 2]) -> Result<(), Failure> {
    let wires = weaknet_live::between(names)?;
    for name in names {
        if weaknet_live::answers_for_other_interfaces(name) {
            screen::note(&format!(
                "note: packets at {name} to addresses of this machine's other interfaces do not \
                 take the link; `sysctl net.ipv4.conf.{name}.arp_ignore=1` changes that"
            ));
        }
    }
    let [left, right] = names;
    let ((), ran) = session.emulate(wires, |stop| {
        screen::note(&format!(
            "a wire between {left} and {right}, until interrupted"
        ));
        while !stop.load(Ordering::Relaxed) {
            thread::sleep(LOOK);
        }
    })?;
    session.conclude(ran, [0, 0])
}
