//! Corruption, duplication, displacement, MTU, ECN field and taps: each at its
//! declared place.

use std::sync::{Arc, Mutex};

use crate::support::{drive, drive_watched, link, packet, parts};
use weaknet_core::event::{DropReason, Event};
use weaknet_core::packet::{Ecn, Packet, Payload, Protocol};
use weaknet_core::{Span, Time};
use weaknet_netem::model::{
    CorruptionModel, Displacement, DuplicationModel, Limit, LossModel, Queue, QueueContext,
    QueueDiscipline, Queued, ReorderingModel,
};
use weaknet_netem::{Blocks, EcnField, LossAt, Parts, Passage, Tap};

/// Acts on every n-th packet, counted by its draws.
#[derive(Debug, Clone, Copy)]
struct EveryNth<T>(u64, T);

impl<T: Copy> EveryNth<T> {
    fn of(self, passage: Passage) -> Option<T> {
        (self.0 > 0 && passage.draw % self.0 == self.0 - 1).then_some(self.1)
    }
}

impl LossModel for EveryNth<()> {
    fn lose(&mut self, passage: Passage) -> bool {
        self.of(passage).is_some()
    }
}

impl DuplicationModel for EveryNth<Span> {
    fn copy(&mut self, passage: Passage) -> Option<Span> {
        self.of(passage)
    }
}

impl CorruptionModel for EveryNth<u64> {
    fn flip(&mut self, passage: Passage) -> Option<u64> {
        self.of(passage)
    }
}

impl ReorderingModel for EveryNth<Displacement> {
    fn displace(&mut self, passage: Passage) -> Displacement {
        self.of(passage).unwrap_or(Displacement::None)
    }
}

fn clean() -> Parts {
    parts("unlimited", Queue::DropTail(Limit::Packets(100)), "50ms")
}

/// One packet of 100 bytes every 10 ms.
fn steady(count: u64) -> Vec<(Time, u32)> {
    (0..count)
        .map(|i| (Time::from_millis(10 * i), 100))
        .collect()
}

/// Number and time in milliseconds of what gets through.
fn through(parts: Parts, packets: &[(Time, u32)]) -> Vec<(u64, u64)> {
    let out = drive(&mut link(parts), packets, &mut Vec::new());
    out.iter()
        .map(|d| (d.packet.id, d.at.as_millis()))
        .collect()
}

fn reordered(nth: u64, displacement: Displacement, count: u64) -> Vec<(u64, u64)> {
    let reorder: Box<dyn ReorderingModel> = Box::new(EveryNth(nth, displacement));
    let parts = Parts {
        reorder: Some(reorder),
        ..clean()
    };
    through(parts, &steady(count))
}

#[test]
fn a_packet_that_skips_the_delay_overtakes_those_on_the_way() {
    let got = reordered(4, Displacement::SkipDelay, 5);
    assert_eq!(got, [(3, 30), (0, 50), (1, 60), (2, 70), (4, 90)]);
}

#[test]
fn a_late_packet_is_overtaken() {
    let got = reordered(2, Displacement::Late(Span::from_millis(25)), 5);
    assert_eq!(got, [(0, 50), (2, 70), (1, 85), (4, 90), (3, 105)]);
}

#[test]
fn a_packet_falls_behind_a_number_of_others() {
    let behind = |packets| Displacement::Behind(packets, Span::from_secs(1));
    let got = reordered(3, behind(2), 6);
    // 2 comes right behind 4. 5 is the last, waits in vain, and comes after 1 s.
    assert_eq!(
        got,
        [(0, 50), (1, 60), (3, 80), (4, 90), (2, 90), (5, 1_100)]
    );
    assert_eq!(reordered(3, behind(0), 6), reordered(0, behind(0), 6));
    // It never waits longer than it may.
    let short = Displacement::Behind(2, Span::from_millis(15));
    let got = reordered(3, short, 5);
    assert_eq!(got, [(0, 50), (1, 60), (3, 80), (2, 85), (4, 90)]);
}

