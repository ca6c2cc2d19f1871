//! Pacers: when a packet that is ready leaves.

mod packet;
mod prober;
mod queue;
mod webrtc;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod packet_tests;
#[cfg(test)]
mod webrtc_tests;

pub use packet::PacketPacing;
pub use webrtc::WebrtcPacing;

use weaknet_core::{Bitrate, Bytes, Kind, Time};

use crate::cc::ProbeCluster;

/// The kind of pacers.
pub enum Pacing {}

impl Kind for Pacing {
    type Product = Box<dyn Pacer>;
    const NAME: &'static str = "pacer";
    const ABOUT: &'static str = "spreads packets that are ready to be sent over time";
}

/// Classes of packets in order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Audio.
    Audio,
    /// Retransmissions.
    Retransmission,
    /// Video and repair packets.
    Video,
}

/// A packet that waits in a pacer. The sender keeps the packet itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paced {
    /// What the sender calls it.
    pub handle: u64,
    /// Bytes that count for pacing.
    pub size: Bytes,
    /// Its class.
    pub priority: Priority,
}

/// What a pacer wants to happen now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacerAction {
    /// Send this packet.
    Send {
        /// As given to [`Pacer::enqueue`].
        handle: u64,
        /// The probe that it is part of.
        probe: Option<ProbeCluster>,
    },
    /// Send padding of about this size; report what was really sent through
    /// [`Pacer::on_padding`].
    Pad {
        /// Bytes wanted.
        size: Bytes,
        /// The probe that it is part of.
        probe: Option<ProbeCluster>,
    },
}

/// A pacer.
///
/// After any call the sender asks [`Pacer::poll`] until it yields nothing, then
/// sleeps until [`Pacer::next_wake`].
pub trait Pacer: Send {
    /// A packet is ready.
    fn enqueue(&mut self, now: Time, packet: Paced);
    /// The rates changed.
    fn set_rates(&mut self, now: Time, pacing: Bitrate, padding: Bitrate);
    /// The congestion window is full (`true`) or has room again.
    fn set_congested(&mut self, now: Time, congested: bool);
    /// Shall send a probe.
    fn add_probe(&mut self, now: Time, cluster: ProbeCluster);
    /// What to do now, if anything.
    fn poll(&mut self, now: Time) -> Option<PacerAction>;
    /// Padding of this many bytes was sent in answer to [`PacerAction::Pad`];
    /// zero when there was nothing to send.
    fn on_padding(&mut self, now: Time, size: Bytes);
    /// When [`Pacer::poll`] may yield something again.
    fn next_wake(&self, now: Time) -> Option<Time>;
    /// Bytes that wait.
    fn queued(&self) -> Bytes;
}
