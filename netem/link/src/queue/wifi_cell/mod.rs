//! The air of a Wi-Fi network, which all stations share in both directions.
//!
//! One link with this discipline and without a rate stands for the whole cell:
//! the routes of all flows go through it, on both legs. Only one transmission
//! fits on the air at a time, and each costs idle time, backoff, preamble,
//! symbols and an acknowledgement, so that capacity is a matter of packets and
//! of who else is there. Stations contend as in IEEE 802.11: each counts down a
//! random number of idle slots, who comes to zero sends, who comes to zero
//! together destroys each other's frames and tries again with twice the window.
//! So collisions become more frequent with the number of backlogged stations,
//! everyone gets the same number of transmissions, and one slow station slows
//! down all others.
//!
//! With the defaults (802.11n MCS 11, 52 Mbit/s raw, 2.4 GHz) a lone station
//! needs 550 us for a packet of 1500 bytes: 70 us AIFS, 7.5 slots of 20 us
//! backoff on average, 40 us preamble, 240 us symbols, 6 us extension, 10 us
//! SIFS and 34 us acknowledgement. That is 21.8 Mbit/s of IP, 21.2 Mbit/s above
//! TCP, or 18.8 Mbit/s in packets of 1200 bytes above RTP; RFC 8869 section 3
//! expects about 20.
//!
//! Implements: EDCA with one access category slot by slot (IEEE 802.11-2020
//! section 10.23.2; at the boundary of slots at which someone sends the others
//! count down too, which is the model of Bianchi 2000); OFDM symbol counts;
//! A-MPDU with block acknowledgement, all frames of which get through or none
//! does; the wait of an exchange that gets no answer is as long as one that does
//! (as EIFS).
//! Differs: a station that finds the air idle for AIFS and has waited out its
//! backoff sends at once and off the grid of slots; transmissions only collide
//! when they start at the same instant. The wait of a packet in link events
//! includes its own time on air.
//! Not modelled: hidden stations, capture, frames damaged by noise (use the
//! link's `loss:`), rate adaptation, RTS/CTS, beacons, power saving, several
//! access categories.

mod airtime;
mod cell;
mod station;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Bytes, Plugin, Span};

use self::airtime::Timing;
use self::cell::{Cell, Room, Setting};
use self::station::Rules;
use super::QueueLimit;
use crate::model::{Qdisc, Queue};

/// Who sends what comes from the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Downlink {
    /// Each leg of a flow has a queue and contends for itself.
    #[default]
    PerFlow,
    /// The access point: one queue and one contender for all packets that have
    /// crossed another link before.
    AccessPoint,
}

/// Shared airtime of a Wi-Fi cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WifiCell {
    /// Raw rate of data frames (RFC 8869 section 3: 802.11n MCS 11).
    pub phy_rate: Bitrate,
    /// Raw rates by the order of flows in the scenario; flows beyond the list
    /// have `phy_rate`.
    pub phy_rates: Vec<Bitrate>,
    /// What each station may keep waiting, in packets or bytes (ns-3
    /// WifiMacQueue: 500 packets).
    pub limit: QueueLimit,
    /// Who sends what comes from the wire.
    pub downlink: Downlink,
    /// Packets in one transmission at most, an A-MPDU when more than one (64
    /// with a block acknowledgement of 802.11n).
    pub aggregate: u32,
    /// Bytes in one transmission at most (802.11n A-MPDU: 65,535).
    pub aggregate_bytes: Bytes,
    /// Transmissions beyond the first before a packet is given up
    /// (dot11ShortRetryLimit).
    pub retry_limit: u32,
    /// Contention window of the first try, in slots (802.11-2020 table 9-155:
    /// aCWmin of OFDM).
    pub cw_min: u32,
    /// Largest contention window, in slots (802.11-2020 table 9-155: aCWmax).
    pub cw_max: u32,
    /// Slots of idle time before backoff, after a SIFS (802.11-2020 table
    /// 9-155: 3 for best effort).
    pub aifsn: u32,
    /// A slot of backoff (2.4 GHz, long slot, as beside 802.11b; 9us without).
    pub slot: Span,
    /// Gap between frame and acknowledgement (2.4 GHz; 16us at 5 GHz).
    pub sifs: Span,
    /// Before the data symbols (HT mixed format, two spatial streams).
    pub preamble: Span,
    /// A data symbol (800 ns guard interval).
    pub symbol: Span,
    /// Silence at the end of each frame (2.4 GHz; 0us at 5 GHz).
    pub signal_extension: Span,
    /// Bytes around each packet: QoS MAC header 26, LLC/SNAP 8, FCS 4.
    pub mac_overhead: Bytes,
}

