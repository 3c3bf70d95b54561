//! Who works on what: an attempt begins with a lease on its mirror.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Integer, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::connections::{Connection, ConnectionState};
use super::mirrors::{Mirror, MirrorState};
use crate::crm::adapters::integration;
use crate::db::schema::{crm_connections as connections, crm_mirrors as mirrors};
use crate::kernel::ConnectionId;

/// What may be taken, of a mirror `m` at the time `$1`.
const DUE: &str =
    "m.dirty_since is not null and m.state in ('pending', 'linked') and m.next_attempt_at <= $1
    and (m.leased_until is null or m.leased_until <= $1)";

/// What is taken first: changes before what a job marked.
const ORDER: &str = "m.priority, m.next_attempt_at";

/// The active connections that have mirrors that are due and need not wait, locked against others who claim: they are
/// skipped when somebody else is at it.
pub fn lock_ready(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<Vec<Connection>> {
    let due = mirrors::table
        .filter(mirrors::connection_id.eq(connections::id))
        .filter(mirrors::dirty_since.is_not_null().and(mirrors::next_attempt_at.le(now)))
        .filter(mirrors::state.eq_any([MirrorState::Pending, MirrorState::Linked]))
        .filter(
            mirrors::leased_until.is_null().or(mirrors::leased_until.le(now).assume_not_null()),
        );
    connections::table
        .filter(connections::state.eq(ConnectionState::Active))
        // What an integration works is left to it.
        .filter(connections::kind.ne(integration::KEY))
        .filter(
            connections::not_before.is_null().or(connections::not_before.le(now).assume_not_null()),
        )
        .filter(diesel::dsl::exists(due))
        .order(connections::id)
        .select(Connection::as_select())
        .for_no_key_update()
        .skip_locked()
        .load(conn)
}

/// How much of a connection's work may be taken.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    pub connection: ConnectionId,
    /// Mirrors that may be leased at a time, in all processes.
    pub slots: i32,
    /// Mirrors to take at the most.
    pub most: i32,
}

/// Takes the lease on mirrors that are due, the longest waiting of each connection first, as long as there is room.
pub fn take(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    lease_until: DateTime<Utc>,
    rooms: &[Room],
) -> QueryResult<Vec<Mirror>> {
    let ids: Vec<Uuid> = rooms.iter().map(|room| room.connection.0).collect();
    let slots: Vec<i32> = rooms.iter().map(|room| room.slots).collect();
    let most: Vec<i32> = rooms.iter().map(|room| room.most).collect();
    diesel::sql_query(format!(
        "with taken as materialized (
           select due.ticket_id, due.connection_id
             from unnest($3, $4, $5) as room (id, slots, most)
            cross join lateral (
              select m.ticket_id, m.connection_id from crm_mirrors m
               where m.connection_id = room.id and {DUE}
               order by {ORDER}
               limit least(room.most, greatest(0, room.slots - (
                 select count(*) from crm_mirrors l where l.connection_id = room.id and l.leased_until > $1)))
               for update of m skip locked) due)
         update crm_mirrors m set leased_until = $2, fence = m.fence + 1 from taken
          where m.ticket_id = taken.ticket_id and m.connection_id = taken.connection_id
         returning m.*"
    ))
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(lease_until)
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Integer>, _>(slots)
    .bind::<Array<Integer>, _>(most)
    .load(conn)
}

/// Only one attempt is made at each of these connections until its outcome is known, or until the time is over.
pub fn begin_trials(
    conn: &mut PgConnection,
    ids: &[ConnectionId],
    until: DateTime<Utc>,
) -> QueryResult<usize> {
    diesel::update(connections::table.filter(connections::id.eq_any(ids)))
        .set(connections::trial_until.eq(until))
        .execute(conn)
}
