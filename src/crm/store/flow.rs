//! How much a connection is used, as the outcomes of its calls have it.
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::connections::{Connection, ConnectionState};
use crate::db::schema::crm_connections::{self as connections, dsl};
use crate::kernel::ConnectionId;

/// Pauses an active connection because its credentials, as of this version, were refused.
pub fn refuse(
    conn: &mut PgConnection,
    id: ConnectionId,
    version: i32,
    reason: &str,
) -> QueryResult<usize> {
    let tried = connections::table.find(id).filter(dsl::version.eq(version));
    diesel::update(tried.filter(dsl::state.eq(ConnectionState::Active)))
        .set((
            dsl::state.eq(ConnectionState::Paused),
            dsl::reason.eq(reason),
            dsl::refused.eq(true),
            dsl::version.eq(dsl::version + 1),
            dsl::updated_at.eq(diesel::dsl::now),
        ))
        .execute(conn)
}

/// Writes what a failure has changed.
pub fn save_flow(conn: &mut PgConnection, row: &Connection) -> QueryResult<usize> {
    diesel::update(connections::table.find(row.id))
        .set((
            dsl::failures.eq(row.failures),
            dsl::suspects.eq(&row.suspects),
            dsl::not_before.eq(row.not_before),
            dsl::trial_until.eq(row.trial_until),
            dsl::allowed.eq(row.allowed),
            dsl::slowed_at.eq(row.slowed_at),
        ))
        .execute(conn)
}

/// The CRM answered: an outage is over, and after it asked for fewer requests, every second that goes well allows one attempt
/// more at a time, up to `limit`. Written at most once a second: many mirrors share this row.
pub fn succeeded(
    conn: &mut PgConnection,
    id: ConnectionId,
    limit: i32,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    diesel::sql_query(
        "update crm_connections set failures = 0, suspects = '{}', trial_until = null,
           not_before = case when failures < $4 then not_before end, last_success_at = $3,
           allowed = case when last_success_at > $5 then allowed when allowed + 1 < $2 then allowed + 1 end
          where id = $1 and (failures > 0 or suspects <> '{}' or last_success_at is null or last_success_at <= $5)",
    )
    .bind::<SqlUuid, _>(id.0)
    .bind::<Integer, _>(limit)
    .bind::<Timestamptz, _>(now)
    .bind::<Integer, _>(crate::crm::rules::OUTAGE_AFTER)
    .bind::<Timestamptz, _>(now - TimeDelta::seconds(1))
    .execute(conn)
}

/// A trial ended without telling anything; the next can be made.
pub fn end_trial(conn: &mut PgConnection, id: ConnectionId) -> QueryResult<usize> {
    let none = None::<DateTime<Utc>>;
    diesel::update(connections::table.find(id)).set(dsl::trial_until.eq(none)).execute(conn)
}

/// Takes back what the first failures of an outage were counted as. Those that somebody works on are left out: waiting for
/// them could wait for ever.
pub fn refund(
    conn: &mut PgConnection,
    id: ConnectionId,
    tickets: &[Uuid],
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    diesel::sql_query(
        "update crm_mirrors set attempts = attempts - 1, next_attempt_at = least(next_attempt_at, $3)
          where (ticket_id, connection_id) in (
            select ticket_id, connection_id from crm_mirrors
             where connection_id = $1 and ticket_id = any($2) and attempts > 0 and error_class = 'transient'
               and state in ('pending', 'linked')
             for update skip locked)",
    )
    .bind::<SqlUuid, _>(id.0)
    .bind::<Array<SqlUuid>, _>(tickets)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
}

/// Attempts that ended alike in the same minute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    pub connection: ConnectionId,
    /// `converged`, or the class of the error.
    pub outcome: &'static str,
    /// Of what converged, as [`lag_class`](crate::crm::rules::lag_class) has it; 0 otherwise.
    pub lag_class: i32,
}

/// Adds to the counts of the minute that `now` is in; connections that are gone are left out.
pub fn add_outcomes(
    conn: &mut PgConnection,
    counts: &[(Outcome, i64)],
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let connections: Vec<Uuid> = counts.iter().map(|(of, _)| of.connection.0).collect();
    let outcomes: Vec<&str> = counts.iter().map(|(of, _)| of.outcome).collect();
    let classes: Vec<i32> = counts.iter().map(|(of, _)| of.lag_class).collect();
    let numbers: Vec<i64> = counts.iter().map(|(_, count)| *count).collect();
    diesel::sql_query(
        "insert into crm_outcomes as o (connection_id, minute, outcome, lag_class, count)
         select new.id, date_trunc('minute', $1), new.outcome, new.lag_class, new.count
           from unnest($2, $3, $4, $5) as new (id, outcome, lag_class, count)
           join crm_connections c on c.id = new.id
          order by new.id, new.outcome, new.lag_class
         on conflict (connection_id, minute, outcome, lag_class) do update set count = o.count + excluded.count",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<Array<SqlUuid>, _>(connections)
    .bind::<Array<Text>, _>(outcomes)
    .bind::<Array<Integer>, _>(classes)
    .bind::<Array<BigInt>, _>(numbers)
    .execute(conn)
}

/// Forgets the counts of before.
pub fn forget_outcomes(conn: &mut PgConnection, before: DateTime<Utc>) -> QueryResult<usize> {
    diesel::sql_query("delete from crm_outcomes where minute < $1")
        .bind::<Timestamptz, _>(before)
        .execute(conn)
}

/// How many attempts ended how.
#[derive(Debug, Clone, QueryableByName)]
pub struct Counted {
    #[diesel(sql_type = Text)]
    pub outcome: String,
    #[diesel(sql_type = Integer)]
    pub lag_class: i32,
    #[diesel(sql_type = BigInt)]
    pub count: i64,
}

/// The counts of a connection since a time, by outcome and class.
pub fn outcomes(
    conn: &mut PgConnection,
    id: ConnectionId,
    since: DateTime<Utc>,
) -> QueryResult<Vec<Counted>> {
    diesel::sql_query(
        "select outcome, lag_class, sum(count)::bigint as count from crm_outcomes
          where connection_id = $1 and minute >= $2 group by 1, 2 order by 1, 2",
    )
    .bind::<SqlUuid, _>(id.0)
    .bind::<Timestamptz, _>(since)
    .load(conn)
}

/// What monitoring is told of a connection.
#[derive(Debug, Clone, QueryableByName)]
pub struct Figures {
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Integer)]
    pub failures: i32,
    #[diesel(sql_type = BigInt)]
    pub backlog: i64,
    #[diesel(sql_type = BigInt)]
    pub parked: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub oldest: Option<DateTime<Utc>>,
}

pub fn figures(conn: &mut PgConnection) -> QueryResult<Vec<Figures>> {
    diesel::sql_query(
        "select c.name, c.failures, due.backlog, due.oldest,
                (select count(*) from crm_mirrors m where m.connection_id = c.id and m.state = 'parked') as parked
           from crm_connections c cross join lateral (
             select count(*) as backlog, min(dirty_since) as oldest from crm_mirrors m
              where m.connection_id = c.id and m.dirty_since is not null and m.state in ('pending', 'linked')) due
          order by c.id",
    )
    .load(conn)
}
