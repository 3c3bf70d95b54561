//! Pure decisions about service levels.
mod calendar;
mod duration;
mod exceptions;
mod holidays;

pub use calendar::*;
pub use duration::*;
pub use exceptions::*;
pub use holidays::*;
