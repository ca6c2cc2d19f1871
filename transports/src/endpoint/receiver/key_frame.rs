//! How a receiver asks for a key frame.
//!
//! Implements: picture loss indication (RFC 4585, section 6.3.1) or full intra
//! request (RFC 5104, section 4.3.1) with its number, which a new command
//! increases and a repetition keeps. A request within two round trips of the
//! last new one is a repetition: the answer to that cannot have been lost yet,
//! only the request.
//! Differs: RFC 5104 wants a full intra request for new participants and PLI for
//! losses; many conferencing servers ask for both by FIR. libwebrtc numbers every
//! request anew.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::packet::Rtcp;
use weaknet_core::{Span, Time};

/// The round trip before it is measured (libwebrtc: `kDefaultRttMs` of NACK).
const FIRST_RTT: Span = Span::from_millis(100);

/// The RTCP packet that asks for a key frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyFrameRequest {
    /// Picture loss indication (RFC 4585), as browsers send it.
    #[default]
    Pli,
    /// Full intra request (RFC 5104), as many servers send it.
    Fir,
}

/// Makes the requests of one receiver.
#[derive(Debug)]
pub(super) struct KeyFrameRequests {
    form: KeyFrameRequest,
    rtt: Span,
    /// Number of the next command.
    next: u8,
    /// When the last new command was made.
    asked: Option<Time>,
}

impl KeyFrameRequests {
    pub(super) const fn new(form: KeyFrameRequest) -> Self {
        Self {
            form,
            rtt: FIRST_RTT,
            next: 0,
            asked: None,
        }
    }

    pub(super) const fn on_rtt(&mut self, rtt: Span) {
        self.rtt = rtt;
    }

    /// A key frame is wanted now.
    pub(super) fn next(&mut self, now: Time) -> Rtcp {
        match self.form {
            KeyFrameRequest::Pli => Rtcp::Pli,
            KeyFrameRequest::Fir => {
                let again = |at| now - at < self.rtt * 2;
                if !self.asked.is_some_and(again) {
                    self.asked = Some(now);
                    self.next = self.next.wrapping_add(1);
                }
                Rtcp::Fir {
                    seq: self.next.wrapping_sub(1),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(requests: &mut KeyFrameRequests, ms: u64) -> u8 {
        match requests.next(Time::from_millis(ms)) {
            Rtcp::Fir { seq } => seq,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn new_commands_count_and_repetitions_do_not() {
        let mut requests = KeyFrameRequests::new(KeyFrameRequest::Fir);
        let asked = [0, 199, 200, 399].map(|at| ask(&mut requests, at));
        assert_eq!(asked, [0, 0, 1, 1]);
        requests.on_rtt(Span::from_millis(20));
        let asked = [400, 439, 440].map(|at| ask(&mut requests, at));
        assert_eq!(asked, [2, 2, 3]);
        let asked = (12..=265).map(|n| ask(&mut requests, n * 40));
        assert_eq!(asked.last(), Some(1), "modulo 256");
        let mut plain = KeyFrameRequests::new(KeyFrameRequest::Pli);
        assert_eq!(plain.next(Time::ZERO), Rtcp::Pli);
    }
}
