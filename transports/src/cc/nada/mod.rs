//! NADA: network-assisted dynamic adaptation. Queueing delay, loss and marks
//! become one congestion signal in milliseconds; the rate moves until that
//! signal is inversely proportional to it.
//!
//! Implements: RFC 8698 with the values of its table 2; loss intervals of
//! RFC 5348, sections 5.2 and 5.4. What the RFC puts at the receiver is done at
//! the sender, out of reports on single packets, which the RFC leaves to the
//! implementer; times of arrival are by the receiver's clock. Where the RFC
//! leaves a choice: the delays that tell ramp-up from gradual update are those
//! of single packets, not filtered ones; the smoothed loss and marking ratios
//! move once per report; nothing expected in the window leaves them alone; the
//! base delay is the least of ten minutes.
//! Differs: a report is due as soon as its interval has passed, not only after
//! that, since the network's reports come at multiples of 50 ms. From a least
//! rate of zero there is no way up: then the flow starts at the application's
//! start rate. The time between reports counts at most `max_delta`. The mean
//! loss interval that ends warping leaves the open interval out: with it, which
//! is what the RFC says to the letter and `open_loss_interval` brings back, it
//! is never less than a sixth of the packets since the last loss, and seven
//! times that never lets the warping end.
//! Not modelled: the report's own format and its rounding (section 5.3), other
//! scheduling of feedback, the reaction to reports that stay away (RFC 8083).

mod congestion;
mod controller;
mod loss_interval;
mod rate;
mod receiver;
#[cfg(test)]
mod tests;
mod window;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, BuildContext, BuildError, Plugin, Span};

use crate::cc::{CongestionControl, CongestionController};

/// NADA; parameters are named as in table 2 of RFC 8698.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Nada {
    /// Weight of the flow's priority (1.0).
    pub prio: f64,
    /// Least rate of the encoder, where the flow starts too; unset: that of the
    /// streams and the application (RFC 8698, section 4.3, without any: 0).
    pub rmin: Option<Bitrate>,
    /// Highest rate of the encoder. The signal settles at prio * xref * rmax /
    /// rate. Unset: that of the streams and the application (RFC 8698, section
    /// 4.3, without any: 3 Mbps).
    pub rmax: Option<Bitrate>,
    /// Reference congestion level (10 ms).
    pub xref: Span,
    /// Scale of the gradual update (0.5).
    pub kappa: f64,
    /// Scale of the signal's change in the gradual update (2.0).
    pub eta: f64,
    /// Upper bound of the round trip that the gradual update is stable for
    /// (500 ms).
    pub tau: Span,
    /// Time between reports, and rate updates (100 ms).
    pub delta: Span,
    /// The time between reports counts at most that much in an update, for
    /// after a silence (500 ms; RFC 8698 has no bound).
    pub max_delta: Span,
    /// Window in which loss, marks and the receiving rate are measured
    /// (500 ms).
    pub logwin: Span,
    /// Queueing delay from which ramp-up ends (10 ms).
    pub qeps: Span,
    /// Bound on the delay of filtering, in the ramp-up (120 ms).
    pub dfilt: Span,
    /// Most that ramp-up may add to the receiving rate, as a share of it (0.5).
    pub gamma_max: f64,
    /// Bound on the queueing delay that ramp-up may cause (50 ms).
    pub qbound: Span,
    /// Mean loss intervals after a loss until delay counts in full again (7.0).
    pub multiloss: f64,
    /// Whether the interval since the last loss is part of the mean (false; RFC
    /// 8698 to the letter, and ns3-rmcat: true, so that warping never ends once
    /// a packet was lost).
    pub open_loss_interval: bool,
    /// Queueing delay beyond which delay is warped while packets get lost
    /// (50 ms).
    pub qth: Span,
    /// Exponent of the warping (0.5).
    pub lambda: f64,
    /// Loss ratio at which the penalty is `dloss` (0.01).
    pub plrref: f64,
    /// Marking ratio at which the penalty is `dmark` (0.01).
    pub pmrref: f64,
    /// Penalty at the reference loss ratio (10 ms).
    pub dloss: Span,
    /// Penalty at the reference marking ratio (2 ms).
    pub dmark: Span,
    /// Largest signal (3276.7 ms, what the report of RFC 8698, section 5.3 can
    /// hold; ns3-rmcat: 500 ms).
    pub xmax: Span,
    /// Frames per second, with which a backlog becomes a rate (30).
    pub fps: f64,
    /// Share of the backlog's rate that the encoder goes below (0.1).
    pub beta_v: f64,
    /// Share of the backlog's rate that sending goes above (0.1).
    pub beta_s: f64,
    /// Weight of a report in the smoothed loss and marking ratios (0.1).
    pub alpha: f64,
    /// Packets over which the least queueing delay counts (15; RFC 8698,
    /// section 5.1.1).
    pub min_filter: u32,
    /// Minutes over which the base delay is the least one (10; RFC 8698 speaks
    /// of tens of minutes).
    pub base_minutes: u32,
    /// Whether packets are sent as ECN-capable, ECT(0) (false).
    pub ecn: bool,
}

