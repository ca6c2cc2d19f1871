//! What the application has to send, and when: transfers with idle times
//! between them.
//!
//! Implements: short flows of RFC 8868 section 5.1: a file is downloaded, then
//! an idle time passes, and so on; sizes even over a range, idle times
//! exponential (or fixed). An idle time begins when the last byte of a transfer
//! is acknowledged.

use weaknet_core::Span;
use weaknet_core::rng::{Sequence, exponential_quantile};

use super::config::{BulkConfig, Start};
use crate::traffic::Lengths;

/// A transfer to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Transfer {
    /// How long to wait before it.
    pub(super) idle: Span,
    /// Its bytes; `None`: without end.
    pub(super) size: Option<u64>,
}

/// The transfers of a flow.
#[derive(Debug, Clone)]
pub(super) struct Supply {
    config: BulkConfig,
    sizes: Sequence,
    idle_times: Sequence,
    begun: bool,
}

impl Supply {
    pub(super) const fn new(config: BulkConfig, sizes: Sequence, idle_times: Sequence) -> Self {
        Self {
            config,
            sizes,
            idle_times,
            begun: false,
        }
    }

    /// The next transfer, when the one before is over.
    pub(super) fn next(&mut self) -> Option<Transfer> {
        let first = !std::mem::replace(&mut self.begun, true);
        let idle = if first && self.config.first == Start::Transfer {
            Span::ZERO
        } else {
            self.idle(self.config.idle?)
        };
        let size = self.config.size.map(|least| {
            let spread = self.config.max_size.unwrap_or(least) - least;
            let drawn = self.sizes.unit() * (spread.get() + 1) as f64;
            least.get() + (drawn as u64).min(spread.get())
        });
        Some(Transfer { idle, size })
    }

    fn idle(&mut self, length: Span) -> Span {
        match self.config.idle_times {
            Lengths::Fixed => length,
            Lengths::Exponential => Span::from_secs_f64(exponential_quantile(
                self.idle_times.unit(),
                length.as_secs_f64(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weaknet_core::{Bytes, Streams};

    fn supply(config: BulkConfig) -> Supply {
        let streams = Streams::new(1);
        let draws = |purpose| streams.sequence("flow", purpose);
        Supply::new(config, draws("sizes"), draws("idle times"))
    }

    #[test]
    fn short_flows_have_the_means_of_rfc_8868() {
        let mut supply = supply(BulkConfig {
            size: Some(Bytes::new(30_000)),
            max_size: Some(Bytes::new(50_000)),
            idle: Some(Span::from_secs(10)),
            first: Start::Idle,
            ..BulkConfig::default()
        });
        let n = 10_000;
        let (mut idle, mut bytes) = (0.0, 0.0);
        for _ in 0..n {
            let transfer = supply.next().unwrap();
            let size = transfer.size.unwrap();
            assert!((30_000..=50_000).contains(&size), "{size}");
            idle += transfer.idle.as_secs_f64();
            bytes += size as f64;
        }
        // Four standard errors: 10 s / 100, and 20 kB / sqrt(12) / 100.
        assert!((idle / f64::from(n) - 10.0).abs() < 0.4, "{idle}");
        assert!((bytes / f64::from(n) - 40_000.0).abs() < 231.0, "{bytes}");
    }

    #[test]
    fn without_idle_times_there_is_one_transfer() {
        let mut endless = supply(BulkConfig::default());
        let transfer = Transfer {
            idle: Span::ZERO,
            size: None,
        };
        assert_eq!((endless.next(), endless.next()), (Some(transfer), None));
        let size = Some(Bytes::new(7));
        let mut one = supply(BulkConfig {
            size,
            ..BulkConfig::default()
        });
        assert_eq!(one.next().unwrap().size, Some(7));
        assert_eq!(one.next(), None);
    }
}
