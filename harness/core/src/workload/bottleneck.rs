//! The worlds of the yardsticks: a bottleneck, and a way back without a limit.

use weaknet_core::packet::LinkId;
use weaknet_core::plugin::Assets;
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Span, Streams, Time};
use weaknet_netem::{Link, Parts, delay, queue, rate};
use weaknet_sim::{Flow, Path, World};

use super::bulk::{BulkReceiver, BulkSender};
use super::media::{MediaReceiver, MediaSender};

/// Propagation delay of each direction.
const DELAY: Span = Span::from_millis(20);
/// Starts of bulk flows are so far apart.
const GRID: Span = Span::from_millis(10);

/// Workload T: bulk flows over 100 Mbit/s and 20 ms with a tail-drop queue of
/// one bandwidth-delay product, 333 packets of 1500 B. Link 0 is the
/// bottleneck, link 1 the way back.
///
/// # Errors
/// When the engine refuses it.
pub fn bulk(flows: u16) -> Result<World, BuildError> {
    let limit = queue::QueueLimit::Packets(333);
    let flow = |number: u16| {
        let start = Time::ZERO + GRID * u64::from(number);
        both_ways(Box::new(BulkSender::new(start)), Box::new(BulkReceiver))
    };
    world(
        Bitrate::from_mbps(100),
        queue::DropTail {
            limit,
            ..queue::DropTail::default()
        },
        (0..flows).map(flow).collect(),
    )
}

/// Workload M: video packets of 2.5 Mbit/s over 3 Mbit/s and 20 ms, and a
/// report each 50 ms. Link 0 is the bottleneck, link 1 the way back.
///
/// # Errors
/// When the engine refuses it.
pub fn media() -> Result<World, BuildError> {
    let flow = both_ways(
        Box::new(MediaSender::default()),
        Box::new(MediaReceiver::default()),
    );
    world(
        Bitrate::from_mbps(3),
        queue::DropTail::default(),
        vec![flow],
    )
}

fn both_ways(sender: Box<dyn weaknet_core::Node>, receiver: Box<dyn weaknet_core::Node>) -> Flow {
    Flow {
        sender,
        receiver,
        paths: vec![Path {
            outward: vec![LinkId(0)],
            back: vec![LinkId(1)],
        }],
    }
}

fn world(rate: Bitrate, queue: queue::DropTail, flows: Vec<Flow>) -> Result<World, BuildError> {
    let (streams, assets) = (Streams::new(1), Assets::default());
    let cx = BuildContext {
        path: "bottleneck",
        streams: &streams,
        assets: &assets,
    };
    let forward = Parts::new(
        rate::ConstantRate(rate).build(&cx)?,
        queue.build(&cx)?,
        delay::ConstantDelay(DELAY).build(&cx)?,
    );
    let backward = Parts::new(
        rate::UnlimitedRate {}.build(&cx)?,
        queue::DropTail::default().build(&cx)?,
        delay::ConstantDelay(DELAY).build(&cx)?,
    );
    let links = vec![
        Link::new(LinkId(0), forward),
        Link::new(LinkId(1), backward),
    ];
    World::new(links, flows).map_err(|misfit| BuildError::new(misfit.to_string()))
}
