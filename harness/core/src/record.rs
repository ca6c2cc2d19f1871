//! Records time series on a regular grid while a run goes on.
//!
//! The grid is 100 ms; runs of more than 300 s get the next coarser step of
//! 200 ms, 500 ms, 1 s, 2 s, 5 s, ... that needs no more than 3000 bins.
//!
//! Columns per flow: `target_kbps` and `pacing_kbps` (the decision in force at
//! the end of the bin), `sent_kbps`, `received_kbps` and `rtx_kbps` (IP bits of
//! the flow's traffic in the bin), `frame_delay_ms` (largest, capture to
//! rendering), `one_way_delay_ms` (mean), `frozen` (share of the bin inside a
//! freeze by the rule of [`FreezeRule`]), `nacks` (sequence numbers asked for),
//! and one per gauge (last value in the bin). Per link: `capacity_kbps`,
//! `delivered_kbps`, `queue_ms` (longest wait), `drops` (by the queue) and
//! `losses` (by the loss model). Rates divide by the bin's own length, the last
//! bin may be shorter.

mod csv;

use weaknet_core::event::DropReason;
use weaknet_core::packet::{Class, FlowId, Media};
use weaknet_core::{Event, EventSink, Span, Time};

pub use self::csv::{SeriesError, read_series, write_series};
use crate::metrics::{FreezeRule, Gap, GapKind, RunFacts, is_flow_traffic};
use crate::results::Series;

/// The finest grid.
pub const GRID: Span = Span::from_millis(100);
/// More bins than this call for a coarser grid.
pub const MAX_BINS: u64 = 3000;

/// The grid for a run of this length.
#[must_use]
pub fn grid(duration: Time) -> Span {
    let mut steps =
        (0..).flat_map(|decade: u32| [1, 2, 5].map(|n| GRID * (n * 10u64.saturating_pow(decade))));
    let fits = |step: &Span| duration.as_nanos().div_ceil(step.as_nanos()) <= MAX_BINS;
    steps.find(fits).unwrap_or(Span::MAX)
}

/// Watches a run and keeps its time series.
pub struct SeriesRecorder<'r> {
    run: &'r RunFacts,
    step: Span,
    /// Bins that are complete.
    done: usize,
    /// End of the bin that is being filled.
    bin_end: Time,
    flows: Vec<FlowBin>,
    links: Vec<LinkBin>,
}

/// One column under construction.
#[derive(Default)]
struct Column(Vec<f64>);

#[derive(Default)]
struct FlowColumns {
    target: Column,
    pacing: Column,
    sent: Column,
    received: Column,
    frame_delay: Column,
    one_way: Column,
    nacks: Column,
    rtx: Column,
}

/// A named value of an algorithm: the latest one in the bin, if any, and its
/// column.
struct Gauge {
    name: &'static str,
    latest: Option<f64>,
    column: Column,
}

/// The bin of a flow that is being filled, and its finished columns.
#[derive(Default)]
struct FlowBin {
    target: Option<(f64, f64)>,
    sent: u64,
    received: u64,
    rtx: u64,
    frame_delay: Option<Span>,
    one_way: Span,
    arrivals: u64,
    nacks: u64,
    /// In order of their first appearance.
    gauges: Vec<Gauge>,
    rule: FreezeRule,
    /// How much of each bin a freeze covers; bins behind the last one nothing.
    frozen: Vec<Span>,
    columns: FlowColumns,
}

#[derive(Default)]
struct LinkColumns {
    delivered: Column,
    queue: Column,
    drops: Column,
    losses: Column,
}

#[derive(Default)]
struct LinkBin {
    delivered: u64,
    waited: Option<Span>,
    drops: u64,
    losses: u64,
    columns: LinkColumns,
}

fn kbps(bytes: u64, length: Span) -> f64 {
    bytes as f64 * 8e-3 / length.as_secs_f64()
}

fn millis(span: Option<Span>) -> f64 {
    span.map_or(f64::NAN, Span::as_millis_f64)
}

impl Column {
    fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Sets the value of bin `bin`, the bins before without a value.
    fn set(&mut self, bin: usize, value: f64) {
        self.0.resize(bin, f64::NAN);
        self.0.push(value);
    }
}