#[test]
fn a_copy_follows_its_packet_and_is_in_the_books() {
    for (lag, want) in [
        (0, [(0, 50), (1, 60), (1, 60), (2, 70)]),
        (15, [(0, 50), (1, 60), (2, 70), (1, 75)]),
    ] {
        let duplicate: Box<dyn DuplicationModel> = Box::new(EveryNth(2, Span::from_millis(lag)));
        let mut link = link(Parts {
            duplicate: Some(duplicate),
            ..clean()
        });
        let mut events = Vec::new();
        let out = drive_watched(&mut link, &steady(3), &mut events, |_, _, _| {});
        let out: Vec<_> = out
            .iter()
            .map(|d| (d.packet.id, d.at.as_millis()))
            .collect();
        assert_eq!(out, want);
        let copies = events.iter().filter_map(|(at, event)| match event {
            Event::LinkCopy { packet, .. } => Some((at.as_millis(), packet.id)),
            _ => None,
        });
        assert_eq!(copies.collect::<Vec<_>>(), [(10, 1)]);
        assert_eq!(link.counts().copied.packets, 1);
    }
}

#[test]
fn a_flipped_bit_damages_the_packet_and_its_copy() {
    let corrupt: Box<dyn CorruptionModel> = Box::new(EveryNth(1, 11));
    let duplicate: Box<dyn DuplicationModel> = Box::new(EveryNth(1, Span::ZERO));
    let mut link = link(Parts {
        corrupt: Some(corrupt),
        duplicate: Some(duplicate),
        ..clean()
    });
    let payload = Payload::Bytes(vec![0; 4]);
    let whole = packet(0, 4, Time::ZERO);
    link.arrive(Time::ZERO, Packet { payload, ..whole }, &mut ());
    for _ in 0..2 {
        let packet = link.deliver(Time::MAX, &mut ()).unwrap().packet;
        assert!(packet.damaged);
        assert_eq!(packet.payload, Payload::Bytes(vec![0, 0b0001_0000, 0, 0]));
    }
    assert_eq!(link.deliver(Time::MAX, &mut ()), None);
}

/// The ECN fields after the link, `None` for packets that fell, and why.
fn fields(ecn: EcnField) -> ([Option<Ecn>; 4], Vec<DropReason>) {
    let mut link = link(Parts { ecn, ..clean() });
    let mut events = Vec::new();
    let before = [Ecn::NotEct, Ecn::Ect0, Ecn::Ect1, Ecn::Ce];
    for (id, ecn) in before.into_iter().enumerate() {
        let plain = packet(id as u64, 100, Time::ZERO);
        link.arrive(Time::ZERO, Packet { ecn, ..plain }, &mut events);
    }
    let mut after = [None; 4];
    while let Some(delivery) = link.deliver(Time::MAX, &mut events) {
        after[delivery.packet.id as usize] = Some(delivery.packet.ecn);
    }
    let reasons = events.iter().filter_map(|(_, event)| match event {
        Event::LinkDrop { reason, .. } => Some(*reason),
        _ => None,
    });
    (after, reasons.collect())
}

#[test]
fn firewalls_drop_protocols() {
    let fates = |blocks: Blocks| {
        let mut link = link(Parts { blocks, ..clean() });
        let mut events = Vec::new();
        for (id, protocol) in [(0, Protocol::Udp), (1, Protocol::Tcp)] {
            let plain = packet(id, 100, Time::ZERO);
            let given = Packet { protocol, ..plain };
            link.arrive(Time::ZERO, given, &mut events);
        }
        let delivered = std::iter::from_fn(|| link.deliver(Time::MAX, &mut events));
        let through: Vec<u64> = delivered.map(|delivery| delivery.packet.id).collect();
        let filtered = events.iter().filter(|(_, event)| {
            let reason = DropReason::Filtered;
            matches!(event, Event::LinkDrop { reason: why, .. } if *why == reason)
        });
        (through, filtered.count())
    };
    assert_eq!(fates(Blocks::Nothing), (vec![0, 1], 0));
    assert_eq!(fates(Blocks::Udp), (vec![1], 1));
    assert_eq!(fates(Blocks::Tcp), (vec![0], 1));
    assert_eq!(fates(Blocks::All), (vec![], 2));
}

