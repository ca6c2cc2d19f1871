//! Runs of consecutive losses.
//!
//! Implements: the burst ratio of McGowan 2005 (cited by ITU-T G.107 clause 3.5
//! as BurstR): the mean length of the runs over that of independent losses, which
//! is 1 / (1 - loss).
//!
//! Corners, decided here:
//! - Packets stand in the order in which they set out, whatever order their
//!   fates become known in.
//! - A packet counts when its fate becomes known in the window; packets still
//!   under way at the end do not. A run that the window cuts counts as it is.
//! - A packet of which a copy was made is lost when it and all its copies are.

use std::collections::VecDeque;

use super::{Better, Definition, Subject};

const MCGOWAN: &str = "McGowan 2005, \"Burst ratio: a measure of bursty loss on packet-based networks\"; ITU-T G.107 clause 3.5 (BurstR)";

pub(super) const fn mean_run(subjects: &'static [Subject]) -> Definition {
    Definition {
        name: "loss_burst_mean_packets",
        subjects,
        better: Better::Lower,
        summary: "Mean number of packets lost in a row; absent without losses.",
        formula: "packets lost / runs of consecutive lost packets, over the packets of loss_ratio in the order in which they were sent (flow) or reached the link (link)",
        source: "ITU-T G.107 clause 3.5 (average length of observed bursts)",
    }
}

pub(super) const fn ratio(subjects: &'static [Subject]) -> Definition {
    Definition {
        name: "loss_burst_ratio",
        subjects,
        better: Better::Lower,
        summary: "How many times longer losses in a row are than if packets were lost independently: 1 is independent, above are bursts; absent without losses.",
        formula: "loss_burst_mean_packets * (1 - packets lost / packets)",
        source: MCGOWAN,
    }
}

pub(super) const fn residual_mean_run(subjects: &'static [Subject]) -> Definition {
    Definition {
        name: "residual_loss_burst_mean_packets",
        subjects,
        better: Better::Lower,
        summary: "Mean number of media packets in a row that never become usable, after RTX and FEC; absent without such.",
        formula: "as loss_burst_mean_packets, over the packets of residual_loss_ratio, each stream in its own order",
        source: "ITU-T G.107 clause 3.5; RFC 8868 section 3 (losses after repair)",
    }
}

pub(super) const fn residual_ratio(subjects: &'static [Subject]) -> Definition {
    Definition {
        name: "residual_loss_burst_ratio",
        subjects,
        better: Better::Lower,
        summary: "The burst ratio of what is still lost after RTX and FEC; absent without losses.",
        formula: "residual_loss_burst_mean_packets * (1 - residual_loss_ratio)",
        source: MCGOWAN,
    }
}

/// Counts runs of losses in a sequence of fates.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Runs {
    packets: u64,
    lost: u64,
    runs: u64,
    in_run: bool,
}

impl Runs {
    pub(super) fn push(&mut self, lost: bool) {
        self.packets += 1;
        self.lost += u64::from(lost);
        self.runs += u64::from(lost && !self.in_run);
        self.in_run = lost;
    }

    /// The counts of two sequences; a run does not reach from one into the other.
    pub(super) fn and(&self, other: &Self) -> Self {
        Self {
            packets: self.packets + other.packets,
            lost: self.lost + other.lost,
            runs: self.runs + other.runs,
            in_run: false,
        }
    }

    /// Mean run of losses; NaN without any.
    pub(super) fn mean(&self) -> f64 {
        self.lost as f64 / self.runs as f64
    }

    /// The burst ratio; NaN without any loss.
    pub(super) fn ratio(&self) -> f64 {
        self.mean() * (1.0 - self.lost as f64 / self.packets as f64)
    }
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Open,
    Lost { counts: bool },
    Arrived { counts: bool },
}

/// A packet that has set out.
#[derive(Debug)]
struct Packet {
    id: u64,
    /// How many copies of it are under way besides.
    copies: u32,
    fate: Fate,
}

/// Fates of packets, put into the order in which the packets set out.
#[derive(Debug, Default)]
pub(super) struct Fates {
    /// From the first one on whose fate is open.
    packets: VecDeque<Packet>,
    /// Whether a packet may set out that is under way already.
    copies: bool,
    runs: Runs,
}

impl Fates {
    /// From now on a copy of a packet that is under way may set out.
    pub(super) fn expect_copies(&mut self) {
        self.copies = true;
    }

