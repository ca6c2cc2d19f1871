//! Snapshots as plain lines, where there is no terminal.

use super::super::snapshot::{Direction, Snapshot};
use super::text;

/// One line.
pub(super) fn line(snapshot: &Snapshot) -> String {
    format!(
        "{} forward {} | backward {}\n",
        text::clock(snapshot.time_s),
        direction(&snapshot.forward),
        direction(&snapshot.backward)
    )
}

fn direction(direction: &Direction) -> String {
    let mut line = text::rate(direction.out_bps);
    if let Some(capacity) = direction.capacity_bps {
        line += &format!(" of {}", text::rate(capacity));
    }
    line += &format!(", queue {}", text::millis(direction.queue_delay_ms));
    if let Some(delay) = direction.one_way_delay_ms {
        let [p50, p95] = [delay.p50, delay.p95].map(text::millis);
        line += &format!(", delay p50 {p50} p95 {p95}");
    }
    line += &format!(", loss {}", text::percent(direction.loss));
    if let Some(error) = direction.emulation_error_us {
        line += &format!(", error p99 {}", text::micros(error.p99));
    }
    if direction.system_drops > 0 {
        line += &format!(", {} dropped by the system", direction.system_drops);
    }
    line
}
