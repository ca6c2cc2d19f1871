//! `weaknet replay`.

use crate::support::{Sandbox, shared};

const HEADER: &str = "seq,size,send_us,recv_us,fb_sent_us,fb_recv_us,probe_id,probe_min_packets,probe_min_bytes,probe_rate_bps,inflight_after_send\n";

/// Four packets in two reports, the third is lost; a fifth ends the trace.
fn packets() -> String {
    format!(
        "{HEADER}\
0,1200,0,30000,50000,75003,-1,-1,-1,0,1200
1,1200,6666,36666,50000,75003,-1,-1,-1,0,2400
2,1200,40000,-1,100000,125003,-1,-1,-1,0,3600
3,1200,50000,80000,100000,125003,-1,-1,-1,0,3600
4,1200,200000,-1,-1,-1,-1,-1,-1,0,1200
"
    )
}

#[test]
fn decisions_follow_reports_and_parameters() {
    let sandbox = Sandbox::new(&[("p.csv", &packets())]);
    let replay =
        |more: &[&str]| sandbox.run(&[&["replay", "p.csv", "--controller"], more].concat());
    let updates = replay(&["gcc"]).ok();
    let lines: Vec<&str> = updates.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "t_us,target_bps,pacing_bps,padding_bps,cwnd_bytes,probes",
            "0,300000,750000,0,-1,probe:1:900000:15:5,probe:2:1800000:15:5",
        ]
    );
    assert!(lines[2].starts_with("75003,"), "{updates}");
    assert_eq!(replay(&["gcc", "--out", "u.csv"]).ok(), "");
    assert_eq!(sandbox.read("u.csv"), updates);
    // Probes at 4 times the start rate, not 3.
    let set = replay(&["gcc", "--set", "probing.first_scale=4"]).ok();
    assert!(
        set.lines()
            .nth(1)
            .unwrap()
            .contains(",probe:1:1200000:15:5,"),
        "{set}"
    );
    // One that never decides anything anew: no rows.
    assert_eq!(replay(&["fixed"]).ok().lines().count(), 1);
}

#[test]
fn mistakes_point_at_their_place() {
    let sandbox = Sandbox::new(&[
        ("p.csv", &packets()),
        ("no.csv", "a,b\n1,2\n"),
        ("bad.csv", &packets().replace("6666", "x")),
    ]);
    let replay = |args: &[&str]| sandbox.run(&[&["replay", "--controller"], args].concat());
    for (args, code, message) in [
        (
            &["gc", "p.csv"][..],
            2,
            "--controller:1:1: unknown congestion_control `gc`: expected one of bbr1, ",
        ),
        (
            &["gcc", "p.csv", "--set", "aimd.bakoff=1"],
            2,
            "--set:1:10: unknown key `bakoff`",
        ),
        (
            &["gcc", "p.csv", "--set", "aimd.backoff=1|2"],
            2,
            "`--set aimd.backoff=1|2`: a replay takes one value, not several",
        ),
        (
            &["gcc", "p.csv", "--out", "p.csv/u"],
            2,
            "`p.csv/u` cannot be written: ",
        ),
        (&["gcc", "none.csv"], 65, "`none.csv` cannot be read: "),
        (
            &["gcc", "no.csv"],
            65,
            "no.csv: line 1: expected the header `seq,size,",
        ),
        (&["gcc", "bad.csv"], 65, "bad.csv: line 3: "),
    ] {
        let found = replay(args).fails(code);
        assert!(found.starts_with(&format!("error: {message}")), "{found}");
    }
}

#[test]
fn recorded_decisions_come_out_again() {
    let Some(shared) = shared() else { return };
    let oracles = shared.join("oracles/congestion-control");
    let sandbox = Sandbox::new(&[]);
    let packets = oracles.join("goog_const1M_packets.csv");
    let args = [
        "replay",
        "--controller",
        "gcc",
        packets.to_str().unwrap(),
        "--out",
        "u.csv",
    ];
    sandbox.run(&args).ok();
    let expected = std::fs::read_to_string(oracles.join("goog_const1M_updates.csv")).unwrap();
    assert!(sandbox.read("u.csv") == expected, "the decisions differ");
}
