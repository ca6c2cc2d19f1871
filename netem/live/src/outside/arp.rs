//! As much of the Address Resolution Protocol as one station with one neighbour needs.
//!
//! Implements: requests and replies of RFC 826 for IPv4 over Ethernet.

use std::net::Ipv4Addr;

/// Bytes of a frame with a message.
const FRAME: usize = 42;
const KIND: [u8; 10] = [0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 0];
const REQUEST: u8 = 1;
const REPLY: u8 = 2;

/// A frame that asks everyone who has an address.
pub(super) fn request(station: [u8; 6], own: Ipv4Addr, wanted: Ipv4Addr) -> [u8; FRAME] {
    frame(REQUEST, (station, own), ([0xff; 6], wanted))
}

/// The answer to a frame that asks for our address.
pub(super) fn answer(frame_: &[u8], station: [u8; 6], own: Ipv4Addr) -> Option<[u8; FRAME]> {
    let (from, asker, wanted) = read(frame_, REQUEST)?;
    (wanted == own).then(|| frame(REPLY, (station, own), (from, asker)))
}

/// Whether a frame says who has an address.
pub(super) fn is_reply(frame: &[u8], from: Ipv4Addr) -> bool {
    read(frame, REPLY).is_some_and(|(_, ip, _)| ip == from)
}

fn frame(what: u8, from: ([u8; 6], Ipv4Addr), to: ([u8; 6], Ipv4Addr)) -> [u8; FRAME] {
    let mut frame = [0; FRAME];
    frame[..6].copy_from_slice(&to.0);
    frame[6..12].copy_from_slice(&from.0);
    frame[12..22].copy_from_slice(&KIND);
    frame[21] = what;
    frame[22..28].copy_from_slice(&from.0);
    frame[28..32].copy_from_slice(&from.1.octets());
    if what == REPLY {
        frame[32..38].copy_from_slice(&to.0);
    }
    frame[38..].copy_from_slice(&to.1.octets());
    frame
}

/// The station and address that a message is from, and the address that it is to.
fn read(frame: &[u8], what: u8) -> Option<([u8; 6], Ipv4Addr, Ipv4Addr)> {
    let (frame, _) = frame.split_first_chunk::<FRAME>()?;
    let is_it = frame[12..20] == KIND[..8] && frame[20..22] == [0, what];
    let ip = |at: usize| Ipv4Addr::new(frame[at], frame[at + 1], frame[at + 2], frame[at + 3]);
    let station = frame[22..].first_chunk::<6>()?;
    is_it.then(|| (*station, ip(28), ip(38)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_asked_answers() {
        let [a, b, c] = [1, 2, 3].map(|last| Ipv4Addr::new(198, 18, 0, last));
        let asked = request([2; 6], a, b);
        assert_eq!(asked[..6], [0xff; 6]);
        assert_eq!(answer(&asked, [4; 6], c), None, "someone else");
        let answered = answer(&asked, [4; 6], b).unwrap();
        assert_eq!(
            (&answered[..6], &answered[6..12]),
            (&[2; 6][..], &[4; 6][..])
        );
        assert!(is_reply(&answered, b) && !is_reply(&answered, c) && !is_reply(&asked, a));
        assert_eq!(answer(&answered, [2; 6], a), None, "not a question");
        for length in 0..FRAME {
            assert_eq!(answer(&asked[..length], [4; 6], b), None);
        }
    }
}
