use proptest::prelude::*;

use super::units;
use super::{command, to_scenario};
use crate::scenario::error::Source;
use crate::tc::{Discipline, Loss, Netem, Slot};

fn netem(options: &str) -> Netem {
    let text = format!("tc qdisc add dev eth0 root netem {options}");
    match command::parse(&Source::new("t", text))
        .unwrap()
        .remove(0)
        .discipline
    {
        Discipline::Netem(netem) => *netem,
        Discipline::Other(other) => panic!("{other:?}"),
    }
}

fn error(text: &str) -> String {
    let error = to_scenario("t.tc", text).unwrap_err().to_string();
    error.lines().next().unwrap().to_owned()
}

#[test]
fn units_are_those_of_tc() {
    for (text, bps) in [
        ("1mbit", 1_000_000),
        ("1Mbit", 1_000_000),
        ("500kbit", 500_000),
        ("8000", 8_000),
        ("1kbps", 8_000),
        ("2MBps", 16_000_000),
        ("1Kibit", 1_024),
        ("1.5gbit", 1_500_000_000),
    ] {
        assert_eq!(units::rate(text), Some(bps), "{text}");
    }
    assert_eq!(units::rate("1mbits"), None);
    assert_eq!(units::time64("100"), Some(100));
    assert_eq!(units::time32("100"), Some(100_000));
    assert_eq!(units::time64("1.5ms"), Some(1_500_000));
    assert_eq!(units::time64("2sec"), Some(2_000_000_000));
    assert_eq!(units::size("32kb"), Some(32_768));
    assert_eq!(units::size("1600"), Some(1_600));
    assert_eq!(units::share("0.5"), Some(0.005));
    assert_eq!(units::share("25%"), Some(0.25));
    assert_eq!(units::share("101%"), None);
}

#[test]
fn every_option_of_netem() {
    let all = netem(
        "limit 2000 delay 100ms 20ms 25% distribution paretonormal loss 0.3% 25% corrupt 0.1% \
         duplicate 1% 10% reorder 25% 50% gap 5 rate 1mbit 20 48 5 slot 800us 1ms packets 32 \
         bytes 64000 ecn seed 7",
    );
    let want = Netem {
        limit: Some(2000),
        delay: Some(100_000_000),
        jitter: Some(20_000_000),
        delay_correlation: Some(0.25),
        distribution: Some("paretonormal".to_owned()),
        loss: Some(Loss::Random {
            p: 0.003,
            correlation: 0.25,
        }),
        ecn: true,
        corrupt: Some(0.001),
        corrupt_correlation: None,
        duplicate: Some(0.01),
        duplicate_correlation: Some(0.1),
        reorder: Some(0.25),
        reorder_correlation: Some(0.5),
        gap: Some(5),
        rate: Some(1_000_000),
        packet_overhead: Some(20),
        cell: Some(48),
        cell_overhead: Some(5),
        slot: Some(Slot {
            min: 800_000,
            max: 1_000_000,
            packets: Some(32),
            bytes: Some(64_000),
        }),
        seed: Some(7),
    };
    assert_eq!(all, want);
}

#[test]
fn defaults_of_the_loss_models() {
    let state = netem("loss state 1%").loss;
    assert_eq!(state, Some(Loss::State([0.01, 0.99, 0.0, 1.0, 0.0])));
    let gemodel = netem("loss gemodel 1% 10%").loss;
    let want = Loss::Gemodel {
        p: 0.01,
        r: 0.1,
        one_minus_h: 1.0,
        one_minus_k: 0.0,
    };
    assert_eq!(gemodel, Some(want));
    assert_eq!(netem("delay 10ms reorder 25%").gap, Some(1));
}

#[test]
fn refuses_what_tc_refuses_and_says_where() {
    let at = "t.tc:1:34:";
    let with = |options: &str| error(&format!("tc qdisc add dev eth0 root netem {options}"));
    assert!(with("reorder 25%").starts_with(&format!("{at} reordering is not possible without")));
    assert!(with("gap 5 delay 10ms").starts_with(&format!("{at} `gap` needs `reorder")));
    assert!(with("distribution normal").starts_with(&format!("{at} a distribution needs jitter")));
    assert!(with("lose 3%").starts_with(&format!("{at} unknown option of netem `lose`")));
    assert_eq!(
        with("loss 101%"),
        "t.tc:1:39: `101%` is not a share such as `2%`, at most 100%"
    );
    assert_eq!(
        with("delay"),
        "t.tc:1:39: `delay` needs a time such as `50ms`"
    );
    assert!(with("delay 10ms 5ms distribution gauss").contains("unknown distribution `gauss`"));
}

