//! Real applications behind a link: the simulator's link code under a real clock.
//!
//! Each end of the link is a network namespace with a TUN device, or a pair of Ethernet
//! devices where that may not be had. One thread per direction reads packets from one device, hands them to the
//! [`Link`](weaknet_netem::Link) with the time of the clock, and writes them to the
//! other device when the link releases them. The link computes with logical times, so
//! a late wake-up delays one packet and nothing behind it; how late each packet left
//! is measured and reported.
//!
//! Implements: designs and figures of the emulators that came before (mahimahi,
//! USENIX ATC 2015; rattan, arXiv 2507.08134): a TUN pair and namespaces as the first,
//! logical times as the second.
//! Differs: no setuid program and no change outside of the namespaces, which end with
//! the process; a link's decisions are those of the simulator.
//! Not modelled: layers below IP; broadcast.
#![cfg(target_os = "linux")]

mod address;
mod clock;
pub mod doctor;
mod emulator;
mod end;
pub mod endpoint;
mod error;
mod gateway;
mod netlink;
mod offload;
mod outside;
mod port;
mod priority;
mod relay;
mod spans;
mod spin;
mod watch;
mod worker;

pub use address::{Addresses, LEFT, RIGHT};
pub use clock::Clock;
pub use emulator::{DirectionReport, Emulator, Interval, Options, Report};
pub use end::{Ended, Ends, Namespaces, PortChoice, Shell, run_as_first_process};
pub use error::LiveError;
pub use gateway::{Wire, answers_for_other_interfaces, between};
pub use outside::Frames;
pub use port::{EndPort, Port, Tun, Veth};
pub use relay::{Bundle, Note, Relay, Relays};
pub use spans::{Quantiles, Spans};
pub use watch::Watch;