#[test]
fn middleboxes_mangle_the_ecn_field() {
    use Ecn::{Ce, Ect0, Ect1, NotEct};
    let kept = |fields: [Ecn; 4]| (fields.map(Some), Vec::new());
    assert_eq!(fields(EcnField::Pass), kept([NotEct, Ect0, Ect1, Ce]));
    assert_eq!(fields(EcnField::Bleach), kept([NotEct; 4]));
    assert_eq!(fields(EcnField::Ect1ToEct0), kept([NotEct, Ect0, Ect0, Ce]));
    assert_eq!(fields(EcnField::MarkAll), kept([NotEct, Ce, Ce, Ce]));
    assert_eq!(
        fields(EcnField::DropEct),
        (
            [Some(NotEct), None, None, None],
            vec![DropReason::Filtered; 3]
        )
    );
}

#[test]
fn packets_above_the_mtu_fall() {
    let mut link = link(Parts {
        mtu: Some(1_280),
        ..clean()
    });
    let mut events = Vec::new();
    let packets = [(Time::ZERO, 1_280), (Time::ZERO, 1_281)];
    let out = drive(&mut link, &packets, &mut events);
    assert_eq!(out.len(), 1);
    let too_big = |(_, event): &(Time, Event)| matches!(event, Event::LinkDrop { packet, reason: DropReason::TooBig, .. } if packet.id == 1);
    assert!(events.iter().any(too_big));
}

/// Loses what it is told to, before the queue whatever the link says.
struct Police;

impl LossModel for Police {
    fn lose(&mut self, passage: Passage) -> bool {
        passage.size > 1_000
    }
    fn reason(&self) -> DropReason {
        DropReason::Policed
    }
    fn place(&self) -> Option<LossAt> {
        Some(LossAt::BeforeQueue)
    }
}

#[test]
fn each_loss_model_has_its_place_and_none_shifts_another() {
    let run = |loss: Vec<Box<dyn LossModel>>| {
        let mut events = Vec::new();
        let mut link = link(Parts { loss, ..clean() });
        let packets: Vec<_> = (0..12)
            .map(|i| (Time::from_millis(i), 900 + 20 * i as u32))
            .collect();
        drive(&mut link, &packets, &mut events);
        let drops = events.iter().filter_map(|(_, event)| match event {
            Event::LinkDrop { packet, reason, .. } => Some((packet.id, *reason)),
            _ => None,
        });
        drops.collect::<Vec<_>>()
    };
    let (loss, policed) = (DropReason::Loss, DropReason::Policed);
    let third = || Box::new(EveryNth(3, ()));
    assert_eq!(
        run(vec![third()]),
        [(2, loss), (5, loss), (8, loss), (11, loss)]
    );
    // 6 to 11 are above 1000 bytes and never reach the other model.
    let both = run(vec![third(), Box::new(Police)]);
    assert_eq!(both[..2], [(2, loss), (5, loss)]);
    assert_eq!(both[2..], [6, 7, 8, 9, 10, 11].map(|id| (id, policed)));
    // Side by side at one place, each acts as if it were alone.
    let fifth = || Box::new(EveryNth(5, ()));
    let side_by_side = run(vec![third(), fifth()]);
    assert_eq!(side_by_side, [2, 4, 5, 8, 9, 11].map(|id| (id, loss)));
}

/// Lets a packet go at the next full 20 ms only.
#[derive(Default)]
struct Slots {
    waiting: Vec<Queued>,
    asked: Time,
}

const SLOT: u64 = 20_000_000;

