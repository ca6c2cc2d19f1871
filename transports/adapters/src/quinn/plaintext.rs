//! Keys and a handshake for quinn that protect nothing: the packets never leave
//! the process.
//!
//! Client and server tell each other their transport parameters, the client in
//! its first flight, the server in its handshake packets; a last message of the
//! client ends the handshake (the order of TLS 1.3 in RFC 9001, section 4).

use std::any::Any;
use std::sync::Arc;

use bytes::BytesMut;
use quinn_proto::crypto::{
    AeadKey, ClientConfig, CryptoError, ExportKeyingMaterialError, HandshakeTokenKey, HeaderKey,
    HmacKey, KeyPair, Keys, PacketKey, ServerConfig, Session, UnsupportedVersion,
};
use quinn_proto::transport_parameters::TransportParameters;
use quinn_proto::{ConnectError, ConnectionId, Side, TransportError};

/// Bytes at the end of a packet, as many as a real authentication tag has.
const TAG: usize = 16;
/// A message without content.
const WORD: u8 = 0;

/// All keys and configurations in one.
pub(super) struct Plaintext;

impl PacketKey for Plaintext {
    fn encrypt(&self, _: u64, _: &mut [u8], _: usize) {}

    fn decrypt(&self, _: u64, _: &[u8], payload: &mut BytesMut) -> Result<(), CryptoError> {
        let length = payload.len().checked_sub(TAG).ok_or(CryptoError)?;
        payload.truncate(length);
        Ok(())
    }

    fn tag_len(&self) -> usize {
        TAG
    }

    fn confidentiality_limit(&self) -> u64 {
        u64::MAX
    }

    fn integrity_limit(&self) -> u64 {
        u64::MAX
    }
}

impl HeaderKey for Plaintext {
    fn decrypt(&self, _: usize, _: &mut [u8]) {}

    fn encrypt(&self, _: usize, _: &mut [u8]) {}

    fn sample_size(&self) -> usize {
        TAG
    }
}

impl HmacKey for Plaintext {
    fn sign(&self, _: &[u8], out: &mut [u8]) {
        // Not what a packet ends with, which would make it a stateless reset.
        out.fill(u8::MAX);
    }

    fn signature_len(&self) -> usize {
        2 * TAG
    }

    fn verify(&self, _: &[u8], _: &[u8]) -> Result<(), CryptoError> {
        Ok(())
    }
}

impl HandshakeTokenKey for Plaintext {
    fn aead_from_hkdf(&self, _: &[u8]) -> Box<dyn AeadKey> {
        Box::new(Self)
    }
}

impl AeadKey for Plaintext {
    fn seal(&self, _: &mut Vec<u8>, _: &[u8]) -> Result<(), CryptoError> {
        Ok(())
    }

    fn open<'a>(&self, data: &'a mut [u8], _: &[u8]) -> Result<&'a mut [u8], CryptoError> {
        Ok(data)
    }
}

impl ClientConfig for Plaintext {
    fn start_session(
        self: Arc<Self>,
        _: u32,
        _: &str,
        params: &TransportParameters,
    ) -> Result<Box<dyn Session>, ConnectError> {
        Ok(Handshake::begin(Side::Client, params))
    }
}

impl ServerConfig for Plaintext {
    fn initial_keys(&self, _: u32, _: &ConnectionId) -> Result<Keys, UnsupportedVersion> {
        Ok(keys())
    }

    fn retry_tag(&self, _: u32, _: &ConnectionId, _: &[u8]) -> [u8; 16] {
        [0; TAG]
    }

    fn start_session(self: Arc<Self>, _: u32, params: &TransportParameters) -> Box<dyn Session> {
        Handshake::begin(Side::Server, params)
    }
}

fn keys() -> Keys {
    Keys {
        header: KeyPair {
            local: Box::new(Plaintext),
            remote: Box::new(Plaintext),
        },
        packet: packet_keys(),
    }
}

fn packet_keys() -> KeyPair<Box<dyn PacketKey>> {
    KeyPair {
        local: Box::new(Plaintext),
        remote: Box::new(Plaintext),
    }
}

/// What an end has to say or waits for next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The first message.
    Hello,
    /// The server: its parameters. The client: nothing until they arrive.
    Parameters,
    /// The client: the last message. The server: nothing until it arrives.
    Finish,
    /// No more.
    Done,
}

/// One end of a handshake.
struct Handshake {
    side: Side,
    step: Step,
    own: Vec<u8>,
    theirs: Option<TransportParameters>,
    heard: u32,
}

impl Handshake {
    fn begin(side: Side, params: &TransportParameters) -> Box<dyn Session> {
        let mut own = Vec::new();
        params.write(&mut own);
        Box::new(Self {
            side,
            step: Step::Hello,
            own,
            theirs: None,
            heard: 0,
        })
    }
}

impl Session for Handshake {
    fn initial_keys(&self, _: &ConnectionId, _: Side) -> Keys {
        keys()
    }

    fn handshake_data(&self) -> Option<Box<dyn Any>> {
        None
    }

    fn peer_identity(&self) -> Option<Box<dyn Any>> {
        None
    }

    fn early_crypto(&self) -> Option<(Box<dyn HeaderKey>, Box<dyn PacketKey>)> {
        None
    }

    fn early_data_accepted(&self) -> Option<bool> {
        None
    }

    fn is_handshaking(&self) -> bool {
        match self.side {
            Side::Client => self.step != Step::Done,
            Side::Server => self.heard < 2,
        }
    }

    fn read_handshake(&mut self, mut message: &[u8]) -> Result<bool, TransportError> {
        let has_parameters = match self.side {
            Side::Client => self.heard == 1,
            Side::Server => self.heard == 0,
        };
        self.heard += 1;
        if has_parameters {
            self.theirs = Some(TransportParameters::read(self.side, &mut message)?);
        }
        Ok(false)
    }

    fn transport_parameters(&self) -> Result<Option<TransportParameters>, TransportError> {
        Ok(self.theirs)
    }

    fn write_handshake(&mut self, out: &mut Vec<u8>) -> Option<Keys> {
        let (next, has_keys) = match (self.side, self.step, self.heard) {
            (Side::Client, Step::Hello, _) => {
                out.append(&mut self.own);
                (Step::Parameters, false)
            }
            (Side::Client, Step::Parameters, 1) => (Step::Finish, true),
            (Side::Client, Step::Finish, 2) => {
                out.push(WORD);
                (Step::Done, true)
            }
            (Side::Server, Step::Hello, 1) => {
                out.push(WORD);
                (Step::Parameters, true)
            }
            (Side::Server, Step::Parameters, _) => {
                out.append(&mut self.own);
                (Step::Done, true)
            }
            _ => return None,
        };
        self.step = next;
        has_keys.then(keys)
    }

    fn next_1rtt_keys(&mut self) -> Option<KeyPair<Box<dyn PacketKey>>> {
        Some(packet_keys())
    }

    fn is_valid_retry(&self, _: &ConnectionId, _: &[u8], _: &[u8]) -> bool {
        false
    }

    fn export_keying_material(
        &self,
        _: &mut [u8],
        _: &[u8],
        _: &[u8],
    ) -> Result<(), ExportKeyingMaterialError> {
        Err(ExportKeyingMaterialError)
    }
}
