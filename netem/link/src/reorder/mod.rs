//! Reordering models: which packets leave their place in the order.

mod behind;
mod early;
mod late;

pub use behind::Behind;
pub use early::Early;
pub use late::Late;

#[cfg(test)]
mod tests;
