//! What can go wrong between the command line and the first packet.

use std::io;

/// Why a live link could not be set up, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The system refuses what a namespace or a device takes.
    #[error("failed to {action}: {source}{}", help(.action, .source))]
    System {
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// An end can have neither kind of device.
    #[error("failed to make a device for an end: {tun}; and {veth}")]
    NoPort {
        /// Why it has no TUN device.
        tun: Box<Self>,
        /// Why it has no pair of Ethernet devices.
        veth: Box<Self>,
    },
    /// No program for the outside network is there.
    #[error(
        "failed to reach the outside network: neither passt nor slirp4netns is installed (both \
         are packages of the common distributions); root can do with nft and /dev/net/tun"
    )]
    NoWayOut,
    /// A program for the outside network did not do its work.
    #[error("failed to reach the outside network by {name}: {said}")]
    Helper {
        /// The program.
        name: &'static str,
        /// What it said.
        said: String,
    },
    /// A command cannot be started.
    #[error("failed to start `{command}`: {source}")]
    Command {
        /// The command.
        command: String,
        /// What the system said.
        source: io::Error,
    },
    /// An interface cannot be an end of a link.
    #[error("the interface {name} cannot be an end of the link: {why}")]
    Interface {
        /// Its name.
        name: String,
        /// What is in the way.
        why: &'static str,
    },
    /// The outside network is no end where something can be done.
    #[error("failed to do something at the right end: it is the outside network")]
    IsOutside,
    /// A thread of ours is gone.
    #[error("failed to go on: a worker ended before its time")]
    Worker,
}

impl LiveError {
    /// Names the action of a failure.
    pub(crate) fn system<E: Into<io::Error>>(action: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::System {
            action,
            source: source.into(),
        }
    }

    /// A socket that cannot be opened at an end.
    #[must_use]
    pub fn socket(source: io::Error) -> Self {
        Self::system("open a socket")(source)
    }

    /// Whether it is a lack of rights, or of the device that they are for.
    #[must_use]
    pub fn is_permission(&self) -> bool {
        let is_missing = |action: &str, source: &io::Error| {
            let is_device = source.kind() == io::ErrorKind::NotFound
                || matches!(source.raw_os_error(), Some(libc::ENODEV | libc::ENXIO));
            action == OPEN_TUN && is_device
        };
        match self {
            Self::System { action, source } if is_missing(action, source) => true,
            // None may be made.
            Self::System { action, source } if *action == NEW_USER || *action == NEW_NETWORK => {
                source.kind() == io::ErrorKind::PermissionDenied
                    || source.raw_os_error() == Some(libc::ENOSPC)
            }
            Self::NoPort { .. } | Self::NoWayOut => true,
            Self::System { source, .. } | Self::Command { source, .. } => {
                source.kind() == io::ErrorKind::PermissionDenied
            }
            Self::Worker | Self::IsOutside | Self::Interface { .. } | Self::Helper { .. } => false,
        }
    }
}

/// What a user can do about it.
fn help(action: &str, source: &io::Error) -> &'static str {
    let refused = matches!(
        source.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound
    );
    let none_left = source.raw_os_error() == Some(libc::ENOSPC);
    match action {
        NEW_USER | NEW_NETWORK if none_left => {
            " (no more namespaces are allowed here: run as root, or allow them with `sysctl \
             user.max_user_namespaces=10000 user.max_net_namespaces=10000`)"
        }
        OPEN_TUN if refused => {
            " (the device has to exist and be open to this user: run as root, or `chmod 0666 \
             /dev/net/tun`; in Docker add `--device /dev/net/tun`; or take `--port veth`)"
        }
        NEW_USER if refused => {
            " (user namespaces are switched off or forbidden here: run as root, or allow them \
             with `sysctl kernel.unprivileged_userns_clone=1` or `kernel.apparmor_restrict_\
             unprivileged_userns=0`; in Docker add `--privileged`)"
        }
        OPEN_PACKET if refused => " (run as root)",
        NEW_NETWORK if refused => " (run as root, or where user namespaces are allowed)",
        _ => "",
    }
}

pub(crate) const OPEN_TUN: &str = "open /dev/net/tun";
pub(crate) const MAKE_TUN: &str = "make a TUN device";
pub(crate) const OPEN_PACKET: &str = "open a packet socket";
pub(crate) const MAKE_PAIR: &str = "make a pair of Ethernet devices";
pub(crate) const NEW_USER: &str = "enter a new user namespace";
pub(crate) const NEW_NETWORK: &str = "enter a new network namespace";
