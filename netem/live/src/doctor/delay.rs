//! How far round trips are off.
//!
//! Implements: an echo of UDP datagrams, many on their way at a time, by turns over a
//! link that only passes on and over links with delays, so that all have their share of
//! what else the machine does. What the sockets and the two passages through devices take
//! is that of the plain link. The error of a delay is what its round trips take beyond
//! twice the delay, above the same quantile of the plain link; the limits of the plain
//! link say whether the machine lets that be judged.

use std::net::UdpSocket;
use std::thread;
use std::time::{Duration, Instant};

use weaknet_core::Span;

use super::Effort;
use super::check::{Check, Figure, Limit, Question};
use super::site::{Conditions, Failed, over};
use crate::address::{LEFT, RIGHT};
use crate::end::Namespaces;

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

/// Time between datagrams: emulators are compared with 250 a second.
const EVERY: Duration = Duration::from_millis(4);
/// An echo that has not come by then never does.
const LOST: Duration = Duration::from_secs(1);
/// Turns of each link.
const TURNS: u32 = 4;
const LENGTH: usize = 100;

pub(super) fn examine(effort: Effort, namespaces: &Namespaces) -> Vec<Check> {
    let links = [0].into_iter().chain(DELAYS.map(|(millis, _)| millis));
    let mut trips: Vec<(u64, Result<Trips, Failed>)> =
        links.map(|millis| (millis, Ok(Trips::default()))).collect();
    for _ in 0..TURNS {
        for (millis, trips) in &mut trips {
            if let Ok(before) = trips {
                let added = before.add(namespaces, effort.echoes / TURNS, *millis);
                if let Err(failed) = added {
                    *trips = Err(failed);
                }
            }
        }
    }
    let mut trips = trips.into_iter().map(|(_, trips)| trips);
    let plain = trips.next().unwrap_or_else(|| Ok(Trips::default()));
    let delays: Vec<Check> = DELAYS
        .into_iter()
        .zip(trips)
        .map(|((millis, question), trips)| {
            question.answer(trips.and_then(|trips| match &plain {
                Ok(plain) => Ok(trips.above(plain, 2_000.0 * millis as f64)),
                Err(_) => Err(Failed::Nothing(
                    "there is no plain forwarder to compare with",
                )),
            }))
        })
        .collect();
    let plain = PLAIN.answer(plain.map(|trips| trips.figures()));
    std::iter::once(plain).chain(delays).collect()
}

/// Round trips, and how late the emulator says that packets left.
#[derive(Default)]
struct Trips {
    /// Microseconds, sorted.
    micros: Vec<f64>,
    /// In the worst turn.
    late: [Span; 2],
}

impl Trips {
    /// Round trips over twice this delay.
    fn add(&mut self, namespaces: &Namespaces, count: u32, millis: u64) -> Result<(), Failed> {
        let way = Conditions {
            delay: Span::from_millis(millis),
            ..Conditions::plain()
        };
        let (micros, report) = over(namespaces, [&way, &way], |namespaces| {
            exchange(namespaces, count)
        })?;
        if micros.is_empty() {
            return Err(Failed::Nothing("no echo came back"));
        }
        self.micros.extend(micros);
        self.micros.sort_by(f64::total_cmp);
        let late = [report.lateness.p50, report.lateness.p99];
        for (worst, late) in self.late.iter_mut().zip(late) {
            *worst = late.max(*worst);
        }
        Ok(())
    }

    fn at(&self, share: f64) -> f64 {
        at(&self.micros, share)
    }

    fn figures(&self) -> Vec<Figure> {
        let [p50, p99] = self.late.map(|span| span.as_nanos() as f64 / 1e3);
        vec![
            ("p50_us", self.at(0.5)),
            ("p99_us", self.at(0.99)),
            ("max_us", self.at(1.0)),
            ("emulation_error_p50_us", p50),
            ("emulation_error_p99_us", p99),
        ]
    }

    /// Microseconds beyond twice the delay: of the shortest all of it, which cannot be
    /// below zero; of the quantiles what is above those of a plain forwarder.
    fn above(&self, plain: &Self, twice: f64) -> Vec<Figure> {
        let mut figures = self.figures();
        for ((_, value), share) in figures.iter_mut().zip([0.5, 0.99, 1.0]) {
            *value -= twice + plain.at(share);
        }
        figures.extend([
            ("earliest_us", self.at(0.0) - twice),
            ("with_plain_p50_us", self.at(0.5) - twice),
            ("with_plain_p99_us", self.at(0.99) - twice),
            ("with_plain_max_us", self.at(1.0) - twice),
        ]);
        figures
    }
}

/// The value that this share of the sorted values is below.
fn at(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let place = (sorted.len() as f64 * share) as usize;
    sorted.get(place.min(last)).copied().unwrap_or(f64::NAN)
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
        let trips = |micros: [f64; 3]| Trips {
            micros: micros.to_vec(),
            late: [Span::from_micros(3), Span::from_micros(7)],
        };
        let plain = trips([2.0, 5.0, 15.0]);
        let figures = trips([2_010.0, 2_020.0, 2_030.0]).above(&plain, 2_000.0);
        let values: Vec<f64> = figures.iter().map(|(_, value)| *value).collect();
        assert_eq!(values, [15.0, 15.0, 15.0, 3.0, 7.0, 10.0, 20.0, 30.0, 30.0]);
    }
}
