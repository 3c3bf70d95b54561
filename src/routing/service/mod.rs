//! Use cases of routing.
mod resolve;
mod table;

pub use resolve::{Decision, Route, When, decide, resolve};
pub use table::{Compared, change, compare, rows, versions};
