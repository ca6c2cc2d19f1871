//! Losses at regular distances.
//!
//! Implements: of every `every` packets the `count` from number `offset` on
//! are lost, packets counted from 0. When draws are keyed by time, slots of time
//! count instead of packets, and all packets of a slot share their fate.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{BuildContext, BuildError, Plugin};

use crate::model::{Loss, LossModel, Passage};

/// The same losses over and over again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Periodic {
    /// Packets from the start of one loss to the start of the next, at least 1.
    pub every: u64,
    /// Packets lost in a row, at most `every`.
    pub count: u64,
    /// Number of the first packet that is lost, below `every`.
    pub offset: u64,
}

impl Default for Periodic {
    fn default() -> Self {
        Self {
            every: 100,
            count: 1,
            offset: 0,
        }
    }
}

impl Plugin for Periodic {
    type Kind = Loss;
    const NAME: &'static str = "periodic";
    const SUMMARY: &'static str = "losses at regular distances, counted in packets";
    const REFERENCES: &'static [&'static str] = &[];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn LossModel>, BuildError> {
        let error = |field: &str, expected: &str, found| {
            let message = format!("expected {expected}, found {found}");
            Err(BuildError::field(field, message))
        };
        if self.every == 0 {
            return error("every", "at least 1 packet", 0);
        }
        if self.count > self.every {
            return error(
                "count",
                &format!("at most `every`, {}", self.every),
                self.count,
            );
        }
        if self.offset >= self.every {
            return error(
                "offset",
                &format!("less than `every`, {}", self.every),
                self.offset,
            );
        }
        Ok(Box::new(self.clone()))
    }
}

impl LossModel for Periodic {
    fn lose(&mut self, Passage { step, .. }: Passage) -> bool {
        // Both are below `every`: no overflow.
        let phase = step % self.every;
        let since = if phase >= self.offset {
            phase - self.offset
        } else {
            self.every - (self.offset - phase)
        };
        since < self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::tests::{fates, try_build};

    fn pattern(every: u64, count: u64, offset: u64) -> String {
        let config = Periodic {
            every,
            count,
            offset,
        };
        let fates = fates(&config, 1, 12);
        fates
            .iter()
            .map(|lost| if *lost { 'x' } else { '.' })
            .collect()
    }

    #[test]
    fn losses_come_round() {
        assert_eq!(pattern(4, 1, 0), "x...x...x...");
        assert_eq!(pattern(4, 1, 3), "...x...x...x");
        assert_eq!(pattern(5, 2, 4), "x...xx...xx.");
        assert_eq!(pattern(3, 3, 1), "xxxxxxxxxxxx");
        assert_eq!(pattern(3, 0, 1), "............");
    }

    #[test]
    fn says_what_is_wrong() {
        let error = |every, count, offset| {
            let config = Periodic {
                every,
                count,
                offset,
            };
            try_build(&config, 1).err().unwrap()
        };
        assert_eq!(error(0, 0, 0), "expected at least 1 packet, found 0");
        assert_eq!(error(3, 4, 0), "expected at most `every`, 3, found 4");
        assert_eq!(error(3, 1, 3), "expected less than `every`, 3, found 3");
    }
}
