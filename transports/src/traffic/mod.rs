//! Cross traffic: flows that send whatever the network does.
//!
//! A [`TrafficModel`] says when packets leave and how large they are; the two
//! [`endpoint`] nodes put them on the wire and count them at the other end.
//! Nothing comes back and nothing adapts, as background UDP in RFC 8868
//! section 5.3.

mod cbr;
pub mod endpoint;
mod fluid;
mod on_off;
mod poisson;
mod steps;

use weaknet_core::{Bitrate, BuildError, Bytes, Kind, Span};

pub use cbr::Cbr;
pub use endpoint::{TrafficSender, TrafficSink};
pub use on_off::{Lengths, OnOff};
pub use poisson::Poisson;
pub use steps::TrafficSteps;

/// The kind of cross traffic.
pub enum Traffic {}

impl Kind for Traffic {
    type Product = Box<dyn TrafficModel>;
    const NAME: &'static str = "traffic";
    const ABOUT: &'static str = "packets that a flow sends whatever the network does";
    const SHORTHAND: Option<&'static str> = Some("cbr");
}

/// A packet that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emission {
    /// When, since the start of the flow.
    pub at: Span,
    /// Bytes on the wire from the IP header on.
    pub size: u32,
}

/// When packets are sent, and how large they are.
pub trait TrafficModel: Send {
    /// The next packet; `None` when there is none ever again. Times never fall.
    fn next_emission(&mut self) -> Option<Emission>;
}

/// The default of `packet_size` (RFC 8868 section 5.3).
const PACKET_SIZE: Bytes = Bytes::new(1_500);

/// Checks what all models have in common, and gives the size of packets.
fn check(rate: Bitrate, packet_size: Bytes) -> Result<u32, BuildError> {
    let size = check_size(packet_size)?;
    if rate.is_zero() {
        return Err(BuildError::field("rate", "expected a rate above 0bps"));
    }
    check_gap("rate", rate, size)?;
    Ok(size)
}

/// IPv4 and UDP headers take 28 bytes; an IP packet has a 16-bit length.
fn check_size(packet_size: Bytes) -> Result<u32, BuildError> {
    u32::try_from(packet_size.get())
        .ok()
        .filter(|size| (28..=65_535).contains(size))
        .ok_or_else(|| {
            BuildError::field(
                "packet_size",
                format!("expected 28B to 65535B from the IP header on, found {packet_size}"),
            )
        })
}

/// Time must pass between packets.
fn check_gap(field: &str, rate: Bitrate, size: u32) -> Result<(), BuildError> {
    if u128::from(rate.as_bps()) > u128::from(size) * 8 * 1_000_000_000 {
        let message = format!("{rate} sends more than one packet per nanosecond");
        return Err(BuildError::field(field, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
