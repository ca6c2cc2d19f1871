//! What a controller makes of a link of 50 ms with a buffer of 300 ms. One with
//! a target drives an encoder there, one with a window only bulk data.

use weaknet_core::{Bitrate, Span};

use super::judge;
use crate::cc::{CcEvent, CongestionController, Constraints};
use crate::conformance::battery::{Bench, Outcome};
use crate::conformance::link::rate_of;
use crate::conformance::report::Verdict;
use crate::conformance::watch::seconds;
use crate::conformance::{IdealLink, Interval};

const SECOND: Span = Span::from_secs(1);
const RTT: Span = Span::from_millis(50);
const BUFFER: Span = Span::from_millis(300);
const REPORTS: Span = Span::from_millis(50);
const CONSTRAINTS: Constraints = Constraints {
    min: Bitrate::from_kbps(50),
    start: Bitrate::from_kbps(300),
    max: Bitrate::from_mbps(5),
};
const CAPACITY: Bitrate = Bitrate::from_mbps(2);

/// A link with reports every 50 ms.
pub(super) fn link(rate: Bitrate) -> IdealLink {
    IdealLink::new(rate, RTT, rate.bytes_in(BUFFER))
        .reporting_every(REPORTS)
        .with_constraints(CONSTRAINTS)
}

/// Adds a flow of media, or of bulk data for a controller without a target.
pub(super) fn add(
    link: &mut IdealLink,
    bench: &Bench<'_>,
    controller: Box<dyn CongestionController>,
) -> usize {
    let mut like = bench.controller();
    like.on_event(link.now(), &CcEvent::Start(CONSTRAINTS));
    if like.output().target.is_some() {
        link.add_media(controller)
    } else {
        link.add(controller)
    }
}

/// A share for people.
fn percent(part: Bitrate, whole: Bitrate) -> String {
    let share = part.as_bps_f64() / whole.as_bps_f64();
    format!("{:.0} %", share * 100.0)
}

fn settled(bench: &Bench<'_>, link: &mut IdealLink, span: Span) -> usize {
    let flow = add(link, bench, bench.controller());
    link.run(span);
    flow
}

/// Ericsson/scream#75: a controller broke after ten minutes of nothing and
/// stayed at its minimum. Five seconds: one that has filled the buffer may fall
/// that low, but not rest there.
pub(super) fn soak(bench: &Bench<'_>) -> Verdict {
    const HOURS: Span = Span::from_secs(7_200);
    const WARM_UP: usize = 100;
    let capacity = Bitrate::from_kbps(500);
    let mut link = link(capacity);
    let flow = settled(bench, &mut link, HOURS);
    let all = &link.intervals(flow)[WARM_UP..];
    let is_lowest = |i: &Interval| i.target.is_some_and(|target| target <= CONSTRAINTS.min);
    let stuck = all.windows(50).find(|five| five.iter().all(is_lowest));
    let minutes = all.chunks(600).map(|minute| {
        let end = minute.last().map(|i| i.end).unwrap_or_default();
        (rate_of(minute, |i| i.delivered), end)
    });
    let worst = minutes.min().unwrap_or_default();
    judge(match stuck {
        Some(five) => {
            let at = five.last().map(|i| i.end).unwrap_or_default();
            Err(format!("{}: at the lowest target for 5 s", seconds(at)))
        }
        None if worst.0.as_bps() * 4 < capacity.as_bps() => {
            let share = percent(worst.0, capacity);
            Err(format!(
                "{}: {share} in use over a minute",
                seconds(worst.1)
            ))
        }
        None => Ok(format!("at least {} in use", percent(worst.0, capacity))),
    })
}

/// Ten seconds are ten times what goog_cc of July 2026 takes to give way to a
/// step from 2.5 to 1 Mbit/s (measured). The quarter on top is the overshoot of
/// who probes for more, as BBR by 1.25.
pub(super) fn overload(bench: &Bench<'_>) -> Verdict {
    let (before, after) = (Bitrate::from_kbps(2_500), Bitrate::from_kbps(625));
    let mut link = link(before);
    let flow = settled(bench, &mut link, SECOND * 30);
    link.set_rate(after);
    link.set_buffer(after.bytes_in(BUFFER));
    link.run(SECOND * 20);
    let sent = link.send_rate(flow, SECOND * 10);
    let share = percent(sent, after);
    judge(if sent.as_bps() * 4 <= after.as_bps() * 5 {
        Ok(format!("sends {share} of the new capacity"))
    } else {
        let at = seconds(link.now());
        Err(format!(
            "{at}: {sent} sent over 10 s, {share} of the {after} that were left"
        ))
    })
}

