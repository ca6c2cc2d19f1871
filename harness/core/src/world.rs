//! From a typed scenario and a seed to a world that can be driven.

mod links;

use std::cell::Cell;
use std::collections::BTreeMap;

use weaknet_core::packet::{FlowId, LinkId};
use weaknet_core::plugin::Assets;
use weaknet_core::{BuildContext, BuildError, Kind, Node, Plugin, Span, Streams, Time};
use weaknet_netem::{DrawKey, Link, Parts};
use weaknet_sim::World;
use weaknet_transports::bulk::{BulkReceiver, BulkReceiverConfig, BulkSender, BulkSenderConfig};
use weaknet_transports::cc::cubic::Cubic;
use weaknet_transports::cc::{CongestionController, wants_arrival_times};
use weaknet_transports::endpoint::{
    DecoderModel, FecSender, Pauses, Receiver, ReceiverConfig, ReportSource, Reporter, Sender,
    SenderConfig,
};
use weaknet_transports::fec::Schemes;
use weaknet_transports::media::{AudioFormat, VideoFormat};
use weaknet_transports::messages::{
    MessageReceiver, MessageReceiverConfig, MessageSender, MessageSenderConfig,
};
use weaknet_transports::rtp::{FeedbackConfig, FeedbackFormat};
use weaknet_transports::session::{End, Session};
use weaknet_transports::tcp::{Carried, Framing, OverTcp, TcpConfig};
use weaknet_transports::traffic::{TrafficSender, TrafficSink};
use weaknet_transports::transport::Capacity;

use crate::metrics::{FlowFacts, LinkFacts, RunFacts, bottlenecks};
use crate::registry::Spec;
use crate::scenario::model::{
    Bulk, Call, Feedback, Flow, LinkSpec, Load, Messages, Scenario, Signalling,
};

pub use links::{changes, link_facts, links, same_network};

/// Median decoding time of a frame, and the standard deviation of its
/// logarithm: a software decoder at 360p to 720p on a laptop.
const DECODE_MEDIAN: Span = Span::from_micros(2_500);
const DECODE_SIGMA: f64 = 0.3;

/// Why a world could not be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {source}")]
pub struct WorldError {
    /// The part of the run, for example `forward/loss`.
    pub path: String,
    /// What is wrong with it.
    pub source: BuildError,
}

/// Sender and receiver.
pub type Ends = (Box<dyn Node>, Box<dyn Node>);

/// Ends of one's own for some of the flows, for another stack in place of the
/// built-in ones; `None`: the built-in ones.
pub type OwnEnds<'a> =
    dyn Fn(FlowId, &Flow, &BuildContext<'_>) -> Option<Result<Ends, BuildError>> + 'a;

/// Builds the parts of one run.
struct Builder<'a> {
    streams: &'a Streams,
    assets: &'a Assets,
    links: &'a [LinkSpec],
    arrivals: Option<&'a Arrivals>,
    /// Whether a part wants to know the arrivals.
    wants_arrivals: Cell<bool>,
}

