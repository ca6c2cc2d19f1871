//! Losses of given packets.
//!
//! Implements: packets are counted from 0 where they are lost; the list can
//! repeat. When draws are keyed by time, slots of time count instead of packets,
//! and all packets of a slot share their fate.

mod range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin};

pub use range::PacketRange;

use crate::model::{Loss, LossModel, Passage};

/// A list of packets that are lost.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"lost": [3, "10-19", 42], "repeat": 100}]))]
pub struct Packets {
    /// Numbers of packets and ranges of them such as `10-19`, both ends
    /// included, in any order.
    pub lost: Vec<PacketRange>,
    /// After so many packets counting starts again at 0; never when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat: Option<u64>,
}

impl Plugin for Packets {
    type Kind = Loss;
    const NAME: &'static str = "packets";
    const SUMMARY: &'static str = "given packets are lost, by their numbers";
    const REFERENCES: &'static [&'static str] = &["ns-3 ReceiveListErrorModel"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn LossModel>, BuildError> {
        if self.repeat == Some(0) {
            return Err(BuildError::field("repeat", "expected at least 1 packet"));
        }
        let mut lost = self.lost.clone();
        lost.sort_unstable();
        for (i, range) in self.lost.iter().enumerate() {
            if self.repeat.is_some_and(|repeat| range.last() >= repeat) {
                let message = format!("expected packets below `repeat`, found {range}");
                return Err(BuildError::field(format!("lost.{i}"), message));
            }
        }
        let overlap = lost
            .windows(2)
            .find(|pair| pair[1].first() <= pair[0].last());
        if let Some(pair) = overlap {
            let message = format!(
                "expected each packet once, found {} and {}",
                pair[0], pair[1]
            );
            return Err(BuildError::field("lost", message));
        }
        Ok(Box::new(Model {
            lost,
            repeat: self.repeat,
        }))
    }
}

/// Ranges in ascending order, apart from each other.
struct Model {
    lost: Vec<PacketRange>,
    repeat: Option<u64>,
}

impl LossModel for Model {
    fn lose(&mut self, Passage { step, .. }: Passage) -> bool {
        let number = self.repeat.map_or(step, |repeat| step % repeat);
        let next = self.lost.partition_point(|range| range.last() < number);
        self.lost
            .get(next)
            .is_some_and(|range| range.first() <= number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::tests::{fates, try_build};

    fn config(json: &str) -> Packets {
        serde_json::from_str(json).unwrap()
    }

    fn numbers(config: &Packets) -> Vec<usize> {
        let fates = fates(config, 1, 40);
        (0..40).filter(|number| fates[*number]).collect()
    }

    #[test]
    fn numbers_and_ranges() {
        let list = config(r#"{"lost": [22, "10-12", 3]}"#);
        assert_eq!(numbers(&list), [3, 10, 11, 12, 22]);
        let repeated = config(r#"{"lost": [1, "4-5"], "repeat": 15}"#);
        assert_eq!(numbers(&repeated), [1, 4, 5, 16, 19, 20, 31, 34, 35]);
        assert!(numbers(&Packets::default()).is_empty());
    }

    #[test]
    fn says_what_is_wrong() {
        let error = |json| try_build(&config(json), 1).err().unwrap();
        assert_eq!(
            error(r#"{"lost": ["3-9", 5]}"#),
            "expected each packet once, found 3-9 and 5"
        );
        assert_eq!(
            error(r#"{"lost": [3, 10], "repeat": 10}"#),
            "expected packets below `repeat`, found 10"
        );
        assert_eq!(error(r#"{"repeat": 0}"#), "expected at least 1 packet");
    }
}
