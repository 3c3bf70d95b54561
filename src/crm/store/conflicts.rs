//! Recorded conflicts.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::protocol::lock_mirror;
use crate::crm::case::Field;
use crate::crm::merge::Side;
use crate::db::schema::crm_conflicts::{self as conflicts, dsl};
use crate::kernel::{ConflictId, ConnectionId, TicketId};

/// A field where one side's value gave way, or is to.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = conflicts, check_for_backend(diesel::pg::Pg))]
pub struct Conflict {
    pub id: ConflictId,
    pub ticket_id: TicketId,
    pub connection_id: ConnectionId,
    pub field: Field,
    pub base: Option<String>,
    pub desk: String,
    pub crm: String,
    pub winner: Option<Side>,
    pub policy: String,
    pub reason: Option<String>,
    pub losing_value: Option<String>,
    pub decision: Option<Side>,
    pub created_at: DateTime<Utc>,
    pub resolved_at: Option<DateTime<Utc>>,
    /// The desk's value in the desk's own words: a code or an id.
    pub desk_own: Option<String>,
    pub suspected_lost_update: bool,
    pub decided_by: Option<String>,
    pub decided_at: Option<DateTime<Utc>>,
    pub restored_by: Option<String>,
    pub restored_at: Option<DateTime<Utc>>,
}

/// Records a conflict; one that is open for this field is brought up to date, or resolved. Returns it when it is news. The
/// caller holds the mirror.
pub fn record_conflict(conn: &mut PgConnection, new: &Conflict) -> QueryResult<Option<Conflict>> {
    let open = conflicts::table
        .filter(dsl::ticket_id.eq(new.ticket_id).and(dsl::connection_id.eq(new.connection_id)))
        .filter(dsl::field.eq(new.field).and(dsl::resolved_at.is_null()))
        .select(Conflict::as_select());
    let Some(open) = open.first(conn).optional()? else {
        let row = diesel::insert_into(conflicts::table).values(new);
        return row.returning(Conflict::as_returning()).get_result(conn).map(Some);
    };
    let same = (&open.desk, &open.crm, open.winner) == (&new.desk, &new.crm, new.winner);
    if same && new.resolved_at.is_none() {
        return Ok(None);
    }
    diesel::update(conflicts::table.find(open.id))
        .set((
            dsl::base.eq(&new.base),
            dsl::desk.eq(&new.desk),
            dsl::crm.eq(&new.crm),
            dsl::winner.eq(new.winner),
            dsl::policy.eq(&new.policy),
            dsl::reason.eq(&new.reason),
            dsl::losing_value.eq(&new.losing_value),
            dsl::resolved_at.eq(new.resolved_at),
            dsl::desk_own.eq(&new.desk_own),
            dsl::suspected_lost_update.eq(new.suspected_lost_update),
        ))
        .returning(Conflict::as_returning())
        .get_result(conn)
        .map(Some)
}

/// The conflicts of these tickets in a connection that still matter: the open ones, and those whose losing value was restored.
pub fn live_conflicts(
    conn: &mut PgConnection,
    connection: ConnectionId,
    tickets: &[TicketId],
) -> QueryResult<Vec<Conflict>> {
    conflicts::table
        .filter(dsl::ticket_id.eq_any(tickets).and(dsl::connection_id.eq(connection)))
        .filter(dsl::resolved_at.is_null().or(dsl::restored_at.is_not_null()))
        .select(Conflict::as_select())
        .load(conn)
}

/// The open conflicts of a ticket, newest first: at most one for each field and connection.
pub fn open_conflicts(conn: &mut PgConnection, ticket: TicketId) -> QueryResult<Vec<Conflict>> {
    conflicts::table
        .filter(dsl::ticket_id.eq(ticket).and(dsl::resolved_at.is_null()))
        .order(dsl::id.desc())
        .select(Conflict::as_select())
        .load(conn)
}

/// Closes the open conflicts of a mirror, except those in `held`: the sides agree by now, as was decided where somebody did.
pub fn close_conflicts(
    conn: &mut PgConnection,
    ticket: TicketId,
    connection: ConnectionId,
    held: &[Field],
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let held: Vec<&str> = held.iter().map(|field| field.as_str()).collect();
    diesel::sql_query(
        "update crm_conflicts set resolved_at = $4, winner = decision,
           losing_value = case decision when 'desk' then crm when 'crm' then desk end
          where ticket_id = $1 and connection_id = $2 and resolved_at is null and field <> all($3)",
    )
    .bind::<SqlUuid, _>(ticket.0)
    .bind::<SqlUuid, _>(connection.0)
    .bind::<Array<Text>, _>(held)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
}

pub fn conflict(conn: &mut PgConnection, id: ConflictId) -> QueryResult<Option<Conflict>> {
    conflicts::table.find(id).select(Conflict::as_select()).first(conn).optional()
}

/// The conflict, locked behind its mirror and its ticket, as the engine locks them.
pub fn lock_conflict(conn: &mut PgConnection, id: ConflictId) -> QueryResult<Option<Conflict>> {
    let mirror = conflicts::table.find(id).select((dsl::ticket_id, dsl::connection_id));
    let mirror: Option<(TicketId, ConnectionId)> = mirror.first(conn).optional()?;
    let Some((ticket, connection)) = mirror else { return Ok(None) };
    lock_mirror(conn, ticket, connection)?;
    let row = conflicts::table.find(id).for_update();
    row.select(Conflict::as_select()).first(conn).optional()
}

pub fn decide_conflict(
    conn: &mut PgConnection,
    id: ConflictId,
    winner: Side,
    by: &str,
    now: DateTime<Utc>,
) -> QueryResult<Conflict> {
    diesel::update(conflicts::table.find(id))
        .set((dsl::decision.eq(winner), dsl::decided_by.eq(by), dsl::decided_at.eq(now)))
        .returning(Conflict::as_returning())
        .get_result(conn)
}

/// Records that the losing value was put back.
pub fn mark_restored(
    conn: &mut PgConnection,
    id: ConflictId,
    by: &str,
    now: DateTime<Utc>,
) -> QueryResult<Conflict> {
    diesel::update(conflicts::table.find(id))
        .set((dsl::restored_by.eq(by), dsl::restored_at.eq(now)))
        .returning(Conflict::as_returning())
        .get_result(conn)
}

/// Which conflicts are listed.
#[derive(Debug, Clone, Default)]
pub struct ConflictFilter {
    pub connection: Option<ConnectionId>,
    pub ticket: Option<TicketId>,
    pub open: Option<bool>,
}

/// A page of conflicts, newest first.
pub fn conflicts(
    conn: &mut PgConnection,
    filter: &ConflictFilter,
    after: Option<Uuid>,
    backward: bool,
    limit: i64,
) -> QueryResult<Vec<Conflict>> {
    let mut query = conflicts::table.select(Conflict::as_select()).limit(limit).into_boxed();
    if let Some(connection) = filter.connection {
        query = query.filter(dsl::connection_id.eq(connection));
    }
    if let Some(ticket) = filter.ticket {
        query = query.filter(dsl::ticket_id.eq(ticket));
    }
    query = match filter.open {
        Some(true) => query.filter(dsl::resolved_at.is_null()),
        Some(false) => query.filter(dsl::resolved_at.is_not_null()),
        None => query,
    };
    query = match (after, backward) {
        (Some(id), true) => query.filter(dsl::id.gt(id)),
        (Some(id), false) => query.filter(dsl::id.lt(id)),
        (None, _) => query,
    };
    if backward { query.order(dsl::id).load(conn) } else { query.order(dsl::id.desc()).load(conn) }
}
