//! The two ends: namespaces, and the commands that run in them.

mod first;
mod shell;

use std::io;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getgid, getuid};

pub use first::run_as_first_process;
pub use shell::{Ended, Shell};

use crate::address::{Addresses, LEFT, RIGHT};
use crate::error::{LiveError, NEW_NETWORK, NEW_USER};
use crate::netlink::{Device, Netlink};
use crate::outside::Outside;
use crate::port::{EndPort, Tun, Veth};

/// Packets that may wait for a worker: with the 500 of the kernel, a saturating
/// sender loses thousands in there.
const QUEUE: u32 = 10_000;
/// The name of the device in each end.
const DEVICE: &str = "weaknet0";
const LOOPBACK: u32 = 1;

/// Which kind of device an end has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PortChoice {
    /// A TUN device where it may be had, else a pair of Ethernet devices.
    #[default]
    Auto,
    /// A TUN device.
    Tun,
    /// A pair of Ethernet devices, one of them behind a packet socket.
    Veth,
}

/// What the ends are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// Whether senders hand over many packets in one piece, which is faster. Without,
    /// captures at the ends show the packets that the link sees.
    pub super_frames: bool,
    /// Their devices.
    pub port: PortChoice,
    /// Whether the right end is the outside network instead of a namespace.
    pub outside: bool,
}

impl Default for Ends {
    fn default() -> Self {
        Self {
            super_frames: true,
            port: PortChoice::Auto,
            outside: false,
        }
    }
}

/// Two ends, each a network namespace with a device.
///
/// A namespace belongs to a thread of ours; it is there until [`Namespaces::finish`]
/// and until the commands in it have ended.
pub struct Namespaces {
    left: End,
    right: Right,
}

/// What is at the right end.
enum Right {
    End(End),
    Outside(Outside),
}

struct End {
    port: EndPort,
    why_not_tun: Option<LiveError>,
    orders: mpsc::Sender<Order>,
    thread: JoinHandle<()>,
}

/// Something to do in the namespaces of an end.
type Order = Box<dyn FnOnce() + Send>;

/// Makes the right to new namespaces, for a user who does not have it: a user
/// namespace in which this process is root and all files keep their owners.
///
/// # Errors
/// When user namespaces are forbidden, or this process has threads.
fn become_root() -> Result<(), LiveError> {
    if getuid().is_root() {
        return Ok(());
    }
    let (user, group) = (getuid(), getgid());
    unshare(CloneFlags::CLONE_NEWUSER).map_err(LiveError::system(NEW_USER))?;
    let write = |file: &str, text: String| {
        std::fs::write(format!("/proc/self/{file}"), text)
            .map_err(LiveError::system("map users into a user namespace"))
    };
    write("setgroups", "deny".to_owned())?;
    write("uid_map", format!("0 {user} 1"))?;
    write("gid_map", format!("0 {group} 1"))
}

impl Namespaces {
    /// Makes both ends. Has to be called before this process has any thread when it is
    /// not root's.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn create(ends: Ends) -> Result<Self, LiveError> {
        become_root()?;
        let left = End::create(LEFT, ends)?;
        let right = if ends.outside {
            let outside = Outside::open(ends.super_frames)?;
            left.call(outside.look_up())??;
            Right::Outside(outside)
        } else {
            Right::End(End::create(RIGHT, ends)?)
        };
        Ok(Self { left, right })
    }

    /// The devices, left and right.
    #[must_use]
    pub fn devices(&self) -> [EndPort; 2] {
        let right = match &self.right {
            Right::End(end) => end.port.clone(),
            Right::Outside(outside) => outside.port().clone(),
        };
        [self.left.port.clone(), right]
    }

    /// Why the ends have no TUN devices, if they were to have them where possible.
    #[must_use]
    pub const fn why_not_tun(&self) -> Option<&LiveError> {
        self.left.why_not_tun.as_ref()
    }

    /// Runs commands at the left and the right end until all have ended, or `stop`
    /// says so: then they get a second to end by themselves.
    ///
    /// # Errors
    /// When one cannot be started, as none can outside; the other one is ended.
    pub fn run(
        &self,
        commands: [Option<Shell>; 2],
        stop: &dyn Fn() -> bool,
    ) -> Result<[Option<Ended>; 2], LiveError> {
        let mut running = Vec::new();
        for (at, command) in commands.into_iter().enumerate() {
            if let Some(command) = command {
                running.push((at, self.end(at)?.call(move || command.start())??));
            }
        }
        let mut ended = [None, None];
        for (at, how) in shell::wait_for_all(running, stop)? {
            ended[at] = Some(how);
        }
        Ok(ended)
    }

    /// Does something in the network namespace of the left end (0) or the right end
    /// (1), like opening a socket, which stays there.
    ///
    /// # Errors
    /// When the end is gone, or is the outside network.
    pub fn within<T: Send + 'static>(
        &self,
        end: usize,
        what: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, LiveError> {
        self.end(end)?.call(what)
    }

    const fn end(&self, number: usize) -> Result<&End, LiveError> {
        match (number, &self.right) {
            (0, _) => Ok(&self.left),
            (_, Right::End(end)) => Ok(end),
            (_, Right::Outside(_)) => Err(LiveError::IsOutside),
        }
    }

    /// Lets the namespaces go.
    pub fn finish(self) {
        self.left.finish();
        if let Right::End(right) = self.right {
            right.finish();
        }
    }
}

