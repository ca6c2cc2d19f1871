//! Time that packets take at a rate, with what lower layers add.

/// A rate and the framing of the layers below.
#[derive(Debug, Clone)]
pub(super) struct LinkRate {
    /// Bytes per second, above 0.
    pub(super) bytes_per_second: u64,
    /// Bytes that each packet has more (or less) than its IP packet.
    pub(super) packet_overhead: i32,
    /// Payload of a cell (48 for ATM); 0: packets are not cut into cells.
    pub(super) cell_size: u32,
    /// Bytes that each cell has more (5 for ATM).
    pub(super) cell_overhead: i32,
}

impl LinkRate {
    /// Nanoseconds that a packet takes, rounded down.
    pub(super) fn time(&self, size: u32) -> i64 {
        let mut length = i128::from(size) + i128::from(self.packet_overhead);
        if self.cell_size != 0 {
            let cell = i128::from(self.cell_size);
            let cells = length.max(0) / cell + i128::from(length.max(0) % cell != 0);
            length = cells * (cell + i128::from(self.cell_overhead));
        }
        let time = length.max(0) * 1_000_000_000 / i128::from(self.bytes_per_second);
        i64::try_from(time).unwrap_or(i64::MAX)
    }
}
