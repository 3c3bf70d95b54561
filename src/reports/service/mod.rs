//! Use cases of reports: each reads, and changes nothing.
mod figures;
mod follow;
mod mirror;
mod series;

pub use figures::*;
pub use follow::{Followed, follow, rebuild};
pub use mirror::mirror_health;
pub use series::Query;
