//! The Ethernet headers that packets came with.

use std::collections::BTreeMap;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::port::ethernet::ETHERNET;

/// Pairs of addresses after which those that are not used any more are forgotten.
const MOST: usize = 4_096;

/// Between which addresses a packet goes.
type Path = (IpAddr, IpAddr);
type Header = [u8; ETHERNET];

/// For each pair of IP addresses the header that its packets came with last, in bounded
/// memory: of two generations, the older one goes when the newer one is full.
#[derive(Debug, Default)]
pub(super) struct Headers {
    newer: BTreeMap<Path, Header>,
    older: BTreeMap<Path, Header>,
    last: Option<Header>,
}

impl Headers {
    /// A packet came with a header.
    pub(super) fn learn(&mut self, packet: &[u8], header: Header) {
        self.last = Some(header);
        let Some(path) = path(packet) else { return };
        if self.newer.len() >= MOST && !self.newer.contains_key(&path) {
            self.older = mem::take(&mut self.newer);
        }
        self.newer.insert(path, header);
    }

    /// The header for a packet to leave with; that of any when its own is not known, as
    /// after bit errors.
    pub(super) fn find(&self, packet: &[u8]) -> Option<Header> {
        let known = path(packet).and_then(|path| {
            let newer = self.newer.get(&path);
            newer.or_else(|| self.older.get(&path)).copied()
        });
        known.or(self.last)
    }
}

fn path(packet: &[u8]) -> Option<Path> {
    match packet.first()? >> 4 {
        4 => {
            let ip = |at: usize| packet.get(at..)?.first_chunk::<4>().copied();
            let v4 = |octets| IpAddr::V4(Ipv4Addr::from_octets(octets));
            Some((v4(ip(12)?), v4(ip(16)?)))
        }
        6 => {
            let ip = |at: usize| packet.get(at..)?.first_chunk::<16>().copied();
            let v6 = |octets| IpAddr::V6(Ipv6Addr::from_octets(octets));
            Some((v6(ip(8)?), v6(ip(24)?)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(number: usize) -> Vec<u8> {
        let mut packet = vec![0; 20];
        packet[0] = 0x45;
        packet[16..].copy_from_slice(&u32::try_from(number).unwrap().to_be_bytes());
        packet
    }

    #[test]
    fn each_pair_has_its_own_and_the_last_one_stands_in() {
        let mut headers = Headers::default();
        assert_eq!(headers.find(&packet(0)), None);
        headers.learn(&packet(0), [1; ETHERNET]);
        headers.learn(&packet(1), [2; ETHERNET]);
        headers.learn(&[0x60; 40], [3; ETHERNET]);
        let find = |packet: &[u8]| headers.find(packet).unwrap()[0];
        assert_eq!(
            (find(&packet(0)), find(&packet(1)), find(&[0x60; 40])),
            (1, 2, 3)
        );
        assert_eq!((find(&packet(7)), find(&[0x60; 39]), find(&[])), (3, 3, 3));
        headers.learn(&packet(0), [4; ETHERNET]);
        assert_eq!(headers.find(&packet(0)), Some([4; ETHERNET]));
    }

    #[test]
    fn memory_is_bounded_and_what_is_in_use_stays() {
        let mut headers = Headers::default();
        for number in 1..10 * MOST {
            headers.learn(&packet(0), [1; ETHERNET]);
            headers.learn(&packet(number), [2; ETHERNET]);
            assert_eq!(headers.find(&packet(0)), Some([1; ETHERNET]));
        }
        assert!(headers.newer.len() <= MOST && headers.older.len() <= MOST);
    }
}
