//! `ping`: round trips of twice the delay and no less.

use super::{for_all, has};

const COUNT: usize = 10;
/// Both ways together, in ms.
const ROUND_TRIP: f64 = 25.0;

#[test]
fn ping_takes_twice_the_delay() {
    if !has("ping") {
        return;
    }
    for_all(|place| {
        let network = "  forward: {delay: 15ms}\n  backward: {delay: 10ms}\n";
        let peer = place.family.peer();
        // Until so many are answered: without -w it gives up on the last ones after two
        // round trips, which a busy machine can miss.
        let ping = format!("ping -c {COUNT} -w 20 -i 0.02 {peer} > ping.txt");
        let ended = place.run(network, &ping, None)?;
        let said = ended.read("ping.txt");
        let times: Vec<f64> = said.lines().filter_map(time).collect();
        assert_eq!(times.len(), COUNT, "{said}");
        // It rounds to a tenth.
        assert!(times.iter().all(|time| *time >= ROUND_TRIP), "{said}");
        Some(())
    });
}

/// The time of an answer, in ms.
fn time(line: &str) -> Option<f64> {
    let (_, rest) = line.split_once("time=")?;
    rest.split(' ').next()?.parse().ok()
}