#[test]
fn refuses_other_commands() {
    assert!(error("").starts_with("there is no command"));
    assert!(error("ip link set eth0 up").starts_with("t.tc:1:1: expected `tc qdisc ..`"));
    assert!(error("tc filter add dev eth0").starts_with("t.tc:1:4: `tc filter` is not supported"));
    assert!(error("tc qdisc add root netem").contains("`dev` is missing"));
    assert!(error("tc qdisc add dev eth0 netem").contains("either `root` or `parent HANDLE`"));
    assert!(error("tc qdisc add dev eth0 root cake").contains("unknown queue discipline `cake`"));
    assert!(error("tc qdisc add dev eth0 root tbf rate 1mbit").contains("both `rate` and `burst`"));
    let no_chain =
        "tc qdisc add dev e root handle 1: netem delay 1ms\ntc qdisc add dev e parent 2: pfifo";
    assert!(error(no_chain).contains("form no chain"));
}

#[test]
fn writes_the_scenario() {
    let text = "# lossy\nsudo tc qdisc add dev eth0 root handle 1: tbf rate 2mbit burst 32kb latency 400ms\n\
                tc qdisc add dev eth0 parent 1:1 handle 10: \\\n  netem delay 50ms loss gemodel 1% 10% 70% 0.1%\n";
    let want = "name: \"lossy\"
about: Linux queue disciplines of eth0
duration: 60s
# sudo tc qdisc add dev eth0 root handle 1: tbf rate 2mbit burst 32kb latency 400ms
# tc qdisc add dev eth0 parent 1:1 handle 10: netem delay 50ms loss gemodel 1% 10% 70% 0.1%
network:
  # the burst of 32.768kB that tbf lets through at once is not modelled
  forward:
    rate: 2Mbps
    queue: {netem: {delay: 50ms, loss: {gemodel: {p: 1%, r: 10%, one_minus_h: 70%, one_minus_k: 0.1%}}}}
flows:
  - name: call
    media:
      video: {}
      audio: {}
";
    assert_eq!(to_scenario("x/lossy.tc", text).unwrap(), want);
}

#[test]
fn a_shaper_with_a_queue_behind_netem_is_two_links() {
    let text = "tc qdisc add dev a root handle 1: netem delay 20ms; \
                tc qdisc add dev a parent 1: handle 2: tbf rate 1mbit burst 1600 limit 3000 && \
                tc qdisc add dev a parent 2: fq_codel target 10ms noecn\n\
                tc qdisc add dev b root pfifo limit 50";
    let yaml = to_scenario("t.tc", text).unwrap();
    for part in [
        "    forward_1:\n      queue: {netem: {delay: 20ms}}\n",
        "    forward_2:\n      rate: 1Mbps\n      queue: {fq_codel: {control_law: linux, target: 10ms, ecn: false}}\n",
        "    backward_1:\n      queue: {drop_tail: {limit: 50packets}}\n",
        "    route: [forward_1, forward_2]\n    route_back: [backward_1]\n",
    ] {
        assert!(yaml.contains(part), "{part}{yaml}");
    }
}

#[test]
fn change_takes_the_place_of_what_was_there() {
    let text =
        "tc qdisc add dev a root netem delay 20ms\ntc qdisc change dev a root netem delay 30ms";
    let yaml = to_scenario("t.tc", text).unwrap();
    assert!(
        yaml.contains("{netem: {delay: 30ms}}") && !yaml.contains("queue: {netem: {delay: 20ms}}")
    );
}

proptest! {
    #[test]
    fn any_text_is_refused_politely(
        text in "\\PC{0,120}",
        words in prop::collection::vec(prop::sample::select(vec![
            "tc", "qdisc", "add", "dev", "eth0", "root", "netem", "delay", "10ms", "5ms", "loss",
            "gemodel", "state", "1%", "reorder", "gap", "5", "rate", "1mbit", "slot", "tbf", "burst",
            "limit", "red", "pie", "fq_codel", "parent", "1:", "handle", ";", "\n", "\\\n", "é",
        ]), 0..24),
    ) {
        let _ = to_scenario("t.tc", &text);
        let _ = to_scenario("t.tc", &words.join(" "));
        let _ = to_scenario("t.tc", &format!("tc qdisc add dev a root {}", words.join(" ")));
    }
}