impl FlowBin {
    fn close(&mut self, bin: usize, length: Span) {
        let columns = &mut self.columns;
        let (target, pacing) = self.target.unwrap_or((f64::NAN, f64::NAN));
        columns.target.push(target);
        columns.pacing.push(pacing);
        columns
            .sent
            .push(kbps(std::mem::take(&mut self.sent), length));
        columns
            .received
            .push(kbps(std::mem::take(&mut self.received), length));
        columns
            .rtx
            .push(kbps(std::mem::take(&mut self.rtx), length));
        columns.frame_delay.push(millis(self.frame_delay.take()));
        let one_way = std::mem::take(&mut self.one_way).as_millis_f64();
        columns
            .one_way
            .push(one_way / std::mem::take(&mut self.arrivals) as f64);
        columns.nacks.push(std::mem::take(&mut self.nacks) as f64);
        for gauge in &mut self.gauges {
            if let Some(value) = gauge.latest.take() {
                gauge.column.set(bin, value);
            }
        }
    }

    fn gauge(&mut self, name: &'static str, value: f64) {
        match self.gauges.iter_mut().find(|gauge| gauge.name == name) {
            Some(gauge) => gauge.latest = Some(value),
            None => self.gauges.push(Gauge {
                name,
                latest: Some(value),
                column: Column::default(),
            }),
        }
    }

    fn rendered(&mut self, step: Span, at: Time, captured: Time) {
        self.frame_delay = self.frame_delay.max(Some(at.since(captured)));
        if let Some(gap) = self.rule.rendered(at) {
            self.freeze(step, &gap);
        }
    }

    /// Covers the bins in which an interval lies, when it is a freeze.
    fn freeze(&mut self, step: Span, gap: &Gap) {
        if gap.kind != GapKind::Freeze {
            return;
        }
        let bin_of = |at: Time| (at.as_nanos() / step.as_nanos()) as usize;
        for bin in bin_of(gap.from)..=bin_of(gap.to) {
            let from = Time::ZERO + step * bin as u64;
            if bin >= self.frozen.len() {
                self.frozen.resize(bin + 1, Span::ZERO);
            }
            self.frozen[bin] += gap.to.min(from + step).since(gap.from.max(from));
        }
    }
}

impl LinkBin {
    fn close(&mut self, length: Span) {
        let columns = &mut self.columns;
        columns
            .delivered
            .push(kbps(std::mem::take(&mut self.delivered), length));
        columns.queue.push(millis(self.waited.take()));
        columns.drops.push(std::mem::take(&mut self.drops) as f64);
        columns.losses.push(std::mem::take(&mut self.losses) as f64);
    }
}

impl<'r> SeriesRecorder<'r> {
    /// Starts recording a run.
    #[must_use]
    pub fn new(run: &'r RunFacts) -> Self {
        let step = grid(run.duration);
        let mut recorder = Self {
            run,
            step,
            done: 0,
            bin_end: Time::ZERO + step,
            flows: Vec::new(),
            links: Vec::new(),
        };
        recorder
            .flows
            .resize_with(run.flows.len(), FlowBin::default);
        recorder
            .links
            .resize_with(run.links.len(), LinkBin::default);
        recorder
    }

    fn bin_start(&self, bin: usize) -> Time {
        Time::ZERO + self.step * bin as u64
    }

    fn close_bin(&mut self) {
        let length = self
            .bin_end
            .min(self.run.duration)
            .since(self.bin_start(self.done));
        for flow in &mut self.flows {
            flow.close(self.done, length);
        }
        for link in &mut self.links {
            link.close(length);
        }
        self.done += 1;
        self.bin_end += self.step;
    }

    fn flow(&mut self, flow: FlowId) -> Option<&mut FlowBin> {
        self.flows.get_mut(usize::from(flow.0))
    }

