//! Which column of a table holds what, and in which unit.
//!
//! A column's name says both: `rate_mbps`, `t_s`, `owd_ms`, `ping_loss_pct`. The
//! unit is the part after the last underscore, or after a colon where the user
//! names a column whose own name lacks one (`DL_bitrate:kbps`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::text::nearest;

use super::error::TraceError;

/// Columns that the user names; absent ones are found by their names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Names {
    /// The time.
    pub time: Option<String>,
    /// The rate.
    pub rate: Option<String>,
    /// The share of packets lost.
    pub loss: Option<String>,
    /// The one-way delay; of a round-trip time (`rtt`, `ping`) half counts.
    pub delay: Option<String>,
    /// The delay variation.
    pub jitter: Option<String>,
}

/// A column that holds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    /// Its position.
    pub(super) index: usize,
    /// Values count in units of 10^-`scale` of the base unit: nanoseconds, bits
    /// per second, parts per 10^9, bytes.
    pub(super) scale: i64,
    /// Whether half the value counts.
    pub(super) half: bool,
}

/// What the columns of a table hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Columns {
    /// Instants.
    pub(super) time: Option<Column>,
    /// Lengths of segments, where there are no instants.
    pub(super) duration: Option<Column>,
    pub(super) rate: Option<Column>,
    pub(super) loss: Option<Column>,
    pub(super) delay: Option<Column>,
    pub(super) jitter: Option<Column>,
    pub(super) bytes: Option<Column>,
    /// Type of a video frame.
    pub(super) frame: Option<usize>,
    pub(super) direction: Option<usize>,
}

const TIMES: [(&str, i64); 4] = [("s", 9), ("ms", 6), ("us", 3), ("ns", 0)];
const RATES: [(&str, i64); 4] = [("bps", 0), ("kbps", 3), ("mbps", 6), ("gbps", 9)];
const SHARES: [(&str, i64); 3] = [("pct", 7), ("percent", 7), ("ratio", 9)];

fn scale(units: &[(&str, i64)], unit: &str) -> Option<i64> {
    units.iter().find(|(name, _)| *name == unit).map(|u| u.1)
}

/// The name in lower case without its unit, and the unit.
fn parts(name: &str) -> (String, String) {
    let name = name.to_ascii_lowercase();
    match name.rsplit_once([':', '_']) {
        Some((stem, unit)) => (stem.to_owned(), unit.to_owned()),
        None => (name, String::new()),
    }
}

const RATE_UNITS: &str = "_bps, _kbps, _mbps or _gbps";
const TIME_UNITS: &str = "_s, _ms, _us or _ns";

impl Columns {
    /// What named columns hold.
    pub(super) fn find(columns: &[String], names: &Names) -> Result<Self, TraceError> {
        let at = |wanted: fn(&str) -> Option<(u32, Column)>| {
            // The best rank wins, of equals the first.
            let found = columns.iter().enumerate().filter_map(|(index, name)| {
                wanted(name).map(|(rank, column)| (rank, Column { index, ..column }))
            });
            found
                .min_by_key(|(rank, column)| (*rank, column.index))
                .map(|f| f.1)
        };
        let named = |name: &Option<String>, of: fn(&str, &str) -> Option<Column>, units: &str| {
            let Some(given) = name else { return Ok(None) };
            let (name, unit) = match given.rsplit_once(':') {
                Some((name, unit)) if !columns.contains(given) => (name, unit.to_ascii_lowercase()),
                _ => (given.as_str(), parts(given).1),
            };
            let Some(index) = columns.iter().position(|column| column == name) else {
                let near = nearest(name, columns.iter().map(String::as_str));
                let near = near.map_or_else(String::new, |n| format!(" (did you mean `{n}`?)"));
                let all = columns.join(", ");
                return Err(TraceError::new(format!(
                    "there is no column `{name}`{near}: the columns are {all}"
                )));
            };
            let column = of(name, &unit).ok_or_else(|| {
                TraceError::new(format!(
                    "the unit of column `{name}` is not known: expected a name that ends in \
                     {units}, or `{name}:UNIT`"
                ))
            })?;
            Ok(Some(Column { index, ..column }))
        };
        let index = |name: &str| columns.iter().position(|column| column == name);
        Ok(Self {
            time: named(&names.time, |_, unit| time_of(unit), TIME_UNITS)?.or_else(|| at(as_time)),
            duration: at(as_duration),
            rate: named(&names.rate, |_, unit| rate_of(unit), RATE_UNITS)?.or_else(|| at(as_rate)),
            loss: named(&names.loss, |_, unit| Some(share_of(unit)), "_pct")?
                .or_else(|| at(as_loss)),
            delay: named(&names.delay, delay_of, TIME_UNITS)?.or_else(|| at(as_delay)),
            jitter: named(&names.jitter, |_, unit| time_of(unit), TIME_UNITS)?
                .or_else(|| at(as_jitter)),
            bytes: at(as_bytes),
            frame: index("type").filter(|_| index("frame").is_some()),
            direction: index("direction"),
        })
    }
}

const fn column(scale: i64) -> Column {
    Column {
        index: 0,
        scale,
        half: false,
    }
}

fn time_of(unit: &str) -> Option<Column> {
    scale(&TIMES, unit).map(column)
}

fn rate_of(unit: &str) -> Option<Column> {
    scale(&RATES, unit).map(column)
}

