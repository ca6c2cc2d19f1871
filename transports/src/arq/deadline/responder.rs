//! The sender's half of schemes that know the receiver's play-out delay: what is
//! sent again travels as long as what was sent first, so it comes in time while
//! the packet is not older than that delay.

use weaknet_core::{Bitrate, Span, Time};

use super::super::history::{PacketHistory, SenderRules};
use super::super::{Answer, Responder};

/// What happens to requests for packets that would come too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::arq) enum Late {
    /// They are not answered when they would come later than so much after their
    /// play-out.
    Refuse(Span),
    /// They are answered with so many copies, which end a freeze.
    Answer(u32),
}

/// Answers by the time that is left.
#[derive(Debug)]
pub(in crate::arq) struct PlayoutResponder {
    history: PacketHistory,
    ahead: Span,
    /// By how many more rounds there is time for; the last stands for all more.
    copies: Vec<u32>,
    late: Late,
    playout: Option<Span>,
}

impl PlayoutResponder {
    pub(in crate::arq) fn new(
        sender: SenderRules,
        ahead: Span,
        copies: Vec<u32>,
        late: Late,
    ) -> Self {
        Self {
            history: PacketHistory::new(sender),
            ahead,
            copies,
            late,
            playout: None,
        }
    }

    /// How many copies to answer with; `None`: they would come too late.
    fn copies(&self, now: Time, sent: Time) -> Option<u32> {
        let Some(playout) = self.playout else {
            return Some(1);
        };
        let (due, there) = (sent + playout, now + self.ahead);
        if there > due {
            return match self.late {
                Late::Refuse(grace) => (there <= due + grace).then_some(1),
                Late::Answer(copies) => Some(copies),
            };
        }
        let rounds = due.since(there).as_nanos() / self.history.rtt().as_nanos().max(1);
        let last = self.copies.len().saturating_sub(1);
        let rounds = usize::try_from(rounds).unwrap_or(last).min(last);
        Some(self.copies.get(rounds).copied().unwrap_or(1))
    }
}

impl Responder for PlayoutResponder {
    fn on_sent(&mut self, now: Time, seq: u64, size: u32) {
        self.history.on_sent(now, seq, size);
    }

    fn on_nack(&mut self, now: Time, seq: u64) -> Answer {
        let Some(sent) = self.history.first_sent(seq) else {
            return Answer::Refused;
        };
        match self.copies(now, sent) {
            Some(copies) => self.history.answer(now, seq, copies),
            None => Answer::TooLate,
        }
    }

    fn on_resent(&mut self, now: Time, seq: u64) {
        self.history.on_resent(now, seq);
    }

    fn on_playout_delay(&mut self, delay: Span) {
        self.playout = Some(delay);
    }

    fn on_rtt(&mut self, now: Time, rtt: Span) {
        self.history.on_rtt(now, rtt);
    }

    fn on_target(&mut self, now: Time, target: Bitrate) {
        self.history.on_target(now, target);
    }

    fn oldest_kept(&self, now: Time) -> u64 {
        self.history.oldest_kept(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: u64) -> Time {
        Time::from_millis(ms)
    }

    fn ms(ms: u64) -> Span {
        Span::from_millis(ms)
    }

    fn responder(copies: &[u32], late: Late) -> PlayoutResponder {
        let mut r = PlayoutResponder::new(SenderRules::default(), ms(15), copies.to_vec(), late);
        r.on_rtt(at(0), ms(45));
        for seq in 0..10 {
            r.on_sent(at(0), seq, 1_000);
        }
        r
    }

    #[test]
    fn answers_until_the_packet_is_as_old_as_the_play_out_delay() {
        let mut r = responder(&[1], Late::Refuse(Span::ZERO));
        assert_eq!(r.on_nack(at(900), 0), Answer::Copies(1), "nobody said when");
        r.on_playout_delay(ms(100));
        assert_eq!(r.on_nack(at(85), 1), Answer::Copies(1));
        assert_eq!(r.on_nack(at(86), 2), Answer::TooLate);
        assert_eq!(r.on_nack(at(86), 99), Answer::Refused);
        let mut r = responder(&[1], Late::Refuse(ms(30)));
        r.on_playout_delay(ms(100));
        assert_eq!(r.on_nack(at(115), 1), Answer::Copies(1));
        assert_eq!(r.on_nack(at(116), 2), Answer::TooLate);
        let mut r = responder(&[1], Late::Answer(1));
        r.on_playout_delay(ms(100));
        assert_eq!(r.on_nack(at(500), 1), Answer::Copies(1));
    }

    #[test]
    fn copies_grow_as_rounds_run_out() {
        // A round takes 50 ms with its margin; 200 - 15 ms are there.
        let mut r = responder(&[3, 2, 1], Late::Answer(1));
        r.on_playout_delay(ms(200));
        for (now, seq, copies) in [
            (10, 0, 1),
            (85, 1, 1),
            (86, 2, 2),
            (135, 3, 2),
            (136, 4, 3),
            (185, 5, 3),
            (186, 6, 1),
        ] {
            assert_eq!(r.on_nack(at(now), seq), Answer::Copies(copies), "{now} ms");
        }
    }

    proptest! {
        #[test]
        fn never_sends_what_it_predicts_to_be_late(
            steps in prop::collection::vec((0u64..10, 0u64..50, 0u64..300), 1..100),
        ) {
            let mut r = responder(&[3, 2, 1], Late::Refuse(Span::ZERO));
            let mut now = at(0);
            for (seq, pause, delay) in steps {
                now += ms(pause);
                r.on_playout_delay(ms(delay));
                let in_time = now + ms(15) <= at(delay);
                match r.on_nack(now, seq) {
                    Answer::Copies(n) => prop_assert!(in_time && (1..=3).contains(&n)),
                    Answer::TooLate => prop_assert!(!in_time),
                    Answer::Refused => {}
                }
            }
        }
    }
}
