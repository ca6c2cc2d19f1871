//! The list of built-in plug-ins, one line each, sorted by kind and name.

use weaknet_netem::{delay, loss, queue, rate};
use weaknet_transports::{arq, cc, fec, jitter, media, pacing, traffic};

use super::Registry;
use crate::metrics;

/// Adds all of them.
pub(super) fn add_all(registry: Registry) -> Registry {
    registry
        .add::<arq::Nack>()
        .add::<arq::NoArq>()
        .add::<jitter::FixedAudio>()
        .add::<media::Opus>()
        .add::<cc::fixed::Fixed>()
        .add::<cc::gcc::Gcc>()
        .add::<delay::ConstantDelay>()
        .add::<delay::NormalDelay>()
        .add::<delay::Stalls>()
        .add::<delay::DelaySteps>()
        .add::<delay::DelayTrace>()
        .add::<delay::UniformDelay>()
        .add::<fec::NoFec>()
        .add::<jitter::Fixed>()
        .add::<jitter::Webrtc>()
        .add::<loss::Bernoulli>()
        .add::<loss::GilbertElliott>()
        .add::<loss::NoLoss>()
        .add::<loss::LossWindows>()
        .add::<metrics::Audio>()
        .add::<metrics::Convergence>()
        .add::<metrics::FrameDelay>()
        .add::<metrics::Links>()
        .add::<metrics::PacketDelay>()
        .add::<metrics::PacketLoss>()
        .add::<metrics::Session>()
        .add::<metrics::Throughput>()
        .add::<metrics::VideoFreezes>()
        .add::<pacing::PacketPacing>()
        .add::<pacing::WebrtcPacing>()
        .add::<queue::CellularCell>()
        .add::<queue::DropTail>()
        .add::<queue::WifiCell>()
        .add::<rate::ConstantRate>()
        .add::<rate::RateSteps>()
        .add::<rate::RateTrace>()
        .add::<rate::UnlimitedRate>()
        .add::<traffic::Cbr>()
        .add::<traffic::OnOff>()
        .add::<traffic::Poisson>()
        .add::<traffic::TrafficSteps>()
        .add::<media::Constant>()
        .add::<media::FrameTrace>()
        .add::<media::Rfc8593>()
}