    /// The series, when the run is over. Values are rounded as in the file.
    #[must_use]
    pub fn finish(mut self) -> Series {
        while self.bin_start(self.done) < self.run.duration {
            self.close_bin();
        }
        let mut series = Series {
            step_s: self.step.as_secs_f64(),
            ..Series::default()
        };
        let bins = self.done;
        let mut add = |subject: &str, name: &str, quantity: &str, mut values: Vec<f64>| {
            values.resize(bins, f64::NAN);
            values
                .iter_mut()
                .for_each(|value| *value = csv::rounded(*value));
            series.columns.push(format!("{subject}.{name}.{quantity}"));
            series.values.push(values);
        };
        let bounds: Vec<(Time, Time)> = (0..bins)
            .map(|bin| {
                (
                    self.bin_start(bin),
                    self.bin_start(bin + 1).min(self.run.duration),
                )
            })
            .collect();
        for (mut flow, facts) in self.flows.into_iter().zip(&self.run.flows) {
            if let Some(open) = flow.rule.end(facts.stop.min(self.run.duration)) {
                flow.freeze(self.step, &open);
            }
            let FlowBin {
                mut frozen,
                mut gauges,
                columns,
                ..
            } = flow;
            let mut add =
                |quantity: &str, values: Vec<f64>| add("flow", &facts.name, quantity, values);
            add("target_kbps", columns.target.0);
            add("pacing_kbps", columns.pacing.0);
            add("sent_kbps", columns.sent.0);
            add("received_kbps", columns.received.0);
            add("rtx_kbps", columns.rtx.0);
            add("one_way_delay_ms", columns.one_way.0);
            add("nacks", columns.nacks.0);
            if facts.video {
                add("frame_delay_ms", columns.frame_delay.0);
                frozen.resize(bins, Span::ZERO);
                let lengths = bounds.iter().map(|(from, to)| to.since(*from));
                let share =
                    |(covered, length): (Span, Span)| covered.as_secs_f64() / length.as_secs_f64();
                add(
                    "frozen",
                    frozen.into_iter().zip(lengths).map(share).collect(),
                );
            }
            gauges.sort_unstable_by_key(|gauge| gauge.name);
            for gauge in gauges {
                add(gauge.name, gauge.column.0);
            }
        }
        for (link, facts) in self.links.into_iter().zip(&self.run.links) {
            let capacity = |&(from, to): &(Time, Time)| {
                (facts.capacity)(from, to)
                    .map_or(f64::NAN, |bits| bits / 1e3 / to.since(from).as_secs_f64())
            };
            let mut add =
                |quantity: &str, values: Vec<f64>| add("link", &facts.name, quantity, values);
            add("capacity_kbps", bounds.iter().map(capacity).collect());
            add("delivered_kbps", link.columns.delivered.0);
            add("queue_ms", link.columns.queue.0);
            add("drops", link.columns.drops.0);
            add("losses", link.columns.losses.0);
        }
        series
    }
}

impl EventSink for SeriesRecorder<'_> {
    fn event(&mut self, at: Time, event: &Event) {
        while at >= self.bin_end && self.bin_end < self.run.duration {
            self.close_bin();
        }
        match *event {
            Event::Sent { packet, .. } if is_flow_traffic(&packet) => {
                let Some(flow) = self.flow(packet.flow) else {
                    return;
                };
                flow.sent += u64::from(packet.size);
                if packet.class == Class::Rtx {
                    flow.rtx += u64::from(packet.size);
                }
            }
            Event::Received { packet, one_way } if is_flow_traffic(&packet) => {
                let Some(flow) = self.flow(packet.flow) else {
                    return;
                };
                flow.received += u64::from(packet.size);
                flow.one_way += one_way;
                flow.arrivals += 1;
            }
            Event::LinkDeliver {
                link,
                packet,
                waited,
                ..
            } => {
                let Some(link) = self.links.get_mut(usize::from(link.0)) else {
                    return;
                };
                link.delivered += u64::from(packet.size);
                link.waited = link.waited.max(Some(waited));
            }
            Event::LinkDrop { link, reason, .. } => {
                let Some(link) = self.links.get_mut(usize::from(link.0)) else {
                    return;
                };
                match reason {
                    DropReason::Loss => link.losses += 1,
                    _ => link.drops += 1,
                }
            }
            Event::FrameRendered { flow, times, .. } => {
                let step = self.step;
                if let Some(flow) = self.flow(flow) {
                    flow.rendered(step, at, times.captured);
                }
            }
            Event::Paused {
                flow,
                media: Media::Video,
                paused,
            } => {
                if let Some(flow) = self.flow(flow) {
                    flow.rule.pause(at, paused);
                }
            }
            Event::NackSent { flow, count } => {
                if let Some(flow) = self.flow(flow) {
                    flow.nacks += u64::from(count);
                }
            }
            Event::Target {
                flow,
                target,
                pacing,
            } => {
                if let Some(flow) = self.flow(flow) {
                    flow.target = Some((target.as_kbps_f64(), pacing.as_kbps_f64()));
                }
            }
            Event::Gauge { flow, name, value } => {
                if let Some(flow) = self.flow(flow) {
                    flow.gauge(name, value);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
