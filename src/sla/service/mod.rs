//! Use cases of service levels. Each is called inside one transaction and reads as: lock, decide, write, tell.
mod book;
mod calendars;
mod escalate;
mod hours;
mod policies;
mod preview;
mod read;
mod sweep;
mod track;

use diesel::result::Error as DieselError;

pub use calendars::*;
pub use hours::MeasuredBy;
pub use policies::*;
pub use preview::{Effect, Moved, Proposal, preview};
pub use read::{Explained, explain, tell_of_delay};
pub use sweep::tell_next;
pub use track::{derive_some, mark_stale, postpone_first, speaker};

use crate::db::violated;
use crate::kernel::AppError;

/// Gives the constraints of this feature's tables their names in the contract.
fn named(error: DieselError) -> AppError {
    match violated(&error) {
        Some("sla_policies_name") => {
            AppError::conflict("name_taken", "another policy has this name")
        }
        Some("calendars_name") => {
            AppError::conflict("name_taken", "another calendar has this name")
        }
        Some("sla_policies_calendar_id_fkey") => {
            AppError::field("/calendar_id", "there is no such calendar")
        }
        _ => error.into(),
    }
}
