//! Losses recorded on a real network: how large a share of packets was lost
//! over time, or which packets were.
//!
//! Implements: a share that holds from its row to the next, with one
//! independent draw per packet; the trace repeats after its end. Or the fate of
//! every packet: 0 and 1 (lost) in order, repeated or not, or the numbers of the
//! lost packets, from 0, in ascending order.
//! Not modelled: how losses cluster within a share (see `gilbert_elliott`).

use std::io::{BufRead as _, BufReader, Read};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::rng::Draws;
use weaknet_core::{BuildContext, BuildError, Plugin, Ratio};

use crate::model::{Loss, LossModel, Passage};
use crate::timeline::{Cursor, Timeline};
use crate::trace::{self, Direction, Format, Names, Options, Quantity};

/// Fates of packets that are kept; a packet takes a bit.
const MOST_PACKETS: u64 = 1 << 31;

/// Numbers of lost packets that are kept.
const MOST_LOST: usize = 1 << 25;

/// How a file of losses is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LossFormat {
    /// The fate of every packet: 0 arrives, 1 is lost; blanks do not count.
    Packets,
    /// The numbers of the packets that are lost, from 0, ascending.
    LostPackets,
    /// Two columns: seconds and the share of packets lost, 0 to 1.
    SecondsLoss,
    /// JSON with segments of duration, capacity, loss, rtt and jitter.
    Opennetlab,
    /// Columns with names, such as `time_s` and `loss` or `loss_pct`.
    Csv,
    /// Named columns below a head of `#` lines that says what they are.
    Canonical,
}

/// A trace file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"file": "wifi.csv", "loss": "loss_pct"}]))]
pub struct LossTrace {
    /// The file's name, looked for in the trace folders.
    pub file: String,
    /// How the file is written; absent: a share over time, told from the file's
    /// beginning.
    pub format: Option<LossFormat>,
    /// Whether the fates of packets repeat when the file ends; if not, nothing
    /// is lost after it. Shares over time always repeat, numbers never.
    pub repeat: bool,
    /// The direction, of a trace with two.
    pub direction: Option<Direction>,
    /// The column of time in a table with names; absent: told from the names.
    pub time: Option<String>,
    /// The column of the loss; a ratio, or per cent where its name ends in
    /// `_pct`; absent: told from the names.
    pub loss: Option<String>,
}

impl Default for LossTrace {
    fn default() -> Self {
        Self {
            file: String::new(),
            format: None,
            repeat: true,
            direction: None,
            time: None,
            loss: None,
        }
    }
}

impl Plugin for LossTrace {
    type Kind = Loss;
    const NAME: &'static str = "trace";
    const SUMMARY: &'static str = "losses read from a file, a share over time or packet by packet";
    const REFERENCES: &'static [&'static str] =
        &["OpenNetLab gym for AlphaRTC, 2021: loss per segment"];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Box<dyn LossModel>, BuildError> {
        let unusable = |message| BuildError::field("file", message);
        if self.file.is_empty() {
            return Err(unusable("expected the name of a trace file".to_owned()));
        }
        let format = match self.format {
            Some(LossFormat::Packets) => {
                let fates = cx
                    .assets
                    .stream(&self.file, "fates", fates)
                    .map_err(unusable)?;
                return Ok(Box::new(Sequence {
                    fates,
                    repeat: self.repeat,
                    number: 0,
                }));
            }
            Some(LossFormat::LostPackets) => {
                let lost = cx
                    .assets
                    .stream(&self.file, "lost", numbers)
                    .map_err(unusable)?;
                return Ok(Box::new(Listed {
                    lost,
                    next: 0,
                    number: 0,
                }));
            }
            Some(LossFormat::SecondsLoss) => Some(Format::SecondsLoss),
            Some(LossFormat::Opennetlab) => Some(Format::Opennetlab),
            Some(LossFormat::Csv) => Some(Format::Csv),
            Some(LossFormat::Canonical) => Some(Format::Canonical),
            None => None,
        };
        let options = Options {
            format,
            wanted: Some(Quantity::Loss),
            direction: self.direction,
            columns: Names {
                time: self.time.clone(),
                loss: self.loss.clone(),
                ..Names::default()
            },
            ..Options::default()
        };
        let horizon = cx.assets.horizon();
        let shares = cx
            .assets
            .stream(&self.file, &format!("{options:?}"), |input| {
                let reader = trace::model::open(input, &options)?;
                trace::model::timeline(reader, Quantity::Loss, horizon, |segment| segment.loss)
            });
        Ok(Box::new(Shares {
            shares: shares.map_err(unusable)?,
            cursor: Cursor::default(),
            draws: cx.streams.draws(cx.path, "loss"),
        }))
    }
}

