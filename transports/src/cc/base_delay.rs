//! The delay of the path without a queue: the least of the last minutes, so
//! that a longer route or a drifting clock is believed in the end.
//!
//! Implements: RFC 6817 section 2.4.2, the list of one-minute minima. A minute
//! in which nothing was measured leaves nothing behind.
//! Differs: minutes count from the first sample and not from the epoch of the
//! clock, so that the clock makes no difference.

use std::collections::VecDeque;

use weaknet_core::{Span, Time};

use super::PacketResult;

/// The least delay over a number of minutes, the present one included.
#[derive(Debug, Clone)]
pub(super) struct BaseDelay {
    minutes: u64,
    /// When the first minute began.
    began: Option<Time>,
    /// Minute and least delay in it, in nanoseconds; ascending by minute.
    minima: VecDeque<(u64, i64)>,
}

impl BaseDelay {
    const MINUTE: Span = Span::from_secs(60);

    pub(super) fn new(minutes: u32) -> Self {
        Self {
            minutes: u64::from(minutes),
            began: None,
            minima: VecDeque::with_capacity(minutes as usize + 1),
        }
    }

    /// Takes in a delay in nanoseconds that became known at `now`.
    pub(super) fn on_sample(&mut self, now: Time, delay: i64) {
        let began = *self.began.get_or_insert(now);
        let minute = now.since(began).as_nanos() / Self::MINUTE.as_nanos();
        match self.minima.back_mut() {
            Some((newest, least)) if *newest >= minute => *least = delay.min(*least),
            _ => self.minima.push_back((minute, delay)),
        }
        while self
            .minima
            .front()
            .is_some_and(|(oldest, _)| oldest + self.minutes <= minute)
        {
            self.minima.pop_front();
        }
    }

    /// The least delay in nanoseconds; `None` before the first.
    pub(super) fn get(&self) -> Option<i64> {
        self.minima.iter().map(|(_, least)| *least).min()
    }
}

/// The least of the last few values.
#[derive(Debug, Clone)]
pub(super) struct RecentMin {
    count: usize,
    values: VecDeque<i64>,
}

impl RecentMin {
    pub(super) fn new(count: u32) -> Self {
        let count = count.max(1) as usize;
        Self {
            count,
            values: VecDeque::with_capacity(count),
        }
    }

    pub(super) fn push(&mut self, value: i64) {
        if self.values.len() == self.count {
            self.values.pop_front();
        }
        self.values.push_back(value);
    }

    /// The least; `None` before the first.
    pub(super) fn get(&self) -> Option<i64> {
        self.values.iter().copied().min()
    }
}

/// Nanoseconds from the sender's clock at sending to the receiver's at arrival,
/// which may be negative when the clocks differ; `None` of a lost packet.
pub(super) fn one_way_delay(packet: &PacketResult) -> Option<i64> {
    let difference =
        i128::from(packet.received?.as_nanos()) - i128::from(packet.sent.at.as_nanos());
    Some(difference.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minimum_lasts_for_its_minutes() {
        let mut base = BaseDelay::new(10);
        assert_eq!(base.get(), None);
        let at = |seconds: u64| Time::from_secs(45 + seconds);
        base.on_sample(at(0), 20);
        base.on_sample(at(60), 30);
        assert_eq!(base.get(), Some(20));
        base.on_sample(at(599), 40);
        assert_eq!(base.get(), Some(20), "minutes 0 to 9");
        base.on_sample(at(600), 40);
        assert_eq!(base.get(), Some(30), "minutes 1 to 10");
        base.on_sample(at(660), 40);
        assert_eq!(base.get(), Some(40));
        base.on_sample(at(660), -5);
        assert_eq!(base.get(), Some(-5), "clocks may differ");
    }

    #[test]
    fn idle_minutes_age_the_list_without_filling_it() {
        let mut base = BaseDelay::new(2);
        base.on_sample(Time::from_secs(0), 1);
        base.on_sample(Time::from_secs(3_600), 7);
        assert_eq!(base.get(), Some(7));
        assert_eq!(base.minima.len(), 1);
    }

    #[test]
    fn the_filter_holds_the_last_values_only() {
        let mut filter = RecentMin::new(4);
        for value in [9, 3, 8, 7] {
            filter.push(value);
        }
        assert_eq!(filter.get(), Some(3));
        filter.push(6);
        assert_eq!(filter.get(), Some(3));
        filter.push(5);
        assert_eq!(filter.get(), Some(5));
    }
}
