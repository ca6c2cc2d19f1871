//! How far round trips are off.
//!
//! Implements: an echo of UDP datagrams, many on their way at a time. What the
//! sockets and the two passages through devices take is that of a link that only
//! passes on, measured first: the error of a delay is what a round trip takes beyond
//! twice the delay and the median of that.

use std::net::UdpSocket;
use std::thread;
use std::time::{Duration, Instant};

use weaknet_core::Span;

use super::Effort;
use super::check::{Check, Figure, Limit, Question};
use super::site::{Conditions, Failed, over};
use crate::address::{LEFT, RIGHT};
use crate::end::Namespaces;
use crate::spans::Quantiles;

const PLAIN: Question = Question {
    name: "delay_0ms",
    what: "round trip through a plain forwarder",
    limits: &[
        Limit::at_most("p50_us", 250.0),
        Limit::at_most("p99_us", 1_000.0),
    ],
    because: "what devices and threads cost on an idle machine is 30 to 100 us",
};

const LIMITS: &[Limit] = &[
    Limit::at_most("p50_us", 50.0),
    Limit::at_most("p99_us", 500.0),
    Limit::at_least("earliest_us", 0.0),
];

const fn question(name: &'static str, what: &'static str) -> Question {
    Question {
        name,
        what,
        limits: LIMITS,
        because: "a tenth of the jitter of a good access; nothing may come early",
    }
}

const DELAYS: [(u64, Question); 3] = [
    (1, question("delay_1ms", "2 x 1 ms, error of round trips")),
    (
        20,
        question("delay_20ms", "2 x 20 ms, error of round trips"),
    ),
    (
        100,
        question("delay_100ms", "2 x 100 ms, error of round trips"),
    ),
];

/// Time between datagrams.
const EVERY: Duration = Duration::from_millis(2);
/// An echo that has not come by then never does.
const LOST: Duration = Duration::from_secs(1);
const LENGTH: usize = 100;

pub(super) fn examine(effort: Effort, namespaces: &Namespaces) -> Vec<Check> {
    let plain = round_trips(effort, namespaces, Span::ZERO);
    let base = plain.as_ref().ok().map(|trips| at(&trips.micros, 0.5));
    let mut checks = vec![PLAIN.answer(plain.map(|trips| trips.figures(0.0, 0.0)))];
    for (millis, question) in DELAYS {
        let measured = match base {
            Some(base) => round_trips(effort, namespaces, Span::from_millis(millis))
                .map(|trips| trips.figures(2_000.0 * millis as f64, base)),
            None => Err(Failed::Nothing(
                "there is no plain forwarder to compare with",
            )),
        };
        checks.push(question.answer(measured));
    }
    checks
}

/// Round trips, and how late the emulator says that packets left.
struct Trips {
    /// Microseconds, sorted.
    micros: Vec<f64>,
    lateness: Quantiles,
}

impl Trips {
    /// Microseconds beyond twice the delay: of the shortest all of it, which cannot be
    /// below zero; of the others what is beyond a plain forwarder.
    fn figures(&self, twice: f64, plain: f64) -> Vec<Figure> {
        let beyond = |share| at(&self.micros, share) - twice - plain;
        let late = |span: Span| span.as_nanos() as f64 / 1e3;
        vec![
            ("p50_us", beyond(0.5)),
            ("p99_us", beyond(0.99)),
            ("max_us", beyond(1.0)),
            ("earliest_us", at(&self.micros, 0.0) - twice),
            ("emulation_error_p50_us", late(self.lateness.p50)),
            ("emulation_error_p99_us", late(self.lateness.p99)),
        ]
    }
}

/// The value that this share of the sorted values is below.
fn at(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let place = (sorted.len() as f64 * share) as usize;
    sorted.get(place.min(last)).copied().unwrap_or(f64::NAN)
}

/// Round trips over twice this delay.
fn round_trips(effort: Effort, namespaces: &Namespaces, delay: Span) -> Result<Trips, Failed> {
    let way = Conditions {
        delay,
        ..Conditions::plain()
    };
    let (mut micros, report) = over(namespaces, [&way, &way], |namespaces| {
        exchange(namespaces, effort.echoes)
    })?;
    if micros.is_empty() {
        return Err(Failed::Nothing("no echo came back"));
    }
    micros.sort_by(f64::total_cmp);
    Ok(Trips {
        micros,
        lateness: report.lateness,
    })
}

fn exchange(namespaces: &Namespaces, count: u32) -> Result<Vec<f64>, Failed> {
    let open = |end: usize, ip| {
        let bound = namespaces.within(end, move || UdpSocket::bind((ip, 0)))?;
        let socket = bound.map_err(Failed::socket("open a UDP socket"))?;
        let set = socket.set_read_timeout(Some(LOST));
        set.map_err(Failed::socket("set up a UDP socket"))?;
        Ok::<UdpSocket, Failed>(socket)
    };
    let (left, right) = (open(0, LEFT.v4)?, open(1, RIGHT.v4)?);
    let to = right.local_addr().and_then(|to| left.connect(to));
    to.map_err(Failed::socket("connect a UDP socket"))?;
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| echo(&right, count));
        let receiver = scope.spawn(|| receive(&left, count, start));
        for number in 0..count {
            let due = EVERY * number;
            thread::sleep(due.saturating_sub(start.elapsed()));
            let mut datagram = [0; LENGTH];
            datagram[..8].copy_from_slice(&nanos(start).to_be_bytes());
            left.send(&datagram)
                .map_err(Failed::socket("send a datagram"))?;
        }
        receiver
            .join()
            .map_err(|_| Failed::Nothing("a receiver is gone"))
    })
}

fn nanos(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Sends so many back, or until nothing comes any more.
fn echo(socket: &UdpSocket, count: u32) {
    let mut buffer = [0; LENGTH];
    for _ in 0..count {
        let Ok((length, from)) = socket.recv_from(&mut buffer) else {
            return;
        };
        // One that does not get away is missing at the other end.
        let _ = socket.send_to(&buffer[..length], from);
    }
}

/// How long those took that came back, in microseconds.
fn receive(socket: &UdpSocket, count: u32, start: Instant) -> Vec<f64> {
    let mut trips = Vec::new();
    let mut buffer = [0; LENGTH];
    while trips.len() < count as usize {
        let Ok(LENGTH) = socket.recv(&mut buffer) else {
            break;
        };
        let now = nanos(start);
        if let Some(sent) = buffer.first_chunk() {
            trips.push(now.saturating_sub(u64::from_be_bytes(*sent)) as f64 / 1e3);
        }
    }
    trips
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_few_values() {
        assert_eq!(at(&[1.0, 2.0, 3.0, 4.0], 0.5), 3.0);
        assert_eq!(at(&[1.0, 2.0], 1.0), 2.0);
        assert!(at(&[], 0.5).is_nan());
        let trips = Trips {
            micros: vec![2_010.0, 2_020.0, 2_030.0],
            lateness: Quantiles::default(),
        };
        let figures = trips.figures(2_000.0, 5.0);
        let values: Vec<f64> = figures.iter().map(|(_, value)| *value).collect();
        assert_eq!(values, [15.0, 25.0, 25.0, 10.0, 0.0, 0.0]);
    }
}
