//! How much netem's correlated loss really loses.

/// Points of the grid from 0 to 1.
const GRID: usize = 4_096;
/// Iterations, of which the closest correlation to 1 may need so many.
const MOST: usize = 20_000;

/// The share of packets that is lost when netem is given this probability and
/// this correlation, both from 0 to 1. With a correlation of 1 all packets share
/// one draw; on average the probability holds then.
///
/// The numbers x = (1 - rho) U + rho x' have a distribution F that does not
/// change from packet to packet: F(x) is the mean of F(y / rho) over y from
/// x - (1 - rho) to x. It is found by iteration from the uniform one on a grid,
/// and the loss is F at the probability.
///
/// ```
/// let lost = weaknet_netem::loss::actual_loss(0.05, 0.25);
/// assert!((lost - 0.0020).abs() < 0.0001);
/// ```
#[must_use]
pub fn actual_loss(probability: f64, correlation: f64) -> f64 {
    let (p, rho) = (probability.clamp(0.0, 1.0), correlation.clamp(0.0, 1.0));
    // Closer to 0 or 1 than the grid can tell: uniform.
    if rho < 1e-6 || rho > 1.0 - 1.0 / GRID as f64 {
        return p;
    }
    let mut f: Vec<f64> = (0..=GRID).map(|i| i as f64 / GRID as f64).collect();
    for _ in 0..MOST {
        let next = Primitive::of(&f).moved(rho);
        let change = f
            .iter()
            .zip(&next)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        f = next;
        if change < 1e-11 {
            break;
        }
    }
    at(&f, p)
}

/// The value at `x` between two points of the grid.
fn at(f: &[f64], x: f64) -> f64 {
    let place = x.clamp(0.0, 1.0) * GRID as f64;
    let below = (place as usize).min(GRID - 1);
    f[below] + (place - below as f64) * (f[below + 1] - f[below])
}

/// The integral of a distribution from 0 on.
struct Primitive(Vec<f64>);

impl Primitive {
    fn of(f: &[f64]) -> Self {
        let mut sum = 0.0;
        let mut integral = vec![0.0];
        integral.extend(f.windows(2).map(|pair| {
            sum += (pair[0] + pair[1]) / (2 * GRID) as f64;
            sum
        }));
        Self(integral)
    }

    /// The integral to `x`; the distribution is 0 below 0 and 1 above 1.
    fn to(&self, x: f64) -> f64 {
        if x <= 0.0 {
            0.0
        } else if x >= 1.0 {
            self.0[GRID] + (x - 1.0)
        } else {
            at(&self.0, x)
        }
    }

    /// The distribution one packet later.
    fn moved(&self, rho: f64) -> Vec<f64> {
        let new = 1.0 - rho;
        (0..=GRID)
            .map(|i| {
                let x = i as f64 / GRID as f64;
                rho / new * (self.to(x / rho) - self.to((x - new) / rho))
            })
            .collect()
    }
}