impl Default for Nada {
    fn default() -> Self {
        Self {
            prio: 1.0,
            rmin: None,
            rmax: None,
            xref: Span::from_millis(10),
            kappa: 0.5,
            eta: 2.0,
            tau: Span::from_millis(500),
            delta: Span::from_millis(100),
            max_delta: Span::from_millis(500),
            logwin: Span::from_millis(500),
            qeps: Span::from_millis(10),
            dfilt: Span::from_millis(120),
            gamma_max: 0.5,
            qbound: Span::from_millis(50),
            multiloss: 7.0,
            open_loss_interval: false,
            qth: Span::from_millis(50),
            lambda: 0.5,
            plrref: 0.01,
            pmrref: 0.01,
            dloss: Span::from_millis(10),
            dmark: Span::from_millis(2),
            xmax: Span::from_micros(3_276_700),
            fps: 30.0,
            beta_v: 0.1,
            beta_s: 0.1,
            alpha: 0.1,
            min_filter: 15,
            base_minutes: 10,
            ecn: false,
        }
    }
}

impl Plugin for Nada {
    type Kind = CongestionControl;
    const NAME: &'static str = "nada";
    const SUMMARY: &'static str =
        "NADA (RFC 8698): one congestion signal out of queueing delay, loss and marks";
    const REFERENCES: &'static [&'static str] = &[
        "RFC 8698 (NADA)",
        "RFC 5348, section 5.4 (average loss interval)",
        "ns3-rmcat model/congestion-control, 2020 (second reading)",
    ];

    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn CongestionController>, BuildError> {
        self.validate()?;
        Ok(Box::new(controller::Controller::new(self)))
    }
}

impl Nada {
    fn validate(&self) -> Result<(), BuildError> {
        for (name, span) in [
            ("xref", self.xref),
            ("tau", self.tau),
            ("delta", self.delta),
            ("max_delta", self.max_delta),
            ("logwin", self.logwin),
            ("qth", self.qth),
            ("xmax", self.xmax),
        ] {
            if !(Span::from_millis(1)..=Span::from_secs(60)).contains(&span) {
                return Err(BuildError::field(name, "expected 1ms to 60s"));
            }
        }
        for (name, value, least, most) in [
            ("prio", self.prio, 1e-3, 1e3),
            ("kappa", self.kappa, 0.0, 10.0),
            ("eta", self.eta, 0.0, 100.0),
            ("gamma_max", self.gamma_max, 0.0, 10.0),
            ("multiloss", self.multiloss, 0.0, 1e6),
            ("lambda", self.lambda, 0.0, 100.0),
            ("plrref", self.plrref, 1e-6, 1.0),
            ("pmrref", self.pmrref, 1e-6, 1.0),
            ("fps", self.fps, 0.0, 1e3),
            ("beta_v", self.beta_v, 0.0, 10.0),
            ("beta_s", self.beta_s, 0.0, 10.0),
            ("alpha", self.alpha, 0.0, 1.0),
            ("min_filter", f64::from(self.min_filter), 1.0, 1e3),
            ("base_minutes", f64::from(self.base_minutes), 1.0, 1e3),
        ] {
            if !(least..=most).contains(&value) {
                let message = format!("expected {least} to {most}, found {value}");
                return Err(BuildError::field(name, message));
            }
        }
        match (self.rmin, self.rmax) {
            (_, Some(rmax)) if rmax.is_zero() => {
                Err(BuildError::field("rmax", "expected a bit rate above zero"))
            }
            (Some(rmin), Some(rmax)) if rmin > rmax => {
                Err(BuildError::field("rmin", "expected at most rmax"))
            }
            _ => Ok(()),
        }
    }
}