impl Builder<'_> {
    fn part<K: Kind>(&self, owner: &str, spec: &Spec<K>) -> Result<K::Product, WorldError> {
        self.part_at(format!("{owner}/{}", K::NAME), spec)
    }

    /// All of a list: the first is where a single one would be, so that a
    /// further one changes nothing for it.
    fn parts<K: Kind>(
        &self,
        owner: &str,
        specs: &[Spec<K>],
    ) -> Result<Vec<K::Product>, WorldError> {
        let built = specs.iter().enumerate().map(|(at, spec)| match at {
            0 => self.part(owner, spec),
            _ => self.part_at(format!("{owner}/{}/{at}", K::NAME), spec),
        });
        built.collect()
    }

    fn part_at<K: Kind>(&self, path: String, spec: &Spec<K>) -> Result<K::Product, WorldError> {
        let cx = BuildContext {
            path: &path,
            streams: self.streams,
            assets: self.assets,
        };
        spec.build(&cx).map_err(|source| WorldError {
            path: path.clone(),
            source,
        })
    }

    fn link(&self, spec: &LinkSpec, draws: DrawKey) -> Result<Parts, WorldError> {
        Ok(Parts {
            rate: self.part(&spec.name, &spec.rate)?,
            queue: self.part(&spec.name, &spec.queue)?,
            delay: self.parts(&spec.name, &spec.delay)?,
            loss: self.parts(&spec.name, &spec.loss)?,
            loss_at: spec.loss_at,
            mtu: mtu(spec),
            ecn: spec.ecn,
            blocks: spec.blocks,
            corrupt: Some(self.part(&spec.name, &spec.corrupt)?),
            duplicate: Some(self.part(&spec.name, &spec.duplicate)?),
            reorder: Some(self.part(&spec.name, &spec.reorder)?),
            draws,
        })
    }

    fn all_links(
        &self,
        draws: DrawKey,
        link: fn(LinkId, Parts) -> Link,
    ) -> Result<Vec<Link>, WorldError> {
        let specs = (0u16..).map(LinkId).zip(self.links);
        specs
            .map(|(id, spec)| Ok(link(id, self.link(spec, draws)?)))
            .collect()
    }

    fn link_facts(&self) -> Result<Vec<LinkFacts>, WorldError> {
        let facts = self.links.iter().map(|spec| {
            Ok(LinkFacts {
                name: spec.name.clone(),
                capacity: self.capacity(spec)?,
            })
        });
        facts.collect()
    }

    /// What a link can carry, by a rate model of its own: models are functions
    /// of their parameters and of the run's streams, so that it goes the way of
    /// the one inside the link.
    fn capacity(&self, spec: &LinkSpec) -> Result<Capacity, WorldError> {
        let rate = self.part(&spec.name, &spec.rate)?;
        Ok(Box::new(move |from, to| rate.capacity(from, to)))
    }

    /// What the bottlenecks of a flow can carry, for a controller that asks for
    /// it; the same figure as in its `utilisation`.
    fn known_capacity(
        &self,
        flow: &Flow,
        controller: &dyn CongestionController,
    ) -> Result<Option<Capacity>, WorldError> {
        let Some(window) = controller.capacity_window() else {
            return Ok(None);
        };
        let links = self.links.iter().map(|spec| self.capacity(spec));
        let links: Vec<Capacity> = links.collect::<Result<_, _>>()?;
        let paths = paths(flow);
        let capacity =
            move |from, to| bottlenecks(&paths, |id| links.get(usize::from(id.0))?(from, to));
        if capacity(flow.start, flow.start + window).is_none() {
            return Err(WorldError {
                path: format!("{}/congestion_control", flow.name),
                source: BuildError::new(
                    "expected a link with a known, limited rate on every path of the flow",
                ),
            });
        }
        Ok(Some(Box::new(capacity)))
    }

    /// Sender and receiver of a flow.
    fn ends(&self, id: FlowId, flow: &Flow) -> Result<Ends, WorldError> {
        Ok(match &flow.load {
            Load::Call(call) => {
                let controller = self.call_controller(flow, call)?;
                let arrival_times = wants_arrival_times(controller.as_ref());
                let sender = self.sender(id, flow, call, controller)?;
                let receiver = self.receiver(id, flow, call, arrival_times)?;
                (
                    self.over_tcp(id, flow, call, End::Sender, sender)?,
                    self.over_tcp(id, flow, call, End::Receiver, receiver)?,
                )
            }
            Load::Bulk(bulk) => self.bulk(id, flow, bulk)?,
            Load::Messages(messages) => self.messages(id, flow, messages)?,
            Load::Traffic(traffic) => {
                let model = self.part(&flow.name, traffic)?;
                let sender = TrafficSender::new(id, flow.start, flow.stop, model);
                (Box::new(sender), Box::new(TrafficSink))
            }
        })
    }

    fn own_ends(
        &self,
        id: FlowId,
        flow: &Flow,
        own_ends: &OwnEnds<'_>,
    ) -> Option<Result<Ends, WorldError>> {
        let cx = BuildContext {
            path: &flow.name,
            streams: self.streams,
            assets: self.assets,
        };
        let ends = own_ends(id, flow, &cx)?;
        Some(ends.map_err(|source| WorldError {
            path: flow.name.clone(),
            source,
        }))
    }

    fn bulk(&self, id: FlowId, flow: &Flow, bulk: &Bulk) -> Result<Ends, WorldError> {
        let controller = self.part(&flow.name, &bulk.congestion_control)?;
        let draws = |purpose| self.streams.sequence(&flow.name, purpose);
        let receiver = BulkReceiver::new(BulkReceiverConfig {
            flow: id,
            stop: flow.stop,
            bulk: bulk.config.clone(),
            arrival_times: wants_arrival_times(controller.as_ref()),
        });
        let sender = BulkSender::new(BulkSenderConfig {
            flow: id,
            start: flow.start,
            stop: flow.stop,
            bulk: bulk.config.clone(),
            sizes: draws("sizes"),
            idle_times: draws("idle times"),
            capacity: self.known_capacity(flow, controller.as_ref())?,
            controller,
            constraints: bulk.constraints,
        });
        Ok((Box::new(sender), Box::new(receiver)))
    }

    fn messages(&self, id: FlowId, flow: &Flow, messages: &Messages) -> Result<Ends, WorldError> {
        let controller: Option<Box<dyn CongestionController>> = match &messages.congestion_control {
            None => None,
            Some(spec) => Some(self.part(&flow.name, spec)?),
        };
        let asks = |controller: &dyn CongestionController| controller.capacity_window().is_some();
        if controller.as_deref().is_some_and(asks) {
            return Err(WorldError {
                path: format!("{}/congestion_control", flow.name),
                source: BuildError::new("knows the capacity, which messages do not fill"),
            });
        }
        let arrival_times = controller.as_deref().is_some_and(wants_arrival_times);
        let draws = |purpose| self.streams.sequence(&flow.name, purpose);
        let receiver = MessageReceiver::new(MessageReceiverConfig {
            flow: id,
            stop: flow.stop,
            messages: messages.config.clone(),
            arrival_times,
        });
        let sender = MessageSender::new(MessageSenderConfig {
            flow: id,
            start: flow.start,
            stop: flow.stop,
            messages: messages.config.clone(),
            sizes: draws("sizes"),
            times: draws("times"),
            controller: controller.map(|controller| (controller, messages.constraints)),
        });
        Ok((Box::new(sender), Box::new(receiver)))
    }

    /// An end of a call, on top of TCP if it may fall back to that.
    fn over_tcp<N: Carried + 'static>(
        &self,
        id: FlowId,
        flow: &Flow,
        call: &Call,
        end: End,
        node: N,
    ) -> Result<Box<dyn Node>, WorldError> {
        let Some(framing) = Framing::of(call.session.fallback) else {
            return Ok(Box::new(node));
        };
        let cx = BuildContext {
            path: &flow.name,
            streams: self.streams,
            assets: self.assets,
        };
        let controller = Cubic::default().build(&cx).map_err(|source| WorldError {
            path: format!("{}/session", flow.name),
            source,
        })?;
        let parts = TcpConfig {
            flow: id,
            end,
            framing,
            send_buffer: call.session.tcp_send_buffer,
            controller,
        };
        Ok(Box::new(OverTcp::new(node, parts)))
    }

    /// The controller of a call, if it can live on the feedback that it gets.
    fn call_controller(
        &self,
        flow: &Flow,
        call: &Call,
    ) -> Result<Box<dyn CongestionController>, WorldError> {
        let controller = self.part(&flow.name, &call.congestion_control)?;
        if call.feedback.format == FeedbackFormat::Rr && !controller.lives_on_counts() {
            let name = call.congestion_control.name();
            return Err(WorldError {
                path: format!("{}/feedback", flow.name),
                source: BuildError::new(format!(
                    "receiver reports count packets and name none, on which `{name}` cannot \
                     decide: expected twcc, ccfb or ack"
                )),
            });
        }
        Ok(controller)
    }

    /// What repairs a call in advance.
    fn schemes(&self, name: &str, call: &Call) -> Result<Schemes, WorldError> {
        let mut schemes = Schemes::default();
        for spec in &call.fec {
            let scheme = self.part(name, spec)?;
            schemes
                .add(scheme, call.media.audio.is_some())
                .map_err(|source| WorldError {
                    path: format!("{name}/fec/{}", spec.name()),
                    source,
                })?;
        }
        Ok(schemes)
    }

    fn sender(
        &self,
        id: FlowId,
        flow: &Flow,
        call: &Call,
        controller: Box<dyn CongestionController>,
    ) -> Result<Sender, WorldError> {
        let name = &flow.name;
        let arq = self.part(name, &call.arq)?;
        let video = match &call.media.video {
            None => None,
            Some(video) => Some((
                self.part(name, &video.source)?,
                VideoFormat {
                    fps: video.fps,
                    min_bitrate: video.min_bitrate,
                    max_bitrate: video.max_bitrate,
                },
            )),
        };
        let audio = match &call.media.audio {
            None => None,
            Some(audio) => Some((
                self.part(name, &audio.source)?,
                AudioFormat {
                    min_bitrate: audio.min_bitrate.unwrap_or(audio.bitrate),
                    max_bitrate: audio.bitrate,
                },
            )),
        };
        let schemes = self.schemes(name, call)?;
        Ok(Sender::new(SenderConfig {
            flow: id,
            start: flow.start,
            stop: flow.stop,
            video,
            audio,
            capacity: self.known_capacity(flow, controller.as_ref())?,
            controller,
            constraints: call.constraints,
            pacer: self.part(name, &call.pacer)?,
            responder: arq.responder,
            audio_protection: schemes.audio,
            fec: match schemes.video {
                None => None,
                Some(pair) => Some(FecSender {
                    encoder: pair.encoder,
                    control: self.part(name, &call.protection)?,
                }),
            },
            overhead: call.rtp_overhead.overhead(),
            feedback: feedback(call),
            pauses: Pauses {
                video: call
                    .media
                    .video
                    .as_ref()
                    .map_or_else(Vec::new, |video| video.pauses.clone()),
                audio: call
                    .media
                    .audio
                    .as_ref()
                    .map_or_else(Vec::new, |audio| audio.pauses.clone()),
            },
            session: session(name, End::Sender, call)?,
            reports: reports(call),
        }))
    }

    fn receiver(
        &self,
        id: FlowId,
        flow: &Flow,
        call: &Call,
        arrival_times: bool,
    ) -> Result<Receiver, WorldError> {
        let name = &flow.name;
        let feedback = feedback(call);
        let reporter = Reporter::new(&feedback, arrival_times);
        let arq = self.part(name, &call.arq)?;
        let video = match &call.media.video {
            None => None,
            Some(_) => {
                let draws = self.streams.sequence(name, "decode time");
                let decoder = DecoderModel::new(DECODE_MEDIAN, DECODE_SIGMA, draws);
                let mut buffer = self.part(name, &call.jitter_buffer)?;
                if buffer.wants_arrivals() {
                    self.wants_arrivals.set(true);
                    let known = self.arrivals.and_then(|arrivals| arrivals.get(&id));
                    buffer.tell_arrivals(known.map_or(&[], Vec::as_slice));
                }
                Some((buffer, decoder))
            }
        };
        let audio = match &call.media.audio {
            None => None,
            Some(_) => Some(self.part(name, &call.audio_buffer)?),
        };
        Ok(Receiver::new(ReceiverConfig {
            flow: id,
            start: flow.start,
            stop: flow.stop,
            video,
            audio,
            clock_drift: call.clock_drift,
            lip_sync: call.lip_sync,
            requester: arq.requester,
            key_frame_request: call.key_frame_request,
            fec: self.schemes(name, call)?.video.map(|pair| pair.decoder),
            feedback: reporter.map_err(|source| WorldError {
                path: format!("{name}/feedback"),
                source,
            })?,
            report_interval: feedback.receiver_report_interval(),
            overhead: call.rtp_overhead.overhead(),
            session: session(name, End::Receiver, call)?,
            reports: reports(call),
        }))
    }
}

