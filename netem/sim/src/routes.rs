//! The links between the ends of flows.

use weaknet_core::packet::{LinkId, Packet};

use crate::component::origin;

/// One way between the ends of a flow and back. A route may be empty; the other
/// end then receives at the instant of sending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Path {
    /// Links from the sender to the receiver, in order.
    pub outward: Vec<LinkId>,
    /// Links from the receiver to the sender, in order.
    pub back: Vec<LinkId>,
}

/// The routes of what each node sends, by the path that a packet names.
#[derive(Default)]
pub(crate) struct Routes {
    /// Path 0 of each node.
    first: Vec<Box<[LinkId]>>,
    /// The other paths of each node.
    further: Vec<Box<[Box<[LinkId]>]>>,
}

impl Routes {
    /// The routes of the next node, by path; of no path none can be taken.
    pub(crate) fn push(&mut self, paths: impl IntoIterator<Item = Vec<LinkId>>) {
        let mut paths = paths.into_iter().map(Vec::into_boxed_slice);
        self.first.push(paths.next().unwrap_or_default());
        self.further.push(paths.collect());
    }

    /// The next link of a packet that has left so many of its route behind;
    /// `None` when there is no further one.
    #[inline(always)]
    pub(crate) fn next_link(&self, packet: &Packet, hop: u8) -> Option<usize> {
        let node = origin(packet);
        let route = match packet.path {
            0 => &self.first[node],
            path => self.further[node].get(usize::from(path) - 1)?,
        };
        let link = route.get(usize::from(hop))?;
        Some(usize::from(link.0))
    }

    /// Whether the node that sent a packet has the path that it names.
    #[inline]
    pub(crate) fn has_path(&self, packet: &Packet) -> bool {
        usize::from(packet.path) <= self.further[origin(packet)].len()
    }
}
