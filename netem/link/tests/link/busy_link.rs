//! Random waits in front of a busy link against queueing theory (queues
//! reference 2.1). Packets arrive at random; on a link of 100 Mbit/s a mean
//! packet of 12500 bytes takes 1 ms.
//!
//! Waits of successive packets depend on each other, so that tolerances are
//! those of dependent samples: of the mean wait of M/M/1 by its asymptotic
//! variance, of the share of packets that do not wait by renewal theory, of
//! everything else by batch means.

use crate::support::{drive, link, parts};
use weaknet_core::event::Event;
use weaknet_core::rng::{Draws, exponential_quantile};
use weaknet_core::{Span, Time};
use weaknet_netem::model::{Limit, Queue};

/// A bound on the deviation in standard errors, as everywhere with fixed seeds.
const FAR: f64 = 4.5;

/// Waits in milliseconds of `n` packets at a load of `rho`, after the queue has
/// forgotten that it was empty.
fn waits(n: u64, rho: f64, key: u64, size: impl Fn(f64) -> u32) -> Vec<f64> {
    let warm_up = (100.0 / ((1.0 - rho) * (1.0 - rho))) as u64;
    let (gaps, sizes) = (Draws::from_key(key), Draws::from_key(key + 1));
    let mut now = Time::ZERO;
    let packet = |i| {
        now += Span::from_nanos(exponential_quantile(gaps.unit(i), 1e6 / rho) as u64);
        (now, size(sizes.unit(i)))
    };
    let packets: Vec<(Time, u32)> = (0..warm_up + n).map(packet).collect();
    let mut events = Vec::new();
    let queue = Queue::DropTail(Limit::Packets(u64::MAX));
    let mut link = link(parts("100Mbps", queue, "0ms"));
    drive(&mut link, &packets, &mut events);
    let waited = |(_, event): &(Time, Event)| match event {
        Event::LinkDeliver { waited, .. } => Some(waited.as_millis_f64()),
        _ => None,
    };
    let waits = events.iter().filter_map(waited).skip(warm_up as usize);
    waits.collect()
}

/// In whole bytes of 80 ns each, so that the mean is right to 1e-9.
fn exponential(draw: f64) -> u32 {
    libm::round(exponential_quantile(draw, 12_500.0)) as u32
}

/// Share of the packets that wait at most so long, per batch and in all.
fn share(waits: &[f64], limit: f64) -> Estimate {
    batch_means(waits, |wait| f64::from(u8::from(wait <= limit)))
}

struct Estimate {
    value: f64,
    error: f64,
}

/// A mean with its standard error from the means of 200 batches, each of many
/// busy periods.
fn batch_means(waits: &[f64], f: impl Fn(f64) -> f64) -> Estimate {
    let batches: Vec<f64> = waits
        .chunks(waits.len() / 200)
        .map(|batch| batch.iter().map(|wait| f(*wait)).sum::<f64>() / batch.len() as f64)
        .collect();
    let n = batches.len() as f64;
    let value = batches.iter().sum::<f64>() / n;
    let squares: f64 = batches.iter().map(|mean| (mean - value).powi(2)).sum();
    let error = (squares / (n - 1.0) / n).sqrt();
    Estimate { value, error }
}

#[track_caller]
fn near(Estimate { value, error }: Estimate, want: f64) {
    let z = (value - want) / error;
    assert!(z.abs() < FAR, "{value}, not {want}: {z} standard errors");
}

/// Pollaczek and Khinchine's mean, and the share that does not wait, of service
/// times with this squared coefficient of variation.
///
/// Packets that do not wait start busy periods. The number of packets in one
/// has the mean 1 / (1 - rho) and the variance rho (1 + rho cv2) / (1 - rho)^3,
/// so that by the renewal theorem the number of busy periods in n packets has
/// the variance n rho (1 + rho cv2).
fn m_g_1(waits: &[f64], rho: f64, cv2: f64) {
    let wait = rho * (1.0 + cv2) / (2.0 * (1.0 - rho));
    near(batch_means(waits, |wait| wait), wait);
    let idle = Estimate {
        error: (rho * (1.0 + rho * cv2) / waits.len() as f64).sqrt(),
        ..share(waits, 0.0)
    };
    near(idle, 1.0 - rho);
}

fn m_m_1(rho: f64, key: u64) {
    let waits = waits(1_000_000, rho, key, exponential);
    m_g_1(&waits, rho, 1.0);
    // Asymptotic variance of the sequence of waits.
    let v = rho * (2.0 + 5.0 * rho - 4.0 * rho * rho + rho.powi(3)) / (1.0 - rho).powi(4);
    let mean = Estimate {
        error: (v / waits.len() as f64).sqrt(),
        ..batch_means(&waits, |wait| wait)
    };
    near(mean, rho / (1.0 - rho));
    for t in [1.0, 3.0, 10.0] {
        near(share(&waits, t), 1.0 - rho * libm::exp(-(1.0 - rho) * t));
    }
}

#[test]
fn m_m_1_at_half_load() {
    m_m_1(0.5, 11);
}

#[test]
fn m_m_1_at_high_load() {
    m_m_1(0.8, 21);
}

fn m_d_1(rho: f64, key: u64, shares: [(f64, f64); 3]) {
    let waits = waits(1_000_000, rho, key, |_| 12_500);
    m_g_1(&waits, rho, 0.0);
    for (t, p) in shares {
        near(share(&waits, t), p);
    }
}

#[test]
fn m_d_1_at_half_load() {
    let shares = [(0.5, 0.642_012_71), (1.0, 0.824_360_64), (2.0, 0.946_960_6)];
    m_d_1(0.5, 31, shares);
}

#[test]
fn m_d_1_at_high_load() {
    let shares = [
        (1.0, 0.445_108_19),
        (2.0, 0.634_519_94),
        (5.0, 0.899_502_76),
    ];
    m_d_1(0.8, 41, shares);
}

#[test]
fn m_g_1_of_small_and_large_packets() {
    // 90 % of 200 and 10 % of 1500 bytes, scaled from a mean of 330 to 12500.
    let scaled = |bytes: f64| libm::round(bytes * 12_500.0 / 330.0) as u32;
    let size = |draw| scaled(if draw < 0.9 { 200.0 } else { 1_500.0 });
    m_g_1(&waits(1_000_000, 0.5, 51, size), 0.5, 1.396_694);
}
