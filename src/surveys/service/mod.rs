//! Use cases of surveys.
mod answer;
mod ask;
mod read;

use diesel::PgConnection;

use super::store;
use crate::kernel::{AppError, Erasure, TicketId};

pub use answer::{answer_in_portal, answer_on_page};
pub use ask::ask_next;
pub use read::{Shown, list, of_ticket, show};

const NOT_FOUND: AppError = AppError::NotFound("the survey");

/// Takes a secret out of what was commented about a ticket, in the transaction that records the redaction.
pub fn erase(conn: &mut PgConnection, ticket: TicketId, erasure: &Erasure) -> Result<(), AppError> {
    Ok(store::erase(conn, ticket, erasure)?)
}
