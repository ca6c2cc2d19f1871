//! Strict priority: bands of traffic classes, the first one with packets is
//! served.
//!
//! A packet in service is not interrupted. Each band is a FIFO with tail drop
//! and a limit of its own, so that a flood in one band takes no room from
//! another; a band that never pauses starves those below.
//!
//! Implements: the service order of Linux `sch_prio.c`, with classes of
//! real-time media in place of DSCPs; by default in the order of RFC 8837
//! section 5, audio before video before the rest.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::event::DropReason;
use weaknet_core::packet::Class;
use weaknet_core::{BuildContext, BuildError, Plugin, Span};

use super::QueueLimit;
use super::room;
use super::waiting::{Waiting, mark_late};
use crate::model::{Limit, Qdisc, Queue, QueueContext, QueueDiscipline, Queued};

/// What a packet carries, as a priority queue tells packets apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrafficClass {
    /// First transmissions of audio.
    Audio,
    /// First transmissions of video.
    Video,
    /// Retransmissions.
    Rtx,
    /// Forward error correction.
    Fec,
    /// Padding.
    Padding,
    /// Reports and feedback.
    Rtcp,
    /// Connectivity checks and key exchange.
    Session,
    /// Messages (`messages:`).
    Message,
    /// Anything else.
    Other,
}

impl From<Class> for TrafficClass {
    fn from(class: Class) -> Self {
        match class {
            Class::Audio => Self::Audio,
            Class::Video => Self::Video,
            Class::Rtx => Self::Rtx,
            Class::Fec => Self::Fec,
            Class::Padding => Self::Padding,
            Class::Rtcp => Self::Rtcp,
            Class::Session => Self::Session,
            Class::Message => Self::Message,
            Class::Other => Self::Other,
        }
    }
}

/// Classes of one priority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Band {
    /// The classes of traffic.
    pub classes: Vec<TrafficClass>,
    /// How much of them may wait: a time at the current rate, bytes or packets.
    pub limit: QueueLimit,
}

impl Default for Band {
    fn default() -> Self {
        Self {
            classes: Vec::new(),
            limit: QueueLimit::Time(Span::from_millis(300)),
        }
    }
}

/// Bands of traffic classes, the first one with packets is served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Priority {
    /// The bands, the one that goes first first. A class that none of them
    /// names belongs to the last one.
    pub bands: Vec<Band>,
    /// ECN-capable packets that have waited for longer are marked as they
    /// leave; none when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ce_threshold: Option<Span>,
}

impl Default for Priority {
    fn default() -> Self {
        use TrafficClass::{Audio, Fec, Message, Other, Padding, Rtcp, Rtx, Session, Video};
        let band = |classes: &[TrafficClass]| Band {
            classes: classes.to_vec(),
            ..Band::default()
        };
        Self {
            bands: vec![
                band(&[Audio]),
                band(&[Rtcp, Session, Message]),
                band(&[Video]),
                band(&[Rtx, Fec, Padding]),
                band(&[Other]),
            ],
            ce_threshold: None,
        }
    }
}

impl Plugin for Priority {
    type Kind = Qdisc;
    const NAME: &'static str = "priority";
    const SUMMARY: &'static str = "bands of traffic classes, the first one with packets is served";
    const REFERENCES: &'static [&'static str] =
        &["RFC 8837 section 5", "Linux net/sched/sch_prio.c"];

    fn build(&self, _: &BuildContext<'_>) -> Result<Queue, BuildError> {
        if self.bands.is_empty() {
            return Err(BuildError::field("bands", "expected one band or more"));
        }
        let mut places: Vec<(TrafficClass, usize)> = Vec::new();
        for (i, band) in self.bands.iter().enumerate() {
            for class in &band.classes {
                if places.iter().any(|(other, _)| other == class) {
                    return Err(BuildError::field(
                        "bands",
                        format!("expected each class once, found {class:?} again in band {i}"),
                    ));
                }
                places.push((*class, i));
            }
        }
        let band = |band: &Band| BandQueue {
            limit: band.limit.into(),
            waiting: Waiting::default(),
        };
        Ok(Queue::Active(Box::new(Discipline {
            idle: true,
            places,
            bands: self.bands.iter().map(band).collect(),
            ce_threshold: self.ce_threshold,
        })))
    }
}

struct BandQueue {
    limit: Limit,
    waiting: Waiting,
}

