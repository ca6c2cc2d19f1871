//! The scenario of a set of commands: the only place that knows how our own
//! disciplines call their parameters.
//!
//! netem beside a token bucket is one link: packets are held back by netem and
//! leave at the bucket's rate. A bucket with a queue of its own behind netem is
//! two links in a row. A queue within netem alone never holds a packet, since
//! netem hands packets over when they are due.

use std::fmt::Write as _;

use weaknet_core::{Bitrate, Bytes, Ratio, Span};

use super::command::{Discipline, Qdisc};
use super::netem::{Loss, Netem};
use super::others::Other;
use crate::scenario::error::Diagnostic;

/// A map of YAML in flow style.
#[derive(Default)]
struct Fields(Vec<String>);

impl Fields {
    fn add(&mut self, name: &str, value: impl std::fmt::Display) {
        self.0.push(format!("{name}: {value}"));
    }
    fn maybe<T>(&mut self, name: &str, value: Option<T>, show: impl Fn(T) -> String) {
        if let Some(value) = value {
            self.add(name, show(value));
        }
    }
    fn flag(&mut self, name: &str, value: bool) {
        if value {
            self.add(name, "true");
        }
    }
    fn braced(&self) -> String {
        format!("{{{}}}", self.0.join(", "))
    }
}

fn span(nanos: u64) -> String {
    Span::from_nanos(nanos).to_string()
}
fn percent(share: f64) -> String {
    Ratio::from_f64(share).to_string()
}
fn packets(n: u64) -> String {
    format!("{n}packets")
}
fn bytes(n: u64) -> String {
    Bytes::new(n).to_string()
}
fn bitrate(bps: u64) -> String {
    Bitrate::from_bps(bps).to_string()
}

/// One link: fields, and what to say about it.
#[derive(Default)]
struct Link {
    fields: Fields,
    remarks: Vec<String>,
}

pub(super) fn scenario(name: &str, commands: &[Qdisc]) -> Result<String, Diagnostic> {
    let mut devices: Vec<&str> = Vec::new();
    for qdisc in commands {
        if !devices.contains(&qdisc.device.as_str()) {
            devices.push(&qdisc.device);
        }
    }
    if devices.len() > 2 {
        return Err(Diagnostic::bare(format!(
            "there are {} devices, {}: expected one for each direction at most",
            devices.len(),
            devices.join(", ")
        )));
    }
    let mut ways = Vec::new();
    for device in &devices {
        ways.push(links(device, commands)?);
    }
    let mut out = format!(
        "name: {}\nabout: Linux queue disciplines of {}\nduration: 60s\n",
        serde_json::Value::from(stem(name)),
        devices.join(" and "),
    );
    for qdisc in commands {
        let _ = writeln!(out, "# {}", qdisc.text);
    }
    out.push_str("network:\n");
    let names = ["forward", "backward"];
    if ways.iter().all(|way| way.len() == 1) {
        for (name, way) in names.iter().zip(&ways) {
            line(&mut out, "  ", name, &way[0]);
        }
        out.push_str("flows:\n  - name: call\n");
    } else {
        out.push_str("  links:\n");
        let mut routes = vec![Vec::new(), Vec::new()];
        for ((name, way), route) in names.iter().zip(&ways).zip(&mut routes) {
            for (k, link) in way.iter().enumerate() {
                let name = format!("{name}_{}", k + 1);
                line(&mut out, "    ", &name, link);
                route.push(name);
            }
        }
        if routes[1].is_empty() {
            out.push_str("    backward: {}\n");
            routes[1].push("backward".to_owned());
        }
        let _ = write!(
            out,
            "flows:\n  - name: call\n    route: [{}]\n    route_back: [{}]\n",
            routes[0].join(", "),
            routes[1].join(", ")
        );
    }
    out.push_str("    media:\n      video: {}\n      audio: {}\n");
    Ok(out)
}

fn stem(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.split('.')
        .next()
        .filter(|stem| !stem.is_empty())
        .unwrap_or("tc")
}

fn line(out: &mut String, indent: &str, name: &str, link: &Link) {
    for remark in &link.remarks {
        let _ = writeln!(out, "{indent}# {remark}");
    }
    let _ = writeln!(out, "{indent}{name}:");
    for field in &link.fields.0 {
        let _ = writeln!(out, "{indent}  {field}");
    }
}

