//! Benchmarks of weaknet; see the folder `benches`.

pub mod feed;
