//! One packet after the other, on scripted draws.

use weaknet_core::packet::Ecn;

use super::Bench;

const YES: u32 = 0;
const NO: u32 = u32::MAX;

fn packets(bench: &mut Bench, at_ms: impl IntoIterator<Item = u64>) {
    for ms in at_ms {
        bench.arrive(ms, 1_250, Ecn::NotEct);
    }
}

#[test]
fn a_packet_that_is_copied_and_lost_goes_on_once() {
    let json = r#"{"duplicate": "50%", "loss": {"random": {"probability": "50%"}}}"#;
    // Copied and lost; lost; copied, and the copy is lost; neither.
    let draws = [YES, YES, NO, YES, YES, NO, YES, NO, NO];
    let mut bench = Bench::new(json, &draws, &[]);
    packets(&mut bench, [0; 4]);
    assert_eq!(bench.reports, [('L', 1), ('C', 2), ('L', 2)]);
    assert_eq!(
        bench.leave(0),
        [(0, 0, false), (0, 2, false), (0, 3, false)]
    );
    assert_eq!(bench.draws_left(), 0);
}

#[test]
fn draws_come_in_the_order_of_the_kernel() {
    let json = r#"{"delay": "10ms", "jitter": "5ms", "duplicate": "50%", "corrupt": "50%",
        "loss": {"random": {"probability": "50%"}}, "reorder": "50%"}"#;
    let draws = [
        YES, NO, YES, // the packet: copied, not lost, damaged
        NO, NO, // its copy: not lost, not damaged
        NO, 9_000_000, // the copy: not at once, delay 5 ms + 9 ms
        NO, 1_000_000, // the packet: not at once, delay 5 ms + 1 ms
    ];
    let mut bench = Bench::new(json, &draws, &[1 << 31]);
    packets(&mut bench, [0]);
    assert_eq!(bench.reports, [('C', 0)]);
    assert_eq!(bench.leave(100), [(6_000, 0, true), (14_000, 0, false)]);
    assert_eq!(bench.draws_left(), 0);
}

#[test]
fn a_copy_is_not_copied_and_comes_first() {
    let json = r#"{"duplicate": "100%", "limit": 3}"#;
    let mut bench = Bench::new(json, &[YES, YES, YES], &[]);
    packets(&mut bench, [0, 0, 0]);
    // The second one passes the limit, and its copy takes the last place; the
    // third one finds none, and its copy never was.
    assert_eq!(bench.reports, [('C', 0), ('C', 1), ('O', 2)]);
    let ids: Vec<u64> = bench.leave(0).iter().map(|(_, id, _)| *id).collect();
    assert_eq!(ids, [0, 0, 1, 1]);
}

