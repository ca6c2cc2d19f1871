//! The air of a cell: who sends when, and what becomes of it.

use std::collections::{BTreeMap, VecDeque};

use weaknet_core::event::DropReason;
use weaknet_core::packet::FlowId;
use weaknet_core::{Bitrate, Streams, Time};

use super::airtime::Timing;
use super::station::{Rules, Station, StationId};
use crate::model::{QueueContext, QueueDiscipline, Queued};

/// What a station may keep waiting.
#[derive(Debug, Clone, Copy)]
pub(super) enum Room {
    Packets(u64),
    Bytes(u64),
}

/// What a cell is made of.
pub(super) struct Setting {
    pub(super) timing: Timing,
    pub(super) rules: Rules,
    pub(super) room: Room,
    pub(super) rate: Bitrate,
    /// By flow; the others have `rate`.
    pub(super) rates: Vec<Bitrate>,
    pub(super) access_point: bool,
    pub(super) streams: Streams,
    pub(super) path: String,
}

impl Setting {
    fn rate_of(&self, flow: FlowId) -> Bitrate {
        let own = self.rates.get(usize::from(flow.0));
        own.copied().unwrap_or(self.rate)
    }

    fn station_of(&self, queued: &Queued) -> StationId {
        let packet = &queued.packet;
        // What has come over another link before comes from the access point.
        if self.access_point && packet.hop > 0 {
            StationId::AccessPoint
        } else {
            StationId::Leg(packet.flow, packet.leg)
        }
    }
}

/// A transmission, or several that destroy each other.
struct OnAir {
    /// The stations and how many packets each sends.
    senders: Vec<(StationId, usize)>,
    /// End of the longest transmission.
    ends: Time,
    /// End of the answer, or of the wait for it.
    idle_from: Time,
}

/// The air and its stations.
pub(super) struct Cell {
    setting: Setting,
    stations: BTreeMap<StationId, Station>,
    on_air: Option<OnAir>,
    /// The list of senders of the transmission before, to be used again.
    spare: Vec<(StationId, usize)>,
    /// When the air last became idle.
    idle_from: Time,
    /// What has got through and is not yet collected.
    done: VecDeque<Queued>,
    done_bytes: u64,
}

impl Cell {
    pub(super) const fn new(setting: Setting) -> Self {
        Self {
            setting,
            stations: BTreeMap::new(),
            on_air: None,
            spare: Vec::new(),
            idle_from: Time::ZERO,
            done: VecDeque::new(),
            done_bytes: 0,
        }
    }

    fn station(&mut self, id: StationId) -> &mut Station {
        let Setting {
            streams,
            path,
            rules,
            ..
        } = &self.setting;
        self.stations.entry(id).or_insert_with(|| {
            let purpose = match id {
                StationId::AccessPoint => "backoff of the access point".to_owned(),
                StationId::Leg(flow, leg) => format!("backoff of flow {} {leg:?}", flow.0),
            };
            Station::new(streams.sequence(path, &purpose), rules)
        })
    }

    /// Start of the first slot of backoff.
    fn contention(&self) -> Time {
        self.idle_from + self.setting.timing.aifs
    }

    /// When someone starts to send if nothing arrives.
    fn next_start(&self) -> Option<Time> {
        let (contention, slot) = (self.contention(), self.setting.timing.slot);
        let stations = self.stations.values();
        stations.filter_map(|s| s.due(contention, slot)).min()
    }

    /// Lets everything happen that is due by `now`.
    fn advance(&mut self, now: Time, cx: &mut QueueContext<'_>) {
        loop {
            if let Some(on_air) = self.on_air.take_if(|on_air| on_air.ends <= now) {
                self.finish(on_air, cx);
            } else if self.on_air.is_some() {
                return;
            }
            match self.next_start().filter(|start| *start <= now) {
                Some(start) => self.start(start),
                None => return,
            }
        }
    }

