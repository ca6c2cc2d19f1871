//! Plug-ins that write down what they are told.

use std::sync::{Arc, Mutex};

use weaknet_core::{Bitrate, Time};
use weaknet_transports::cc::{
    CcEvent, CcOutput, CongestionController, Feedback, ProbeCluster, SentPacket,
};
use weaknet_transports::media::{Constant, EncodedFrame, VideoFormat, VideoSource};

use super::support::build;

/// Something written down by one and read by another.
pub(crate) type Shared<T> = Arc<Mutex<T>>;

/// What a controller was told.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) sent: Vec<SentPacket>,
    /// Number, arrival, when told.
    pub(crate) results: Vec<(u64, Option<Time>, Time)>,
    /// Bytes in flight after each report.
    pub(crate) in_flight: Vec<u64>,
    pub(crate) events: Vec<(Time, CcEvent)>,
}

/// A controller that says what a plan says.
#[derive(Clone)]
pub(crate) struct Spy {
    pub(crate) told: Shared<Told>,
    /// From when on, ascending, the first at once.
    plan: Vec<(Time, CcOutput)>,
    now: usize,
    probes: Vec<(Time, ProbeCluster)>,
    due: Vec<ProbeCluster>,
}

impl Spy {
    pub(crate) fn new(plan: Vec<(Time, CcOutput)>) -> Self {
        Self {
            told: Arc::default(),
            plan,
            now: 0,
            probes: Vec::new(),
            due: Vec::new(),
        }
    }

    /// Sends a probe at an instant.
    pub(crate) fn probe(mut self, at: Time, cluster: ProbeCluster) -> Self {
        self.probes.push((at, cluster));
        self
    }
}

/// A target with pacing at two and a half times that.
pub(crate) fn target(kbps: u64) -> CcOutput {
    CcOutput {
        target: Some(Bitrate::from_kbps(kbps)),
        pacing: Some(Bitrate::from_kbps(kbps * 5 / 2)),
        ..CcOutput::default()
    }
}

impl CongestionController for Spy {
    fn on_sent(&mut self, packet: &SentPacket) {
        self.told.lock().unwrap().sent.push(*packet);
    }

    fn on_feedback(&mut self, feedback: &Feedback<'_>) {
        let mut told = self.told.lock().unwrap();
        assert!(!feedback.packets.is_empty());
        let results = feedback.packets.iter();
        told.results
            .extend(results.map(|p| (p.sent.number, p.received, feedback.now)));
        told.in_flight.push(feedback.in_flight.get());
    }

    fn on_timer(&mut self, now: Time) {
        while self
            .plan
            .get(self.now + 1)
            .is_some_and(|(at, _)| *at <= now)
        {
            self.now += 1;
        }
        let (due, later) = self.probes.drain(..).partition(|(at, _)| *at <= now);
        self.probes = later;
        let due: Vec<(Time, ProbeCluster)> = due;
        self.due.extend(due.into_iter().map(|(_, probe)| probe));
    }

    fn next_timer(&self) -> Option<Time> {
        let plan = self.plan.get(self.now + 1).map(|(at, _)| *at);
        self.probes.iter().map(|(at, _)| *at).chain(plan).min()
    }

    fn on_event(&mut self, now: Time, event: &CcEvent) {
        self.told.lock().unwrap().events.push((now, *event));
    }

    fn output(&self) -> CcOutput {
        self.plan[self.now].1
    }

    fn poll_probe(&mut self) -> Option<ProbeCluster> {
        self.due.pop()
    }

    fn clone_box(&self) -> Box<dyn CongestionController> {
        Box::new(self.clone())
    }
}

/// What a video source was told.
#[derive(Default)]
pub(crate) struct Wishes {
    /// Target and share to drop.
    pub(crate) targets: Vec<(Time, Bitrate, f64)>,
    pub(crate) key_frames: Vec<Time>,
}

/// A constant source that writes down what is asked of it.
pub(crate) struct Camera {
    pub(crate) wishes: Shared<Wishes>,
    source: Box<dyn VideoSource>,
}

impl Camera {
    pub(crate) fn new() -> Self {
        Self {
            wishes: Arc::default(),
            source: build(&Constant::default()),
        }
    }
}

impl VideoSource for Camera {
    fn start(&mut self, now: Time, format: VideoFormat, target: Bitrate) {
        self.source.start(now, format, target);
    }
    fn set_target(&mut self, now: Time, target: Bitrate, frame_drop: f64) {
        let mut wishes = self.wishes.lock().unwrap();
        wishes.targets.push((now, target, frame_drop));
        self.source.set_target(now, target, frame_drop);
    }
    fn request_key_frame(&mut self, now: Time) {
        self.wishes.lock().unwrap().key_frames.push(now);
        self.source.request_key_frame(now);
    }
    fn next_capture(&self) -> Option<Time> {
        self.source.next_capture()
    }
    fn capture(&mut self, now: Time) -> Option<EncodedFrame> {
        self.source.capture(now)
    }
}
