//! How far the rate is off.
//!
//! Implements: a stream of datagrams, some percent faster than the link, so that it is
//! busy all the time; what arrives per 100 ms against what the link allows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use weaknet_core::Bitrate;

use super::Effort;
use super::bins::Curve;
use super::check::{Check, Figure, Limit, Question};
use super::datagrams;
use super::site::{Conditions, Failed, over};
use crate::end::Namespaces;

const LIMITS: &[Limit] = &[
    Limit::between("mean_percent", -0.5, -10.0),
    Limit::at_most("worst_bin_percent", 1.0),
    Limit::at_most("lost_before_link", 0.0),
];

const fn question(name: &'static str, what: &'static str) -> Question {
    Question {
        name,
        what,
        limits: LIMITS,
        because: "1 ms of lateness at an edge is 1 % of a bin of 100 ms",
    }
}

/// Mbit/s, and bytes of a packet: some dozens of packets per bin at least.
const RATES: [(u64, usize, Question); 4] = [
    (1, 250, question("rate_1mbps", "1 Mbit/s, error per 100 ms")),
    (
        10,
        1_400,
        question("rate_10mbps", "10 Mbit/s, error per 100 ms"),
    ),
    (
        100,
        1_400,
        question("rate_100mbps", "100 Mbit/s, error per 100 ms"),
    ),
    (
        500,
        1_400,
        question("rate_500mbps", "500 Mbit/s, error per 100 ms"),
    ),
];

/// Nanoseconds of a bin.
const BIN: u64 = 100_000_000;
/// How much faster than the link the sender is, and how far ahead: it may be away for
/// that time.
const FASTER: f64 = 1.03;
const AHEAD: Duration = Duration::from_millis(100);

pub(super) fn examine(effort: Effort, namespaces: &Namespaces) -> Vec<Check> {
    RATES
        .into_iter()
        .map(|(mbps, size, question)| {
            let rate = Bitrate::from_mbps(mbps);
            question.answer(measure(effort.rate, namespaces, rate, size))
        })
        .collect()
}

fn measure(
    time: Duration,
    namespaces: &Namespaces,
    rate: Bitrate,
    size: usize,
) -> Result<Vec<Figure>, Failed> {
    let way = Conditions {
        rate: Some(rate),
        ..Conditions::plain()
    };
    let per_second = rate.as_bps_f64() / (8.0 * size as f64);
    let ((curve, sent), report) = over(namespaces, [&way, &Conditions::plain()], |namespaces| {
        let (mut sender, mut receiver) = datagrams::pair(namespaces, size)?;
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut curve = Curve::default();
                while let Some((number, at)) = receiver.receive(&is_over)? {
                    curve.add(number, at);
                }
                Ok::<Curve, Failed>(curve)
            });
            let sent = sender.pace(FASTER * per_second, AHEAD, time);
            is_over.store(true, Ordering::Release);
            sent?;
            let curve = reader
                .join()
                .map_err(|_| Failed::Nothing("a reader is gone"))?;
            Ok((curve?, sender.sent))
        })
    })?;
    let missing = sent.saturating_sub(report.directions[0].arrived.packets);
    let allowed = per_second * BIN as f64 / 1e9;
    // Beyond that the link may run dry. The first one has the rush of the beginning, when
    // all that is sent ahead comes at once.
    let most = usize::try_from(time.as_nanos() / u128::from(BIN)).unwrap_or(usize::MAX);
    let bins = curve.bins(BIN, most);
    let bins = bins.get(1..).unwrap_or_default();
    if bins.is_empty() {
        return Err(Failed::Nothing("not one bin of 100 ms was full"));
    }
    let errors = bins.iter().map(|packets| 100.0 * (packets / allowed - 1.0));
    let mean = errors.clone().sum::<f64>() / bins.len() as f64;
    let worst = errors.map(f64::abs).fold(0.0, f64::max);
    Ok(vec![
        ("mean_percent", mean),
        ("worst_bin_percent", worst),
        ("lost_before_link", missing as f64),
    ])
}
