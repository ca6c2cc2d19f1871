//! Addresses of the ends: fixed, since each namespace is its own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses of an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// IPv4, of a network of 24 bits.
    pub v4: Ipv4Addr,
    /// IPv6, of a network of 64 bits.
    pub v6: Ipv6Addr,
}

impl Addresses {
    /// Each address with the length of its network's prefix.
    pub(crate) fn with_prefix(self) -> [(IpAddr, u8); 2] {
        [(self.v4.into(), 24), (self.v6.into(), 64)]
    }
}

/// The left end: of the benchmarking range (RFC 2544), and a unique local address
/// (RFC 4193).
pub const LEFT: Addresses = Addresses {
    v4: Ipv4Addr::new(198, 18, 0, 1),
    v6: Ipv6Addr::new(0xfd77, 0x6561, 0x6b6e, 0, 0, 0, 0, 1),
};

/// The right end.
pub const RIGHT: Addresses = Addresses {
    v4: Ipv4Addr::new(198, 18, 0, 2),
    v6: Ipv6Addr::new(0xfd77, 0x6561, 0x6b6e, 0, 0, 0, 0, 2),
};
