//! A toy scheme, one parity packet after every few media packets, through both
//! ends.

use std::collections::BTreeSet;

use weaknet_core::packet::{Media, RtpKind};
use weaknet_core::{Span, Time};
use weaknet_transports::arq::NoArq;
use weaknet_transports::fec::{FecDecoder, FecEncoder, FecPair, Protection, Repair, Source};

use super::support::{Call, Record, at, build, is_video, lossy, plain, rtp};

const DELAY: Span = Span::from_millis(25);

/// Parity over groups of this many packets.
struct Parity {
    group: usize,
    open: Vec<u64>,
    longest: u16,
}

impl FecEncoder for Parity {
    fn on_media(&mut self, _: Time, packet: &Source, _: &Protection, out: &mut Vec<Repair>) {
        self.open.push(packet.seq);
        self.longest = self.longest.max(packet.payload);
        if self.open.len() == self.group {
            out.push(Repair {
                protects: std::mem::take(&mut self.open),
                symbol: 0,
                payload: std::mem::take(&mut self.longest) + 14,
            });
        }
    }
}

#[derive(Default)]
struct Peeler {
    have: BTreeSet<u64>,
    groups: Vec<Vec<u64>>,
}

impl Peeler {
    fn peel(&mut self, out: &mut Vec<u64>) {
        self.groups.retain(|group| {
            let mut missing = group.iter().filter(|seq| !self.have.contains(seq));
            match (missing.next(), missing.next()) {
                (Some(&seq), None) => {
                    self.have.insert(seq);
                    out.push(seq);
                    false
                }
                (first, _) => first.is_some(),
            }
        });
    }
}

impl FecDecoder for Peeler {
    fn on_media(&mut self, _: Time, seq: u64, out: &mut Vec<u64>) {
        assert!(self.have.insert(seq), "{seq} came twice");
        self.peel(out);
    }
    fn on_repair(&mut self, _: Time, repair: &Repair, out: &mut Vec<u64>) {
        self.groups.push(repair.protects.clone());
        self.peel(out);
    }
}

fn parity(group: usize) -> Option<FecPair> {
    Some(FecPair {
        encoder: Box::new(Parity {
            group,
            open: Vec::new(),
            longest: 0,
        }),
        decoder: Box::<Peeler>::default(),
        codec: None,
    })
}

fn lose(call: Call, lost: impl Fn(u64) -> bool + 'static) -> Record {
    let lost =
        move |_: Time, packet: &_| is_video(packet) && rtp(packet).is_some_and(|rtp| lost(rtp.seq));
    call.over(lossy(DELAY, lost), plain(DELAY))
}

#[test]
fn one_loss_per_group_is_repaired_without_asking() {
    // Groups of 7 reach over frames of 4 packets.
    let record = lose(
        Call {
            arq: build(&NoArq {}),
            fec: parity(7),
            ..Call::default()
        },
        // The first frame comes whole: its repair packet would be behind the next.
        |seq| seq > 7 && seq % 7 == 3,
    );
    let sent = record.sent_rtp(RtpKind::Media, Media::Video).len();
    let repairs = record.sent_rtp(RtpKind::Fec, Media::Video).len();
    assert_eq!(repairs, sent / 7);
    assert_eq!(
        (record.nacked(), record.key_frames_requested()),
        (0, vec![])
    );
    assert_eq!(record.residual(at(9_850)), []);
    let (repaired, direct): (Vec<_>, Vec<_>) = record
        .usable()
        .into_iter()
        .map(|(_, u)| u)
        .filter(|u| u.0 == Media::Video)
        .partition(|u| u.2);
    assert!(repaired.iter().all(|u| u.1 % 7 == 3));
    assert!(direct.iter().all(|u| u.1 % 7 != 3 || u.1 == 3));
    assert_eq!(record.dropped(), []);
    assert!(record.rendered().len() > 280);
}

#[test]
fn what_is_sent_again_helps_to_recover_the_rest() {
    // Two of a group are lost. Both are asked for, but only one comes again.
    let call = Call {
        fec: parity(7),
        ..Call::default()
    };
    let record = call.over(
        lossy(DELAY, |_, packet| {
            rtp(packet).is_some_and(|rtp| {
                rtp.media == Media::Video
                    && rtp.seq > 70
                    && match rtp.kind {
                        RtpKind::Media => matches!(rtp.seq % 7, 2 | 3),
                        RtpKind::Rtx => rtp.seq % 7 == 3,
                        _ => false,
                    }
            })
        }),
        plain(DELAY),
    );
    assert_eq!(record.residual(at(9_700)), []);
    assert_eq!(record.dropped(), []);
    assert!(record.rendered().len() > 270, "{}", record.rendered().len());
}

#[test]
fn two_losses_in_a_group_are_too_many() {
    let record = lose(
        Call {
            arq: build(&NoArq {}),
            fec: parity(7),
            ..Call::default()
        },
        |seq| matches!(seq, 702 | 703),
    );
    assert_eq!(
        record.residual(at(9_000)),
        [(Media::Video, 702), (Media::Video, 703)]
    );
}

#[test]
fn repair_packets_take_their_share_of_the_encoders_rate() {
    let plain_rate = lose(Call::default(), |_| false);
    let parity_rate = lose(
        Call {
            fec: parity(4),
            ..Call::default()
        },
        |_| false,
    );
    let bytes = |record: &Record| -> f64 {
        let media = record.sent_rtp(RtpKind::Media, Media::Video);
        let late = media.iter().filter(|(sent, _)| *sent > at(3_000));
        late.map(|(_, rtp)| f64::from(rtp.payload)).sum()
    };
    // One in four more is a fifth of the whole.
    let share = bytes(&parity_rate) / bytes(&plain_rate);
    assert!((0.78..0.81).contains(&share), "{share}");
}
