//! Long runs against theory (standards reference 9) and conservation.

use weaknet_core::rng::Sequence;
use weaknet_core::{Streams, Time};

use super::super::table::Table;
use super::{built, netem};
use crate::loss::actual_loss;

fn source() -> Sequence {
    Streams::new(1).sequence("forward", "netem")
}

/// Number of packets lost of so many.
fn lost(json: &str, packets: u64) -> f64 {
    let mut queue = built(|cx| netem(json).discipline(cx)).unwrap();
    let mut source = source();
    (0..packets)
        .filter(|_| queue.stages.loss.loses(&mut source))
        .count() as f64
}

#[test]
fn loss_of_the_chains() {
    let n = 1_000_000;
    // 7.27% with the deviation of queues reference 2.2: variance inflation 5.14.
    let json = r#"{"loss": {"gemodel": {"p": "2%", "r": "20%", "one_minus_h": "70%", "one_minus_k": "1%"}}}"#;
    let off = lost(json, n) - 72_727.3;
    assert!(off.abs() < 4.0 * 589.0, "{off}");
    // 8.96% with the deviation of 2.3.
    let json = r#"{"loss": {"state": {"p13": "1%", "p31": "10%", "p32": "20%", "p23": "30%", "p14": "0.5%"}}}"#;
    let off = lost(json, n) - 89_615.9;
    assert!(off.abs() < 4.0 * 1_078.0, "{off}");
}

#[test]
fn correlated_loss_has_its_bias() {
    for (p, rho) in [(5, 25), (10, 10), (20, 50), (30, 25)] {
        let json = format!(
            r#"{{"loss": {{"random": {{"probability": "{p}%", "correlation": "{rho}%"}}}}}}"#
        );
        let n = 400_000;
        let (p, rho) = (f64::from(p) / 100.0, f64::from(rho) / 100.0);
        let theory = n as f64 * actual_loss(p, rho);
        // At most (1 + rho) / (1 - rho) times the binomial variance.
        let sd = (theory * (1.0 + rho) / (1.0 - rho)).sqrt();
        let off = lost(&json, n) - theory;
        assert!(off.abs() < 4.0 * sd, "{p} {rho}: {off}");
    }
}

struct Moments {
    mean: f64,
    deviation: f64,
    /// Smallest, median, 95th and 99th percentile, largest.
    order: [f64; 5],
}

fn moments(table: &Table) -> Moments {
    let mut values: Vec<f64> = table
        .entries()
        .iter()
        .map(|x| f64::from(*x) / 8_192.0)
        .collect();
    values.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    Moments {
        mean,
        deviation: variance.sqrt(),
        order: [0.0, 0.5, 0.95, 0.99, 1.0].map(|p| values[((n - 1.0) * p) as usize]),
    }
}

/// To the digits that the reference gives, where it gives any.
#[test]
fn tables_have_the_moments_of_those_of_iproute2() {
    let rows = [
        (
            Table::normal(),
            -0.0008,
            1.0001,
            [-4.0, f64::NAN, f64::NAN, f64::NAN, 3.52],
        ),
        (
            Table::pareto(),
            -0.0335,
            0.820,
            [-0.667, -0.320, 1.618, 4.0, 4.0],
        ),
        (
            Table::paretonormal(),
            -0.025,
            0.834,
            [-1.50, -0.24, 1.62, 3.58, 3.88],
        ),
    ];
    for (table, mean, deviation, order) in rows {
        let found = moments(&table);
        assert_eq!(table.entries().len(), 4_096);
        assert!((found.mean - mean).abs() < 0.0006, "{}", found.mean);
        assert!(
            (found.deviation - deviation).abs() < 0.0006,
            "{}",
            found.deviation
        );
        for (found, want) in found.order.into_iter().zip(order) {
            assert!(
                want.is_nan() || (found - want).abs() < 0.006,
                "{found} {want}"
            );
        }
    }
    let capped = Table::pareto()
        .entries()
        .iter()
        .filter(|x| **x == 32_767)
        .count();
    assert_eq!(capped, 44);
}

/// So many delays, in milliseconds.
fn delays(json: &str) -> Vec<f64> {
    let mut queue = built(|cx| netem(json).discipline(cx)).unwrap();
    let mut source = source();
    let mut next = || {
        queue
            .stages
            .delay
            .draw(&mut queue.stages.delay_draws, &mut source)
    };
    (0..200_000).map(|_| next() as f64 / 1e6).collect()
}

/// Mean and standard deviation.
fn spread(samples: &[f64]) -> (f64, f64) {
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let squares: f64 = samples.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, (squares / n).sqrt())
}

