//! What is to be done: marks, claims, and outcomes. An outcome counts only while its attempt holds the lease.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use super::mirrors::{Mirror, MirrorState};
use crate::crm::adapters::integration;
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
        when excluded.state <> 'detached' then coalesce(m.dirty_since, now()) end,
      dirty_seq = m.dirty_seq + 1,
      next_attempt_at = least(m.next_attempt_at, now())";

/// Marks the mirrors of these tickets in every connection; makes those that are missing.
pub fn mark_tickets(conn: &mut PgConnection, tickets: &[TicketId]) -> QueryResult<usize> {
    let ids: Vec<Uuid> = tickets.iter().map(|id| id.0).collect();
    diesel::sql_query(format!(
        "insert into crm_mirrors as m (ticket_id, connection_id, state, dirty_since, dirty_seq)
         select t.id, c.id, case when t.deleted_at is null then 'pending' else 'detached' end,
                case when t.deleted_at is null then now() end, 1
           from tickets t cross join crm_connections c
          where t.id = any($1) and t.category <> 'draft'
          order by t.id, c.id {ON_CONFLICT}"
    ))
    .bind::<Array<SqlUuid>, _>(ids)
    .execute(conn)
}

/// Makes and marks the mirrors of all submitted tickets that have none in this connection.
pub fn backfill(conn: &mut PgConnection, connection: ConnectionId) -> QueryResult<usize> {
    diesel::sql_query(
        "insert into crm_mirrors (ticket_id, connection_id, dirty_since, dirty_seq)
         select t.id, $1, now(), 1 from tickets t
          where t.category <> 'draft' and t.deleted_at is null
         on conflict do nothing",
    )
    .bind::<SqlUuid, _>(connection.0)
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
           dirty_since = coalesce(m.dirty_since, now()), dirty_seq = m.dirty_seq + 1,
           full_check = m.full_check or $3, next_attempt_at = least(m.next_attempt_at, now())
          where m.connection_id = $1 and m.remote_id = any($2) and m.state in ('linked', 'parked')",
    )
    .bind::<SqlUuid, _>(connection.0)
    .bind::<Array<Text>, _>(cases)
    .bind::<diesel::sql_types::Bool, _>(full)
    .execute(conn)
}

/// Marks every mirror that has a case, to compare everything; returns how many.
pub fn mark_all(conn: &mut PgConnection, connection: ConnectionId) -> QueryResult<usize> {
    diesel::sql_query(
        "update crm_mirrors m set dirty_since = coalesce(m.dirty_since, now()), dirty_seq = m.dirty_seq + 1,
           full_check = true, next_attempt_at = least(m.next_attempt_at, now())
          where m.connection_id = $1 and m.state in ('pending', 'linked')",
    )
    .bind::<SqlUuid, _>(connection.0)
    .execute(conn)
}

/// Takes the lease on up to `limit` mirrors that are due, the longest waiting first; what an integration works is left to
/// it.
pub fn claim(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    lease_until: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<Mirror>> {
    let due: Vec<Claimed> = diesel::sql_query(
        "update crm_mirrors set leased_until = $2, fence = fence + 1
          where (ticket_id, connection_id) in (
            select m.ticket_id, m.connection_id from crm_mirrors m join crm_connections c on c.id = m.connection_id
             where m.dirty_since is not null and m.state in ('pending', 'linked') and m.next_attempt_at <= $1
               and (m.leased_until is null or m.leased_until <= $1)
               and c.state = 'active' and c.kind <> $4 and (c.not_before is null or c.not_before <= $1)
             order by m.next_attempt_at limit $3 for update of m skip locked)
          returning ticket_id, connection_id",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(lease_until)
    .bind::<BigInt, _>(limit)
    .bind::<Text, _>(integration::KEY)
    .load(conn)?;
    let (tickets, connections): (Vec<Uuid>, Vec<Uuid>) =
        due.iter().map(|row| (row.ticket_id, row.connection_id)).unzip();
    let claimed: Vec<Mirror> = mirrors::table
        .filter(dsl::ticket_id.eq_any(&tickets).and(dsl::connection_id.eq_any(&connections)))
        .select(Mirror::as_select())
        .load(conn)?;
    let ours = |mirror: &Mirror| {
        due.iter()
            .any(|d| (d.ticket_id, d.connection_id) == (mirror.ticket_id.0, mirror.connection_id.0))
    };
    Ok(claimed.into_iter().filter(ours).collect())
}

#[derive(QueryableByName)]
struct Claimed {
    #[diesel(sql_type = SqlUuid)]
    ticket_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    connection_id: Uuid,
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

/// Locks the row and renews the lease; returns the present state, or `None` when the lease was given back or another
/// attempt has taken over.
pub fn hold(
    conn: &mut PgConnection,
    mirror: &Mirror,
    lease_until: DateTime<Utc>,
) -> QueryResult<Option<MirrorState>> {
    diesel::update(held(mirror).filter(dsl::leased_until.is_not_null()))
        .set(dsl::leased_until.eq(lease_until))
        .returning(dsl::state)
        .get_result(conn)
        .optional()
}

/// What a step of an attempt leaves behind.
#[derive(Debug, AsChangeset)]
#[diesel(table_name = mirrors, treat_none_as_null = true)]
pub struct Progress {
    pub state: MirrorState,
    pub remote_id: Option<String>,
    pub agreement: Value,
    pub sent: Option<Value>,
    pub last_remote: Option<Value>,
    pub remote_modified_at: Option<DateTime<Utc>>,
    pub contact_synced: Option<Uuid>,
    pub notes_synced_up_to: i32,
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
           last_error = null, error_class = null, last_synced_at = $5
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
