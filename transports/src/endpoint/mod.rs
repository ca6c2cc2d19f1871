//! The two ends of a media flow, as pure state machines.
//!
//! A flow is one direction of a call: a [`Sender`] with its media sources and
//! controller at one end, a [`Receiver`] with its jitter buffers at the other.
//! Both directions of a call are two flows.

mod decoder;
mod receiver;
mod reports;
mod sender;
mod store;

pub use decoder::DecoderModel;
pub use receiver::{KeyFrameRequest, Receiver, ReceiverConfig, Reporter};
pub use reports::ReportSource;
pub use sender::{FecSender, Pauses, Sender, SenderConfig};