struct Discipline {
    /// Whether the serialiser is idle.
    idle: bool,
    places: Vec<(TrafficClass, usize)>,
    bands: Vec<BandQueue>,
    ce_threshold: Option<Span>,
}

impl Discipline {
    fn band(&self, class: TrafficClass) -> usize {
        let place = self.places.iter().find(|(other, _)| *other == class);
        place.map_or(self.bands.len() - 1, |(_, band)| *band)
    }
}

impl QueueDiscipline for Discipline {
    fn enqueue(&mut self, queued: Queued, cx: &mut QueueContext<'_>) {
        let band = self.band(queued.packet.class().into());
        let BandQueue { limit, waiting } = &mut self.bands[band];
        let bytes = waiting.bytes() + u64::from(queued.packet.size);
        if self.idle || room::holds(*limit, waiting.packets() + 1, bytes, cx) {
            waiting.push(queued);
        } else {
            cx.drop(queued, DropReason::Overflow);
        }
    }

    fn dequeue(&mut self, cx: &mut QueueContext<'_>) -> Option<Queued> {
        let queued = self.bands.iter_mut().find_map(|band| band.waiting.pop());
        self.idle = queued.is_none();
        mark_late(self.ce_threshold, queued, cx)
    }

    fn packets(&self) -> u64 {
        self.bands.iter().map(|band| band.waiting.packets()).sum()
    }

    fn bytes(&self) -> u64 {
        self.bands.iter().map(|band| band.waiting.bytes()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::support::{Tested, packet, refusal};
    use weaknet_core::Time;
    use weaknet_core::packet::{Packet, Payload, SessionMessage};

    fn of(id: u64, class: Class) -> Packet {
        let payload = match class {
            Class::Rtcp => Payload::Rtcp(Vec::new()),
            Class::Session => Payload::Session(SessionMessage::BindingRequest { transaction: 0 }),
            _ => Payload::Opaque,
        };
        Packet {
            payload,
            ..packet(id, 0, 100)
        }
    }

    #[test]
    fn higher_bands_go_first_and_each_is_a_fifo() {
        let mut tested = Tested::new(&Priority::default());
        let classes = [
            Class::Other,
            Class::Rtcp,
            Class::Other,
            Class::Session,
            Class::Rtcp,
        ];
        for (id, class) in classes.into_iter().enumerate() {
            tested.enqueue(Time::ZERO, of(id as u64, class));
        }
        assert_eq!(tested.ids(Time::ZERO, 2), [1, 3]);
        tested.enqueue(Time::ZERO, of(5, Class::Session));
        assert_eq!(tested.ids(Time::ZERO, 9), [4, 5, 0, 2]);
    }

    #[test]
    fn a_flood_takes_no_room_from_other_bands() {
        let band = |classes: &[TrafficClass], packets| Band {
            classes: classes.to_vec(),
            limit: QueueLimit::Packets(packets),
        };
        let mut tested = Tested::new(&Priority {
            bands: vec![band(&[TrafficClass::Rtcp], 1), band(&[], 2)],
            ce_threshold: None,
        });
        tested.enqueue(Time::ZERO, of(0, Class::Other));
        tested.dequeue(Time::ZERO).unwrap();
        for id in 1..=4 {
            tested.enqueue(Time::ZERO, of(id, Class::Other));
        }
        for id in 5..=6 {
            tested.enqueue(Time::ZERO, of(id, Class::Rtcp));
        }
        let dropped = [3, 4, 6].map(|id| (id, DropReason::Overflow));
        assert_eq!(tested.bench.dropped(), dropped);
        assert_eq!(
            (tested.discipline.packets(), tested.discipline.bytes()),
            (3, 300)
        );
        assert_eq!(tested.ids(Time::ZERO, 9), [5, 1, 2]);
    }

    #[test]
    fn refuses_bands_that_are_unclear() {
        let bands = vec![
            Band {
                classes: vec![TrafficClass::Audio],
                ..Band::default()
            };
            2
        ];
        let twice = Priority {
            bands,
            ce_threshold: None,
        };
        assert_eq!(
            refusal(&twice).1,
            "expected each class once, found Audio again in band 1"
        );
        let none = Priority {
            bands: Vec::new(),
            ce_threshold: None,
        };
        assert_eq!(refusal(&none).0, "bands");
    }
}
