//! Use cases of reports: each reads, and changes nothing.
mod follow;
mod figures;
mod series;

pub use figures::*;
pub use follow::{follow, rebuild};
pub use series::Query;
