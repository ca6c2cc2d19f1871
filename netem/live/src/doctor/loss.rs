//! Whether losses are those of the model.
//!
//! Implements: numbered datagrams, never more on their way than a socket has room for,
//! so that what is missing was lost by the link; see [`super::runs`] for the test. The
//! draws are the same each time: a good link does not fail it by chance.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Effort;
use super::check::{Check, Figure, Limit, Question};
use super::datagrams::{self, Receiver, Sender};
use super::runs::Chain;
use super::site::{Conditions, Failed, Losses, over};
use crate::end::Namespaces;

const LIMITS: &[Limit] = &[
    Limit::at_least("least_p", 0.001),
    Limit::at_most("lost_elsewhere", 0.0),
];

const fn question(name: &'static str, what: &'static str) -> Question {
    Question {
        name,
        what,
        limits: LIMITS,
        because: "chance alone is that far off in one of a thousand; nothing else may drop packets",
    }
}

const AVERAGE: f64 = 0.05;
const BURST: f64 = 5.0;

const KINDS: [(Losses, Question); 2] = [
    (
        Losses::Independent(AVERAGE),
        question("loss_independent", "5 % independent losses, chi-square"),
    ),
    (
        Losses::Bursts {
            average: AVERAGE,
            burst: BURST,
        },
        question("loss_bursts", "5 % losses in bursts of 5, chi-square"),
    ),
];

/// Bytes of a packet.
const SIZE: usize = 100;
/// Datagrams on their way at most: fewer than the smallest socket buffer takes.
const WINDOW: u64 = 128;
/// Without an arrival for so long, all of those are lost: the link does not work.
const BROKEN: Duration = Duration::from_secs(5);

pub(super) fn examine(effort: Effort, namespaces: &Namespaces) -> Vec<Check> {
    KINDS
        .into_iter()
        .map(|(losses, question)| question.answer(measure(effort.packets, namespaces, losses)))
        .collect()
}

fn measure(count: u64, namespaces: &Namespaces, losses: Losses) -> Result<Vec<Figure>, Failed> {
    let way = Conditions {
        loss: losses,
        ..Conditions::plain()
    };
    let (lost, report) = over(namespaces, [&way, &Conditions::plain()], |namespaces| {
        let (mut sender, mut receiver) = datagrams::pair(namespaces, SIZE)?;
        let (newest, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            let reader = scope.spawn(|| collect(&mut receiver, count, &newest, &is_over));
            let sent = send(&mut sender, count, &newest);
            is_over.store(true, Ordering::Release);
            sent?;
            reader
                .join()
                .map_err(|_| Failed::Nothing("a reader is gone"))?
        })
    })?;
    let chain = match losses {
        Losses::Bursts { average, burst } => Chain::bursts(average, burst),
        Losses::Independent(loss) => Chain::independent(loss),
        Losses::None => Chain::independent(0.0),
    };
    let fit = chain.test(&lost);
    let found = lost.iter().filter(|lost| **lost).count() as u64;
    let of_link: u64 = report.directions[0]
        .drops
        .iter()
        .map(|(_, count)| count)
        .sum();
    Ok(vec![
        ("loss_percent", 100.0 * found as f64 / count as f64),
        ("least_p", fit.count.min(fit.losses).min(fit.passes)),
        ("p_count", fit.count),
        ("p_loss_runs", fit.losses),
        ("p_pass_runs", fit.passes),
        ("lost_elsewhere", found as f64 - of_link as f64),
    ])
}

fn send(sender: &mut Sender, count: u64, newest: &AtomicU64) -> Result<(), Failed> {
    let (mut seen, mut since) = (0, Instant::now());
    while sender.sent < count {
        let now = newest.load(Ordering::Acquire);
        if now != seen {
            (seen, since) = (now, Instant::now());
        } else if since.elapsed() > BROKEN {
            return Err(Failed::Nothing("nothing arrives"));
        }
        let room = (seen + WINDOW).saturating_sub(sender.sent);
        if room == 0 {
            thread::sleep(Duration::from_micros(50));
        } else {
            sender.send(room.min(count - sender.sent))?;
        }
    }
    Ok(())
}

/// Which of so many do not come until all are sent. Tells which is the newest.
fn collect(
    receiver: &mut Receiver,
    count: u64,
    newest: &AtomicU64,
    is_over: &AtomicBool,
) -> Result<Vec<bool>, Failed> {
    let mut lost = vec![true; usize::try_from(count).unwrap_or(usize::MAX)];
    while let Some((number, _)) = receiver.receive(is_over)? {
        if let Some(lost) = usize::try_from(number).ok().and_then(|at| lost.get_mut(at)) {
            *lost = false;
        }
        newest.fetch_max(number, Ordering::Release);
        if number + 1 == count {
            break;
        }
    }
    Ok(lost)
}
