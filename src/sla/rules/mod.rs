//! Pure decisions about service levels.
mod calendar;
mod clock;
mod duration;
mod exceptions;
mod holidays;
mod ledger;
mod outlook;
mod policy;

pub use calendar::*;
pub use clock::*;
pub use duration::*;
pub use exceptions::*;
pub use holidays::*;
pub use ledger::*;
pub use outlook::*;
pub use policy::*;

#[cfg(test)]
mod oracle;
