//! What goes through the emulator at most.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use weaknet_core::Span;

use super::Effort;
use super::check::{Check, Figure, Limit, Question};
use super::datagrams;
use super::site::{Conditions, Failed, over};
use crate::address::RIGHT;
use crate::emulator::Report;
use crate::end::Namespaces;

const SMALL: Question = Question {
    name: "ceiling_small_packets",
    what: "UDP packets of 64 B, as many as pass",
    limits: &[Limit::between("kpps", 50.0, 5.0)],
    because: "a call has some hundred packets/s; 50 kpps is 500 Mbit/s of full packets",
};

const LARGE: Question = Question {
    name: "ceiling_large_packets",
    what: "UDP packets of 1400 B, as many as pass",
    limits: &[Limit::between("kpps", 50.0, 5.0)],
    because: "50 kpps of 1400 B are 560 Mbit/s, above the fastest rate measured below",
};

const TCP_PACKETS: Question = Question {
    name: "ceiling_tcp_packets",
    what: "TCP over 1 ms, packet by packet (--mtu-exact)",
    limits: &[Limit::between("gbps", 0.5, 0.02)],
    because: "the fastest rate measured below; the fastest preset has a fifth of it",
};

const TCP_SUPER_FRAMES: Question = Question {
    name: "ceiling_tcp_super_frames",
    what: "TCP over 1 ms, in super-frames",
    limits: &[Limit::between("gbps", 1.0, 0.02)],
    because: "an access of 1 Gbit/s; above this the machine is the bottleneck, not the link",
};

/// How TCP travels, so that its window has to open.
const DELAY: Span = Span::from_millis(1);
/// A connection that stands still for so long is broken.
const STUCK: Duration = Duration::from_secs(5);

/// Over ends that hand over packets.
pub(super) fn examine_packets(effort: Effort, namespaces: &Namespaces) -> [Check; 3] {
    [
        SMALL.answer(packets(effort, namespaces, 64)),
        LARGE.answer(packets(effort, namespaces, 1_400)),
        TCP_PACKETS.answer(tcp(effort, namespaces)),
    ]
}

/// Over ends that hand over super-frames.
pub(super) fn examine_super_frames(effort: Effort, namespaces: &Namespaces) -> Check {
    TCP_SUPER_FRAMES.answer(tcp(effort, namespaces))
}

fn packets(effort: Effort, namespaces: &Namespaces, size: usize) -> Result<Vec<Figure>, Failed> {
    let plain = Conditions::plain();
    let start = Instant::now();
    let (sent, report) = over(namespaces, [&plain, &plain], |namespaces| {
        // Nobody reads there: what the receiver's socket has no room for costs nothing.
        let (mut sender, _receiver) = datagrams::pair(namespaces, size)?;
        sender.flood(effort.flood)?;
        Ok(sender.sent)
    })?;
    let passed = passed(&report);
    let seconds = start.elapsed().as_secs_f64();
    Ok(vec![
        ("kpps", passed as f64 / seconds / 1e3),
        ("gbps", (passed * size as u64 * 8) as f64 / seconds / 1e9),
        ("offered_kpps", sent as f64 / seconds / 1e3),
    ])
}

/// What the device at the far end took.
fn passed(report: &Report) -> u64 {
    let forward = &report.directions[0];
    forward.delivered.packets - forward.refused
}

fn tcp(effort: Effort, namespaces: &Namespaces) -> Result<Vec<Figure>, Failed> {
    let way = Conditions {
        delay: DELAY,
        ..Conditions::plain()
    };
    let (gigabits, _) = over(namespaces, [&way, &way], |namespaces| {
        transfer(namespaces, effort.flood)
    })?;
    Ok(vec![("gbps", gigabits)])
}

/// Sends over a connection for so long; payload in Gbit/s.
fn transfer(namespaces: &Namespaces, time: Duration) -> Result<f64, Failed> {
    let listener = namespaces.within(1, || TcpListener::bind((RIGHT.v4, 0)))?;
    let listener = listener.map_err(Failed::socket("listen"))?;
    let to = listener.local_addr().map_err(Failed::socket("listen"))?;
    let stream = namespaces.within(0, move || TcpStream::connect_timeout(&to, STUCK))?;
    let mut stream = stream.map_err(Failed::socket("connect"))?;
    let (peer, _) = listener.accept().map_err(Failed::socket("accept"))?;
    for stream in [&stream, &peer] {
        stream
            .set_read_timeout(Some(STUCK))
            .and_then(|()| stream.set_write_timeout(Some(STUCK)))
            .map_err(Failed::socket("set up a connection"))?;
    }
    thread::scope(|scope| {
        let reader = scope.spawn(move || read_all(peer));
        let (start, block) = (Instant::now(), vec![7; 1 << 18]);
        while start.elapsed() < time {
            stream
                .write_all(&block)
                .map_err(Failed::socket("write to a connection"))?;
        }
        drop(stream);
        reader
            .join()
            .map_err(|_| Failed::Nothing("a reader is gone"))?
    })
}

/// Reads to the end; Gbit/s.
fn read_all(mut stream: TcpStream) -> Result<f64, Failed> {
    let mut buffer = vec![0; 1 << 20];
    let (start, mut total) = (Instant::now(), 0_usize);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(total as f64 * 8e-9 / start.elapsed().as_secs_f64()),
            Ok(length) => total += length,
            Err(error) => return Err(Failed::socket("read from a connection")(error)),
        }
    }
}
