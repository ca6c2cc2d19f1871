//! Proportional rate reduction: while a window is being reduced, packets leave
//! in proportion to those that arrive, instead of none and then all.
//!
//! Implements: RFC 6937 section 3 with the slow-start reduction bound; the
//! flight that the transport counts takes the place of `pipe`.
//! Differs: the report that begins recovery always lets a packet leave.

use weaknet_core::Bytes;

use crate::cc::Feedback;

/// A reduction that is under way; all in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::cc) struct Prr {
    ssthresh: f64,
    packet: f64,
    /// The flight when it began (RecoverFS).
    flight: f64,
    delivered: f64,
    sent: f64,
    /// The window of the moment.
    cwnd: f64,
}

impl Prr {
    /// Reduces to `ssthresh` because of this report.
    pub(in crate::cc) fn new(ssthresh: f64, packet: f64, feedback: &Feedback<'_>) -> Self {
        let flight = feedback.prior_in_flight.get() as f64;
        let mut prr = Self::of_flight(ssthresh, packet, flight);
        prr.on_feedback(feedback);
        prr.cwnd = prr.cwnd.max(feedback.in_flight.get() as f64 + packet);
        prr
    }

    const fn of_flight(ssthresh: f64, packet: f64, flight: f64) -> Self {
        Self {
            ssthresh,
            packet,
            flight: flight.max(packet),
            delivered: 0.0,
            sent: 0.0,
            cwnd: ssthresh,
        }
    }

    pub(in crate::cc) const fn on_sent(&mut self, size: Bytes) {
        self.sent += size.get() as f64;
    }

    pub(in crate::cc) fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        let pipe = feedback.in_flight.get() as f64;
        let delivered = feedback.acked_bytes().get() as f64;
        self.cwnd = pipe + self.on_delivered(pipe, delivered);
    }

    /// How much may leave now that `delivered` bytes have arrived.
    fn on_delivered(&mut self, pipe: f64, delivered: f64) -> f64 {
        self.delivered += delivered;
        let count = if pipe > self.ssthresh {
            let share = self.delivered * self.ssthresh / self.flight;
            libm::ceil(share / self.packet) * self.packet - self.sent
        } else {
            let limit = (self.delivered - self.sent).max(delivered) + self.packet;
            (self.ssthresh - pipe).min(limit)
        };
        count.max(0.0)
    }

    pub(in crate::cc) const fn cwnd(&self) -> Bytes {
        Bytes::new(self.cwnd as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Acknowledgements from `first` that let packets leave: number, flight
    /// before, packets.
    fn run(flight: f64, mut pipe: f64, first: u32, last: u32) -> Vec<(u32, f64, f64)> {
        let mut prr = Prr::of_flight(10.0, 1.0, flight);
        let mut sent = Vec::new();
        for ack in first..=last {
            let count = prr.on_delivered(pipe, 1.0);
            if count > 0.0 {
                sent.push((ack, pipe, count));
            }
            prr.sent += count;
            pipe += count - 1.0;
        }
        sent
    }

    #[test]
    fn one_loss_of_twenty_packets() {
        // Two more were sent by limited transmit before recovery began.
        let expected = [
            (3, 18.0),
            (5, 17.0),
            (7, 16.0),
            (9, 15.0),
            (11, 14.0),
            (14, 12.0),
            (16, 11.0),
            (19, 9.0),
        ];
        let all = run(22.0, 18.0, 3, 19);
        assert_eq!(all, expected.map(|(ack, pipe)| (ack, pipe, 1.0)));
        let acks: Vec<u32> = run(20.0, 18.0, 3, 17).iter().map(|sent| sent.0).collect();
        assert_eq!(acks, [3, 5, 7, 9, 11, 13, 15, 17]);
    }

    #[test]
    fn fifteen_losses_of_twenty_packets() {
        let all = run(22.0, 4.0, 17, 19);
        assert_eq!(all, [(17, 4.0, 2.0), (18, 5.0, 2.0), (19, 6.0, 2.0)]);
    }
}
