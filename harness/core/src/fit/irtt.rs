//! Reads the JSON output of irtt (github.com/heistp/irtt): round trips with
//! the server's times, hence both directions.
//!
//! Implements: `round_trips[].{seqno, lost, timestamps}` and
//! `config.params.length` (UDP payload bytes) of irtt 0.9; the words `true_up`
//! and `true_down` of `lost` tell the direction of a loss. The two clocks
//! differ: each direction is moved so that its shortest delay is half of the
//! shortest round trip. Without the server's times the round trips are kept.

use serde::Deserialize;

use super::FitError;
use super::series::{Passage, Series, View};

/// IPv4 and UDP headers.
const HEADERS: u32 = 28;

#[derive(Deserialize)]
struct Output {
    round_trips: Vec<RoundTrip>,
    config: Option<Config>,
}

#[derive(Deserialize)]
struct Config {
    params: Option<Params>,
}

#[derive(Deserialize)]
struct Params {
    length: Option<u32>,
}

#[derive(Deserialize)]
struct RoundTrip {
    seqno: u64,
    lost: Lost,
    timestamps: Timestamps,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
enum Lost {
    #[serde(rename = "false")]
    No,
    #[serde(rename = "true")]
    Yes,
    #[serde(rename = "true_up")]
    Up,
    #[serde(rename = "true_down")]
    Down,
}

#[derive(Deserialize)]
struct Timestamps {
    client: Side,
    #[serde(default)]
    server: Side,
}

#[derive(Deserialize, Default)]
struct Side {
    #[serde(default)]
    send: Stamp,
    #[serde(default)]
    receive: Stamp,
}

#[derive(Deserialize, Default, Clone, Copy)]
struct Stamp {
    wall: Option<i64>,
}

/// The directions in a file: there and back, or round trips only.
///
/// # Errors
/// When it is no output of irtt.
pub fn read(text: &str) -> Result<Vec<Series>, FitError> {
    let output: Output = serde_json::from_str(text)
        .map_err(|error| FitError::new(format!("not the JSON output of irtt: {error}")))?;
    let bytes = output
        .config
        .and_then(|config| config.params)
        .and_then(|params| params.length)
        .map_or(HEADERS, |length| length.saturating_add(HEADERS));
    let mut trips = output.round_trips;
    trips.sort_by_key(|trip| trip.seqno);
    let Some(start) = trips
        .first()
        .and_then(|trip| trip.timestamps.client.send.wall)
    else {
        return Err(FitError::new(
            "the output of irtt has no round trip with its time",
        ));
    };
    let at = |stamp: Stamp| {
        stamp
            .wall
            .filter(|wall| *wall != 0)
            .and_then(|wall| wall.checked_sub(start))
            .filter(|nanos| nanos.unsigned_abs() < 1 << 60)
    };
    let passage = |sent: i64, received: Option<i64>| Passage {
        sent,
        received,
        bytes,
    };
    let (mut round, mut there, mut back) = (Vec::new(), Vec::new(), Vec::new());
    for trip in &trips {
        let (client, server) = (&trip.timestamps.client, &trip.timestamps.server);
        let Some(sent) = at(client.send) else {
            continue;
        };
        let returned = at(client.receive).filter(|_| trip.lost == Lost::No);
        round.push(passage(sent, returned));
        let reached = at(server.receive).or_else(|| at(server.send));
        let answered = at(server.send).or_else(|| at(server.receive));
        match (trip.lost, reached, answered) {
            (Lost::No, Some(reached), Some(answered)) => {
                there.push(passage(sent, Some(reached)));
                back.push(passage(answered, returned));
            }
            (Lost::Down, ..) => {
                // It got there, at a time that nobody knows.
                back.push(passage(sent, None));
            }
            (Lost::Up | Lost::Yes, ..) => there.push(passage(sent, None)),
            (Lost::No, ..) => {}
        }
    }
    let one_way = there.iter().filter(|p| p.received.is_some()).count();
    let series = |view, passages: Vec<Passage>, notices| Series {
        view,
        passages,
        duplicates: 0,
        source: "irtt".to_owned(),
        notices,
    };
    let split = trips
        .iter()
        .any(|trip| matches!(trip.lost, Lost::Up | Lost::Down));
    if one_way * 2 < round.iter().filter(|p| p.received.is_some()).count() {
        return Ok(vec![series(View::RoundTrip, round, Vec::new())]);
    }
    let half = round
        .iter()
        .filter_map(|p| p.received.map(|r| r - p.sent))
        .min()
        .unwrap_or(0)
        / 2;
    let mut notices = vec![format!(
        "the shortest delay of each direction is taken as half of the shortest round trip, \
         {:.3} ms",
        half as f64 / 1e6
    )];
    if !split && round.iter().any(|p| p.received.is_none()) {
        notices.push("losses have no direction: all are taken for losses there".to_owned());
    }
    for p in &mut back {
        if p.received.is_none() {
            p.sent += half;
        }
    }
    Ok(vec![
        series(View::TwoClocks, with_shortest(there, half), notices.clone()),
        series(View::TwoClocks, with_shortest(back, half), notices),
    ])
}

/// Moves the arrivals so that the shortest delay is `half`, and the whole so
/// that it starts at zero.
fn with_shortest(mut passages: Vec<Passage>, half: i64) -> Vec<Passage> {
    let least = passages
        .iter()
        .filter_map(|p| p.received.map(|r| r - p.sent))
        .min()
        .unwrap_or(0);
    let lost_sent_late = |p: &Passage| p.received.is_none();
    let start = passages
        .iter()
        .filter(|p| !lost_sent_late(p))
        .map(|p| p.sent)
        .min()
        .unwrap_or(0);
    for p in &mut passages {
        p.received = p.received.map(|received| received - least + half - start);
        p.sent = (p.sent - start).max(0);
    }
    passages
}
