//! Statistics of long runs of the link's models against theory.
//!
//! ```text
//! cargo run --release -p weaknet-netem --example model_statistics [PACKETS]
//! ```
//! prints one line per model and quantity and exits with 1 when one of them is
//! more than 4.5 standard errors from theory. Seeds are fixed: the table is the
//! same on every machine.

mod delay;
mod distribution;
mod estimate;
mod hidden_chain;
mod loss;
mod rate;

use std::io::{self, Write};
use std::process::ExitCode;

use estimate::{Estimate, Fit};

/// How many standard errors are too many: by chance once in 147 000 quantities.
const FAR: f64 = 4.5;

/// A measured quantity of a model and what theory says.
struct Row {
    model: String,
    quantity: &'static str,
    theory: f64,
    measured: Estimate,
    /// How far the measured value is from theory, in standard errors.
    z: f64,
}

impl Row {
    /// A quantity whose estimate is nearly normal.
    fn new(model: &str, quantity: &'static str, theory: f64, measured: Estimate) -> Self {
        let off = measured.value - theory;
        let z = if off == 0.0 {
            0.0
        } else {
            off / measured.error
        };
        Self {
            model: model.to_owned(),
            quantity,
            theory,
            measured,
            z,
        }
    }

    /// Whether a distribution is that of theory.
    fn fit(model: &str, quantity: &'static str, fit: Fit) -> Self {
        Self {
            model: model.to_owned(),
            quantity,
            theory: fit.df,
            measured: fit.statistic,
            z: fit.z,
        }
    }

    fn is_far(&self) -> bool {
        self.z.is_nan() || self.z.abs() > FAR
    }
}

fn rows(packets: u64) -> Vec<Row> {
    let mut rows = loss::rows(packets);
    rows.extend(delay::rows(packets));
    rows.extend(rate::rows(packets));
    rows
}

fn print(out: &mut dyn Write, rows: &[Row]) -> io::Result<()> {
    writeln!(
        out,
        "{:<44} {:<22} {:>12} {:>12} {:>11} {:>10} {:>6}",
        "model", "quantity", "theory", "measured", "std. error", "eff. size", "z"
    )?;
    for row in rows {
        writeln!(
            out,
            "{:<44} {:<22} {:>12.7} {:>12.7} {:>11.7} {:>10.0} {:>6.2}{}",
            row.model,
            row.quantity,
            row.theory,
            row.measured.value,
            row.measured.error,
            row.measured.size,
            row.z,
            if row.is_far() { "  <-- far" } else { "" }
        )?;
    }
    let far = rows.iter().filter(|row| row.is_far()).count();
    writeln!(
        out,
        "{} quantities, {far} beyond {FAR} standard errors",
        rows.len()
    )
}

fn main() -> ExitCode {
    let packets = match std::env::args().nth(1).map(|text| text.parse()) {
        None => 10_000_000,
        Some(Ok(packets)) => packets,
        Some(Err(_)) => {
            let _ = writeln!(io::stderr(), "expected a number of packets");
            return ExitCode::from(2);
        }
    };
    let rows = rows(packets);
    if print(&mut io::stdout().lock(), &rows).is_err() || rows.iter().any(Row::is_far) {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_keeps_to_its_theory() {
        let rows = rows(200_000);
        let mut table = Vec::new();
        print(&mut table, &rows).unwrap();
        assert!(
            !rows.iter().any(Row::is_far),
            "{}",
            String::from_utf8_lossy(&table)
        );
    }

    #[test]
    fn a_wrong_value_is_far() {
        let row = |value, error| {
            let size = 1.0;
            Row::new("none", "loss rate", 0.5, Estimate { value, error, size })
        };
        assert!(!row(0.5, 0.0).is_far() && !row(0.54, 0.01).is_far());
        assert!(row(0.55, 0.01).is_far() && row(0.45, 0.01).is_far());
        assert!(row(0.500_001, 0.0).is_far() && row(f64::NAN, 0.1).is_far());
    }
}
