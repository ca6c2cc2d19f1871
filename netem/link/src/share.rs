//! Probabilities as parameters.

use weaknet_core::{BuildError, Ratio};

/// Refuses what is no probability.
pub(crate) fn at_most_all(field: &str, ratio: Ratio) -> Result<(), BuildError> {
    if ratio > Ratio::ONE {
        return Err(BuildError::field(
            field,
            format!("expected at most 100%, found {ratio}"),
        ));
    }
    Ok(())
}
