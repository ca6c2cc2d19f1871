//! `iperf3`: TCP with Cubic and BBR, UDP beyond what the link carries.

use serde_json::Value;

use super::{Ended, Place, for_all, has, least_seconds, until_it_works};

/// bit/s of the link.
const RATE: f64 = 16e6;
const NETWORK: &str = "  forward: {rate: 16Mbps, delay: 5ms}\n  backward: {delay: 5ms}\n";

fn iperf(place: Place, arguments: &str) -> Option<(Ended, Value)> {
    let peer = place.family.peer();
    // With -J some versions end with 0 whatever happened.
    let client = format!(
        "{{ iperf3 -c {peer} -t 1 -J {arguments} > iperf.json && ! grep -q '\"error\"' iperf.json; }}"
    );
    let ended = place.run(
        NETWORK,
        &until_it_works(&client),
        Some("iperf3 -s -1 > server.txt"),
    )?;
    let found: Value = serde_json::from_str(&ended.read("iperf.json")).unwrap();
    Some((ended, found))
}

fn tcp(algorithm: &str) {
    let available = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control");
    let available = available.unwrap_or_default();
    if !has("iperf3") {
        return;
    }
    if !available.split_whitespace().any(|name| name == algorithm) {
        let _ = super::skip::<()>(&format!("this kernel has no {algorithm}: {available}"));
        return;
    }
    for_all(|place| {
        let (ended, found) = iperf(place, &format!("-C {algorithm}"))?;
        let end = &found["end"];
        assert_eq!(end["sender_tcp_congestion"], algorithm, "{end}");
        let received = &end["sum_received"];
        let goodput = received["bits_per_second"].as_f64().unwrap();
        // Headers are 3.5 % of a full packet, and slow start takes more than that.
        assert!(goodput < RATE, "{goodput}");
        let bytes = received["bytes"].as_f64().unwrap();
        assert!(
            least_seconds(bytes, RATE) < ended.took.as_secs_f64(),
            "{bytes}"
        );
        assert!(bytes > 0.1 * RATE / 8.0, "most of a second: {bytes}");
        Some(())
    });
}

#[test]
fn iperf3_over_cubic() {
    tcp("cubic");
}

#[test]
fn iperf3_over_bbr() {
    tcp("bbr");
}

#[test]
fn iperf3_over_udp() {
    const PAYLOAD: f64 = 1_000.0;
    if !has("iperf3") {
        return;
    }
    for_all(|place| {
        let family = place.family;
        let (ended, found) = iperf(place, "-u -b 40M -l 1000")?;
        let sum = &found["end"]["sum"];
        let count = |name: &str| sum[name].as_f64().unwrap();
        let (sent, lost) = (count("packets"), count("lost_packets"));
        // Half of what is sent has no room, less what may wait: 300 ms.
        assert!(lost > 0.2 * sent, "{sum}");
        let bytes = (sent - lost) * (PAYLOAD + 8.0 + family.header());
        assert!(bytes > 0.1 * RATE / 8.0, "{sum}");
        assert!(
            least_seconds(bytes, RATE) < ended.took.as_secs_f64(),
            "{sum}"
        );
        Some(())
    });
}