    /// All stations whose backoff ends at `start` begin to send.
    fn start(&mut self, start: Time) {
        let Setting { timing, rules, .. } = &self.setting;
        let (contention, slot) = (self.contention(), timing.slot);
        // The others count the boundary of slots at which someone sends.
        let elapsed = start.since(contention).as_nanos() / slot.as_nanos().max(1) + 1;
        let mut senders = std::mem::take(&mut self.spare);
        let (mut longest, mut frames) = (start, 0);
        for (id, station) in &mut self.stations {
            let head = station.waiting.head().map(|head| head.packet.flow);
            if let Some(flow) = head.filter(|_| station.due(contention, slot) == Some(start)) {
                let count = station.aggregate(rules);
                let sizes = station.waiting.iter().take(count).map(|q| q.packet.size);
                let air = timing.transmission(sizes, self.setting.rate_of(flow));
                longest = longest.max(start + air);
                frames = frames.max(count);
                senders.push((*id, count));
            } else {
                let left = u64::from(station.backoff).saturating_sub(elapsed);
                station.backoff = left as u32;
            }
        }
        self.on_air = Some(OnAir {
            senders,
            ends: longest,
            idle_from: longest + timing.answer(frames),
        });
    }

    /// The air falls silent: who was alone gets through.
    fn finish(&mut self, mut on_air: OnAir, cx: &mut QueueContext<'_>) {
        let rules = &self.setting.rules;
        self.idle_from = on_air.idle_from;
        let alone = on_air.senders.len() == 1;
        for (sender, count) in on_air.senders.drain(..) {
            let Some(station) = self.stations.get_mut(&sender) else {
                continue;
            };
            if alone {
                for queued in (0..count).map_while(|_| station.waiting.pop()) {
                    self.done_bytes += u64::from(queued.packet.size);
                    self.done.push_back(queued);
                }
                station.succeeded(rules);
            } else if station.failed(rules) {
                for queued in (0..count).map_while(|_| station.waiting.pop()) {
                    cx.drop(queued, DropReason::Loss);
                }
            }
        }
        self.spare = on_air.senders;
    }

    fn has_room(room: Room, station: &Station, size: u32) -> bool {
        match room {
            Room::Packets(limit) => station.waiting.packets() < limit,
            Room::Bytes(limit) => station.waiting.bytes() + u64::from(size) <= limit,
        }
    }
}

impl QueueDiscipline for Cell {
    fn enqueue(&mut self, queued: Queued, cx: &mut QueueContext<'_>) {
        let now = cx.now();
        self.advance(now, cx);
        let busy = self.on_air.is_some() || now < self.contention();
        let room = self.setting.room;
        let id = self.setting.station_of(&queued);
        let station = self.station(id);
        if !Self::has_room(room, station, queued.packet.size) {
            return cx.drop(queued, DropReason::Overflow);
        }
        // Who has waited out its backoff sends at once, but not into a busy air.
        if station.waiting.is_empty() && station.backoff == 0 && busy {
            station.draw_backoff();
        }
        station.waiting.push(queued);
    }

    fn dequeue(&mut self, cx: &mut QueueContext<'_>) -> Option<Queued> {
        self.advance(cx.now(), cx);
        let queued = self.done.pop_front()?;
        self.done_bytes -= u64::from(queued.packet.size);
        Some(queued)
    }

    fn packets(&self) -> u64 {
        let waiting = self.stations.values().map(|s| s.waiting.packets());
        waiting.sum::<u64>() + self.done.len() as u64
    }

    fn bytes(&self) -> u64 {
        self.stations
            .values()
            .map(|s| s.waiting.bytes())
            .sum::<u64>()
            + self.done_bytes
    }

    fn next_ready(&self) -> Option<Time> {
        match &self.on_air {
            Some(on_air) => Some(on_air.ends),
            None => self.next_start(),
        }
    }
}
