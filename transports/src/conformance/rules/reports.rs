//! Reports as no sane peer sends them but as they have been seen all the same:
//! after an ordinary flow of five seconds they come, then the flow goes on. The
//! controller gets them as they are, without the transport that would keep most
//! of them away.

use weaknet_core::packet::Ecn;
use weaknet_core::{Bytes, Span, Time};

use super::{judge, unharmed};
use crate::cc::{
    CcEvent, DeliverySnapshot, Feedback, FeedbackKind, PacketResult, SentKind, SentPacket,
};
use crate::conformance::PACKET;
use crate::conformance::battery::Bench;
use crate::conformance::playback::{Playback, WIDE};
use crate::conformance::report::Verdict;

/// Intervals before the misbehaviour.
const BEFORE: u64 = 100;
/// Intervals after it.
const AFTER: u64 = 40;

fn warm(bench: &Bench<'_>) -> Playback {
    let mut playback = Playback::new(Time::from_secs(1), bench.controller());
    playback.play(0..BEFORE);
    playback
}

fn go_on(mut playback: Playback) -> Verdict {
    playback.play(BEFORE..BEFORE + AFTER);
    unharmed()
}

/// The end of the ordinary flow.
fn end(playback: &Playback) -> Time {
    playback.time_of(BEFORE - 1)
}

fn tell(playback: &mut Playback, now: Time, packets: &[PacketResult]) {
    playback.script.controller.on_feedback(&Feedback {
        now,
        made: Some(now),
        packets,
        in_flight: Bytes::new(10_000),
        prior_in_flight: Bytes::new(15_000),
        kind: FeedbackKind::PerPacket,
    });
}

/// A packet with that number, sent 50 ms ago and received 25 ms ago.
fn packet(number: u64, now: Time) -> PacketResult {
    PacketResult {
        sent: SentPacket {
            number,
            at: now.saturating_sub(Span::from_millis(50)),
            size: PACKET,
            kind: SentKind::Video,
            probe: None,
            in_flight: PACKET,
            app_limited: false,
        },
        received: Some(now.saturating_sub(Span::from_millis(25))),
        ecn: Ecn::NotEct,
        recovered: false,
        delivery: DeliverySnapshot::default(),
    }
}

fn lost(packet: &PacketResult) -> PacketResult {
    PacketResult {
        received: None,
        ..*packet
    }
}

pub(super) fn duplicates(bench: &Bench<'_>) -> Verdict {
    let mut playback = warm(bench);
    let now = end(&playback);
    let last = playback.results().to_vec();
    tell(&mut playback, now, &last);
    let later = now + Span::from_millis(1);
    tell(&mut playback, later, &last);
    let doubled: Vec<_> = last.iter().flat_map(|p| [*p, *p]).collect();
    tell(&mut playback, later, &doubled);
    let unlike: Vec<_> = last.iter().flat_map(|p| [*p, lost(p), *p]).collect();
    tell(&mut playback, later, &unlike);
    go_on(playback)
}

pub(super) fn late(bench: &Bench<'_>) -> Verdict {
    let mut playback = Playback::new(Time::from_secs(1), bench.controller());
    playback.play(0..4);
    let first = playback.results().to_vec();
    playback.play(4..BEFORE);
    // By then nobody remembers packets of the first second.
    let now = end(&playback);
    let ancient: Vec<_> = first.iter().map(lost).collect();
    tell(&mut playback, now, &first);
    tell(&mut playback, now, &ancient);
    let ten_minutes = now + Span::from_secs(600);
    tell(&mut playback, ten_minutes, &first);
    tell(&mut playback, ten_minutes, &ancient);
    unharmed()
}

pub(super) fn reordered(bench: &Bench<'_>) -> Verdict {
    let mut playback = warm(bench);
    let now = end(&playback);
    let base = playback.script.next_number();
    let mut packets: Vec<_> = (base..base + 60).map(|n| packet(n, now)).collect();
    for (ago, packet) in (0_u64..).zip(&mut packets) {
        // Arrivals from the newest to the oldest, and some before they left.
        let at = now.saturating_sub(Span::from_millis(ago * 7 % 60));
        packet.received = Some(at);
    }
    for packet in &packets {
        playback.script.controller.on_sent(&packet.sent);
    }
    packets.reverse();
    tell(&mut playback, now, &packets[..20]);
    tell(&mut playback, now, &packets[40..]);
    packets[20..40].reverse();
    tell(&mut playback, now, &packets[20..40]);
    go_on(playback)
}

pub(super) fn wrapped(bench: &Bench<'_>) -> Verdict {
    let mut playback = warm(bench);
    let now = end(&playback);
    let sixteen_bits = 1 << 16;
    let wrap = (sixteen_bits - 5..sixteen_bits + 5).map(|n| n % sixteen_bits);
    let jumps = [40_000, 7, 80_000, u64::MAX - 1, u64::MAX, 0, 1];
    for number in wrap.chain(jumps) {
        let packet = packet(number, now);
        playback.script.controller.on_sent(&packet.sent);
        tell(&mut playback, now, &[packet]);
    }
    go_on(playback)
}

pub(super) fn empty(bench: &Bench<'_>) -> Verdict {
    let mut playback = warm(bench);
    let now = end(&playback);
    let before = playback.script.controller.output();
    tell(&mut playback, now, &[]);
    let after = playback.script.controller.output();
    if before != after {
        return judge(Err(format!("{before:?} became {after:?}")));
    }
    tell(&mut playback, now + Span::from_millis(1), &[]);
    go_on(playback)
}

pub(super) fn unknown(bench: &Bench<'_>) -> Verdict {
    let mut playback = warm(bench);
    let now = end(&playback);
    let next = playback.script.next_number();
    let packets: Vec<_> = (next..next + 5).map(|n| packet(n, now)).collect();
    tell(&mut playback, now, &packets);
    let missing: Vec<_> = packets.iter().map(lost).collect();
    tell(&mut playback, now, &missing);
    go_on(playback)
}

pub(super) fn early(bench: &Bench<'_>) -> Verdict {
    for started in [false, true] {
        let mut controller = bench.controller();
        let now = Time::from_secs(1);
        if started {
            controller.on_event(now, &CcEvent::Start(WIDE));
        }
        let packets: Vec<_> = (0..3).map(|n| packet(n, now)).collect();
        for packets in [&[][..], &packets] {
            controller.on_feedback(&Feedback {
                now,
                made: None,
                packets,
                in_flight: Bytes::ZERO,
                prior_in_flight: Bytes::ZERO,
                kind: FeedbackKind::AckRanges,
            });
        }
        controller.on_timer(now);
        for event in [
            CcEvent::RouteChange,
            CcEvent::RetransmissionTimeout,
            CcEvent::PersistentCongestion,
            CcEvent::SpuriousLoss,
            CcEvent::Mtu(Bytes::new(1_500)),
            CcEvent::Network { up: false },
            CcEvent::Rtt(Span::ZERO),
            CcEvent::PacerQueue(Bytes::ZERO),
            CcEvent::Frame(Bytes::ZERO),
        ] {
            controller.on_event(now, &event);
        }
        let mut playback = Playback::new(now, controller);
        playback.play(0..AFTER);
    }
    unharmed()
}
