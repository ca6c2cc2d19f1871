//! Linux netem as a queue discipline, with the semantics of the kernel: to redo
//! experiments made with `tc qdisc add .. netem`, and to compare with it.
//!
//! It holds packets on a delay line of its own, sorted by the time at which they
//! are to be sent, so it belongs on a link with `rate: unlimited` and no delay,
//! loss or other impairment; what those would do comes on top.
//!
//! Implements: sch_netem.c of Linux 6.18 and the parameters of iproute2's
//! `tc netem`; standards reference section 9. For each packet, in this order: 1. a
//! draw for a copy; 2. the loss model, which marks ECN-capable packets instead
//! if asked to; a packet that is both copied and lost goes on once; 3. damage, to
//! the packet and not to its copy; 4. tail drop, the packets on the delay line
//! included; 5. the copy comes in again from the top, but is never copied;
//! 6. reordering: the packet is sent at once, before all others; or else 7. delay
//! with jitter, then rate: the delay is used up while the packet waits behind
//! others. Probabilities and draws are whole numbers of 32 bits and are compared
//! as the kernel does; what `tc` refuses is refused.
//!
//! Differs: draws come in order from two of the run's random streams, the
//! second one for what the kernel takes from its entropy pool (place of damage,
//! length of slots, first number of correlated draws), so packets of different
//! algorithms do not meet the same fate, and `draws:` of the link has no say.
//! Damage hits a bit from the IP header on. Up to Linux 6.10 the copy came in
//! again before step 3.
//! Not modelled: child disciplines (an inner queue that keeps the order), GSO,
//! changes while it runs.

mod build;
mod chance;
mod config;
mod delay;
mod delay_line;
mod discipline;
mod loss;
mod rate;
mod slots;
mod table;

pub use config::{
    Netem, NetemDistribution, NetemGemodel, NetemLoss, NetemRandom, NetemSlot, NetemState,
};

#[cfg(test)]
mod tests;
