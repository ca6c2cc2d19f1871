//! One end of the wire.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard};

use super::headers::Headers;
use crate::offload::HEADER;
use crate::port::Port;
use crate::port::ethernet::{ETHERNET, dress, is_ip, strip};
use crate::port::packet::PacketSocket;

/// An interface and its address.
#[derive(Debug)]
pub(super) struct Station {
    pub(super) socket: PacketSocket,
    pub(super) address: [u8; 6],
}

/// An interface at one end of a link. Copies are the same interface.
#[derive(Debug, Clone)]
pub struct Wire {
    own: Arc<Station>,
    other: Arc<Station>,
    /// Of what comes here, and of what leaves here.
    came: Arc<Mutex<Headers>>,
    leave: Arc<Mutex<Headers>>,
}

impl Wire {
    pub(super) fn new(
        [own, other]: [Arc<Station>; 2],
        [came, leave]: [Arc<Mutex<Headers>>; 2],
    ) -> Self {
        Self {
            own,
            other,
            came,
            leave,
        }
    }
}

/// Whether a packet is for neighbours to find each other (RFC 4861): router and
/// neighbour solicitations and advertisements, redirects, none of which was forwarded.
fn is_discovery(packet: &[u8]) -> bool {
    const ICMP: u8 = 58;
    let Some(header) = packet.first_chunk::<40>() else {
        return false;
    };
    let is_icmp = header[0] >> 4 == 6 && header[6] == ICMP && header[7] == 255;
    is_icmp && matches!(packet.get(40), Some(133..=137))
}

fn lock(headers: &Mutex<Headers>) -> io::Result<MutexGuard<'_, Headers>> {
    headers
        .lock()
        .map_err(|_| io::Error::other("a thread has panicked"))
}

impl Port for Wire {
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let Some((virtio, frame)) = buffer.split_first_chunk_mut::<HEADER>() else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        loop {
            let mut ethernet = [0; ETHERNET];
            let mut parts = [&mut virtio[..], &mut ethernet, frame].map(IoSliceMut::new);
            let Some(length) = self.own.socket.receive(&mut parts)? else {
                return Ok(None);
            };
            let Some(packet) = length
                .checked_sub(HEADER + ETHERNET)
                .and_then(|length| frame.get(..length))
            else {
                continue;
            };
            if ethernet[..6] == self.own.address {
                // The machine itself has it.
                continue;
            }
            if is_ip(&ethernet) && !is_discovery(packet) {
                lock(&self.came)?.learn(packet, ethernet);
                strip(virtio);
                return Ok(Some(length - ETHERNET));
            }
            // One that the other interface does not take is lost, as it would be on a
            // cable that is not plugged in.
            let parts = [&virtio[..], &ethernet, packet].map(IoSlice::new);
            let _ = self.other.socket.send(&parts);
        }
    }

    fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
        let (virtio, packet) = parts.split_first().ok_or_else(invalid)?;
        let mut virtio = <[u8; HEADER]>::try_from(&virtio[..]).map_err(|_| invalid())?;
        let first = packet.first().ok_or_else(invalid)?;
        let ethernet = lock(&self.leave)?.find(first).ok_or_else(invalid)?;
        dress(&mut virtio);
        let mut all = Vec::with_capacity(2 + packet.len());
        all.extend([IoSlice::new(&virtio), IoSlice::new(&ethernet)]);
        all.extend_from_slice(packet);
        self.own.socket.send(&all)
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.own.socket.fd()
    }

    fn dropped(&self) -> io::Result<u64> {
        self.own.socket.dropped()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_neighbours_own_messages_are_discovery() {
        let mut packet = vec![0; 64];
        (packet[0], packet[6], packet[7]) = (0x60, 58, 255);
        let with = |kind: u8| {
            let mut packet = packet.clone();
            packet[40] = kind;
            packet
        };
        let kinds: Vec<u8> = (0..=255)
            .filter(|kind| is_discovery(&with(*kind)))
            .collect();
        assert_eq!(kinds, [133, 134, 135, 136, 137]);
        let mut forwarded = with(135);
        forwarded[7] = 254;
        assert!(!is_discovery(&forwarded));
        assert!(!is_discovery(&with(135)[..40]));
    }
}