/// Builds the world of one run, and what metrics need to know of it.
///
/// # Errors
/// When a plug-in refuses its parameters or a file that it needs.
pub fn build(
    scenario: &Scenario,
    seed: u64,
    assets: &Assets,
) -> Result<(World, RunFacts), WorldError> {
    build_with(scenario, seed, assets, &|_, _, _| None)
}

/// The same with ends of one's own.
///
/// # Errors
/// When a plug-in refuses its parameters or a file that it needs, or the ends
/// cannot be had.
pub fn build_with(
    scenario: &Scenario,
    seed: u64,
    assets: &Assets,
    own_ends: &OwnEnds<'_>,
) -> Result<(World, RunFacts), WorldError> {
    let built = build_knowing(scenario, seed, assets, own_ends, None)?;
    Ok((built.world, built.facts))
}

/// When frames will be complete, from a run ahead: captured, complete.
pub type Arrivals = BTreeMap<FlowId, Vec<(Time, Time)>>;

/// A world that was built.
pub struct Built {
    /// The world.
    pub world: World,
    /// What metrics need to know of it.
    pub facts: RunFacts,
    /// Whether a part of it wants to know when frames will be complete.
    pub wants_arrivals: bool,
}

/// The same with what is known from a run ahead.
///
/// # Errors
/// As [`build_with`].
pub fn build_knowing(
    scenario: &Scenario,
    seed: u64,
    assets: &Assets,
    own_ends: &OwnEnds<'_>,
    arrivals: Option<&Arrivals>,
) -> Result<Built, WorldError> {
    let RunParts {
        links,
        flows,
        facts,
        wants_arrivals,
    } = parts(scenario, seed, assets, own_ends, arrivals)?;
    let world = World::new(links, flows).map_err(|misfit| WorldError {
        path: "network".to_owned(),
        source: BuildError::new(misfit.to_string()),
    })?;
    Ok(Built {
        world,
        facts,
        wants_arrivals,
    })
}

