//! The programs that are a way to the outside.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use nix::unistd::pipe2;

use super::frames::{Frames, Framing};
use crate::address::{LEFT, RIGHT};
use crate::error::LiveError;

/// Where slirp4netns listens: in a mount namespace of its own.
const FOLDER: &str = "/tmp";
const LISTENS: &str = "/tmp/slirp";
/// Where it answers for the machine's resolver.
const SLIRP_RESOLVER: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 3);
const START: Duration = Duration::from_secs(5);

/// A program that runs, and ends with this.
pub(super) struct Helper {
    name: &'static str,
    child: Child,
    /// What it says, in memory.
    said: File,
    resolver: Ipv4Addr,
    /// Ends it when this process does.
    until: Option<OwnedFd>,
}

impl Helper {
    /// The address of its resolver.
    pub(super) const fn resolver(&self) -> Ipv4Addr {
        self.resolver
    }

    /// Its standard input, if that is ours.
    pub(super) const fn input(&self) -> Option<&ChildStdin> {
        self.child.stdin.as_ref()
    }

    /// Why it did not do its work.
    pub(super) fn failure(mut self, error: &io::Error) -> LiveError {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let mut said = String::new();
        let _ = self.said.rewind();
        let _ = self.said.read_to_string(&mut said);
        // What passt says of a machine without a log is no reason.
        let lines = said.lines().filter(|line| !line.contains("syslog"));
        let said = lines.collect::<Vec<_>>().join("; ");
        let name = self.name;
        LiveError::Helper {
            name,
            said: if said.is_empty() {
                error.to_string()
            } else {
                said
            },
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        drop(self.until.take());
        // Both do nothing to a child that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a program, whose resolver has an address.
pub(super) fn spawn(
    name: &'static str,
    command: &mut Command,
    resolver: Ipv4Addr,
) -> Result<Helper, LiveError> {
    let failed = |source| LiveError::Command {
        command: name.to_owned(),
        source,
    };
    let said = memfd_create(name, MFdFlags::MFD_CLOEXEC);
    let said = File::from(said.map_err(|error| failed(error.into()))?);
    let messages = said.try_clone().map_err(failed)?;
    command.stdout(Stdio::null()).stderr(messages);
    Ok(Helper {
        name,
        child: command.spawn().map_err(failed)?,
        said,
        resolver,
        until: None,
    })
}

/// passt: ends when its socket, which is its standard input, is closed.
pub(super) fn passt() -> Result<(Helper, Frames), LiveError> {
    let failed = || LiveError::system::<io::Error>("make a socket for passt");
    let (ours, theirs) = UnixStream::pair().map_err(failed())?;
    ours.set_nonblocking(true).map_err(failed())?;
    let mut command = Command::new("passt");
    command.stdin(Stdio::from(OwnedFd::from(theirs)));
    command.args(["--foreground", "--quiet", "--stderr", "--fd", "0"]);
    command.args(["--mtu", "1500", "--netmask", "24"]);
    command.args(["--no-dhcp", "--no-dhcpv6", "--no-ra"]);
    command.args(["--tcp-ports", "none", "--udp-ports", "none"]);
    for (left, right) in [
        (LEFT.v4.to_string(), RIGHT.v4.to_string()),
        (LEFT.v6.to_string(), RIGHT.v6.to_string()),
    ] {
        command.args(["--address", &left, "--gateway", &right]);
    }
    let helper = spawn("passt", &mut command, RIGHT.v4)?;
    Ok((helper, Frames::new(ours.into(), Framing::Lengths)))
}

/// slirp4netns: ends when a pipe, which is its standard input, is closed.
pub(super) fn slirp() -> Result<(Helper, Frames), LiveError> {
    // Where it listens is a file: in memory, seen by it and by this thread.
    let thread = thread::Builder::new().name("slirp".to_owned());
    let thread = thread.spawn(|| {
        hide_folder().map_err(LiveError::system("mount a folder for slirp4netns"))?;
        start_slirp()
    });
    let thread = thread.map_err(LiveError::system("start a thread for slirp4netns"))?;
    thread.join().map_err(|_| LiveError::Worker)?
}

fn hide_folder() -> io::Result<()> {
    const NONE: Option<&str> = None;
    unshare(CloneFlags::CLONE_NEWNS)?;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(NONE, "/", NONE, private, NONE)?;
    mount(
        Some("weaknet"),
        FOLDER,
        Some("tmpfs"),
        MsFlags::empty(),
        NONE,
    )?;
    Ok(())
}

fn start_slirp() -> Result<(Helper, Frames), LiveError> {
    let (until, ours) =
        pipe2(OFlag::O_CLOEXEC).map_err(LiveError::system("make a pipe for slirp4netns"))?;
    let mut command = Command::new("slirp4netns");
    command.stdin(Stdio::from(until));
    command.args(["--target-type=bess", "--cidr=198.18.0.0/24"]);
    command.args(["--mtu=1500", "--exit-fd=0", LISTENS]);
    let mut helper = spawn("slirp4netns", &mut command, SLIRP_RESOLVER)?;
    helper.until = Some(ours);
    match reach() {
        Ok(socket) => Ok((helper, Frames::new(socket, Framing::Messages))),
        Err(error) => Err(helper.failure(&error.into())),
    }
}

/// A connection to where it listens, as soon as it does.
fn reach() -> Result<OwnedFd, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let start = Instant::now();
    loop {
        let kind = SockType::SeqPacket;
        let socket = socket(AddressFamily::Unix, kind, flags, None)?;
        match connect(socket.as_raw_fd(), &UnixAddr::new(LISTENS)?) {
            Ok(()) => return Ok(socket),
            Err(error) if start.elapsed() > START => return Err(error),
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
}
