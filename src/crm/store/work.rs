//! What is to be done: marks, claims, and outcomes. An outcome counts only while its attempt holds the lease.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use super::mirrors::{Mirror, MirrorState};
use crate::db::schema::crm_mirrors::{self as mirrors, dsl};
use crate::kernel::{ConnectionId, TicketId};

/// The rows that hold for the mirrors of any tickets: a deleted ticket's case is left alone, a restored or changed
/// ticket's is to be looked at, and what was parked gets another chance.
const ON_CONFLICT: &str = "
    on conflict (ticket_id, connection_id) do update set
      state = case
        when excluded.state = 'detached' then 'detached'
        when m.state = 'detached' and m.error_class = 'gone' then 'deleted'
        when m.state in ('detached', 'parked') and m.error_class is distinct from 'gone'
          then case when m.remote_id is null then 'pending' else 'linked' end
        else m.state end,
      dirty_since = case
        when excluded.state <> 'detached' then coalesce(m.dirty_since, excluded.dirty_since) end,
      dirty_seq = m.dirty_seq + 1, priority = 0,
      attempts = case when m.state = 'parked' then 0 else m.attempts end,
      next_attempt_at = least(m.next_attempt_at, now())";

/// Marks the mirrors of these tickets in every connection; makes those that are missing.
pub fn mark_tickets(conn: &mut PgConnection, tickets: &[TicketId]) -> QueryResult<usize> {
    let since: Vec<_> = tickets.iter().map(|ticket| (*ticket, None)).collect();
    mark_changed(conn, &since)
}

/// As [`mark_tickets`], with the time of the change where it was not now.
pub fn mark_changed(
    conn: &mut PgConnection,
    tickets: &[(TicketId, Option<DateTime<Utc>>)],
) -> QueryResult<usize> {
    let ids: Vec<Uuid> = tickets.iter().map(|(id, _)| id.0).collect();
    let since: Vec<Option<DateTime<Utc>>> = tickets.iter().map(|(_, since)| *since).collect();
    diesel::sql_query(format!(
        "insert into crm_mirrors as m (ticket_id, connection_id, state, dirty_since, dirty_seq)
         select t.id, c.id, case when t.deleted_at is null then 'pending' else 'detached' end,
                case when t.deleted_at is null then coalesce(changed.since, now()) end, 1
           from unnest($1, $2) as changed (id, since)
           join tickets t on t.id = changed.id cross join crm_connections c
          where t.category <> 'draft'
          order by t.id, c.id {ON_CONFLICT}"
    ))
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Nullable<Timestamptz>>, _>(since)
    .execute(conn)
}

/// Marks the mirrors of these cases; `full` compares their notes and contacts too.
pub fn mark_cases(
    conn: &mut PgConnection,
    connection: ConnectionId,
    cases: &[String],
    full: bool,
) -> QueryResult<usize> {
    diesel::sql_query(
        "update crm_mirrors m set
           state = case when m.state = 'parked' and m.error_class is distinct from 'gone' then 'linked' else m.state end,
           attempts = case when m.state = 'parked' then 0 else m.attempts end,
           dirty_since = coalesce(m.dirty_since, now()), dirty_seq = m.dirty_seq + 1, priority = 0,
           full_check = m.full_check or $3, next_attempt_at = least(m.next_attempt_at, now())
          where m.connection_id = $1 and m.ticket_id in (
            select ticket_id from crm_mirrors
             where connection_id = $1 and remote_id = any($2) and state in ('linked', 'parked')
             order by ticket_id for update)",
    )
    .bind::<SqlUuid, _>(connection.0)
    .bind::<Array<Text>, _>(cases)
    .bind::<diesel::sql_types::Bool, _>(full)
    .execute(conn)
}

type Held = diesel::dsl::Filter<
    diesel::dsl::Find<mirrors::table, (TicketId, ConnectionId)>,
    diesel::dsl::Eq<dsl::fence, i64>,
>;