#[test]
fn delays_have_the_moments_of_their_tables() {
    // Standard errors of 200 000: 10 / sqrt(200 000) = 0.02 ms; four of those.
    let (mean, deviation) = spread(&delays(
        r#"{"delay": "100ms", "jitter": "10ms", "distribution": "normal"}"#,
    ));
    assert!(
        (mean - 99.992).abs() < 0.09 && (deviation - 10.0).abs() < 0.07,
        "{mean} {deviation}"
    );
    let (mean, deviation) = spread(&delays(
        r#"{"delay": "100ms", "jitter": "10ms", "distribution": "pareto"}"#,
    ));
    assert!(
        (mean - 99.665).abs() < 0.08 && (deviation - 8.2).abs() < 0.14,
        "{mean} {deviation}"
    );
    let (mean, deviation) = spread(&delays(r#"{"delay": "100ms", "jitter": "10ms"}"#));
    let uniform = 10.0 / 3f64.sqrt();
    assert!(
        (mean - 100.0).abs() < 0.052 && (deviation - uniform).abs() < 0.03,
        "{mean} {deviation}"
    );
}

/// Correlated draws are narrower, but only their remainders by twice the jitter
/// count, or their last 12 bits.
#[test]
fn correlation_leaves_delays_as_they_are() {
    for distribution in ["uniform", "normal"] {
        let json = format!(
            r#"{{"delay": "100ms", "jitter": "10ms", "delay_correlation": "50%", "distribution": "{distribution}"}}"#
        );
        let ms = delays(&json);
        let (mean, deviation) = spread(&ms);
        let expected = match distribution {
            "uniform" => 10.0 / 3f64.sqrt(),
            _ => 10.0,
        };
        assert!((deviation - expected).abs() < 0.07, "{deviation}");
        let products = ms
            .windows(2)
            .map(|pair| (pair[0] - mean) * (pair[1] - mean));
        let correlation = products.sum::<f64>() / ms.len() as f64 / deviation.powi(2);
        // Four standard errors of independent ones.
        assert!(
            correlation.abs() < 4.0 / (ms.len() as f64).sqrt(),
            "{correlation}"
        );
    }
    // The largest jitter is nearly all of the 32 bits.
    let json = r#"{"delay": "5s", "jitter": "2.147483647s", "delay_correlation": "50%"}"#;
    let (_, deviation) = spread(&delays(json));
    let narrow = 2_147.5 / 3f64.sqrt() * (0.5f64 / 1.5).sqrt();
    assert!((deviation / narrow - 1.0).abs() < 0.02, "{deviation}");
}

#[test]
fn whatever_happens_the_books_balance() {
    use crate::queue::link_bench::link;
    use crate::testing::packet;
    use weaknet_core::packet::{Ecn, Packet};

    let config = netem(
        r#"{"limit": 20, "delay": "40ms", "jitter": "30ms", "distribution": "paretonormal",
        "delay_correlation": "20%", "loss": {"gemodel": {"p": "2%", "r": "20%"}}, "ecn": true,
        "duplicate": "5%", "corrupt": "5%", "reorder": "10%", "gap": 3, "rate": "2Mbps",
        "slot": {"min": "5ms", "max": "15ms", "packets": 4}}"#,
    );
    let run = || {
        let mut link = link(&config, 1);
        let mut out = Vec::new();
        let check = |link: &crate::Link| {
            let counts = link.counts();
            let end = counts.delivered + counts.dropped + counts.lost + counts.inside;
            assert_eq!(counts.arrived + counts.copied, end);
        };
        for id in 0..20_000u64 {
            let now = Time::from_millis(4 * id);
            while let Some(next) = link.next_event().filter(|next| *next <= now) {
                out.extend(link.deliver(next, &mut ()));
                check(&link);
            }
            let packet = Packet {
                ecn: if id % 2 == 0 { Ecn::Ect0 } else { Ecn::NotEct },
                sent: now,
                ..packet(id, 0, 900)
            };
            link.arrive(now, packet, &mut ());
            check(&link);
        }
        while let Some(next) = link.next_event() {
            out.extend(link.deliver(next, &mut ()));
        }
        (link.counts(), out)
    };
    let (counts, out) = run();
    assert_eq!(counts.inside.packets, 0);
    assert_eq!(counts.delivered.packets, out.len() as u64);
    assert!(counts.copied.packets > 500 && counts.lost.packets > 500);
    assert!(counts.dropped.packets > 0);
    assert!(
        out.iter()
            .filter(|delivery| delivery.packet.damaged)
            .count()
            > 500
    );
    assert!(out.iter().any(|delivery| delivery.packet.ecn == Ecn::Ce));
    assert_eq!(run(), (counts, out), "the same again");
}
