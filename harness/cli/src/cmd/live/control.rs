//! The control socket of a running link: lines of JSON, one command each.
//!
//! Its address is an abstract one, `weaknet-` and the process id: nothing of it is left
//! behind however the process ends. Only processes of the same user may speak.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::getuid;
use serde_json::json;

use super::snapshot::Command;
use super::steward::Wish;
use crate::exit::{Exit, Failure};

/// What all addresses begin with.
const PREFIX: &str = "weaknet-";
/// The longest command.
const LONGEST: u64 = 64 << 10;

fn address(name: &str) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(format!("{PREFIX}{name}"))
}

/// Listens under the number of this process until the process ends; what comes are
/// wishes.
pub(super) fn listen(wishes: &Sender<Wish>) -> io::Result<String> {
    let name = std::process::id().to_string();
    let listener = UnixListener::bind_addr(&address(&name)?)?;
    let wishes = wishes.clone();
    thread::Builder::new()
        .name("control".to_owned())
        .spawn(move || {
            for stream in listener.incoming().flatten() {
                let wishes = wishes.clone();
                // Without a thread for it, it is not heard.
                let _ = thread::Builder::new()
                    .name("control".to_owned())
                    .spawn(move || drop(serve(&stream, &wishes)));
            }
        })?;
    Ok(name)
}

/// Whether the other end is a process of this user.
fn is_ours(stream: &UnixStream) -> bool {
    let peer = getsockopt(stream, PeerCredentials);
    peer.is_ok_and(|peer| peer.uid() == getuid().as_raw() || peer.uid() == 0)
}

fn serve(stream: &UnixStream, wishes: &Sender<Wish>) -> io::Result<()> {
    if !is_ours(stream) {
        return Ok(());
    }
    let mut input = BufReader::new(stream);
    let mut line = String::new();
    loop {
        line.clear();
        let mut limited = io::Read::take(&mut input, LONGEST);
        if limited.read_line(&mut line)? == 0 {
            return Ok(());
        }
        match serde_json::from_str(&line) {
            Ok(Command::Watch {}) => return tell(stream, wishes),
            Ok(command) => {
                let (answer, answered) = channel();
                let gone = wishes.send(Wish::Do(command, answer)).is_err();
                let answer = match answered.recv() {
                    Ok(Ok(())) => json!({"ok": true}),
                    Ok(Err(error)) => json!({ "error": error }),
                    Err(_) if gone => return Ok(()),
                    Err(_) => json!({"error": "the link has ended"}),
                };
                writeln!(&*stream, "{answer}")?;
            }
            Err(error) => writeln!(&*stream, "{}", json!({ "error": error.to_string() }))?,
        }
    }
}

/// Says how the link is until one of both ends.
fn tell(mut stream: &UnixStream, wishes: &Sender<Wish>) -> io::Result<()> {
    let (told, snapshots) = channel();
    if wishes.send(Wish::Tell(told)).is_err() {
        return Ok(());
    }
    for snapshot in snapshots {
        writeln!(stream, "{}", serde_json::to_string(&snapshot)?)?;
    }
    Ok(())
}

/// A connection to a link: the one of this name, or the only one that runs.
pub(super) fn connect(name: Option<&str>) -> Result<UnixStream, Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let name = match name {
        Some(name) => name.to_owned(),
        None => {
            let mut names = running();
            match (names.pop(), names.is_empty()) {
                (None, _) => {
                    return Err(usage(
                        "no link runs here: start one with `weaknet live`".to_owned(),
                    ));
                }
                (Some(name), true) => name,
                (Some(last), false) => {
                    names.push(last);
                    let names = names.join(", ");
                    return Err(usage(format!(
                        "several links run: choose with --link from {names}"
                    )));
                }
            }
        }
    };
    let stream = address(&name).and_then(|address| UnixStream::connect_addr(&address));
    stream.map_err(|error| {
        let running = running();
        let known = if running.is_empty() {
            "none runs here".to_owned()
        } else {
            format!("running: {}", running.join(", "))
        };
        usage(format!(
            "failed to reach the link `{name}`: {error} ({known})"
        ))
    })
}

/// The names of all links that run.
fn running() -> Vec<String> {
    let sockets = std::fs::read_to_string("/proc/net/unix").unwrap_or_default();
    let names = sockets.lines().filter_map(|line| {
        let (_, path) = line.rsplit_once(' ')?;
        let name = path.strip_prefix('@')?.strip_prefix(PREFIX)?;
        Some(name.to_owned())
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    names.dedup();
    names
}