fn held(mirror: &Mirror) -> Held {
    mirrors::table
        .find((mirror.ticket_id, mirror.connection_id))
        .filter(dsl::fence.eq(mirror.fence))
}

/// Locks the row; returns the present state, or `None` when the lease was given back or another attempt has taken over.
pub fn hold(conn: &mut PgConnection, mirror: &Mirror) -> QueryResult<Option<MirrorState>> {
    let leased = held(mirror).filter(dsl::leased_until.is_not_null());
    leased.select(dsl::state).for_no_key_update().first(conn).optional()
}

/// Sets a new end of the lease; false when it was given back or another attempt has taken over.
pub fn renew(
    conn: &mut PgConnection,
    mirror: &Mirror,
    lease_until: DateTime<Utc>,
) -> QueryResult<bool> {
    let leased = held(mirror).filter(dsl::leased_until.is_not_null());
    Ok(diesel::update(leased).set(dsl::leased_until.eq(lease_until)).execute(conn)? == 1)
}

/// What a step of an attempt leaves behind.
#[derive(Debug, AsChangeset)]
#[diesel(table_name = mirrors, treat_none_as_null = true)]
pub struct Progress {
    pub state: MirrorState,
    pub remote_id: Option<String>,
    pub agreement: Value,
    pub sent: Option<Value>,
    pub provenance: Value,
    pub last_remote: Option<Value>,
    pub remote_modified_at: Option<DateTime<Utc>>,
    pub contact_synced: Option<Uuid>,
    pub notes_synced_up_to: i32,
    pub redacting: bool,
}

pub fn save_progress(
    conn: &mut PgConnection,
    mirror: &Mirror,
    progress: &Progress,
) -> QueryResult<usize> {
    diesel::update(held(mirror)).set(progress).execute(conn)
}

/// Everything is done that was to be done when the attempt began; what was marked since stays due.
pub fn finish(conn: &mut PgConnection, mirror: &Mirror, now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::sql_query(
        "update crm_mirrors set dirty_since = case when dirty_seq <> $4 then dirty_since end,
           full_check = full_check and dirty_seq <> $4, attempts = 0, leased_until = null, next_attempt_at = $5,
           last_error = null, error_class = null, failed_at = null, last_synced_at = $5
          where ticket_id = $1 and connection_id = $2 and fence = $3",
    )
    .bind::<SqlUuid, _>(mirror.ticket_id.0)
    .bind::<SqlUuid, _>(mirror.connection_id.0)
    .bind::<BigInt, _>(mirror.fence)
    .bind::<BigInt, _>(mirror.dirty_seq)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
}

/// How an attempt ended that did not finish.
#[derive(Debug, AsChangeset)]
#[diesel(table_name = mirrors)]
pub struct Setback {
    /// `None` leaves it as it is.
    pub state: Option<MirrorState>,
    pub attempts: i32,
    pub next_attempt_at: DateTime<Utc>,
    pub last_error: String,
    pub error_class: &'static str,
    pub failed_at: DateTime<Utc>,
}

/// Gives the lease back. A creation that was refused for good leaves no intent (`forget_sent`): nothing was written.
pub fn set_back(
    conn: &mut PgConnection,
    mirror: &Mirror,
    setback: &Setback,
    forget_sent: bool,
) -> QueryResult<usize> {
    let none = None::<DateTime<Utc>>;
    if forget_sent {
        let unlinked = held(mirror).filter(dsl::remote_id.is_null());
        diesel::update(unlinked).set(dsl::sent.eq(None::<Value>)).execute(conn)?;
    }
    diesel::update(held(mirror)).set((setback, dsl::leased_until.eq(none))).execute(conn)
}

/// Gives the lease back as if nothing had been tried.
pub fn release(
    conn: &mut PgConnection,
    mirror: &Mirror,
    next: DateTime<Utc>,
) -> QueryResult<usize> {
    let none = None::<DateTime<Utc>>;
    diesel::update(held(mirror))
        .set((dsl::leased_until.eq(none), dsl::next_attempt_at.eq(next)))
        .execute(conn)
}
