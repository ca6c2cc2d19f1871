//! What a live link decides is what the simulator decides about the same arrivals: for
//! every model that there is.

use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::live::is_possible;

/// Every model of a link, by kind, with parameters with which it does something within a
/// second. Each network of the test takes the next of every kind.
const MODELS: &[(&str, &[(&str, &str)])] = &[
    (
        "rate",
        &[
            ("constant", "6Mbps"),
            ("unlimited", "unlimited"),
            ("airtime", "{airtime: {overhead: 200us, phy: 52Mbps}}"),
            ("grants", "{grants: {period: 5ms, rate: 8Mbps, slot: 1ms}}"),
            (
                "markov",
                "{markov: {states: [{mean: 100ms, rate: 5Mbps}, {mean: 40ms, rate: 300kbps}]}}",
            ),
            ("ramps", "{ramps: [[0s, 8Mbps], [1s, 2Mbps]]}"),
            (
                "steps",
                "{steps: [[0s, 8Mbps], [200ms, 0bps], [300ms, 4Mbps]]}",
            ),
            (
                "token_bucket",
                "{token_bucket: {burst: 30kB, peak: 20Mbps, rate: 4Mbps}}",
            ),
            ("trace", "{trace: {file: rate.csv, format: seconds_mbps}}"),
        ],
    ),
    (
        "delay",
        &[
            ("constant", "7ms"),
            (
                "gamma",
                "{gamma: {base: 3ms, mean: 6ms, std: 6ms, reorder: allowed}}",
            ),
            (
                "handovers",
                "{handovers: {base: 3ms, every: 200ms, stop_median: 20ms, stop_p95: 50ms}}",
            ),
            (
                "lognormal",
                "{lognormal: {base: 2ms, median: 5ms, p95: 20ms}}",
            ),
            (
                "microwave_oven",
                "{microwave_oven: {base: 5ms, mains: 50Hz, blocked: 50%, on_at: 0s, runs: 9s}}",
            ),
            (
                "normal",
                "{normal: {mean: 10ms, std: 3ms, reorder: allowed}}",
            ),
            ("nr_bpdv", "nr_bpdv"),
            ("pareto", "{pareto: {base: 5ms, scale: 1ms, shape: 2.5}}"),
            (
                "pareto_normal",
                "{pareto_normal: {mean: 10ms, jitter: 3ms}}",
            ),
            ("ramps", "{ramps: [[0s, 5ms], [500ms, 40ms]]}"),
            ("samples", "{samples: {file: delays.csv}}"),
            (
                "stalls",
                "{stalls: {base: 5ms, every: 200ms, length: 50ms}}",
            ),
            ("starlink", "{starlink: {base: 5ms}}"),
            ("steps", "{steps: [[0s, 5ms], [200ms, 20ms]]}"),
            (
                "table",
                "{table: {file: jitter.dist, jitter: 3ms, mean: 10ms}}",
            ),
            ("trace", "{trace: {file: delay.csv}}"),
            (
                "uniform",
                "{uniform: {min: 2ms, max: 20ms, reorder: allowed}}",
            ),
        ],
    ),
    (
        "loss",
        &[
            ("bernoulli", "10%"),
            (
                "four_state",
                "{four_state: {p13: 5%, p31: 40%, p32: 10%, p23: 10%, p14: 1%}}",
            ),
            (
                "gilbert_elliott",
                "{gilbert_elliott: {average: 10%, burst: 3}}",
            ),
            (
                "netem_compat",
                "{netem_compat: {probability: 10%, correlation: 25%}}",
            ),
            ("outages", "{outages: {every: 200ms, length: 40ms}}"),
            ("packets", "{packets: {lost: [3, 10-19, 42], repeat: 100}}"),
            ("periodic", "{periodic: {every: 10, count: 2}}"),
            ("policer", "{policer: {rate: 1Mbps, burst: 10kB}}"),
            ("single_rate_three_colours", "single_rate_three_colours"),
            ("trace", "{trace: {file: loss.csv, loss: loss_pct}}"),
            ("two_rates_three_colours", "two_rates_three_colours"),
            (
                "windows",
                "{windows: [{from: 100ms, to: 200ms, loss: 30%}]}",
            ),
            ("none", "none"),
        ],
    ),
    (
        "queue",
        &[
            ("drop_tail", "{drop_tail: {limit: 30ms}}"),
            ("cellular_cell", "{cellular_cell: {rate: 5Mbps}}"),
            ("codel", "{codel: {target: 1ms, interval: 20ms, ecn: true}}"),
            ("drop_head", "{drop_head: {limit: 20packets}}"),
            ("drr", "{drr: {limit: 30packets}}"),
            ("dualpi2", "dualpi2"),
            ("fq_codel", "{fq_codel: {target: 1ms, interval: 20ms}}"),
            ("netem", "{netem: {delay: 5ms, jitter: 2ms, limit: 50}}"),
            ("pie", "{pie: {target: 2ms}}"),
            ("priority", "priority"),
            ("red", "red"),
            ("wifi_cell", "wifi_cell"),
        ],
    ),
    (
        "corrupt",
        &[
            ("independent", "5%"),
            ("bit_errors", "{bit_errors: {rate: 0.00001}}"),
            ("none", "none"),
        ],
    ),
    ("duplicate", &[("independent", "10%"), ("none", "none")]),
    (
        "reorder",
        &[
            ("behind", "{behind: {probability: 10%, packets: 2}}"),
            ("early", "{early: {probability: 10%}}"),
            ("late", "{late: {probability: 10%, by: 3ms}}"),
            ("none", "none"),
        ],
    ),
];

