//! Loss models: which packets a link loses.

mod bernoulli;
mod gilbert_elliott;
mod none;
mod trace;
mod windows;

pub use bernoulli::Bernoulli;
pub use gilbert_elliott::GilbertElliott;
pub use none::NoLoss;
pub use trace::{LossFormat, LossTrace};
pub use windows::{LossWindow, LossWindows};

use weaknet_core::{BuildError, Ratio};

/// Refuses what is no probability.
fn at_most_all(field: &str, ratio: Ratio) -> Result<(), BuildError> {
    if ratio > Ratio::ONE {
        return Err(BuildError::field(
            field,
            format!("expected at most 100%, found {ratio}"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
