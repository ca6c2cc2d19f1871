//! The sender's half: which packets are kept and which requests are answered.
//!
//! Implements: `rtp_packet_history.cc` and `RTPSender::OnReceivedNack` /
//! `ReSendPacket` of libwebrtc (2026-07): a packet is kept for
//! max(1 s, 3 RTT), then as long as no more than `history` are kept and it is
//! not three times that old; 9600 at most. A packet that was sent again is not
//! sent again while it waits in the pacer, nor within RTT + 5 ms after it has
//! left it. When the rate limit refuses one packet of a
//! request, the rest of the request is ignored.
//! Differs: RTT + 5 ms serves the age limit too.

use std::collections::VecDeque;

use weaknet_core::{Bitrate, Span, Time};

use super::super::Responder;
use super::rate_limiter::RateLimiter;

/// Most packets kept (`kMaxCapacity`).
pub(super) const CAPACITY: u32 = 9_600;
/// Shortest age limit (`kMinPacketDuration`).
const MIN_AGE: Span = Span::from_millis(1_000);
/// Added to the round-trip time when requests are answered.
const RTT_MARGIN: Span = Span::from_millis(5);

#[derive(Debug, Clone, Copy)]
struct Stored {
    seq: u64,
    sent: Time,
    size: u32,
    sent_again: bool,
    /// Granted, and still in the pacer.
    pending: bool,
}

/// The packets that can be sent again.
#[derive(Debug)]
pub(super) struct PacketHistory {
    history: usize,
    /// By sequence number.
    packets: VecDeque<Stored>,
    next: u64,
    rtt: Span,
    limiter: Option<RateLimiter>,
    /// When the limiter refused last: the rest of that request is ignored.
    refused: Option<Time>,
}

impl PacketHistory {
    pub(super) fn new(history: usize, rate_limit: bool) -> Self {
        Self {
            history,
            packets: VecDeque::new(),
            next: 0,
            rtt: RTT_MARGIN,
            limiter: rate_limit.then(RateLimiter::new),
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
        let age = MIN_AGE.max(self.rtt * 3);
        while let Some(oldest) = self.packets.front() {
            let full = self.packets.len() >= CAPACITY as usize;
            let old = oldest.sent + age <= now;
            let very_old = oldest.sent + age * 3 <= now;
            if !(full || old && (self.packets.len() >= self.history || very_old)) {
                return;
            }
            self.packets.pop_front();
        }
    }
}

impl Responder for PacketHistory {
    fn on_sent(&mut self, now: Time, seq: u64, size: u32) {
        self.cull(now);
        self.next = self.next.max(seq.saturating_add(1));
        let stored = Stored {
            seq,
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

    fn on_nack(&mut self, now: Time, seq: u64) -> bool {
        let Ok(position) = self.find(seq) else {
            return false;
        };
        let packet = self.packets[position];
        let too_early = packet.sent_again && now.since(packet.sent) < self.rtt;
        if packet.pending || too_early || self.refused == Some(now) {
            return false;
        }
        if let Some(limiter) = &mut self.limiter
            && !limiter.try_use(now, packet.size)
        {
            self.refused = Some(now);
            return false;
        }
        self.packets[position].pending = true;
        true
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
            limiter.set_max(target);
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
        PacketHistory::new(600, false)
    }

    #[test]
    fn answers_once_per_rtt_and_5_ms() {
        let mut h = history();
        h.on_rtt(at(0), Span::from_millis(50));
        h.on_sent(at(0), 7, 1000);
        assert!(h.on_nack(at(1), 7), "the first request is never too early");
        assert!(!h.on_nack(at(90), 7), "it is still in the pacer");
        h.on_resent(at(100), 7);
        assert!(!h.on_nack(Time::from_nanos(154_999_999), 7));
        assert!(h.on_nack(at(155), 7));
        h.on_resent(at(155), 7);
        assert!(!h.on_nack(at(200), 7) && !h.on_nack(at(300), 8));
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
        let mut h = PacketHistory::new(600, true);
        h.on_target(at(0), Bitrate::from_kbps(100));
        for n in 0..20 {
            h.on_sent(at(0), n, 1000);
        }
        assert!(
            h.on_nack(at(10), 0) && h.on_nack(at(10), 1),
            "no rate is known yet"
        );
        let answered: Vec<u64> = (2..20).filter(|n| h.on_nack(at(400), *n)).collect();
        // 4 kB in 391 ms are 82 kbit/s and one packet more in 500 ms adds 16:
        // 98. With 5 kB it would be 118.
        assert_eq!(answered, [2, 3, 4]);
        assert!(h.on_nack(at(600), 5), "a new request");
    }

    #[test]
    fn nothing_is_kept_before_the_first_packet() {
        assert_eq!(history().oldest_kept(at(0)), 0);
        assert!(!history().on_nack(at(0), 0));
    }

    proptest! {
        #[test]
        fn answers_only_what_is_kept(steps in proptest::collection::vec((any::<bool>(), 0u64..50, 0u64..500), 1..300)) {
            let mut h = history();
            let (mut now, mut sent) = (Time::ZERO, std::collections::BTreeSet::new());
            for (send, seq, pause) in steps {
                now += Span::from_millis(pause);
                if send {
                    h.on_sent(now, seq, 100);
                    sent.insert(seq);
                } else if h.on_nack(now, seq) {
                    prop_assert!(sent.contains(&seq) && seq >= h.oldest_kept(now));
                    h.on_resent(now, seq);
                }
                prop_assert!(h.packets.iter().zip(h.packets.iter().skip(1)).all(|(a, b)| a.seq < b.seq));
            }
        }
    }
}
