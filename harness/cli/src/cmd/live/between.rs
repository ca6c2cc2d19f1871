//! A link between two interfaces of this machine.

use std::sync::mpsc;

use weaknet_live::{Emulator, Options};
use weaknet_netem::Link;

use super::summary;
use crate::args::Live;
use crate::exit::{Exit, Failure};
use crate::screen;

/// Passes frames on until interrupted.
pub(super) fn run(args: &Live, links: [Link; 2], names: [&str; 2]) -> Result<(), Failure> {
    let wires = weaknet_live::between(names)?;
    let (interrupted, wait) = mpsc::channel();
    // Nobody may wait for it any more.
    ctrlc::set_handler(move || {
        let _ = interrupted.send(());
    })
    .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
    let options = Options {
        spin: !args.no_spin,
    };
    let emulator = Emulator::start(wires, links, options)?;
    for name in names {
        if weaknet_live::answers_for_other_interfaces(name) {
            screen::note(&format!(
                "note: packets at {name} to addresses of this machine's other interfaces do not \
                 take the link; `sysctl net.ipv4.conf.{name}.arp_ignore=1` changes that"
            ));
        }
    }
    let [left, right] = names;
    screen::note(&format!(
        "a wire between {left} and {right}, until interrupted"
    ));
    // The handler is there as long as this process is.
    let _ = wait.recv();
    for line in summary::lines(&emulator.stop()?) {
        screen::note(&line);
    }
    Err(Failure::new(Exit::Interrupted, "interrupted"))
}
