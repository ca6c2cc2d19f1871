//! The parameters of `tc qdisc add .. netem`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weaknet_core::{Bitrate, Bytes, Ratio, Span};

/// Parameters by the names of `tc`. Use it with `rate: unlimited` and without a
/// delay of the link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("examples" = [{"delay": "100ms", "jitter": "10ms", "loss": {"random": {"probability": "1%"}}}]))]
pub struct Netem {
    /// Packets that it holds at most, those on the delay line included: it must
    /// cover delay times rate. The default of `tc` is 1000.
    pub limit: u64,
    /// Delay of each packet.
    pub delay: Span,
    /// How far delays lie from `delay`: at most so much when uniform, in units
    /// of which a table counts otherwise. At most 2.147483647s.
    pub jitter: Span,
    /// Weight of the packet before in each draw of a delay. As in the kernel it
    /// has next to no effect: delays are made of the remainders of correlated
    /// draws, which are not correlated.
    pub delay_correlation: Ratio,
    /// How delays are distributed; `{table: FILE}` reads a table of iproute2.
    pub distribution: NetemDistribution,
    /// Which packets are lost: `{random: {..}}` with probability and correlation,
    /// `{state: {..}}` with p13, p31, p32, p23 and p14, or `{gemodel: {..}}` with
    /// p, r, one_minus_h and one_minus_k. None when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<NetemLoss>,
    /// Mark ECN-capable packets with congestion experienced instead of losing
    /// them.
    pub ecn: bool,
    /// Share of the packets that is copied.
    pub duplicate: Ratio,
    /// Weight of the packet before in whether one is copied; biased like that of
    /// loss.
    pub duplicate_correlation: Ratio,
    /// Share of the packets in which a bit is flipped.
    pub corrupt: Ratio,
    /// Weight of the packet before in whether one is damaged; biased like that
    /// of loss.
    pub corrupt_correlation: Ratio,
    /// Share of the packets that is sent at once instead of after the delay, of
    /// those that may. Needs a delay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reorder: Option<Ratio>,
    /// Weight of the packet before in whether one is sent at once; biased like
    /// that of loss.
    pub reorder_correlation: Ratio,
    /// Only every so many-th packet may be sent at once, at least 1; default 1.
    /// Needs `reorder`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<u32>,
    /// Rate at which packets are sent one after the other, at least 8bps;
    /// unlimited when absent. Counts whole bytes per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Bitrate>,
    /// Bytes that each packet has more on the line, or less when negative.
    pub packet_overhead: i32,
    /// Bytes of payload of the cells that packets are cut into (ATM: 48); 0: no
    /// cells.
    pub cell_size: u32,
    /// Bytes that each cell has more on the line (ATM: 5), or less when
    /// negative.
    pub cell_overhead: i32,
    /// Packets leave in groups, at times of their own; no slots when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot: Option<NetemSlot>,
}

impl Default for Netem {
    fn default() -> Self {
        Self {
            limit: 1_000,
            delay: Span::ZERO,
            jitter: Span::ZERO,
            delay_correlation: Ratio::ZERO,
            distribution: NetemDistribution::Uniform,
            loss: None,
            ecn: false,
            duplicate: Ratio::ZERO,
            duplicate_correlation: Ratio::ZERO,
            corrupt: Ratio::ZERO,
            corrupt_correlation: Ratio::ZERO,
            reorder: None,
            reorder_correlation: Ratio::ZERO,
            gap: None,
            rate: None,
            packet_overhead: 0,
            cell_size: 0,
            cell_overhead: 0,
            slot: None,
        }
    }
}

/// A distribution of delays around a mean, in units of the jitter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NetemDistribution {
    /// Between mean less jitter and mean plus jitter.
    #[default]
    Uniform,
    /// Normal, cut off at four jitters; the jitter is the standard deviation.
    Normal,
    /// Pareto with index 3, cut off: from two thirds of a jitter before to four
    /// after, standard deviation 0.82 jitters.
    Pareto,
    /// A quarter normal, three quarters Pareto: standard deviation 0.83 jitters.
    Paretonormal,
    /// A table in a file of iproute2's format.
    Table(String),
}

/// Which packets are lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NetemLoss {
    /// `loss random`: each packet with a probability.
    Random(NetemRandom),
    /// `loss state`: a Markov chain with four states.
    State(NetemState),
    /// `loss gemodel`: a Markov chain with a good and a bad state.
    Gemodel(NetemGemodel),
}

/// Losses of single packets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NetemRandom {
    /// Share of the packets that is lost when there is no correlation.
    pub probability: Ratio,
    /// Weight of the packet before. It makes losses rarer: 5% at 25% loses
    /// 0.19%; see the loss model `netem_compat`.
    pub correlation: Ratio,
}

/// Probabilities to go from one state to another: 1 passes between bursts, 2
/// passes within a burst, 3 is lost within a burst, 4 is lost alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NetemState {
    /// Probability that a burst begins.
    pub p13: Ratio,
    /// Probability that a burst ends after a lost packet; default 100% less
    /// `p13`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p31: Option<Ratio>,
    /// Probability that packets pass again, within the burst; default 0%.
    pub p32: Ratio,
    /// Probability that the next packet of the burst is lost; default 100%.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p23: Option<Ratio>,
    /// Probability of a single loss between bursts; default 0%.
    pub p14: Ratio,
}

/// Probabilities of the chain of Gilbert and Elliott.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NetemGemodel {
    /// Probability to go from good to bad.
    pub p: Ratio,
    /// Probability to go from bad to good; default 100% less `p`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r: Option<Ratio>,
    /// Loss in the bad state; default 100%.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_minus_h: Option<Ratio>,
    /// Loss in the good state; default 0%.
    pub one_minus_k: Ratio,
}

/// When groups of packets leave: uniform from `min` to `max` after the last
/// group, or `delay` spread by `jitter` as the distribution says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NetemSlot {
    /// Shortest time to the next group.
    pub min: Span,
    /// Longest time to the next group, `min` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Span>,
    /// A distribution instead of `min` and `max`; not `uniform`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution: Option<NetemDistribution>,
    /// Mean time to the next group, with a distribution.
    pub delay: Span,
    /// Spread of that time, with a distribution; at most 2.147483647s.
    pub jitter: Span,
    /// Packets of a group at most; 0: any number.
    pub packets: u32,
    /// Bytes after which a group ends; 0B: any number.
    pub bytes: Bytes,
}
