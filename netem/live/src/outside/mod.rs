//! The outside network as the right end.
//!
//! A program of the system, if there is one, does what it takes to be a network for a user without
//! rights: it speaks Ethernet with us over a socket and opens ordinary sockets of the
//! machine for what it is sent. Nothing of the machine's network is changed, and the
//! program ends with its socket, however this process ends. The address of the right
//! end is the machine itself: its servers on 127.0.0.1 are there.
//!
//! Implements: the protocols of passt (a length ahead of each frame, as QEMU's stream
//! sockets have it) and of slirp4netns with `--target-type=bess` (a message per frame).
//! Not modelled: connections from outside to the left end; IPv6 through slirp4netns.

mod arp;
mod frames;
mod helper;
mod masquerade;
mod resolver;

pub use frames::Frames;

use std::io;

use crate::error::LiveError;
use crate::port::EndPort;
use helper::Helper;

/// A way to the outside.
pub(crate) struct Outside {
    port: EndPort,
    helper: Helper,
}

impl Outside {
    /// Starts the first program that is there: passt, else slirp4netns, else nft to
    /// masquerade as the machine, for root.
    pub(crate) fn open(super_frames: bool) -> Result<Self, LiveError> {
        let is_missing = |error: &LiveError| {
            matches!(error, LiveError::Command { source, .. }
                if source.kind() == io::ErrorKind::NotFound)
        };
        let mut failed = None;
        for start in [helper::passt, helper::slirp] {
            match start() {
                Ok((helper, port)) => match port.greet() {
                    Ok(()) => {
                        let port = EndPort::Outside(port);
                        return Ok(Self { port, helper });
                    }
                    Err(error) => failed = Some(helper.failure(&error)),
                },
                Err(error) if is_missing(&error) => {}
                Err(error) => failed = Some(error),
            }
        }
        if let Some(failed) = failed {
            return Err(failed);
        }
        match masquerade::start(super_frames) {
            Ok((helper, tun)) => {
                let port = EndPort::Tun(tun);
                Ok(Self { port, helper })
            }
            Err(error) if error.is_permission() || is_missing(&error) => Err(LiveError::NoWayOut),
            Err(error) => Err(error),
        }
    }

    pub(crate) const fn port(&self) -> &EndPort {
        &self.port
    }

    /// Gives this thread's mount namespace a way to look up names, where that of the
    /// machine is out of reach. The thread has to have a file system view of its own.
    pub(crate) fn look_up(&self) -> impl FnOnce() -> Result<(), LiveError> + Send + use<> {
        let fallback = self.helper.resolver();
        move || resolver::install(fallback)
    }
}
