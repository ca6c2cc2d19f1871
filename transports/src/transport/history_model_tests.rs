//! The history of a flow settled by ranges against a list that is searched from
//! end to end.

use proptest::prelude::*;
use weaknet_core::packet::Ecn;
use weaknet_core::{Bytes, Time};

use super::SendHistory;
use crate::cc::{SentKind, SentPacket};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Unknown,
    Lost,
    Received,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Send(u64),
    Acked(u64),
    Lost(u64),
    NothingToSend,
    Forget,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1u64..2_000).prop_map(Step::Send),
        3 => (0u64..60).prop_map(Step::Acked),
        2 => (0u64..60).prop_map(Step::Lost),
        1 => Just(Step::NothingToSend),
        1 => Just(Step::Forget),
    ]
}

/// All packets ever sent, and how much was delivered and lost.
#[derive(Default)]
struct Naive {
    /// Bytes, fate, bytes delivered and lost when it was sent.
    packets: Vec<(u64, Fate, u64, u64)>,
    /// Packets below are forgotten.
    base: usize,
    delivered: u64,
    lost: u64,
    limited_until: Option<u64>,
}

impl Naive {
    fn in_flight(&self) -> u64 {
        let unknown = self.packets.iter().filter(|p| p.1 == Fate::Unknown);
        unknown.map(|p| p.0).sum()
    }

    /// Whether that is news, and whether the packet was lost before.
    fn settle(&mut self, number: u64, fate: Fate) -> Option<bool> {
        let index = usize::try_from(number).unwrap();
        let known = index >= self.base;
        let packet = self.packets.get_mut(index).filter(|_| known)?;
        if packet.1 == Fate::Received || packet.1 == fate {
            return None;
        }
        let before = std::mem::replace(&mut packet.1, fate);
        match fate {
            Fate::Received => self.delivered += packet.0,
            _ => self.lost += packet.0,
        }
        Some(before == Fate::Lost)
    }
}

proptest! {
    #[test]
    fn it_says_what_a_list_would_say(steps in prop::collection::vec(any_step(), 0..200)) {
        let (mut history, mut naive) = (SendHistory::new(), Naive::default());
        let now = Time::from_millis(5);
        for step in steps {
            match step {
                Step::Send(size) => {
                    let sent = history.on_sent(SentPacket {
                        number: history.next_number(),
                        at: now,
                        size: Bytes::new(size),
                        kind: SentKind::Data,
                        probe: None,
                        in_flight: Bytes::ZERO,
                        app_limited: false,
                    });
                    naive.packets.push((size, Fate::Unknown, naive.delivered, naive.lost));
                    let limited = naive.limited_until.is_some_and(|until| naive.delivered <= until);
                    prop_assert_eq!(sent.app_limited, limited);
                    prop_assert_eq!(sent.in_flight.get(), naive.in_flight());
                }
                Step::Acked(number) | Step::Lost(number) => {
                    let acked = matches!(step, Step::Acked(_));
                    let (found, expected) = if acked {
                        let found = history.on_acked(now, number, now, Ecn::Ect0);
                        (found, naive.settle(number, Fate::Received))
                    } else {
                        (history.on_lost(now, number), naive.settle(number, Fate::Lost))
                    };
                    prop_assert_eq!(found.map(|packet| packet.recovered), expected);
                    if let Some(packet) = found {
                        let (size, _, delivered, lost) = naive.packets[number as usize];
                        prop_assert_eq!(packet.sent.size.get(), size);
                        prop_assert_eq!(packet.received.is_some(), acked);
                        prop_assert_eq!(packet.delivery.delivered.get(), delivered);
                        prop_assert_eq!(packet.delivery.lost.get(), lost);
                    }
                }
                Step::NothingToSend => {
                    history.set_app_limited();
                    naive.limited_until = Some(naive.delivered + naive.in_flight());
                }
                Step::Forget => {
                    history.forget(Time::from_millis(6));
                    let open = naive.packets.iter().position(|p| p.1 == Fate::Unknown);
                    naive.base = open.unwrap_or(naive.packets.len());
                }
            }
            prop_assert_eq!(history.in_flight().get(), naive.in_flight());
            let open = naive.packets.iter().position(|p| p.1 == Fate::Unknown);
            let oldest = history.oldest_outstanding(u64::MAX).map(|sent| sent.number as usize);
            prop_assert_eq!(oldest, open);
            prop_assert_eq!(history.oldest(), naive.base as u64);
        }
    }
}
