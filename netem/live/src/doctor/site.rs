//! A link to measure on.

use std::time::Duration;

use weaknet_core::packet::LinkId;
use weaknet_core::plugin::Assets;
use weaknet_core::{Bitrate, BuildContext, BuildError, Bytes, Plugin as _, Ratio, Span, Streams};
use weaknet_netem::model::LossModel;
use weaknet_netem::queue::{DropTail, QueueLimit};
use weaknet_netem::{Link, Parts, delay, loss, rate};

use crate::emulator::{Emulator, Options, Report};
use crate::end::Namespaces;
use crate::error::LiveError;

/// Room for everything that a measurement can have waiting: what is missing behind the
/// link was not dropped by its queue.
const ROOM: Bytes = Bytes::new(256_000_000);
/// Time for packets between the devices and the workers to get through.
const SETTLE: Duration = Duration::from_millis(50);

/// Why something could not be measured.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error(transparent)]
    Live(#[from] LiveError),
    #[error("failed to {action}: {source}")]
    Socket {
        action: &'static str,
        source: std::io::Error,
    },
    #[error("failed to build a link: {0}")]
    Link(#[from] BuildError),
    #[error("failed to measure: {0}")]
    Nothing(&'static str),
}

impl Failed {
    pub(super) fn socket<E: Into<std::io::Error>>(action: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Socket {
            action,
            source: source.into(),
        }
    }
}

/// What a link does.
#[derive(Debug, Clone, Default)]
pub(super) struct Conditions {
    /// Unlimited when absent.
    pub(super) rate: Option<Bitrate>,
    pub(super) delay: Span,
    pub(super) loss: Losses,
}

/// What it loses.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Losses {
    #[default]
    None,
    Independent(f64),
    Bursts {
        average: f64,
        burst: f64,
    },
}

impl Conditions {
    /// A link that only passes on: what the rest is compared with.
    pub(super) fn plain() -> Self {
        Self::default()
    }

    fn link(&self, number: u16) -> Result<Link, BuildError> {
        // The same draws each time: a verdict on losses does not depend on luck.
        let (streams, assets) = (Streams::new(1), Assets::default());
        let cx = BuildContext {
            path: "doctor",
            streams: &streams,
            assets: &assets,
        };
        let rate = match self.rate {
            Some(rate) => rate::ConstantRate(rate).build(&cx),
            None => rate::UnlimitedRate::default().build(&cx),
        };
        let queue = DropTail {
            limit: QueueLimit::Bytes(ROOM),
            ..DropTail::default()
        };
        let delay = delay::ConstantDelay(self.delay).build(&cx);
        let parts = Parts::new(rate?, queue.build(&cx)?, delay?);
        let loss: Option<Box<dyn LossModel>> = match self.loss {
            Losses::None => None,
            Losses::Independent(share) => Some(loss::Bernoulli(Ratio::from_f64(share)).build(&cx)?),
            Losses::Bursts { average, burst } => {
                let model = loss::GilbertElliott {
                    average: Some(Ratio::from_f64(average)),
                    burst: Some(burst),
                    ..loss::GilbertElliott::default()
                };
                Some(model.build(&cx)?)
            }
        };
        let parts = Parts {
            loss: loss.into_iter().collect(),
            ..parts
        };
        Ok(Link::changeable(LinkId(number), parts))
    }
}

/// Does something over a link with these ways, from left to right and back. What it
/// yields, and what the emulator says.
pub(super) fn over<T>(
    namespaces: &Namespaces,
    ways: [&Conditions; 2],
    what: impl FnOnce(&Namespaces) -> Result<T, Failed>,
) -> Result<(T, Report), Failed> {
    let [forward, backward] = ways;
    let links = [forward.link(0)?, backward.link(1)?];
    let emulator = Emulator::start(namespaces.devices(), links, Options::default())?;
    let result = what(namespaces);
    std::thread::sleep(SETTLE);
    let report = emulator.stop()?;
    Ok((result?, report))
}
