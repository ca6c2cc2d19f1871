//! A cellular link: a phone may send in its slots and at no other time, and
//! what it sent in a slot arrives as one block at the end of the slot.
//!
//! Implements: the slots of one user, each `slot` long, one at the start of
//! each `period`. At its end up to `rate` x `slot` bits have arrived, of packets
//! that were there before; a packet may span slots and several may share one.
//! What a slot does not use is lost (standards reference 2.1: delivery in slots
//! of 1 ms). The long-run rate is `rate` x `slot` / `period`.
//! Not modelled: the request for a grant before it (add it to the delay), link
//! adaptation (use a rate trace of opportunities), retransmission, users who
//! take slots from each other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Span, Time};

use super::above_zero;
use super::curve::WORK_PER_BYTE;
use crate::model::{Rate, RateModel};

/// Slots of a single user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"rate": "50Mbps", "slot": "1ms", "period": "5ms"}]))]
pub struct GrantedRate {
    /// The rate within a slot, above 0bps.
    pub rate: Bitrate,
    /// Length of a slot, above zero (LTE: 1 ms; NR at 30 kHz: 0.5 ms).
    pub slot: Span,
    /// Time from the start of a slot to the start of the next one of the same
    /// user, at least `slot`; unset: every slot is its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<Span>,
}

impl Default for GrantedRate {
    fn default() -> Self {
        Self {
            rate: Bitrate::from_mbps(20),
            slot: Span::from_millis(1),
            period: None,
        }
    }
}

impl Plugin for GrantedRate {
    type Kind = Rate;
    const NAME: &'static str = "grants";
    const SUMMARY: &'static str =
        "slots of a cellular link: what is sent in a slot arrives at its end";
    const REFERENCES: &'static [&'static str] = &["RFC 8869 section 2: cellular access"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn RateModel>, BuildError> {
        above_zero("rate", self.rate)?;
        if self.slot.is_zero() {
            return Err(BuildError::field("slot", "expected a time above 0s"));
        }
        let period = self.period.unwrap_or(self.slot);
        if period < self.slot {
            let message = format!("expected at least `slot`, {}, found {period}", self.slot);
            return Err(BuildError::field("period", message));
        }
        Ok(Box::new(Slots {
            rate: self.rate,
            slot: self.slot.as_nanos(),
            period: period.as_nanos(),
            next: 0,
            finish: Time::ZERO,
            left: 0,
        }))
    }
}

struct Slots {
    rate: Bitrate,
    slot: u64,
    period: u64,
    /// Number of the next slot.
    next: u64,
    /// End of the last service and work left of its slot.
    finish: Time,
    left: u128,
}

impl Slots {
    /// Work of a slot.
    fn work(&self) -> u128 {
        u128::from(self.rate.as_bps()) * u128::from(self.slot)
    }

    /// Slots that have ended before `at`.
    const fn ended(&self, at: u64) -> u64 {
        match at.checked_sub(self.slot) {
            None | Some(0) => 0,
            Some(since) => (since - 1) / self.period + 1,
        }
    }

    fn end(&self, number: u64) -> Option<u64> {
        number.checked_mul(self.period)?.checked_add(self.slot)
    }
}

impl RateModel for Slots {
    fn serve(&mut self, start: Time, bytes: u32, waited: bool) -> Time {
        if !waited || start != self.finish {
            self.left = 0;
            // One that ends right now has ended.
            let ended = self.ended(start.as_nanos().saturating_add(1));
            self.next = self.next.max(ended);
        }
        self.finish = start;
        let need = u128::from(bytes) * u128::from(WORK_PER_BYTE);
        if need > self.left {
            let slots = (need - self.left).div_ceil(self.work());
            self.left += slots * self.work();
            let last = u64::try_from(slots - 1)
                .ok()
                .and_then(|more| self.next.checked_add(more));
            let end = last.and_then(|last| self.end(last));
            self.finish = end.map_or(Time::MAX, Time::from_nanos);
            self.next = last.unwrap_or(u64::MAX).saturating_add(1);
        }
        self.left -= need;
        self.finish
    }

    fn rate_at(&mut self, _: Time) -> Option<Bitrate> {
        let bps = self.work() / u128::from(self.period);
        Some(Bitrate::from_bps(u64::try_from(bps).unwrap_or(u64::MAX)))
    }

    fn capacity(&self, from: Time, to: Time) -> Option<f64> {
        let slots = self.ended(to.as_nanos()) - self.ended(from.as_nanos());
        Some(slots as f64 * (self.work() as f64 / 1e9))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn build(rate: &str, slot: &str, period: Option<&str>) -> Result<Box<dyn RateModel>, String> {
        let config = GrantedRate {
            rate: rate.parse().unwrap(),
            slot: slot.parse().unwrap(),
            period: period.map(|period| period.parse().unwrap()),
        };
        testing::build(&config).map_err(|e| e.to_string())
    }

    fn us(t: u64) -> Time {
        Time::from_micros(t)
    }

    #[test]
    fn packets_arrive_at_the_ends_of_slots() {
        // 1500 bytes per slot of 1 ms, one each 5 ms.
        let mut link = build("12Mbps", "1ms", Some("5ms")).unwrap();
        assert_eq!(link.serve(us(0), 1_000, false), us(1_000));
        // It waited: the rest of the slot is for it, and 500 of the next.
        assert_eq!(link.serve(us(1_000), 1_000, true), us(6_000));
        assert_eq!(link.serve(us(6_000), 1_000, true), us(6_000));
        assert_eq!(link.serve(us(6_000), 1, true), us(11_000));
        // Arrives as a slot ends, and in the middle of one.
        assert_eq!(link.serve(us(16_000), 100, false), us(21_000));
        assert_eq!(link.serve(us(25_999), 1_500, false), us(26_000));
        assert_eq!(link.rate_at(us(0)), Some("2.4Mbps".parse().unwrap()));
        assert_eq!(link.capacity(us(0), us(1_000)), Some(0.0));
        assert_eq!(link.capacity(us(0), us(6_001)), Some(24_000.0));
        assert_eq!(link.capacity(us(6_000), us(11_000)), Some(12_000.0));
    }

    #[test]
    fn a_busy_link_never_drifts() {
        // 999.999 bytes per slot: fractions of bits carry over.
        let mut link = build("7999992bps", "1ms", None).unwrap();
        let mut now = Time::ZERO;
        for k in 1..=100_000u128 {
            now = link.serve(now, 300, true);
            let slots = (k * 300 * 8_000_000_000).div_ceil(7_999_992_000_000);
            assert_eq!(u128::from(now.as_nanos()), slots * 1_000_000);
        }
    }

    #[test]
    fn refuses_what_never_sends() {
        assert!(build("0bps", "1ms", None).is_err());
        assert!(build("1Mbps", "0s", None).is_err());
        assert_eq!(
            build("1Mbps", "2ms", Some("1ms")).err().unwrap(),
            "expected at least `slot`, 2ms, found 1ms"
        );
        let mut slow = build("1bps", "1ns", Some("100h")).unwrap();
        assert_eq!(slow.serve(us(1), 1_500, false), Time::MAX);
        assert_eq!(slow.serve(Time::MAX, 1_500, true), Time::MAX);
    }
}