impl QueueDiscipline for Slots {
    fn enqueue(&mut self, queued: Queued, _: &mut QueueContext<'_>) {
        self.waiting.push(queued);
    }
    fn dequeue(&mut self, cx: &mut QueueContext<'_>) -> Option<Queued> {
        self.asked = cx.now();
        let due = |queued: &Queued| {
            queued.arrived < cx.now() || queued.arrived.as_nanos().is_multiple_of(SLOT)
        };
        let open = cx.now().as_nanos().is_multiple_of(SLOT);
        (open && self.waiting.first().is_some_and(due)).then(|| self.waiting.remove(0))
    }
    fn packets(&self) -> u64 {
        self.waiting.len() as u64
    }
    fn bytes(&self) -> u64 {
        self.waiting
            .iter()
            .map(|queued| u64::from(queued.packet.size))
            .sum()
    }
    fn next_ready(&self) -> Option<Time> {
        let next = (self.asked.as_nanos() / SLOT + 1) * SLOT;
        (!self.waiting.is_empty()).then(|| Time::from_nanos(next))
    }
}

#[test]
fn a_discipline_may_hold_packets_back() {
    let slots = Queue::Active(Box::<Slots>::default());
    let parts = parts("unlimited", slots, "50ms");
    let times = [0, 5, 10, 20, 21, 45].map(|ms| (Time::from_millis(ms), 100));
    let got = through(parts, &times);
    assert_eq!(got, [(0, 50), (1, 70), (2, 70), (3, 70), (4, 90), (5, 110)]);
}

/// Says that it is ready and never is.
struct Liar;

impl QueueDiscipline for Liar {
    fn enqueue(&mut self, _: Queued, _: &mut QueueContext<'_>) {}
    fn dequeue(&mut self, _: &mut QueueContext<'_>) -> Option<Queued> {
        None
    }
    fn packets(&self) -> u64 {
        1
    }
    fn bytes(&self) -> u64 {
        100
    }
    fn next_ready(&self) -> Option<Time> {
        Some(Time::ZERO)
    }
}

#[test]
fn a_discipline_that_is_never_ready_hangs_nobody() {
    let mut link = link(parts("unlimited", Queue::Active(Box::new(Liar)), "0ms"));
    link.arrive(Time::ZERO, packet(0, 100, Time::ZERO), &mut ());
    assert_eq!(link.deliver(Time::MAX, &mut ()), None);
    assert_eq!(link.next_event(), Some(Time::ZERO));
}

type Seen = Arc<Mutex<Vec<(u64, &'static str, u64, u64)>>>;

/// Notes time in ms, what, whose, and how long it waited in ms.
struct Notes(Seen);

impl Notes {
    fn note(&self, at: Time, what: &'static str, id: u64, waited: Span) {
        let note = (at.as_millis(), what, id, waited.as_millis());
        self.0.lock().unwrap().push(note);
    }
}

impl Tap for Notes {
    fn arrived(&mut self, at: Time, packet: &Packet) {
        self.note(at, "arrived", packet.id, Span::ZERO);
    }
    fn delivered(&mut self, at: Time, packet: &Packet, waited: Span, _: Span) {
        self.note(at, "delivered", packet.id, waited);
    }
    fn dropped(&mut self, at: Time, packet: &Packet, reason: DropReason) {
        let what = if reason == DropReason::Loss {
            "lost"
        } else {
            "dropped"
        };
        self.note(at, what, packet.id, Span::ZERO);
    }
}

#[test]
fn a_tap_sees_all_packets_in_order_of_time() {
    let seen = Seen::default();
    let mut link = link(Parts {
        loss: vec![Box::new(EveryNth(2, ()))],
        ..parts("1Mbps", Queue::DropTail(Limit::Packets(2)), "1ms")
    });
    link.set_tap(Box::new(Notes(Arc::clone(&seen))));
    drive(&mut link, &[(Time::ZERO, 1_000); 4], &mut Vec::new());
    let want = [
        (0, "arrived", 0, 0),
        (0, "arrived", 1, 0),
        (0, "arrived", 2, 0),
        (0, "arrived", 3, 0),
        (0, "dropped", 3, 0),
        (9, "delivered", 0, 0),
        (16, "lost", 1, 0),
        (25, "delivered", 2, 16),
    ];
    assert_eq!(*seen.lock().unwrap(), want);
}
