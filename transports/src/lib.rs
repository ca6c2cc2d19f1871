//! Both ends of a real-time call, sans-IO: media sources, congestion control,
//! pacing, loss repair, jitter buffers, call set-up. And cross traffic.

pub mod arq;
pub mod bulk;
pub mod cc;
pub mod conformance;
pub mod endpoint;
pub mod fec;
pub mod jitter;
pub mod media;
pub mod messages;
pub mod pacing;
pub mod rtp;
pub mod session;
pub mod tcp;
pub mod traffic;
pub mod transport;
pub mod version;
pub mod wire;
