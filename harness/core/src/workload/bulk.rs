//! The two ends of a bulk flow.
//!
//! Implements: every packet has a number of its own and is acknowledged at
//! once by a packet of 40 B that echoes its time of sending; a gap in the
//! acknowledged numbers is a loss, one decrease of the window per round trip
//! (RFC 9002 7.3.2); smoothed round-trip time and retransmission timeout of
//! RFC 6298 with a floor of 200 ms, armed anew only when it fires.
//! Differs: what is lost need not be sent again, the supply is without end; any
//! gap counts as a loss, so that paths must keep the order.
//! Not modelled: delayed acknowledgements, pacing, connection set-up.

use weaknet_core::packet::{Ecn, FlowId, Leg, Packet, Payload, Segment};
use weaknet_core::{Node, Outbox, Span, Time};

use super::cubic::Cubic;

/// Size of a full packet on the wire.
pub(super) const FULL: u32 = 1_500;
/// Size of an acknowledgement on the wire.
const ACK: u32 = 40;

/// Retransmission timeout before the first sample (RFC 6298 2.1), and at least.
const FIRST_TIMEOUT: Span = Span::from_secs(1);
const LEAST_TIMEOUT: Span = Span::from_millis(200);

fn packet(leg: Leg, segment: Segment, size: u32, now: Time) -> Packet {
    Packet {
        id: segment.number,
        flow: FlowId(0),
        leg,
        path: 0,
        hop: 0,
        ecn: Ecn::NotEct,
        damaged: false,
        size,
        sent: now,
        payload: Payload::Segment(segment),
    }
}

/// Sends full packets without end, as many at a time as its window allows.
pub(super) struct BulkSender {
    window: Cubic,
    /// The number of the next packet.
    next: u64,
    /// The lowest number that is neither acknowledged nor given up.
    oldest: u64,
    /// Losses below belong to a decrease that has been made.
    recovered: u64,
    rtt: RoundTrips,
    /// When the timeout comes, unless something is acknowledged before.
    deadline: Time,
    /// When it looks at the deadline next; never later than that.
    look: Time,
}

impl BulkSender {
    /// A sender that starts at `start`.
    pub(super) fn new(start: Time) -> Self {
        Self {
            window: Cubic::new(),
            next: 0,
            oldest: 0,
            recovered: 0,
            rtt: RoundTrips::default(),
            deadline: start,
            look: start,
        }
    }

    fn fill(&mut self, out: &mut Outbox<'_>) {
        let end = self.oldest + self.window.packets();
        while self.next < end {
            let segment = Segment {
                number: self.next,
                echo: None,
            };
            out.send(packet(Leg::Outward, segment, FULL, out.now()));
            self.next += 1;
        }
    }
}

impl Node for BulkSender {
    fn receive(&mut self, packet: &mut Packet, out: &mut Outbox<'_>) {
        let Payload::Segment(segment) = &packet.payload else {
            return;
        };
        let (number, Some(echo)) = (segment.number, segment.echo) else {
            return;
        };
        if number < self.oldest {
            return;
        }
        self.rtt.sample(out.now() - echo);
        if number > self.oldest {
            if self.oldest >= self.recovered {
                self.window.reduce();
                self.recovered = self.next;
            }
        } else if number >= self.recovered {
            self.window
                .grow(out.now(), Span::from_nanos(self.rtt.smoothed));
        }
        self.oldest = number + 1;
        self.deadline = out.now() + self.rtt.timeout();
        self.fill(out);
    }

    fn wake(&mut self, out: &mut Outbox<'_>) {
        if out.now() >= self.deadline {
            if self.next > self.oldest {
                self.window.time_out();
                self.oldest = self.next;
                self.recovered = self.next;
                self.rtt.back_off();
            }
            self.deadline = out.now() + self.rtt.timeout();
            self.fill(out);
        }
        self.look = self.deadline;
    }

    fn next_wake(&self) -> Option<Time> {
        Some(self.look)
    }
}

/// What a sender knows of its round-trip time (RFC 6298 2), in nanoseconds.
#[derive(Debug, Default)]
struct RoundTrips {
    smoothed: u64,
    variation: u64,
    /// Timeouts since the last sample.
    timeouts: u32,
}

impl RoundTrips {
    #[inline]
    fn sample(&mut self, rtt: Span) {
        let rtt = rtt.as_nanos();
        self.timeouts = 0;
        if self.smoothed == 0 {
            (self.smoothed, self.variation) = (rtt, rtt / 2);
            return;
        }
        self.variation = (self.variation * 3 + rtt.abs_diff(self.smoothed)) / 4;
        self.smoothed = (self.smoothed * 7 + rtt) / 8;
    }

    #[inline]
    fn timeout(&self) -> Span {
        let once = if self.smoothed == 0 {
            FIRST_TIMEOUT.as_nanos()
        } else {
            (self.smoothed + self.variation * 4).max(LEAST_TIMEOUT.as_nanos())
        };
        Span::from_nanos(once << self.timeouts)
    }

    fn back_off(&mut self) {
        self.timeouts = (self.timeouts + 1).min(6);
    }
}

/// Acknowledges every packet.
pub(super) struct BulkReceiver;

impl Node for BulkReceiver {
    fn receive(&mut self, packet: &mut Packet, out: &mut Outbox<'_>) {
        if let Payload::Segment(segment) = &packet.payload {
            let echo = Segment {
                number: segment.number,
                echo: Some(packet.sent),
            };
            out.send(self::packet(Leg::Return, echo, ACK, out.now()));
        }
    }

    fn wake(&mut self, _: &mut Outbox<'_>) {}

    fn next_wake(&self) -> Option<Time> {
        None
    }
}
