//! The leads that were made of tickets.
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::db::schema::crm_leads;
use crate::kernel::{ConnectionId, TicketId};

/// The CRM's id of the lead that was made of a ticket.
pub fn lead(
    conn: &mut PgConnection,
    connection: ConnectionId,
    ticket: TicketId,
) -> QueryResult<Option<String>> {
    let made = crm_leads::table.find((connection, ticket));
    made.select(crm_leads::remote_id).first(conn).optional()
}

/// The leads that were made of a ticket, by connection.
pub fn leads_of(
    conn: &mut PgConnection,
    ticket: TicketId,
) -> QueryResult<Vec<(ConnectionId, String)>> {
    crm_leads::table
        .filter(crm_leads::ticket_id.eq(ticket))
        .select((crm_leads::connection_id, crm_leads::remote_id))
        .load(conn)
}

/// Remembers the lead; one that is known stays.
pub fn remember_lead(
    conn: &mut PgConnection,
    connection: ConnectionId,
    ticket: TicketId,
    remote: &str,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    diesel::insert_into(crm_leads::table)
        .values((
            crm_leads::connection_id.eq(connection),
            crm_leads::ticket_id.eq(ticket),
            crm_leads::remote_id.eq(remote),
            crm_leads::created_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
}
