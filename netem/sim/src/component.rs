//! What has events of its own.

use std::fmt;

use weaknet_core::packet::{FlowId, Leg, LinkId, Packet};

/// A link or a node of a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Component {
    /// A link.
    Link(LinkId),
    /// The end of a flow that sends on this leg: its sender on the outward one,
    /// its receiver on the return one.
    Node(FlowId, Leg),
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(LinkId(link)) => write!(f, "link {link}"),
            Self::Node(FlowId(flow), Leg::Outward) => write!(f, "the sender of flow {flow}"),
            Self::Node(FlowId(flow), Leg::Return) => write!(f, "the receiver of flow {flow}"),
        }
    }
}

/// The position of the node that sent a packet: two per flow, sender and
/// receiver.
pub(crate) fn origin(packet: &Packet) -> usize {
    2 * usize::from(packet.flow.0) + usize::from(packet.leg == Leg::Return)
}