/// A share of losses over time.
struct Shares {
    shares: Arc<Timeline<Ratio>>,
    cursor: Cursor,
    draws: Draws,
}

impl LossModel for Shares {
    fn lose(&mut self, Passage { draw, at, .. }: Passage) -> bool {
        let share = self.shares.piece(&mut self.cursor, at).value;
        self.draws.unit(draw) < share.as_f64()
    }
}

/// A bit per packet.
#[derive(Debug, Default)]
struct Fates {
    bits: Vec<u64>,
    packets: u64,
}

/// Fates in order.
struct Sequence {
    fates: Arc<Fates>,
    repeat: bool,
    /// Of the next packet.
    number: u64,
}

impl LossModel for Sequence {
    fn lose(&mut self, _: Passage) -> bool {
        let index = self.number;
        self.number += 1;
        let Fates { bits, packets } = &*self.fates;
        if index >= *packets && !self.repeat {
            return false;
        }
        let index = index % packets;
        bits[(index / 64) as usize] >> (index % 64) & 1 == 1
    }
}

/// Numbers of lost packets.
struct Listed {
    lost: Arc<Vec<u64>>,
    next: usize,
    /// Of the next packet.
    number: u64,
}

impl LossModel for Listed {
    fn lose(&mut self, _: Passage) -> bool {
        let index = self.number;
        self.number += 1;
        while self.lost.get(self.next).is_some_and(|lost| *lost < index) {
            self.next += 1;
        }
        self.lost.get(self.next) == Some(&index)
    }
}

fn fates(input: &mut dyn Read) -> Result<Fates, String> {
    let mut fates = Fates::default();
    let (mut line, mut comment) = (1u64, false);
    for byte in BufReader::new(input).bytes() {
        let byte = byte.map_err(|error| error.to_string())?;
        comment = (comment || byte == b'#') && byte != b'\n';
        match byte {
            b'\n' => line += 1,
            b' ' | b'\t' | b'\r' | b',' | b';' => {}
            _ if comment => {}
            b'0' | b'1' => {
                let (word, bit) = (fates.packets / 64, fates.packets % 64);
                if bit == 0 {
                    fates.bits.push(0);
                }
                fates.bits[word as usize] |= u64::from(byte - b'0') << bit;
                fates.packets += 1;
                if fates.packets > MOST_PACKETS {
                    return Err(format!(
                        "more than {MOST_PACKETS} packets: too many to keep"
                    ));
                }
            }
            other => {
                let other = char::from(other).escape_default();
                return Err(format!(
                    "line {line}: expected 0 or 1 for each packet, found `{other}`"
                ));
            }
        }
    }
    match fates.packets {
        0 => Err("there are no packets: expected 0 or 1 for each".to_owned()),
        _ => Ok(fates),
    }
}