impl Default for WifiCell {
    fn default() -> Self {
        Self {
            phy_rate: Bitrate::from_mbps(52),
            phy_rates: Vec::new(),
            limit: QueueLimit::Packets(500),
            downlink: Downlink::default(),
            aggregate: 1,
            aggregate_bytes: Bytes::new(65_535),
            retry_limit: 7,
            cw_min: 15,
            cw_max: 1_023,
            aifsn: 3,
            slot: Span::from_micros(20),
            sifs: Span::from_micros(10),
            preamble: Span::from_micros(40),
            symbol: Span::from_micros(4),
            signal_extension: Span::from_micros(6),
            mac_overhead: Bytes::new(38),
        }
    }
}

impl WifiCell {
    fn timing(&self) -> Timing {
        Timing {
            slot: self.slot,
            sifs: self.sifs,
            aifs: self.sifs + self.slot * u64::from(self.aifsn),
            preamble: self.preamble,
            symbol: self.symbol,
            signal_extension: self.signal_extension,
            mac_overhead: self.mac_overhead.get(),
        }
    }

    fn room(&self) -> Result<Room, BuildError> {
        match self.limit {
            QueueLimit::Packets(packets) if packets > 0 => Ok(Room::Packets(packets)),
            QueueLimit::Bytes(bytes) if bytes.get() > 0 => Ok(Room::Bytes(bytes.get())),
            _ => Err(BuildError::field(
                "limit",
                format!(
                    "expected packets or bytes above zero, as the air has no rate of its own: found {}",
                    self.limit
                ),
            )),
        }
    }
}

impl Plugin for WifiCell {
    type Kind = Qdisc;
    const NAME: &'static str = "wifi_cell";
    const SUMMARY: &'static str =
        "the air of a Wi-Fi network, shared by all stations in both directions";
    const REFERENCES: &'static [&'static str] = &[
        "IEEE 802.11-2020 section 10.23.2 and table 9-155: EDCA",
        "RFC 8869 section 3",
        "Bianchi 2000 (IEEE JSAC 18:3)",
        "Heusse et al. 2003 (performance anomaly)",
    ];

    fn build(&self, cx: &BuildContext<'_>) -> Result<Queue, BuildError> {
        let lowest = Bitrate::from_kbps(100);
        for (index, rate) in self.phy_rates.iter().enumerate() {
            if *rate < lowest {
                let message = format!("expected at least {lowest}, found {rate}");
                return Err(BuildError::field(format!("phy_rates.{index}"), message));
            }
        }
        if self.phy_rate < lowest {
            let message = format!("expected at least {lowest}, found {}", self.phy_rate);
            return Err(BuildError::field("phy_rate", message));
        }
        for (field, span) in [("slot", self.slot), ("symbol", self.symbol)] {
            if span.is_zero() || span > Span::from_millis(1) {
                let message = format!("expected more than 0ms and at most 1ms, found {span}");
                return Err(BuildError::field(field, message));
            }
        }
        if !(1..=64).contains(&self.aggregate) {
            let message = format!("expected 1 to 64 packets, found {}", self.aggregate);
            return Err(BuildError::field("aggregate", message));
        }
        if self.cw_max > 32_767 || self.cw_min > self.cw_max {
            let message = "expected cw_min <= cw_max <= 32767";
            return Err(BuildError::field("cw_max", message));
        }
        if self.mac_overhead.get() > 1_000 {
            let message = format!("expected at most 1000B, found {}", self.mac_overhead);
            return Err(BuildError::field("mac_overhead", message));
        }
        let setting = Setting {
            timing: self.timing(),
            rules: Rules {
                cw_min: self.cw_min,
                cw_max: self.cw_max,
                retry_limit: self.retry_limit,
                max_frames: self.aggregate as usize,
                max_bytes: self.aggregate_bytes.get(),
            },
            room: self.room()?,
            rate: self.phy_rate,
            rates: self.phy_rates.clone(),
            access_point: self.downlink == Downlink::AccessPoint,
            streams: cx.streams.clone(),
            path: cx.path.to_owned(),
        };
        Ok(Queue::Active(Box::new(Cell::new(setting))))
    }
}

#[cfg(test)]
mod tests;
