//! Use cases of service levels. Each is called inside one transaction and reads as: lock, decide, write, tell.
mod calendars;

use diesel::result::Error as DieselError;

pub use calendars::*;

use crate::db::violated;
use crate::kernel::AppError;

/// Gives the constraints of this feature's tables their names in the contract.
fn named(error: DieselError) -> AppError {
    match violated(&error) {
        Some("calendars_name") => {
            AppError::conflict("name_taken", "another calendar has this name")
        }
        Some("sla_policies_calendar_id_fkey")
        | Some("sla_clocks_calendar_id_calendar_version_fkey") => {
            AppError::conflict("calendar_in_use", "a policy is measured, or was, by this calendar")
        }
        _ => error.into(),
    }
}
