//! Keys, and what they change. A small letter is more of something, its capital less.

use super::super::snapshot::{Command, Direction, Snapshot};
use super::board::Chosen;

/// What the keys do, for the bottom line.
pub(super) const HELP: [(&str, &str); 7] = [
    ("l L", "loss"),
    ("d D", "delay"),
    ("r R", "rate"),
    ("o", "outage"),
    ("h", "handover"),
    ("tab", "direction"),
    ("q", "quit"),
];

/// How long an outage takes.
const OUTAGE: f64 = 2.0;
/// How long a handover stops everything: what a drive through 5G has at its 95th
/// percentile (`scenarios/presets/5g-nsa-drive.yaml`).
const HANDOVER: f64 = 0.15;

/// Percentages of loss to choose from.
const LOSSES: [f64; 9] = [0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];
/// Leading digits of rates to choose from.
const RATES: [u64; 6] = [100, 150, 200, 300, 500, 750];
/// What a link without a limit is slowed down to at first.
const FIRST_RATE: u64 = 100_000;
const SLOWEST_RATE: u64 = 10;
const FASTEST_RATE: u64 = 10_000_000;

/// What a key asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    Quit,
    /// Keys mean the next directions from now on.
    Choose,
    Tell(Command),
    /// It cannot be told, and why.
    Refuse(&'static str),
}

/// What a character stands for, seen the link as it is.
pub(super) fn action(key: char, chosen: Chosen, now: &Snapshot) -> Option<Action> {
    let of_direction: fn(&Direction, bool) -> Option<String> = match key {
        'l' | 'L' => loss,
        'd' | 'D' => delay,
        'r' | 'R' => rate,
        'o' => return Some(Action::Tell(Command::Outage { seconds: OUTAGE })),
        'h' => return Some(Action::Tell(Command::Handover { seconds: HANDOVER })),
        '\t' => return Some(Action::Choose),
        'q' => return Some(Action::Quit),
        _ => return None,
    };
    let more = key.is_lowercase();
    let is_row = chosen
        .of(now)
        .iter()
        .any(|(_, direction)| direction.links.len() > 1);
    if is_row && !matches!(key, 'l' | 'L') {
        return Some(Action::Refuse(
            "there are several links: use `weaknet ctl set`",
        ));
    }
    let sets: Vec<String> = chosen
        .of(now)
        .into_iter()
        .filter_map(|(name, direction)| {
            let first = direction.links.first();
            let path = first.cloned().unwrap_or_else(|| format!("network.{name}"));
            of_direction(direction, more).map(|value| format!("{path}.{value}"))
        })
        .collect();
    Some(if sets.is_empty() {
        Action::Refuse("it cannot get more or less")
    } else {
        Action::Tell(Command::Set(sets))
    })
}

fn loss(direction: &Direction, more: bool) -> Option<String> {
    let now = direction.set_loss.unwrap_or(0.0) * 100.0;
    let near = 1e-6;
    let next = if more {
        LOSSES.iter().find(|loss| **loss > now + near)
    } else {
        LOSSES.iter().rev().find(|loss| **loss < now - near)
    };
    next.map(|percent| format!("loss={percent}%"))
}

fn delay(direction: &Direction, more: bool) -> Option<String> {
    let measured = direction.one_way_delay_ms.map_or(0.0, |delay| delay.p50);
    let travel = (measured - direction.queue_delay_ms).max(0.0);
    let now = direction.set_delay_ms.unwrap_or(travel).round() as u64;
    let next = match (more, now) {
        (true, ..100) => now + 10,
        (true, _) => now + 50,
        (false, 0) => return None,
        (false, ..=100) => now.saturating_sub(10),
        (false, _) => (now - 50).max(100),
    };
    Some(format!("delay={next}ms"))
}

fn rate(direction: &Direction, more: bool) -> Option<String> {
    let next = match (direction.capacity_bps.map(|bps| bps / 1_000), more) {
        (None, true) => None,
        (None, false) => Some(FIRST_RATE),
        (Some(now), true) => rates().find(|kbps| *kbps > now),
        (Some(now), false) => rates().take_while(|kbps| *kbps < now).last(),
    };
    next.map(|kbps| format!("rate={kbps}kbps"))
}

/// Rates in kbit/s, from the slowest to the fastest.
fn rates() -> impl Iterator<Item = u64> {
    let decades = std::iter::successors(Some(SLOWEST_RATE), |decade| Some(decade * 10));
    decades
        .flat_map(|decade| RATES.map(|rate| rate * decade / 100))
        .take_while(|kbps| *kbps <= FASTEST_RATE)
}

#[cfg(test)]
mod tests {
    use super::super::super::snapshot::Delay;
    use super::*;

    fn link() -> Snapshot {
        Snapshot {
            forward: Direction {
                capacity_bps: Some(3_000_000),
                set_loss: Some(0.02),
                set_delay_ms: Some(95.0),
                ..Direction::default()
            },
            backward: Direction {
                one_way_delay_ms: Some(Delay {
                    p50: 25.2,
                    p95: 30.0,
                }),
                queue_delay_ms: 5.0,
                ..Direction::default()
            },
            ..Snapshot::default()
        }
    }

    fn sets(key: char, chosen: Chosen) -> Vec<String> {
        match action(key, chosen, &link()) {
            Some(Action::Tell(Command::Set(sets))) => sets,
            other => vec![format!("{other:?}")],
        }
    }

    #[test]
    fn keys_change_what_is_chosen() {
        use Chosen::{Backward, Both, Forward};
        for (key, chosen, expected) in [
            ('l', Forward, "network.forward.loss=5%"),
            ('L', Forward, "network.forward.loss=1%"),
            ('d', Forward, "network.forward.delay=105ms"),
            ('D', Forward, "network.forward.delay=85ms"),
            ('r', Forward, "network.forward.rate=5000kbps"),
            ('R', Forward, "network.forward.rate=2000kbps"),
            ('d', Backward, "network.backward.delay=30ms"),
            ('R', Backward, "network.backward.rate=100000kbps"),
            // Only one of them has less to give.
            ('L', Both, "network.forward.loss=1%"),
        ] {
            assert_eq!(sets(key, chosen), [expected], "{key} {chosen:?}");
        }
        assert_eq!(sets('l', Both).len(), 2);
    }

    #[test]
    fn of_links_in_a_row_the_first_one_loses() {
        let mut now = link();
        now.forward.links = vec!["network.links.a".to_owned(), "network.links.b".to_owned()];
        let told = action('l', Chosen::Forward, &now);
        let set = Command::Set(vec!["network.links.a.loss=5%".to_owned()]);
        assert_eq!(told, Some(Action::Tell(set)));
        let refused = action('d', Chosen::Forward, &now);
        assert!(matches!(refused, Some(Action::Refuse(_))), "{refused:?}");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for key in ['r', 'L'] {
            let refused = action(key, Chosen::Backward, &link());
            assert!(matches!(refused, Some(Action::Refuse(_))), "{refused:?}");
        }
        assert_eq!(action('x', Chosen::Both, &link()), None);
    }

    #[test]
    fn every_rate_is_reached_from_the_slowest_and_back() {
        let all: Vec<u64> = rates().collect();
        assert_eq!((all[0], all[5], all[6]), (10, 75, 100));
        assert_eq!(all.last(), Some(&FASTEST_RATE));
        assert!(all.is_sorted());
    }
}
