//! What BBR's first and third version have in common: how a report is taken
//! in, when the pipe is full, how long a drained pipe is held, and the sizes
//! that follow from a path's rate and round trip.

mod full_pipe;
mod hold;
mod intake;
mod pacing;
#[cfg(test)]
pub(super) mod testing;

pub(super) use full_pipe::FullPipe;
pub(super) use hold::DrainedHold;
pub(super) use intake::{Ack, Intake};
pub(super) use pacing::{NOMINAL_RTT, Pacing};

use weaknet_core::{BuildError, Bytes};

/// No path carries less (RFC 791, section 3.2): the least size of a packet.
pub(super) const LEAST_MTU: Bytes = Bytes::new(68);

/// Initial window (RFC 6928, section 2).
pub(super) fn initial_window(mss: Bytes) -> Bytes {
    const CAP: Bytes = Bytes::new(14_600);
    times(mss, 10).min(times(mss, 2).max(CAP))
}

/// So many packets of a size.
pub(super) const fn times(size: Bytes, n: u64) -> Bytes {
    Bytes::new(size.get().saturating_mul(n))
}

/// A size times a factor, to the nearest byte.
pub(super) fn scaled(size: Bytes, factor: f64) -> Bytes {
    Bytes::new(libm::round(size.get() as f64 * factor) as u64)
}

/// Refuses a parameter outside its range.
pub(super) fn check(field: &str, value: f64, least: f64, most: f64) -> Result<(), BuildError> {
    if value >= least && value <= most {
        Ok(())
    } else {
        Err(BuildError::field(
            field,
            format!("expected {least} to {most}, found {value}"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_packets_unless_they_are_large() {
        let window = |mss| initial_window(Bytes::new(mss)).get();
        assert_eq!(window(1_200), 12_000);
        assert_eq!(window(1_460), 14_600);
        assert_eq!(window(1_500), 14_600);
        assert_eq!(window(9_000), 18_000);
    }
}
