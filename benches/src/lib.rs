//! Benchmarks of weaknet; see the folder `benches`.
