//! The link itself, under controllers that never change their mind.

use weaknet_core::packet::Ecn;
use weaknet_core::{Bitrate, Bytes, Span, Time};

use super::{IdealLink, Interval, PACKET};
use crate::cc::{CcEvent, CcOutput, CongestionController, Feedback};

/// A constant window or rate, and what it was told.
#[derive(Debug, Clone, Default)]
struct Constant {
    cwnd: Option<Bytes>,
    pacing: Option<Bitrate>,
    timeouts: f64,
    losses: f64,
}

impl CongestionController for Constant {
    fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        self.losses += feedback.lost().count() as f64;
        let rtt = feedback.rtt();
        assert!(rtt.is_none_or(|rtt| rtt >= RTT), "{rtt:?}");
    }
    fn on_event(&mut self, _: Time, event: &CcEvent) {
        if *event == CcEvent::RetransmissionTimeout {
            self.timeouts += 1.0;
        }
    }
    fn output(&self) -> CcOutput {
        CcOutput {
            cwnd: self.cwnd,
            pacing: self.pacing,
            ecn: Ecn::Ect1,
            ..CcOutput::default()
        }
    }
    fn snapshot(&self, visitor: &mut dyn crate::cc::Visitor) {
        visitor.number("timeouts", self.timeouts);
        visitor.number("losses", self.losses);
    }
    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(self.clone())
    }
}

/// 9.6 Mbit/s are 1000 packets per second: 50 packets in 50 ms.
const RATE: Bitrate = Bitrate::from_kbps(9_600);
const RTT: Span = Span::from_millis(50);
const SECOND: Span = Span::from_secs(1);

fn packets(count: u64) -> Bytes {
    Bytes::new(PACKET.get() * count)
}

fn window(count: u64) -> Box<dyn CongestionController> {
    Box::new(Constant {
        cwnd: Some(packets(count)),
        ..Constant::default()
    })
}

fn link(buffer: u64) -> IdealLink {
    IdealLink::new(RATE, RTT, packets(buffer))
}

#[test]
fn the_window_over_the_round_trip_is_the_rate_until_the_link_is_full() {
    // The round trip includes the millisecond of transmission.
    for (count, share) in [(10, 10.0 / 51.0), (51, 1.0), (91, 1.0)] {
        let mut link = link(100);
        let flow = link.add(window(count));
        link.run(Span::from_secs(11));
        let ideal = RATE.as_bps_f64() * share;
        let got = link.throughput(flow, SECOND * 10).as_bps_f64();
        assert!((got / ideal - 1.0).abs() < 0.01, "{count}: {got}");
        let wait = Span::from_millis(u64::saturating_sub(count, 51));
        if count >= 51 {
            assert_eq!(link.wait_percentile(SECOND, 0.5), wait);
        }
    }
}

#[test]
fn what_does_not_fit_the_buffer_is_dropped_and_told() {
    let mut link = link(20);
    let flow = link.add(window(100));
    link.run(SECOND * 5);
    let dropped: Bytes = link.intervals(flow).iter().map(|i| i.dropped).sum();
    let told = link.value(flow, "losses");
    // Drops of the last round trip are not yet known.
    let unknown = dropped.get() as f64 / PACKET.get() as f64 - told;
    assert!(told > 1_000.0 && (0.0..=100.0).contains(&unknown));
    assert!(link.wait_percentile(SECOND * 5, 1.0) <= Span::from_millis(20));
    assert_eq!(link.value(flow, "timeouts"), 0.0);
}

#[test]
fn a_flight_without_survivors_is_told_by_a_timeout() {
    let mut link = link(0);
    let flow = link.add(window(4));
    link.run(Span::from_millis(3_500));
    assert_eq!(link.value(flow, "timeouts"), 3.0);
    assert_eq!(link.value(flow, "losses"), 12.0);
    assert_eq!(link.throughput(flow, SECOND), Bitrate::ZERO);
}

#[test]
fn marks_come_above_the_threshold_only() {
    for (count, marked) in [(51, false), (54, true)] {
        let mut link = link(100).marking_above(Span::from_millis(2));
        let flow = link.add(window(count));
        link.run(SECOND * 2);
        let last = link.intervals(flow)[19];
        assert_eq!(last.marked == last.delivered, marked, "{last:?}");
        assert_eq!(last.marked == Bytes::ZERO, !marked, "{last:?}");
    }
}

#[test]
fn the_pacer_spaces_packets_and_the_application_may_offer_less() {
    let paced = Constant {
        pacing: Some(Bitrate::from_kbps(4_800)),
        ..Constant::default()
    };
    let mut link = link(100);
    let fast = link.add(Box::new(paced.clone()));
    let slow = link.add_limited(Box::new(paced), Bitrate::from_kbps(960));
    link.run(SECOND * 3);
    assert_eq!(link.throughput(fast, SECOND * 2).as_bps(), 4_800_000);
    assert_eq!(link.throughput(slow, SECOND * 2).as_bps(), 960_000);
    link.set_application(slow, None);
    link.run(SECOND * 3);
    assert_eq!(link.throughput(slow, SECOND * 2).as_bps(), 4_800_000);
    assert!(link.wait_percentile(SECOND, 1.0) <= Span::from_millis(2));
}

#[test]
fn a_slower_link_delivers_less() {
    let mut link = link(200);
    let flow = link.add(window(60));
    link.run(SECOND * 2);
    link.set_rate(Bitrate::from_kbps(2_400));
    link.run(SECOND * 4);
    let got = link.throughput(flow, SECOND * 2).as_bps_f64();
    assert!((got / 2.4e6 - 1.0).abs() < 0.01, "{got}");
    assert_eq!(link.now(), Time::from_secs(6));
    assert_eq!(link.intervals(flow).len(), 60);
    let last: Interval = link.intervals(flow)[59];
    assert_eq!((last.end, last.cwnd), (link.now(), Some(packets(60))));
    // A loop of 60 packets of 4 ms, less propagation and the packet's own.
    assert_eq!(last.wait, Span::from_millis(240 - 50 - 4));
}
