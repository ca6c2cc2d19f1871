//! The sender's half: which packets are kept and which requests are answered.
//!
//! Implements: `rtp_packet_history.cc` and `RTPSender::OnReceivedNack` /
//! `ReSendPacket` of libwebrtc (2026-07): a packet is kept for
//! max(`age`, 3 RTT), then as long as no more than `packets` are kept and it is
//! not three times that old; 9600 at most. A packet that was sent again is not
//! sent again while it waits in the pacer, nor within RTT + 5 ms after it has left
//! it. When the budget refuses one packet of a request, the rest of the request is
//! ignored.
//! Differs: RTT + 5 ms serves the age limit too; libwebrtc's budget is the whole
//! target rate.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildError, Ratio, Span, Time};

use super::rate_limiter::RateLimiter;
use super::{Answer, Responder};

/// Most packets kept (`kMaxCapacity`).
const CAPACITY: u32 = 9_600;
/// Added to the round-trip time when requests are answered.
const RTT_MARGIN: Span = Span::from_millis(5);

/// What a sender keeps for retransmission, and how much of it may be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SenderRules {
    /// Packets that are kept at least, however old they are within three times
    /// the age limit. Default 600, at most 9600 (`kMinSendSidePacketHistorySize`
    /// of libwebrtc's `rtp_video_sender.cc`, `kMaxCapacity`).
    pub packets: u32,
    /// The age limit while more than that are kept; three round trips if those
    /// are longer. Default 1 s (`kMinPacketDuration`), at most 1 min.
    pub age: Span,
    /// Share of the target rate that retransmissions may take in a window of
    /// 500 ms. Absent: no limit, as in libwebrtc since 2023-10-27 (field trial
    /// `WebRTC-DisableRtxRateLimiter`); 100 % as in libwebrtc before that.
    pub budget: Option<Ratio>,
}

impl Default for SenderRules {
    fn default() -> Self {
        Self {
            packets: 600,
            age: Span::from_millis(1_000),
            budget: None,
        }
    }
}