/// The disciplines of a device from the root inwards, as links.
fn links(device: &str, commands: &[Qdisc]) -> Result<Vec<Link>, Diagnostic> {
    let mut chain: Vec<&Qdisc> = Vec::new();
    let mut parent: Option<&str> = None;
    loop {
        let inner = commands
            .iter()
            .find(|q| q.device == device && q.parent.as_deref() == parent);
        let Some(qdisc) = inner.filter(|q| !chain.contains(q)) else {
            break;
        };
        chain.push(qdisc);
        match &qdisc.handle {
            Some(handle) => parent = Some(handle),
            None => break,
        }
    }
    let of_device = commands.iter().filter(|q| q.device == device).count();
    if chain.len() < of_device {
        return Err(Diagnostic::bare(format!(
            "the disciplines of {device} form no chain: expected one at `root`, and each \
             `parent` to be the `handle` of another one"
        )));
    }
    let mut netem = None;
    let mut shaper = None;
    let mut queue = None;
    let mut netem_outside_shaper = false;
    for qdisc in &chain {
        match &qdisc.discipline {
            Discipline::Netem(found) if netem.is_none() => {
                netem = Some(&**found);
                netem_outside_shaper = shaper.is_none();
            }
            Discipline::Other(found @ Other::Tbf { .. }) if shaper.is_none() => {
                shaper = Some(found)
            }
            Discipline::Other(found) if queue.is_none() && !matches!(found, Other::Tbf { .. }) => {
                queue = Some(found);
            }
            _ => {
                return Err(Diagnostic::bare(format!(
                    "two disciplines of the same kind on {device} are not supported"
                )));
            }
        }
    }
    Ok(assemble(netem, shaper, queue, netem_outside_shaper))
}

fn assemble(
    netem: Option<&Netem>,
    shaper: Option<&Other>,
    queue: Option<&Other>,
    netem_first: bool,
) -> Vec<Link> {
    let mut shaped = Link::default();
    if let Some(Other::Tbf { rate, burst, .. }) = shaper {
        shaped.fields.add("rate", bitrate(*rate));
        shaped.remarks.push(format!(
            "the burst of {} that tbf lets through at once is not modelled",
            bytes(*burst)
        ));
    }
    let Some(netem) = netem else {
        shaped.fields.add("queue", own_queue(shaper, queue));
        return vec![shaped];
    };
    let emulated = netem_map(netem);
    if let (Some(_), Some(_), true) = (shaper, queue, netem_first) {
        let mut first = Link::default();
        first.fields.add("queue", emulated);
        shaped.fields.add("queue", own_queue(shaper, queue));
        remark_seed(&mut first, netem);
        return vec![first, shaped];
    }
    if queue.is_some() {
        let what = "the queue within netem holds nothing back: netem hands packets over when due";
        shaped.remarks.push(what.to_owned());
    }
    remark_seed(&mut shaped, netem);
    shaped.fields.add("queue", emulated);
    vec![shaped]
}

fn remark_seed(link: &mut Link, netem: &Netem) {
    if let Some(seed) = netem.seed {
        link.remarks.push(format!(
            "seed {seed} of netem stands for another sequence: give `--seed` instead"
        ));
    }
}

