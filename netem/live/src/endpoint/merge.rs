//! Events of several threads in order of their times.
//!
//! Each thread publishes into a feed of its own, in about the order of time: links tell
//! of instants that have passed. Whoever watches gets them sorted, once nobody is
//! expected to tell of anything earlier.

use std::sync::{Arc, Mutex, PoisonError};

use weaknet_core::{Event, EventSink, Time};

type Shared = Arc<Mutex<Vec<(Time, Event)>>>;

/// Where one thread publishes its events.
#[derive(Clone)]
pub struct EventFeed(Shared);

/// Puts the events of all feeds in order.
#[derive(Default)]
pub struct EventMerge {
    feeds: Vec<Shared>,
    waiting: Vec<(Time, Event)>,
    last: Time,
    late: u64,
}

impl EventSink for EventFeed {
    fn event(&mut self, at: Time, event: &Event) {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.push((at, *event));
    }
}

impl EventMerge {
    /// One more feed. Of events at the same time those of an earlier feed come first.
    pub fn feed(&mut self) -> EventFeed {
        let feed = Shared::default();
        self.feeds.push(Arc::clone(&feed));
        EventFeed(feed)
    }

    /// Hands on all events before `until`, in order. One that comes later than others
    /// that were handed on counts as of their time.
    pub fn hand_on<S: EventSink + ?Sized>(&mut self, until: Time, sink: &mut S) {
        for feed in &self.feeds {
            let mut events = feed.lock().unwrap_or_else(PoisonError::into_inner);
            self.waiting.append(&mut events);
        }
        self.waiting.sort_by_key(|(at, _)| *at);
        let ready = self.waiting.partition_point(|(at, _)| *at < until);
        for (at, event) in self.waiting.drain(..ready) {
            self.late += u64::from(at < self.last);
            self.last = self.last.max(at);
            sink.event(self.last, &event);
        }
    }

    /// Events that came too late for their place.
    #[must_use]
    pub const fn late(&self) -> u64 {
        self.late
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use weaknet_core::packet::FlowId;

    use super::*;

    fn event(number: u16) -> Event {
        Event::KeyFrameRequested {
            flow: FlowId(number),
        }
    }

    proptest! {
        #[test]
        fn everything_comes_once_and_in_order(
            events in prop::collection::vec((0usize..3, 0u64..50, any::<bool>()), 0..100),
        ) {
            let mut merge = EventMerge::default();
            let mut feeds: Vec<EventFeed> = (0..3).map(|_| merge.feed()).collect();
            let mut seen: Vec<(Time, Event)> = Vec::new();
            for (number, &(feed, at, hand_on)) in (0_u16..).zip(&events) {
                feeds[feed].event(Time::from_millis(at), &event(number));
                if hand_on {
                    merge.hand_on(Time::from_millis(at), &mut seen);
                }
            }
            merge.hand_on(Time::MAX, &mut seen);
            prop_assert!(seen.is_sorted_by_key(|(at, _)| *at));
            let mut numbers: Vec<u16> = seen
                .iter()
                .map(|(_, event)| match event {
                    Event::KeyFrameRequested { flow } => flow.0,
                    _ => unreachable!(),
                })
                .collect();
            numbers.sort_unstable();
            prop_assert_eq!(numbers, (0..events.len() as u16).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_late_counts_as_of_the_last_time() {
        let mut merge = EventMerge::default();
        let mut feed = merge.feed();
        let mut seen: Vec<(Time, Event)> = Vec::new();
        feed.event(Time::from_millis(5), &event(0));
        merge.hand_on(Time::from_millis(6), &mut seen);
        feed.event(Time::from_millis(3), &event(1));
        feed.event(Time::from_millis(7), &event(2));
        merge.hand_on(Time::from_millis(7), &mut seen);
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[1], (Time::from_millis(5), event(1)));
        assert_eq!(merge.late(), 1);
    }
}
