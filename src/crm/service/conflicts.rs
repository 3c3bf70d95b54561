//! Conflicts, listed.
use diesel::PgConnection;
use serde_json::Value;

use super::after;
use crate::crm::store::{self, Conflict, ConflictFilter};
use crate::kernel::{AppError, Page, PageRequest};

pub fn conflicts(
    conn: &mut PgConnection,
    filter: &ConflictFilter,
    request: &PageRequest,
) -> Result<Page<Conflict>, AppError> {
    let (backward, limit) = (request.backward(), request.fetch());
    let rows = store::conflicts(conn, filter, after(request), backward, limit)?;
    Ok(request.page(rows, |row| (Value::Null, row.id.0)))
}
