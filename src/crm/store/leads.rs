//! The leads that were made of tickets.
use std::collections::HashMap;

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

/// The leads that were made of these tickets in a connection.
pub fn leads_in(
    conn: &mut PgConnection,
    connection: ConnectionId,
    tickets: &[TicketId],
) -> QueryResult<HashMap<TicketId, String>> {
    let made: Vec<(TicketId, String)> = crm_leads::table
        .filter(crm_leads::connection_id.eq(connection).and(crm_leads::ticket_id.eq_any(tickets)))
        .select((crm_leads::ticket_id, crm_leads::remote_id))
        .load(conn)?;
    Ok(made.into_iter().collect())
}

/// As [`remember_lead`], in place of one that is known.
pub fn set_lead(
    conn: &mut PgConnection,
    connection: ConnectionId,
    ticket: TicketId,
    remote: &str,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    remember_lead(conn, connection, ticket, remote, now)?;
    diesel::update(crm_leads::table.find((connection, ticket)))
        .set(crm_leads::remote_id.eq(remote))
        .execute(conn)
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
