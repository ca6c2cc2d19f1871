//! A serialiser at piecewise-constant rates that are looked up as it goes.
//!
//! Implements: work in bits x 10^-9 as in [`super::curve`]. A service ends at
//! the first whole nanosecond at which its work is done; what that nanosecond
//! did in excess belongs to the next packet when it starts at that instant.

use weaknet_core::{Bitrate, Time};

use crate::timeline::Piece;

/// How far a serialiser has come.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// End of the last service, and the work done by then beyond its need.
    finish: Time,
    excess: u128,
}

impl Progress {
    /// Does `work` from `start` on and returns when it is done. `piece` gives
    /// the rate at an instant and when it ends.
    pub(super) fn serve(
        &mut self,
        start: Time,
        work: u128,
        piece: impl FnMut(Time) -> Piece<Bitrate>,
    ) -> Time {
        let excess = if start == self.finish { self.excess } else { 0 };
        (self.finish, self.excess) = match work.checked_sub(excess) {
            None | Some(0) => (start, excess - work),
            Some(need) => finish(start, need, piece).unwrap_or((Time::MAX, 0)),
        };
        self.finish
    }
}

/// When `need` more work is done, and what is done by then in excess.
fn finish(
    mut now: Time,
    mut need: u128,
    mut piece: impl FnMut(Time) -> Piece<Bitrate>,
) -> Option<(Time, u128)> {
    while now < Time::MAX {
        let Piece { value, end } = piece(now);
        let rate = u128::from(value.as_bps());
        let done = rate * u128::from((end - now).as_nanos());
        if need <= done {
            let nanos = need.div_ceil(rate);
            let at = now.as_nanos().checked_add(u64::try_from(nanos).ok()?)?;
            return Some((Time::from_nanos(at), nanos * rate - need));
        }
        need -= done;
        now = end;
    }
    None
}