impl SenderRules {
    /// Checks what the types cannot; the rules are the parameter `sender`.
    pub(super) fn check(&self) -> Result<(), BuildError> {
        let wrong = |message| Err(BuildError::field("sender", message));
        if self.packets > CAPACITY {
            return wrong("packets: expected at most 9600");
        }
        if self.age > Span::from_secs(60) {
            return wrong("age: expected at most 1min");
        }
        if self.budget.is_some_and(|share| share > Ratio::ONE) {
            return wrong("budget: expected at most 100%");
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
struct Stored {
    seq: u64,
    /// For the first time.
    first: Time,
    /// For the last time.
    sent: Time,
    size: u32,
    sent_again: bool,
    /// Granted, and still in the pacer.
    pending: bool,
}

/// The packets that can be sent again.
#[derive(Debug)]
pub(super) struct PacketHistory {
    rules: SenderRules,
    /// By sequence number.
    packets: VecDeque<Stored>,
    next: u64,
    /// Round-trip time and margin.
    rtt: Span,
    limiter: Option<RateLimiter>,
    /// When the limiter refused last: the rest of that request is ignored.
    refused: Option<Time>,
}

impl PacketHistory {
    pub(super) fn new(rules: SenderRules) -> Self {
        Self {
            limiter: rules.budget.map(RateLimiter::new),
            rules,
            packets: VecDeque::new(),
            next: 0,
            rtt: RTT_MARGIN,
            refused: None,
        }
    }

    fn find(&self, seq: u64) -> Result<usize, usize> {
        // Numbers are consecutive as a rule.
        if let Some(front) = self.packets.front()
            && let Some(offset) = seq
                .checked_sub(front.seq)
                .and_then(|n| usize::try_from(n).ok())
            && self.packets.get(offset).is_some_and(|p| p.seq == seq)
        {
            return Ok(offset);
        }
        self.packets.binary_search_by_key(&seq, |p| p.seq)
    }

    fn cull(&mut self, now: Time) {
        let age = self.rules.age.max(self.rtt * 3);
        let least = self.rules.packets as usize;
        while let Some(oldest) = self.packets.front() {
            let full = self.packets.len() >= CAPACITY as usize;
            let old = oldest.sent + age <= now;
            let very_old = oldest.sent + age * 3 <= now;
            if !(full || old && (self.packets.len() >= least || very_old)) {
                return;
            }
            self.packets.pop_front();
        }
    }

    /// When a packet that is kept was sent for the first time.
    pub(super) fn first_sent(&self, seq: u64) -> Option<Time> {
        let position = self.find(seq).ok()?;
        self.packets.get(position).map(|packet| packet.first)
    }

    /// The round-trip time, with the margin.
    pub(super) const fn rtt(&self) -> Span {
        self.rtt
    }

    /// Answers a request with so many copies, or as many as the budget allows.
    pub(super) fn answer(&mut self, now: Time, seq: u64, copies: u32) -> Answer {
        let Ok(position) = self.find(seq) else {
            return Answer::Refused;
        };
        let packet = self.packets[position];
        let too_early = packet.sent_again && now.since(packet.sent) < self.rtt;
        if packet.pending || too_early || self.refused == Some(now) {
            return Answer::Refused;
        }
        let mut granted = copies;
        if let Some(limiter) = &mut self.limiter {
            granted = (0..copies)
                .take_while(|_| limiter.try_use(now, packet.size))
                .count() as u32;
            if granted < copies {
                self.refused = Some(now);
            }
        }
        if granted == 0 {
            return Answer::Refused;
        }
        self.packets[position].pending = true;
        Answer::Copies(granted)
    }
}

impl Responder for PacketHistory {
    fn on_sent(&mut self, now: Time, seq: u64, size: u32) {
        self.cull(now);
        self.next = self.next.max(seq.saturating_add(1));
        let stored = Stored {
            seq,
            first: now,
            sent: now,
            size,
            sent_again: false,
            pending: false,
        };
        if self.packets.back().is_none_or(|last| last.seq < seq) {
            self.packets.push_back(stored);
            return;
        }
        match self.find(seq) {
            Ok(position) => self.packets[position] = stored,
            Err(position) => self.packets.insert(position, stored),
        }
    }

    fn on_nack(&mut self, now: Time, seq: u64) -> Answer {
        self.answer(now, seq, 1)
    }

    fn on_resent(&mut self, now: Time, seq: u64) {
        if let Ok(position) = self.find(seq) {
            let packet = &mut self.packets[position];
            packet.sent = now;
            (packet.sent_again, packet.pending) = (true, false);
        }
    }

    fn on_rtt(&mut self, now: Time, rtt: Span) {
        self.rtt = rtt + RTT_MARGIN;
        self.cull(now);
    }

    fn on_target(&mut self, _: Time, target: Bitrate) {
        if let Some(limiter) = &mut self.limiter {
            limiter.set_target(target);
        }
    }

    fn oldest_kept(&self, _: Time) -> u64 {
        self.packets.front().map_or(self.next, |p| p.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    fn history() -> PacketHistory {
        PacketHistory::new(SenderRules::default())
    }

    fn yes(history: &mut PacketHistory, now: Time, seq: u64) -> bool {
        history.on_nack(now, seq) == Answer::Copies(1)
    }

    #[test]
    fn answers_once_per_rtt_and_5_ms() {
        let mut h = history();
        h.on_rtt(at(0), Span::from_millis(50));
        h.on_sent(at(0), 7, 1000);
        assert!(
            yes(&mut h, at(1), 7),
            "the first request is never too early"
        );
        assert!(!yes(&mut h, at(90), 7), "it is still in the pacer");
        h.on_resent(at(100), 7);
        assert!(!yes(&mut h, Time::from_nanos(154_999_999), 7));
        assert!(yes(&mut h, at(155), 7));
        h.on_resent(at(155), 7);
        assert!(!yes(&mut h, at(200), 7) && !yes(&mut h, at(300), 8));
    }

    #[test]
    fn keeps_600_packets_for_a_second_and_longer_while_there_are_fewer() {
        let mut h = history();
        for n in 0..1200 {
            h.on_sent(at(n), n, 1000);
        }
        assert_eq!(
            h.oldest_kept(at(1199)),
            200,
            "packet 199 is a second old when 1199 is sent"
        );
        let mut h = history();
        for n in 0..100 {
            h.on_sent(at(40 * n), n, 1000);
        }
        assert_eq!(
            h.oldest_kept(at(3960)),
            25,
            "packet 24 is three seconds old"
        );
    }

    #[test]
    fn long_round_trips_extend_the_age() {
        let mut h = history();
        h.on_rtt(at(0), Span::from_millis(995));
        for n in 0..4000 {
            h.on_sent(at(n), n, 1000);
        }
        assert_eq!(h.oldest_kept(at(3999)), 1000);
    }

    #[test]
    fn never_more_than_9600_packets() {
        let mut h = history();
        for n in 0..20_000 {
            h.on_sent(at(n / 1000), n, 1000);
        }
        assert_eq!(h.packets.len(), 9600);
        assert_eq!(h.oldest_kept(at(20)), 20_000 - 9600);
    }

    #[test]
    fn rate_limit_ends_the_request() {
        let mut h = PacketHistory::new(SenderRules {
            budget: Some(Ratio::ONE),
            ..SenderRules::default()
        });
        h.on_target(at(0), Bitrate::from_kbps(100));
        for n in 0..20 {
            h.on_sent(at(0), n, 1000);
        }
        assert!(
            yes(&mut h, at(10), 0) && yes(&mut h, at(10), 1),
            "no rate is known yet"
        );
        let answered: Vec<u64> = (2..20).filter(|n| yes(&mut h, at(400), *n)).collect();
        // 4 kB in 391 ms are 82 kbit/s and one packet more in 500 ms adds 16:
        // 98. With 5 kB it would be 118.
        assert_eq!(answered, [2, 3, 4]);
        assert!(yes(&mut h, at(600), 5), "a new request");
    }

    #[test]
    fn age_and_number_can_be_chosen() {
        let mut h = PacketHistory::new(SenderRules {
            packets: 10,
            age: Span::from_millis(200),
            budget: None,
        });
        for n in 0..400 {
            h.on_sent(at(n), n, 1000);
        }
        assert_eq!(h.oldest_kept(at(399)), 200, "200 ms old at 399 ms");
        assert_eq!(h.first_sent(250), Some(at(250)));
        assert!(yes(&mut h, at(400), 250));
        assert_eq!(h.first_sent(250), Some(at(250)), "not the last time");
    }

    #[test]
    fn copies_come_out_of_the_budget() {
        let mut h = PacketHistory::new(SenderRules {
            budget: Some(Ratio::from_f64(0.5)),
            ..SenderRules::default()
        });
        h.on_target(at(0), Bitrate::from_kbps(160));
        for n in 0..20 {
            h.on_sent(at(0), n, 1000);
        }
        assert_eq!(h.answer(at(0), 0, 3), Answer::Copies(3), "no rate is known");
        // 3 kB in 401 ms are 60 kbit/s; another kB in 500 ms adds 16.
        assert_eq!(h.answer(at(400), 1, 3), Answer::Copies(1));
        assert_eq!(h.answer(at(400), 2, 1), Answer::Refused);
        assert_eq!(h.answer(at(401), 1, 1), Answer::Refused, "and too soon");
    }

    #[test]
    fn nothing_is_kept_before_the_first_packet() {
        assert_eq!(history().oldest_kept(at(0)), 0);
        assert!(!yes(&mut history(), at(0), 0));
    }

    proptest! {
        #[test]
        fn never_beyond_the_budget(
            steps in proptest::collection::vec((0u64..40, 1u32..4, 1u64..200), 1..300),
            kbps in 50u64..500,
        ) {
            let mut h = PacketHistory::new(SenderRules {
                budget: Some(Ratio::from_f64(0.25)),
                ..SenderRules::default()
            });
            h.on_target(at(0), Bitrate::from_kbps(4 * kbps));
            for n in 0..40 {
                h.on_sent(at(0), n, 1000);
            }
            let mut now = at(0);
            let mut taken: Vec<(Time, u64)> = Vec::new();
            for (seq, copies, pause) in steps {
                now += Span::from_millis(pause);
                if let Answer::Copies(n) = h.answer(now, seq, copies) {
                    prop_assert!((1..=copies).contains(&n));
                    taken.push((now, u64::from(n) * 1000));
                    h.on_resent(now, seq);
                }
                // Once there are samples of half a second.
                if now > at(600) && taken.len() > 3 {
                    let recent = taken.iter().filter(|(t, _)| now.as_millis() < t.as_millis() + 500);
                    let bytes: u64 = recent.map(|(_, n)| n).sum();
                    // A packet that no rate was known for may be among them.
                    prop_assert!(bytes * 16 <= kbps * 1000 + 3 * 16_000, "{} B", bytes);
                }
            }
        }

        #[test]
        fn answers_only_what_is_kept(steps in proptest::collection::vec((any::<bool>(), 0u64..50, 0u64..500), 1..300)) {
            let mut h = history();
            let (mut now, mut sent) = (Time::ZERO, std::collections::BTreeSet::new());
            for (send, seq, pause) in steps {
                now += Span::from_millis(pause);
                if send {
                    h.on_sent(now, seq, 100);
                    sent.insert(seq);
                } else if yes(&mut h, now, seq) {
                    prop_assert!(sent.contains(&seq) && seq >= h.oldest_kept(now));
                    h.on_resent(now, seq);
                }
                prop_assert!(h.packets.iter().zip(h.packets.iter().skip(1)).all(|(a, b)| a.seq < b.seq));
            }
        }
    }
}
