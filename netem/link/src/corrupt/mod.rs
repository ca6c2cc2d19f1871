//! Corruption models: in which packets a link flips bits.

mod bit_errors;
mod independent;

pub use bit_errors::BitErrors;
pub use independent::IndependentCorruption;

#[cfg(test)]
mod tests;