impl End {
    fn create(addresses: Addresses, ends: Ends) -> Result<Self, LiveError> {
        let (orders, todo) = mpsc::channel();
        let (report, made) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("end".to_owned())
            .spawn(move || {
                let device = enter(addresses, ends);
                let failed = device.is_err();
                if report.send(device).is_err() || failed {
                    return;
                }
                // Commands are started from here, so that they inherit the namespaces
                // of this thread and end with it.
                while let Ok(order) = todo.recv() {
                    let order: Order = order;
                    order();
                }
            })
            .map_err(LiveError::system("start a thread for an end"))?;
        let (port, why_not_tun) = made.recv().map_err(|_| LiveError::Worker)??;
        Ok(Self {
            port,
            why_not_tun,
            orders,
            thread,
        })
    }

    fn finish(self) {
        drop(self.orders);
        // It has nothing left to do.
        let _ = self.thread.join();
    }

    fn call<T: Send + 'static>(
        &self,
        what: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, LiveError> {
        let (answer, answered) = mpsc::channel();
        // Nobody may wait for it any more.
        let order: Order = Box::new(move || drop(answer.send(what())));
        self.orders.send(order).map_err(|_| LiveError::Worker)?;
        answered.recv().map_err(|_| LiveError::Worker)
    }
}

/// An end's device, and why it is no TUN device if it was to be one where possible.
type Made = (EndPort, Option<LiveError>);

/// Moves this thread into namespaces of its own; the device in there.
fn enter(addresses: Addresses, ends: Ends) -> Result<Made, LiveError> {
    // Processes of this thread are in a new process namespace too, which ends with the
    // first of them.
    let flags = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_FS;
    unshare(flags).map_err(LiveError::system(NEW_NETWORK))?;
    let made = make_port(ends)?;
    set_up(addresses).map_err(LiveError::system("set up the device of an end"))?;
    Ok(made)
}

fn make_port(ends: Ends) -> Result<Made, LiveError> {
    let tun = || Tun::create(DEVICE, ends.super_frames).map(EndPort::Tun);
    let veth = || Veth::create(DEVICE, ends.super_frames).map(EndPort::Veth);
    match ends.port {
        PortChoice::Tun => Ok((tun()?, None)),
        PortChoice::Veth => Ok((veth()?, None)),
        PortChoice::Auto => match tun() {
            Ok(tun) => Ok((tun, None)),
            Err(why) => match veth() {
                Ok(veth) => Ok((veth, Some(why))),
                Err(veth) => Err(LiveError::NoPort {
                    tun: Box::new(why),
                    veth: Box::new(veth),
                }),
            },
        },
    }
}

fn set_up(addresses: Addresses) -> io::Result<()> {
    let index = nix::net::if_::if_nametoindex(DEVICE)?;
    let mut netlink = Netlink::open()?;
    netlink.up(LOOPBACK, Device::default())?;
    netlink.silence(index)?;
    for (ip, prefix) in addresses.with_prefix() {
        netlink.add_address(index, ip, prefix)?;
    }
    let device = Device {
        mtu: Some(1_500),
        queue: Some(QUEUE),
    };
    netlink.up(index, device)?;
    for (ip, _) in addresses.with_prefix() {
        netlink.add_default_route(index, ip)?;
    }
    Ok(())
}
