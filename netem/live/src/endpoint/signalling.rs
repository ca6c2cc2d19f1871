//! Offers and answers of a call's signalling, as datagrams between the endpoints.
//!
//! In captures of the simulator they are TCP segments to a server. An endpoint has one
//! UDP socket, so here they are datagrams of the same size with a form of their own: a
//! mark, which no packet of a call begins with (RFC 7983), what it is, and the number.

use weaknet_core::packet::SessionMessage;

const MARK: &[u8; 4] = b"SIGN";
const OFFER: u8 = 1;
const ANSWER: u8 = 2;

/// Writes a message into the beginning of a payload; whether it is one of these.
pub(super) fn write(message: &SessionMessage, payload: &mut [u8]) -> bool {
    let (kind, generation) = match message {
        SessionMessage::Offer { generation } => (OFFER, generation),
        SessionMessage::Answer { generation } => (ANSWER, generation),
        _ => return false,
    };
    let content = MARK.iter().copied();
    let content = content.chain([kind]).chain(generation.to_be_bytes());
    for (to, from) in payload.iter_mut().zip(content) {
        *to = from;
    }
    true
}

/// Reads a message; `None` when it is none of these.
pub(super) fn read(payload: &[u8]) -> Option<SessionMessage> {
    let (kind, rest) = payload.strip_prefix(MARK)?.split_first()?;
    let generation = u32::from_be_bytes(*rest.first_chunk()?);
    match *kind {
        OFFER => Some(SessionMessage::Offer { generation }),
        ANSWER => Some(SessionMessage::Answer { generation }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_come_back() {
        for message in [
            SessionMessage::Offer { generation: 7 },
            SessionMessage::Answer {
                generation: u32::MAX,
            },
        ] {
            let mut payload = [0; 40];
            assert!(write(&message, &mut payload));
            assert_eq!(read(&payload), Some(message));
            assert_eq!(read(&payload[..8]), None);
        }
        let check = SessionMessage::BindingRequest { transaction: 1 };
        assert!(!write(&check, &mut [0; 40]));
        assert_eq!(read(&[0; 40]), None);
    }
}
