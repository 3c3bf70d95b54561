//! What tickets became.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use crate::db::schema::conversions;
use crate::kernel::TicketId;
use crate::tickets::rules::ConversionKind;

/// What a ticket became.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = conversions, check_for_backend(diesel::pg::Pg))]
pub struct Conversion {
    pub ticket_id: TicketId,
    pub became: ConversionKind,
    /// A [`crate::tickets::Lead`], [`crate::tickets::WorkOrder`] or [`crate::tickets::WorkflowMove`].
    pub details: Value,
    /// What somebody else calls it.
    pub reference: Option<String>,
    pub converted_by: Uuid,
    pub converted_by_name: String,
    pub converted_at: DateTime<Utc>,
}

pub fn insert_conversion(conn: &mut PgConnection, new: &Conversion) -> QueryResult<usize> {
    diesel::insert_into(conversions::table).values(new).execute(conn)
}

/// Those of these tickets.
pub fn conversions(conn: &mut PgConnection, tickets: &[TicketId]) -> QueryResult<Vec<Conversion>> {
    conversions::table
        .filter(conversions::ticket_id.eq_any(tickets))
        .select(Conversion::as_select())
        .load(conn)
}

pub fn conversion(conn: &mut PgConnection, ticket: TicketId) -> QueryResult<Option<Conversion>> {
    conversions::table.find(ticket).select(Conversion::as_select()).first(conn).optional()
}