fn numbers(input: &mut dyn Read) -> Result<Vec<u64>, String> {
    let mut lost: Vec<u64> = Vec::new();
    let mut text = Vec::new();
    let mut input = BufReader::new(input);
    for number in 1u64.. {
        text.clear();
        let read = (&mut input).take(1 << 16).read_until(b'\n', &mut text);
        if read.map_err(|error| error.to_string())? == 0 {
            break;
        }
        let line = String::from_utf8_lossy(&text);
        let line = line.split('#').next().unwrap_or_default();
        for word in line
            .split([' ', '\t', ',', ';', '\r', '\n'])
            .filter(|word| !word.is_empty())
        {
            let packet: u64 = word.parse().map_err(|_| {
                format!("line {number}: expected the number of a lost packet, found `{word}`")
            })?;
            if lost.last().is_some_and(|last| *last >= packet) {
                return Err(format!(
                    "line {number}: {packet} is not after the packet before it"
                ));
            }
            lost.push(packet);
            if lost.len() > MOST_LOST {
                return Err(format!(
                    "more than {MOST_LOST} lost packets: too many to keep"
                ));
            }
        }
    }
    Ok(lost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{File, build_with, passage};
    use weaknet_core::Time;
    use weaknet_core::plugin::Assets;

    fn build(
        file: &'static str,
        format: Option<LossFormat>,
        repeat: bool,
    ) -> Result<Box<dyn LossModel>, String> {
        let config = LossTrace {
            file: "losses".to_owned(),
            format,
            repeat,
            ..LossTrace::default()
        };
        build_with(&config, 1, &Assets::new(File(file))).map_err(|error| error.to_string())
    }

    fn lost(model: &mut dyn LossModel, packets: u64) -> Vec<u64> {
        (0..packets)
            .filter(|index| model.lose(passage(*index, Time::ZERO)))
            .collect()
    }

    #[test]
    fn fates_are_met_in_order() {
        let file = "# a note with 1\n0 1 0\n110,0\n";
        let packets = Some(LossFormat::Packets);
        let mut model = build(file, packets, true).unwrap();
        assert_eq!(lost(&mut *model, 14), [1, 3, 4, 8, 10, 11]);
        let mut model = build(file, packets, false).unwrap();
        assert_eq!(lost(&mut *model, 14), [1, 3, 4]);
        let bad = build("0\n2\n", packets, true).err().unwrap();
        assert!(
            bad.ends_with("line 2: expected 0 or 1 for each packet, found `2`"),
            "{bad}"
        );
        assert!(build("\n", packets, true).is_err());
    }

    #[test]
    fn listed_packets_are_lost_once() {
        let listed = Some(LossFormat::LostPackets);
        let mut model = build("3 4\n# none\n70\n", listed, true).unwrap();
        assert_eq!(lost(&mut *model, 200), [3, 4, 70]);
        assert_eq!(lost(&mut *build("", listed, true).unwrap(), 9), [0u64; 0]);
        let bad = build("3\n3\n", listed, true).err().unwrap();
        assert!(
            bad.ends_with("line 2: 3 is not after the packet before it"),
            "{bad}"
        );
        assert!(build("-3\n", listed, true).is_err());
    }

    #[test]
    fn shares_hold_over_time_and_repeat() {
        let mut model = build("0 0\n10 1\n", None, true).unwrap();
        let mut lose = |s| model.lose(passage(s, Time::from_secs(s)));
        assert_eq!(
            [0, 9, 10, 19, 20, 30].map(&mut lose),
            [false, false, true, true, false, true]
        );
        // Per cent, of which only some rows say anything.
        let mut model = build(
            "t_s,mode,ping_loss_pct\n0,LTE,\n1,LTE,25\n2,LTE,\n",
            None,
            true,
        )
        .unwrap();
        let hits = (0..100_000)
            .filter(|k| model.lose(passage(*k, Time::from_millis(2_500))))
            .count();
        // Five standard deviations of a binomial with p = 0.25.
        assert!(hits.abs_diff(25_000) < 690, "{hits}");
        let bad = build("0 0.5\n1 2\n", None, true).err().unwrap();
        assert!(
            bad.contains("line 2: a share of packets lost above 1"),
            "{bad}"
        );
        let none = build("time_s,rate_mbps\n0,1\n", None, true).err().unwrap();
        assert!(
            none.ends_with("the trace says nothing of a loss: its columns are time_s, rate_mbps"),
            "{none}"
        );
    }
}