    /// A packet, or an expected copy of one that is under way, sets out.
    pub(super) fn start(&mut self, id: u64) {
        if self.copies
            && let Some(packet) = self.open(id)
        {
            packet.copies += 1;
            return;
        }
        self.packets.push_back(Packet {
            id,
            copies: 0,
            fate: Fate::Open,
        });
    }

    /// A copy is made of a packet under way.
    pub(super) fn copied(&mut self, id: u64) {
        if let Some(packet) = self.open(id) {
            packet.copies += 1;
        }
    }

    /// A packet, or one of its copies, is lost.
    pub(super) fn lost(&mut self, id: u64, counts: bool) {
        match self.open(id) {
            Some(packet) if packet.copies > 0 => packet.copies -= 1,
            _ => self.settle(id, Fate::Lost { counts }),
        }
    }

    /// A packet, or one of its copies, has arrived.
    pub(super) fn arrived(&mut self, id: u64, counts: bool) {
        self.settle(id, Fate::Arrived { counts });
    }

    /// A packet under way. Most often it is the first, or the last when it found
    /// no room.
    fn open(&mut self, id: u64) -> Option<&mut Packet> {
        let is = |packet: &Packet| packet.id == id && packet.fate == Fate::Open;
        let at = match self.packets.back() {
            Some(last) if is(last) => self.packets.len() - 1,
            _ => self.packets.iter().position(is)?,
        };
        self.packets.get_mut(at)
    }

    fn settle(&mut self, id: u64, fate: Fate) {
        let Some(packet) = self.open(id) else {
            return;
        };
        packet.fate = fate;
        while let Some(packet) = self
            .packets
            .pop_front_if(|packet| packet.fate != Fate::Open)
        {
            count(&mut self.runs, packet.fate);
        }
    }

    /// The runs, those behind packets still under way included.
    pub(super) fn runs(&self) -> Runs {
        let mut runs = self.runs.clone();
        for packet in &self.packets {
            count(&mut runs, packet.fate);
        }
        runs
    }
}

fn count(runs: &mut Runs, fate: Fate) {
    match fate {
        Fate::Lost { counts: true } => runs.push(true),
        Fate::Arrived { counts: true } => runs.push(false),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn runs(pattern: &str) -> Runs {
        let mut runs = Runs::default();
        pattern.chars().for_each(|c| runs.push(c == 'x'));
        runs
    }

    #[test]
    fn by_hand() {
        // 6 of 12 in 3 runs: mean 2, independent ones would be 2 long.
        let got = runs(".xx.x..xxx..");
        assert_eq!((got.mean(), got.ratio()), (2.0, 1.0));
        // 4 of 16 in one run: 4 * 12 / 16.
        assert_eq!(runs("......xxxx......").ratio(), 3.0);
        // Every other packet: never two in a row.
        assert_eq!(runs("x.x.x.x.").ratio(), 0.5);
        assert!(runs("....").mean().is_nan() && runs("").ratio().is_nan());
        // All lost: one run, and nothing to compare it with.
        assert_eq!((runs("xxxx").mean(), runs("xxxx").ratio()), (4.0, 0.0));
    }

    #[test]
    fn copies_and_late_fates() {
        let mut fates = Fates::default();
        (0..6).for_each(|id| fates.start(id));
        fates.expect_copies();
        fates.copied(2);
        fates.start(3);
        fates.lost(2, true);
        fates.lost(3, true);
        fates.lost(3, true);
        fates.lost(1, true);
        fates.arrived(5, true);
        fates.arrived(2, true);
        fates.arrived(2, true);
        // 0 and 4 are under way: . x . x . in the order of sending.
        assert_eq!(fates.runs(), runs("x.x."));
        fates.lost(0, true);
        fates.arrived(4, false);
        assert_eq!(fates.runs(), runs("xx.x."));
        assert!(fates.packets.is_empty());
    }

    proptest! {
        /// The order in which fates become known does not matter.
        #[test]
        fn order_is_that_of_sending(
            packets in prop::collection::vec((any::<bool>(), any::<u32>()), 0..50),
        ) {
            let mut fates = Fates::default();
            (0..packets.len()).for_each(|id| fates.start(id as u64));
            let mut order: Vec<usize> = (0..packets.len()).collect();
            order.sort_by_key(|id| packets[*id].1);
            for id in order {
                match packets[id].0 {
                    true => fates.lost(id as u64, true),
                    false => fates.arrived(id as u64, true),
                }
            }
            let mut runs = Runs::default();
            packets.iter().for_each(|(lost, _)| runs.push(*lost));
            prop_assert_eq!(fates.runs(), runs);
        }
    }
}