/// Files that some of them read.
const FILES: &[(&str, &str)] = &[
    ("rate.csv", "0.0 6\n0.3 2\n0.6 8\n"),
    ("delays.csv", "delay_ms\n5\n7\n9\n30\n"),
    ("jitter.dist", "-8192 -4096 0 4096 8192\n"),
    ("delay.csv", "time_s,delay_ms\n0,5\n0.2,20\n0.4,8\n"),
    ("loss.csv", "time_s,loss_pct\n0,0\n0.1,30\n0.3,5\n"),
];

#[test]
fn every_model_is_there() {
    let output = weaknet()
        .args(["list", "plugins", "--json"])
        .output()
        .unwrap();
    let plugins: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |plugin: &serde_json::Value, key: &str| plugin[key].as_str().unwrap().to_owned();
    let known: BTreeSet<(String, String)> = plugins
        .as_array()
        .unwrap()
        .iter()
        .map(|plugin| (text(plugin, "kind"), text(plugin, "name")))
        .filter(|(kind, _)| MODELS.iter().any(|(each, _)| each == kind))
        .collect();
    let tested: BTreeSet<(String, String)> = MODELS
        .iter()
        .flat_map(|(kind, models)| models.iter().map(|(name, _)| (*kind, *name)))
        .map(|(kind, name)| (kind.to_owned(), name.to_owned()))
        .collect();
    assert_eq!(known, tested);
}

#[test]
fn the_simulator_decides_as_the_live_link_did() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in FILES {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let networks = MODELS.iter().map(|(_, models)| models.len()).max().unwrap();
    for number in 0..networks {
        let parts: Vec<String> = MODELS
            .iter()
            .map(|(kind, models)| format!("{kind}: {}", models[number % models.len()].1))
            .collect();
        let link = parts.join("\n    ");
        let text =
            format!("duration: 1s\nnetwork:\n  forward:\n    {link}\n  backward:\n    {link}\n");
        if !decides_alike(folder.path(), number, &text) {
            return;
        }
    }
    assert!(decides_alike(folder.path(), networks, ROUTE));
    let recording = folder.path().join(format!("net{networks}.csv"));
    let recording = fs::read_to_string(recording).unwrap();
    let passed = |link: &str, what: &str| {
        let is_it = |line: &&str| line.split(',').skip(1).take(2).eq([link, what]);
        recording.lines().filter(is_it).count()
    };
    assert!(passed("0", "out") > 100, "the first link");
    assert_eq!(passed("0", "out"), passed("1", "via"), "the next one");
    assert_eq!((passed("0", "via"), passed("1", "in")), (0, 0));
    assert!(passed("1", "drop") > 0 && passed("2", "in") > 50);
}

/// Links in a row.
const ROUTE: &str = "
duration: 1s
network:
  links:
    near: {rate: 6Mbps, delay: 2ms, queue: {codel: {}}}
    far: {delay: {uniform: {min: 1ms, max: 9ms, reorder: allowed}}, loss: 5%, duplicate: 2%}
    back: {delay: 3ms}
flows:
  - {name: call, route: [near, far], route_back: [back], media: {audio: {}}}
";

/// Whether it was possible to find out.
fn decides_alike(folder: &Path, number: usize, text: &str) -> bool {
    let scenario = folder.join(format!("net{number}.yaml"));
    let recording = folder.join(format!("net{number}.csv"));
    fs::write(&scenario, text).unwrap();
    let me = std::env::current_exe().unwrap();
    let me = format!("{} --exact --ignored --nocapture", me.display());
    let output = weaknet()
        .arg("live")
        .arg(&scenario)
        .args(["--seed", &(number + 1).to_string()])
        .arg("--record-arrivals")
        .arg(&recording)
        .args(["--left", &format!("{me} live_models::a_sender >/dev/null")])
        .args(["--right", &format!("{me} live_models::an_echo >/dev/null")])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    if !is_possible(&output) {
        return false;
    }
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{text}\n{message}");
    let replayed = weaknet()
        .arg("replay-link")
        .arg(&recording)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&replayed.stdout);
    let failed = String::from_utf8_lossy(&replayed.stderr);
    assert_eq!(replayed.status.code(), Some(0), "{text}\n{failed}");
    let count: u64 = said.split(' ').next().unwrap().parse().unwrap();
    assert!(count > 250, "{text}\n{said}{message}");
    true
}

fn weaknet() -> Command {
    Command::new(env!("CARGO_BIN_EXE_weaknet"))
}

/// How long the far end waits for more.
const QUIET: Duration = Duration::from_millis(300);

/// Not a test: what runs at the left end of those above.
#[test]
#[ignore = "a command of another test"]
fn a_sender() {
    let Ok(peer) = std::env::var("WEAKNET_PEER") else {
        return;
    };
    let to: SocketAddr = format!("{peer}:9000").parse().unwrap();
    // Two flows, of packets of several sizes.
    let sockets = [0, 0].map(|port| UdpSocket::bind(("0.0.0.0", port)).unwrap());
    for number in 0_usize..300 {
        let payload = vec![number as u8; 40 + number * 37 % 1_300];
        let _ = sockets[number % 2].send_to(&payload, to);
        if number % 10 == 9 {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Not a test: what runs at the right end of those above.
#[test]
#[ignore = "a command of another test"]
fn an_echo() {
    if std::env::var_os("WEAKNET_PEER").is_none() {
        return;
    }
    let socket = UdpSocket::bind(("0.0.0.0", 9_000)).unwrap();
    socket.set_read_timeout(Some(QUIET * 2)).unwrap();
    let mut buffer = [0; 2_000];
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        let _ = socket.send_to(&buffer[..length], from);
    }
}