/// The parameters of our `netem`.
fn netem_map(netem: &Netem) -> String {
    let mut f = Fields::default();
    f.maybe("limit", netem.limit, |n| n.to_string());
    f.maybe("delay", netem.delay, span);
    f.maybe("jitter", netem.jitter, span);
    f.maybe("delay_correlation", netem.delay_correlation, percent);
    f.maybe("distribution", netem.distribution.as_deref(), str::to_owned);
    f.maybe("loss", netem.loss.as_ref(), loss_map);
    f.flag("ecn", netem.ecn);
    f.maybe("duplicate", netem.duplicate, percent);
    f.maybe(
        "duplicate_correlation",
        netem.duplicate_correlation,
        percent,
    );
    f.maybe("corrupt", netem.corrupt, percent);
    f.maybe("corrupt_correlation", netem.corrupt_correlation, percent);
    f.maybe("reorder", netem.reorder, percent);
    f.maybe("reorder_correlation", netem.reorder_correlation, percent);
    f.maybe("gap", netem.gap, |n| n.to_string());
    f.maybe("rate", netem.rate, bitrate);
    f.maybe("packet_overhead", netem.packet_overhead, |n| n.to_string());
    f.maybe("cell_size", netem.cell, |n| n.to_string());
    f.maybe("cell_overhead", netem.cell_overhead, |n| n.to_string());
    f.maybe("slot", netem.slot.as_ref(), |slot| {
        let mut f = Fields::default();
        f.add("min", span(slot.min));
        f.add("max", span(slot.max));
        f.maybe("packets", slot.packets, |n| n.to_string());
        f.maybe("bytes", slot.bytes, bytes);
        f.braced()
    });
    format!("{{netem: {}}}", f.braced())
}

fn loss_map(loss: &Loss) -> String {
    let mut f = Fields::default();
    match loss {
        Loss::Random { p, correlation } => {
            f.add("probability", percent(*p));
            if *correlation > 0.0 {
                f.add("correlation", percent(*correlation));
            }
            format!("{{random: {}}}", f.braced())
        }
        Loss::State(chain) => {
            for (name, p) in ["p13", "p31", "p32", "p23", "p14"].iter().zip(chain) {
                f.add(name, percent(*p));
            }
            format!("{{state: {}}}", f.braced())
        }
        Loss::Gemodel {
            p,
            r,
            one_minus_h,
            one_minus_k,
        } => {
            f.add("p", percent(*p));
            f.add("r", percent(*r));
            f.add("one_minus_h", percent(*one_minus_h));
            f.add("one_minus_k", percent(*one_minus_k));
            format!("{{gemodel: {}}}", f.braced())
        }
    }
}

/// The queue of a shaper: the one given, or the shaper's own limit.
fn own_queue(shaper: Option<&Other>, queue: Option<&Other>) -> String {
    let mut f = Fields::default();
    let name = match queue.or(shaper) {
        Some(Other::Tbf {
            limit: Some(limit), ..
        })
        | Some(Other::Bfifo { limit }) => {
            f.add("limit", bytes(*limit));
            "drop_tail"
        }
        Some(Other::Tbf { latency, .. }) => {
            f.maybe("limit", *latency, span);
            "drop_tail"
        }
        Some(Other::Pfifo { limit }) => {
            f.add("limit", packets(*limit));
            "drop_tail"
        }
        Some(Other::Codel(codel)) => {
            f.add("control_law", "linux".to_owned());
            f.maybe("limit", codel.limit, packets);
            f.maybe("flows", codel.flows, |n| n.to_string());
            f.maybe("quantum", codel.quantum, bytes);
            f.maybe("target", codel.target, span);
            f.maybe("interval", codel.interval, span);
            f.maybe("ce_threshold", codel.ce_threshold, span);
            f.maybe("ecn", codel.ecn, |on| on.to_string());
            if codel.fair { "fq_codel" } else { "codel" }
        }
        Some(Other::Pie(pie)) => {
            f.add("variant", "linux".to_owned());
            f.maybe("limit", pie.limit, packets);
            f.maybe("target", pie.target, span);
            f.maybe("update", pie.tupdate, span);
            let gain = |sixteenths: u64| (sixteenths as f64 / 16.0).to_string();
            f.maybe("alpha", pie.alpha, gain);
            f.maybe("beta", pie.beta, gain);
            f.flag("ecn", pie.ecn);
            "pie"
        }
        Some(Other::Red(red)) => {
            // tc's own defaults.
            let max = red.max.unwrap_or(red.limit / 4);
            f.add("limit", bytes(red.limit));
            f.add("min", bytes(red.min.unwrap_or(max / 3)));
            f.add("max", bytes(max));
            f.maybe("mean_packet", red.avpkt, bytes);
            f.add("max_probability", percent(red.probability.unwrap_or(0.02)));
            f.flag("ecn", red.ecn);
            "red"
        }
        None => "drop_tail",
    };
    format!("{{{name}: {}}}", f.braced())
}