fn share_of(unit: &str) -> Column {
    column(scale(&SHARES, unit).unwrap_or(9))
}

fn delay_of(name: &str, unit: &str) -> Option<Column> {
    let half = round_trip(&name.to_ascii_lowercase());
    time_of(unit).map(|column| Column { half, ..column })
}

fn round_trip(stem: &str) -> bool {
    stem.contains("rtt") || stem.contains("ping") || stem.contains("round_trip")
}

fn ranked(stem: &str, names: &[&str]) -> Option<u32> {
    let rank = names.iter().position(|name| *name == stem)?;
    u32::try_from(rank).ok()
}

fn as_time(name: &str) -> Option<(u32, Column)> {
    const NAMES: [&str; 7] = [
        "time",
        "t",
        "start",
        "timestamp",
        "elapsed",
        "seconds",
        "ts",
    ];
    let (stem, unit) = parts(name);
    match time_of(&unit) {
        Some(column) => Some((ranked(&stem, &NAMES)?, column)),
        // Without a unit, seconds.
        None if unit.is_empty() => Some((ranked(&stem, &NAMES)? + 10, column(9))),
        None => None,
    }
}

fn as_duration(name: &str) -> Option<(u32, Column)> {
    let (stem, unit) = parts(name);
    Some((ranked(&stem, &["duration", "length"])?, time_of(&unit)?))
}

fn as_rate(name: &str) -> Option<(u32, Column)> {
    const NAMES: [&str; 9] = [
        "rate",
        "capacity",
        "bandwidth",
        "throughput",
        "bitrate",
        "dl",
        "down",
        "downlink",
        "download",
    ];
    let (stem, unit) = parts(name);
    let column = rate_of(&unit)?;
    Some((ranked(&stem, &NAMES).unwrap_or(20), column))
}

fn as_loss(name: &str) -> Option<(u32, Column)> {
    let (stem, unit) = parts(name);
    if unit.is_empty() && stem == "loss" {
        return Some((0, column(9)));
    }
    let known = scale(&SHARES, &unit).map(column);
    match known {
        Some(column) if stem == "loss" => Some((1, column)),
        Some(column) if stem.ends_with("loss") => Some((2, column)),
        _ => None,
    }
}

fn as_delay(name: &str) -> Option<(u32, Column)> {
    const NAMES: [&str; 9] = [
        "delay",
        "owd",
        "one_way_delay",
        "latency",
        "rtt",
        "rtt_avg",
        "ping_avg",
        "ping",
        "round_trip",
    ];
    let (stem, unit) = parts(name);
    Some((ranked(&stem, &NAMES)?, delay_of(&stem, &unit)?))
}

fn as_jitter(name: &str) -> Option<(u32, Column)> {
    let (stem, unit) = parts(name);
    Some((ranked(&stem, &["jitter", "pdv"])?, time_of(&unit)?))
}

fn as_bytes(name: &str) -> Option<(u32, Column)> {
    let rank = ranked(&name.to_ascii_lowercase(), &["bytes", "size_bytes"])?;
    Some((rank, column(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(header: &str, names: &Names) -> Result<Columns, TraceError> {
        let columns: Vec<String> = header.split(',').map(str::to_owned).collect();
        Columns::find(&columns, names)
    }

    #[test]
    fn names_say_what_and_in_which_unit() {
        let irish = "t_s,mode,dl_kbps,ul_kbps,speed_kmh,rsrp_dbm,snr_db,ping_avg_ms,\
                     ping_min_ms,ping_max_ms,ping_stdev_ms,ping_loss_pct";
        let found = find(irish, &Names::default()).unwrap();
        let (index, scale) = (
            |c: Option<Column>| c.unwrap().index,
            |c: Option<Column>| c.unwrap().scale,
        );
        assert_eq!((index(found.time), scale(found.time)), (0, 9));
        assert_eq!((index(found.rate), scale(found.rate)), (2, 3));
        assert_eq!((index(found.loss), scale(found.loss)), (11, 7));
        assert_eq!((index(found.delay), scale(found.delay)), (7, 6));
        assert!(found.delay.unwrap().half, "half of a round trip");
        assert_eq!(found.jitter, None);
        let up = Names {
            rate: Some("ul_kbps".into()),
            ..Names::default()
        };
        assert_eq!(index(find(irish, &up).unwrap().rate), 3);
        let orbit = find("t_s,owd_ms,hops,path_changed", &Names::default()).unwrap();
        assert_eq!((orbit.rate, orbit.loss), (None, None));
        assert_eq!(orbit.delay.map(|c| (c.index, c.half)), Some((1, false)));
    }

    #[test]
    fn a_unit_can_be_given_and_must_be_known() {
        let rate = |name: &str| Names {
            rate: Some(name.into()),
            ..Names::default()
        };
        let found = find("Timestamp,DL_bitrate", &rate("DL_bitrate:kbps")).unwrap();
        assert_eq!(found.rate.map(|c| (c.index, c.scale)), Some((1, 3)));
        let error = |names| find("Timestamp,DL_bitrate", &names).unwrap_err().message;
        assert!(error(rate("DL_bitrate")).contains("`DL_bitrate:UNIT`"));
        assert_eq!(
            error(rate("DL_bitrat")),
            "there is no column `DL_bitrat` (did you mean `DL_bitrate`?): the columns are \
             Timestamp, DL_bitrate"
        );
    }
}