#[test]
fn the_limit_counts_the_delay_line() {
    let mut bench = Bench::new(r#"{"delay": "100ms", "limit": 3}"#, &[], &[]);
    packets(&mut bench, [0, 10, 20, 30, 99]);
    assert_eq!(bench.reports, [('O', 3), ('O', 4)]);
    let left = bench.leave(1_000);
    assert_eq!(
        left,
        [
            (100_000, 0, false),
            (110_000, 1, false),
            (120_000, 2, false)
        ]
    );
    let mut bench = Bench::new(r#"{"limit": 0}"#, &[], &[]);
    packets(&mut bench, [0]);
    assert_eq!(bench.reports, [('O', 0)]);
}

#[test]
fn every_gapth_packet_is_sent_at_once() {
    let json = r#"{"delay": "10ms", "reorder": "100%", "gap": 5}"#;
    // Only those that may be early draw.
    let mut bench = Bench::new(json, &[YES, NO], &[]);
    packets(&mut bench, [0; 10]);
    let ids: Vec<(u64, u64)> = bench
        .leave(100)
        .iter()
        .map(|(us, id, _)| (*us, *id))
        .collect();
    let late = [0, 1, 2, 3, 5, 6, 7, 8].map(|id| (10_000, id));
    // The latest one is the first: it is put in front of all others.
    assert_eq!(ids[..2], [(0, 9), (0, 4)]);
    assert_eq!(ids[2..], late);
}

#[test]
fn a_quarter_is_sent_at_once() {
    let json = r#"{"delay": "10ms", "reorder": "25%"}"#;
    let edge = 1_073_741_824;
    let mut bench = Bench::new(json, &[edge + 1, edge, NO, YES], &[]);
    packets(&mut bench, [0; 4]);
    let left: Vec<(u64, u64)> = bench
        .leave(100)
        .iter()
        .map(|(us, id, _)| (*us, *id))
        .collect();
    assert_eq!(left, [(0, 3), (0, 1), (10_000, 0), (10_000, 2)]);
}

#[test]
fn delay_is_used_up_behind_other_packets() {
    // 1250 B take 10 ms.
    let json = r#"{"delay": "25ms", "rate": "1Mbps"}"#;
    let mut bench = Bench::new(json, &[], &[]);
    packets(&mut bench, [0, 0, 0]);
    // 15 ms are left to wait when the last one leaves at 55: 10 ms of delay.
    packets(&mut bench, [40]);
    let left: Vec<u64> = bench.leave(1_000).iter().map(|(us, ..)| *us).collect();
    assert_eq!(left, [35_000, 45_000, 55_000, 75_000]);
}

#[test]
fn cells_and_overhead_take_time() {
    let json = r#"{"rate": "8Mbps", "packet_overhead": 8, "cell_size": 48, "cell_overhead": 5}"#;
    let mut bench = Bench::new(json, &[], &[]);
    // 100 + 8 B are 3 cells of 53 B; 40 + 8 B are one.
    bench.arrive(0, 100, Ecn::NotEct);
    bench.arrive(0, 40, Ecn::NotEct);
    let left: Vec<u64> = bench.leave(10).iter().map(|(us, ..)| *us).collect();
    assert_eq!(left, [159, 159 + 53]);
    let mut bench = Bench::new(r#"{"rate": "8Mbps", "packet_overhead": -200}"#, &[], &[]);
    bench.arrive(0, 100, Ecn::NotEct);
    assert_eq!(bench.leave(1), [(0, 0, false)]);
}

#[test]
fn jitter_may_send_at_once_and_reorders() {
    let json = r#"{"delay": "1ms", "jitter": "5ms"}"#;
    // 1 - 5, 1 - 4 and 1 + 4 ms; the remainder of a draw counts.
    let draws = [0, 1_000_000, 10_000_000 * 7 + 9_000_000];
    let mut bench = Bench::new(json, &draws, &[]);
    packets(&mut bench, [0; 3]);
    assert_eq!(
        bench.leave(10),
        [(0, 0, false), (0, 1, false), (5_000, 2, false)]
    );
    let mut bench = Bench::new(json, &[9_000_000, 0], &[]);
    packets(&mut bench, [0, 0]);
    assert_eq!(bench.leave(10), [(0, 1, false), (5_000, 0, false)]);
}

#[test]
fn slots_let_groups_go() {
    let json = r#"{"slot": {"min": "10ms", "packets": 2}}"#;
    // Drawn when the first packet comes and after each group of two.
    let mut bench = Bench::new(json, &[], &[5, 6, 7]);
    bench.arrive(1, 100, Ecn::NotEct);
    let none = bench.ask(weaknet_core::Time::from_millis(1), |queue, cx| {
        crate::model::QueueDiscipline::dequeue(queue, cx)
    });
    assert_eq!(none, None);
    packets(&mut bench, [2, 3, 4, 5]);
    let left: Vec<u64> = bench.leave(100).iter().map(|(us, ..)| *us).collect();
    assert_eq!(left, [11_000, 11_000, 21_000, 21_000, 31_000]);
    assert_eq!(bench.draws_left(), 0);
    // Halfway between 10 and 30 ms, and at most 1500 B.
    let json = r#"{"slot": {"min": "10ms", "max": "30ms", "bytes": "1500B"}}"#;
    let mut bench = Bench::new(json, &[], &[1 << 31, 0]);
    packets(&mut bench, [0, 0, 0]);
    let left: Vec<u64> = bench.leave(5).iter().map(|(us, ..)| *us).collect();
    assert_eq!(left, [0, 0], "the first slot is there from the start");
}

#[test]
fn losses_become_marks() {
    let json = r#"{"ecn": true, "loss": {"random": {"probability": "50%"}}}"#;
    let mut bench = Bench::new(json, &[YES, YES, YES, NO], &[]);
    for ecn in [Ecn::Ect0, Ecn::NotEct, Ecn::Ce, Ecn::Ect1] {
        bench.arrive(0, 100, ecn);
    }
    assert_eq!(bench.reports, [('M', 0), ('L', 1)]);
    assert_eq!(bench.leave(0).len(), 3);
}

#[test]
fn the_chains_test_what_the_kernel_tests() {
    // Moves to bad, tested in good; stays, tested in bad.
    let json = r#"{"loss": {"gemodel": {"p": "50%", "r": "50%", "one_minus_k": "0%"}}}"#;
    let mut bench = Bench::new(json, &[YES, YES, NO, 1, NO, 0], &[]);
    packets(&mut bench, [0; 3]);
    assert_eq!(
        bench.reports,
        [('L', 1)],
        "in the bad state a draw of 0 passes"
    );
    // 1 to 4 and back; 1 to 3, to 2, to 3, to 1, to 3.
    let json = r#"{"loss": {"state": {"p13": "50%", "p31": "40%", "p32": "30%", "p23": "50%", "p14": "10%"}}}"#;
    let half = 1 << 31;
    let draws = [YES, YES, half, half / 2, YES, half, half];
    let mut bench = Bench::new(json, &draws, &[]);
    packets(&mut bench, [0; 7]);
    assert_eq!(bench.reports, [('L', 0), ('L', 2), ('L', 4), ('L', 6)]);
}