/// What one run is made of, for a driver of one's own.
pub struct RunParts {
    /// The links, in the order of the scenario.
    pub links: Vec<Link>,
    /// The flows, in the order of the scenario.
    pub flows: Vec<weaknet_sim::Flow>,
    /// What metrics need to know.
    pub facts: RunFacts,
    /// Whether a part wants to know when frames will be complete, which is known
    /// from a simulated run ahead only.
    pub wants_arrivals: bool,
}

/// Builds what one run is made of.
///
/// # Errors
/// As [`build_with`].
pub fn parts(
    scenario: &Scenario,
    seed: u64,
    assets: &Assets,
    own_ends: &OwnEnds<'_>,
    arrivals: Option<&Arrivals>,
) -> Result<RunParts, WorldError> {
    let streams = Streams::new(seed);
    let builder = Builder {
        streams: &streams,
        assets,
        links: &scenario.network.links,
        arrivals,
        wants_arrivals: Cell::new(false),
    };
    let links = builder.all_links(scenario.network.draws, Link::new)?;
    let link_facts = builder.link_facts()?;
    let (mut flows, mut flow_facts) = (Vec::new(), Vec::new());
    for (id, flow) in (0u16..).map(FlowId).zip(&scenario.flows) {
        let (sender, receiver) = match builder.own_ends(id, flow, own_ends) {
            Some(own) => own?,
            None => builder.ends(id, flow)?,
        };
        let paths = paths(flow);
        let media = flow.call().map(|call| &call.media);
        flow_facts.push(FlowFacts {
            name: flow.name.clone(),
            start: flow.start,
            stop: flow.stop,
            video: media.is_some_and(|media| media.video.is_some()),
            audio: media.is_some_and(|media| media.audio.is_some()),
            adapts: match &flow.load {
                Load::Call(_) | Load::Bulk(_) => true,
                Load::Messages(messages) => messages.congestion_control.is_some(),
                Load::Traffic(_) => false,
            },
            deadline: match &flow.load {
                Load::Messages(messages) => Some(messages.config.settings().deadline),
                _ => None,
            },
            paths: paths.clone(),
        });
        flows.push(weaknet_sim::Flow {
            sender,
            receiver,
            paths,
        });
    }
    let facts = RunFacts {
        duration: Time::from(scenario.duration),
        from: scenario.measure.from,
        to: scenario.measure.to,
        flows: flow_facts,
        links: link_facts,
    };
    Ok(RunParts {
        links,
        flows,
        facts,
        wants_arrivals: builder.wants_arrivals.get(),
    })
}

