//! Recorded elevations.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::schema::elevations as e;
use crate::kernel::{ElevationId, Level, TicketId};
use crate::routing::LevelChange;

/// A change of a ticket's level.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = e, check_for_backend(diesel::pg::Pg))]
pub struct Elevation {
    pub id: ElevationId,
    pub ticket_id: TicketId,
    pub from_level: Level,
    pub to_level: Level,
    pub reason: String,
    pub tried: String,
    pub elevated_by: Uuid,
    pub elevated_by_name: String,
    pub elevated_at: DateTime<Utc>,
    pub kind: LevelChange,
    /// The version of the routing table, of what was routed.
    pub routing_version: Option<i32>,
}

pub fn insert_elevation(conn: &mut PgConnection, elevation: &Elevation) -> QueryResult<usize> {
    diesel::insert_into(e::table).values(elevation).execute(conn)
}

/// A ticket's elevations, oldest first; a ticket has few.
pub fn elevations(conn: &mut PgConnection, ticket: TicketId) -> QueryResult<Vec<Elevation>> {
    e::table
        .filter(e::ticket_id.eq(ticket))
        .order(e::id)
        .limit(100)
        .select(Elevation::as_select())
        .load(conn)
}