/// Thirty seconds: goog_cc grows by 8 % a second, a tenfold takes it as long.
pub(super) fn outage(bench: &Bench<'_>) -> Verdict {
    let mut link = link(CAPACITY);
    let flow = settled(bench, &mut link, SECOND * 20);
    let before = link.throughput(flow, SECOND * 5);
    link.set_down(true);
    link.run(SECOND * 5);
    link.set_down(false);
    link.run(SECOND * 30);
    let after = link.throughput(flow, SECOND * 5);
    judge(if after.as_bps() * 2 >= before.as_bps() {
        Ok(format!("{} of what it had", percent(after, before)))
    } else {
        let at = seconds(link.now());
        Err(format!("{at}: {after}, {before} before the outage"))
    })
}

/// pion/interceptor#299, quinn#2798: estimates that climb while nothing proves
/// them.
pub(super) fn app_limited(bench: &Bench<'_>) -> Verdict {
    const SOURCE: Bitrate = Bitrate::from_kbps(300);
    let endless = Bitrate::from_mbps(1_000);
    let wide = Constraints {
        max: endless,
        ..CONSTRAINTS
    };
    let mut link = link(endless).with_constraints(wide);
    let flow = settled(bench, &mut link, Span::ZERO);
    link.set_application(flow, Some(SOURCE));
    let first = link.controller(flow).output().cwnd.unwrap_or_default();
    link.run(SECOND * 600);
    let all = link.intervals(flow);
    let target = all.iter().max_by_key(|i| i.target);
    let sent = all.iter().map(|i| i.sent.per(Interval::LENGTH)).max();
    let shown = sent.unwrap_or_default().max(bench.log.get().probed);
    let most = Bitrate::from_bps(SOURCE.as_bps() * 10).max(shown + shown);
    let window = all.iter().max_by_key(|i| i.cwnd);
    let widest = most.bytes_in(RTT + REPORTS).max(first + first);
    let late = |found: Option<&Interval>| found.map(|i| seconds(i.end)).unwrap_or_default();
    let most_target = target.and_then(|i| i.target);
    let most_window = window.and_then(|i| i.cwnd);
    judge(if most_target.is_some_and(|t| t > most) {
        let found = most_target.unwrap_or_default();
        Err(format!("{}: target {found}, allowed {most}", late(target)))
    } else if most_target.is_none() && most_window.is_some_and(|w| w > widest) {
        let found = most_window.unwrap_or_default();
        Err(format!(
            "{}: window {found}, allowed {widest}",
            late(window)
        ))
    } else {
        most_target.map_or_else(
            || {
                Ok(format!(
                    "window at most {}",
                    most_window.unwrap_or_default()
                ))
            },
            |target| Ok(format!("target at most {target}")),
        )
    })
}

/// razor#60: the result depends on where it starts.
pub(super) fn start_rates(bench: &Bench<'_>) -> Verdict {
    let rates = [300, 1_600, 3_200].map(|kbps| {
        let mut link = link(CAPACITY).with_constraints(Constraints {
            start: Bitrate::from_kbps(kbps),
            ..CONSTRAINTS
        });
        let flow = settled(bench, &mut link, SECOND * 60);
        link.throughput(flow, SECOND * 30)
    });
    let [a, b, c] = rates;
    let (least, most) = (a.min(b).min(c), a.max(b).max(c));
    let found = format!("{a}, {b} and {c}");
    judge(if least.as_bps() * 11 >= most.as_bps() * 10 {
        Ok(found)
    } else {
        Err(format!("60.000 s: {found} over 30 s"))
    })
}

/// Two fifths: who keeps a queue of at most 100 ms, as LEDBAT, has 150 ms worth
/// of data in flight in a loop of up to 350 ms.
pub(super) fn feedback_intervals(bench: &Bench<'_>) -> Verdict {
    let mut found = Vec::new();
    for ms in [25, 50, 100, 250] {
        let mut link = link(CAPACITY).reporting_every(Span::from_millis(ms));
        let flow = settled(bench, &mut link, SECOND * 40);
        let last = link.last(flow, SECOND * 20);
        let [delivered, sent, dropped] = [
            rate_of(last, |i| i.delivered),
            rate_of(last, |i| i.sent),
            rate_of(last, |i| i.dropped),
        ];
        let share = percent(delivered, CAPACITY);
        if delivered.as_bps() * 5 < CAPACITY.as_bps() * 2 || dropped.as_bps() * 10 > sent.as_bps() {
            let lost = percent(dropped, sent);
            return judge(Err(format!(
                "reports every {ms} ms: {share} in use over 20 s, {lost} lost"
            )));
        }
        found.push(share);
    }
    judge(Ok(format!("{} in use", found.join(", "))) as Outcome)
}