/// The largest packet that a link carries.
fn mtu(spec: &LinkSpec) -> Option<u32> {
    spec.mtu
        .map(|mtu| u32::try_from(mtu.get()).unwrap_or(u32::MAX))
}

/// The paths of a flow as the simulator has them.
fn paths(flow: &Flow) -> Vec<weaknet_sim::Path> {
    let paths = flow.paths.iter().map(|path| weaknet_sim::Path {
        outward: path.outward.clone(),
        back: path.back.clone(),
    });
    paths.collect()
}

fn feedback(call: &Call) -> FeedbackConfig {
    let Feedback { format, every } = call.feedback;
    FeedbackConfig {
        format,
        every,
        ..FeedbackConfig::default()
    }
}

/// Where round trips and losses are learnt from: without RTCP from feedback,
/// unless that is RTCP.
fn reports(call: &Call) -> ReportSource {
    match (call.signalling, call.feedback.format) {
        (Signalling::Webrtc, _) | (_, FeedbackFormat::Rr) => ReportSource::Rtcp,
        (Signalling::None, _) => ReportSource::Feedback,
    }
}

fn session(flow: &str, end: End, call: &Call) -> Result<Session, WorldError> {
    if call.signalling == Signalling::None {
        return Ok(Session::established(end));
    }
    Session::new(end, &call.session).map_err(|source| WorldError {
        path: format!("{flow}/session"),
        source,
    })
}
