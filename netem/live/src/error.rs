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
    /// A command cannot be started.
    #[error("failed to start `{command}`: {source}")]
    Command {
        /// The command.
        command: String,
        /// What the system said.
        source: io::Error,
    },
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
            action == OPEN_TUN && source.kind() == io::ErrorKind::NotFound
        };
        match self {
            Self::System { action, source } if is_missing(action, source) => true,
            Self::System { source, .. } | Self::Command { source, .. } => {
                source.kind() == io::ErrorKind::PermissionDenied
            }
            Self::Worker => false,
        }
    }
}

/// What a user can do about it.
fn help(action: &str, source: &io::Error) -> &'static str {
    let refused = matches!(
        source.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound
    );
    match action {
        OPEN_TUN if refused => {
            " (the device has to exist and be open to this user: run as root, or `chmod 0666 \
             /dev/net/tun`; in Docker add `--device /dev/net/tun`)"
        }
        NEW_USER if refused => {
            " (user namespaces are switched off or forbidden here: run as root, or allow them \
             with `sysctl kernel.unprivileged_userns_clone=1` or `kernel.apparmor_restrict_\
             unprivileged_userns=0`; in Docker add `--privileged`)"
        }
        NEW_NETWORK if refused => " (run as root, or where user namespaces are allowed)",
        _ => "",
    }
}

pub(crate) const OPEN_TUN: &str = "open /dev/net/tun";
pub(crate) const NEW_USER: &str = "enter a new user namespace";
pub(crate) const NEW_NETWORK: &str = "enter a new network namespace";
