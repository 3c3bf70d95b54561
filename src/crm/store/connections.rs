//! Connections, and who polls them.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Deserialize as _;
use serde_json::Value;
use uuid::Uuid;

use crate::crm::adapters::{self, Kind, Position, integration};
use crate::crm::probe::Findings;
use crate::crm::rules::{Flow, OUTAGE_AFTER, TRIAL};
use crate::crm::settings::Settings;
use crate::db::schema::crm_connections::{self as connections, dsl};
use crate::kernel::{AppError, ConnectionId, text_enum};

text_enum! {
    /// Whether a connection is at work.
    ConnectionState {
        Active = "active",
        /// Nothing is sent or read; what changes meanwhile waits.
        Paused = "paused",
    }
}

/// A connection to a CRM.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = connections, check_for_backend(diesel::pg::Pg))]
pub struct Connection {
    pub id: ConnectionId,
    pub name: String,
    pub kind: String,
    pub base_url: String,
    pub client_id: String,
    pub sealed_secret: Vec<u8>,
    pub settings: Value,
    pub state: ConnectionState,
    pub reason: Option<String>,
    pub watermark: DateTime<Utc>,
    pub feed_cursor: Option<String>,
    pub poll_fence: i64,
    pub failures: i32,
    pub not_before: Option<DateTime<Utc>>,
    pub last_success_at: Option<DateTime<Utc>>,
    pub suspects: Vec<Uuid>,
    pub trial_until: Option<DateTime<Utc>>,
    pub allowed: Option<i32>,
    pub slowed_at: Option<DateTime<Utc>>,
    pub refused: bool,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// What the last probe found out; see [`Findings`].
    pub findings: Option<Value>,
    /// Why the CRM refuses to tell its changes.
    pub poll_error: Option<String>,
    pub poll_refused_since: Option<DateTime<Utc>>,
}

impl Connection {
    /// The kind of its CRM.
    pub fn kind(&self) -> Result<&'static Kind, AppError> {
        let unknown = || AppError::internal(anyhow::anyhow!("no such kind of CRM: {}", self.kind));
        adapters::kind(&self.kind).ok_or_else(unknown)
    }

    /// What differs from the defaults of its kind.
    pub fn settings(&self) -> Result<Settings, AppError> {
        Settings::deserialize(&self.settings).map_err(AppError::internal)
    }

    /// How it may be used.
    pub fn flow(&self) -> Result<Flow, AppError> {
        let limit = self.settings()?.concurrency.unwrap_or(self.kind()?.capabilities.concurrency);
        Ok(Flow {
            active: self.state == ConnectionState::Active,
            failures: self.failures,
            not_before: self.not_before,
            trial_until: self.trial_until,
            limit: i32::from(limit),
            allowed: self.allowed,
        })
    }

    /// What the last probe found out; nothing where there was none.
    pub fn findings(&self) -> Result<Findings, AppError> {
        let findings = self.findings.as_ref().map(Findings::deserialize).transpose();
        Ok(findings.map_err(AppError::internal)?.unwrap_or_default())
    }
}

pub fn insert_connection(conn: &mut PgConnection, new: &Connection) -> QueryResult<Connection> {
    diesel::insert_into(connections::table)
        .values((
            dsl::id.eq(new.id),
            dsl::name.eq(&new.name),
            dsl::kind.eq(&new.kind),
            dsl::base_url.eq(&new.base_url),
            dsl::client_id.eq(&new.client_id),
            dsl::sealed_secret.eq(&new.sealed_secret),
            dsl::settings.eq(&new.settings),
            dsl::watermark.eq(new.watermark),
        ))
        .returning(Connection::as_returning())
        .get_result(conn)
}

pub fn connection(conn: &mut PgConnection, id: ConnectionId) -> QueryResult<Option<Connection>> {
    connections::table.find(id).select(Connection::as_select()).first(conn).optional()
}

pub fn connection_by_name(conn: &mut PgConnection, name: &str) -> QueryResult<Option<Connection>> {
    let named = connections::table.filter(dsl::name.eq(name));
    named.select(Connection::as_select()).first(conn).optional()
}

/// Locks it against others who change it, and lets its mirrors be marked meanwhile.
pub fn lock_connection(
    conn: &mut PgConnection,
    id: ConnectionId,
) -> QueryResult<Option<Connection>> {
    let row = connections::table.find(id).for_no_key_update();
    row.select(Connection::as_select()).first(conn).optional()
}

pub fn connections(
    conn: &mut PgConnection,
    after: Option<Uuid>,
    backward: bool,
    limit: i64,
) -> QueryResult<Vec<Connection>> {
    let query = connections::table.select(Connection::as_select()).limit(limit).into_boxed();
    let query = match (after, backward) {
        (Some(id), true) => query.filter(dsl::id.lt(id)),
        (Some(id), false) => query.filter(dsl::id.gt(id)),
        (None, _) => query,
    };
    if backward { query.order(dsl::id.desc()).load(conn) } else { query.order(dsl::id).load(conn) }
}

/// Every connection, in the order of their ids. Each ticket has a mirror in each, so there are no more than people set up.
pub fn all_connections(conn: &mut PgConnection) -> QueryResult<Vec<Connection>> {
    connections::table.order(dsl::id).select(Connection::as_select()).load(conn)
}

/// Writes every column that a person can change.
pub fn save_connection(conn: &mut PgConnection, row: &Connection) -> QueryResult<Connection> {
    diesel::update(connections::table.find(row.id))
        .set((
            dsl::name.eq(&row.name),
            dsl::base_url.eq(&row.base_url),
            dsl::client_id.eq(&row.client_id),
            dsl::sealed_secret.eq(&row.sealed_secret),
            dsl::settings.eq(&row.settings),
            dsl::state.eq(row.state),
            dsl::reason.eq(&row.reason),
            dsl::failures.eq(row.failures),
            dsl::not_before.eq(row.not_before),
            dsl::suspects.eq(&row.suspects),
            dsl::trial_until.eq(row.trial_until),
            dsl::allowed.eq(row.allowed),
            dsl::refused.eq(row.refused),
            dsl::version.eq(dsl::version + 1),
            dsl::updated_at.eq(diesel::dsl::now),
        ))
        .returning(Connection::as_returning())
        .get_result(conn)
}

/// Every connection, locked against others who change it.
pub fn lock_connections(conn: &mut PgConnection) -> QueryResult<Vec<Connection>> {
    let rows = connections::table.order(dsl::id).select(Connection::as_select());
    rows.for_no_key_update().load(conn)
}

/// Replaces the sealed secrets in this table and column of ids; the rows are locked, and what was opened stays as it was.
pub fn replace_sealed(
    conn: &mut PgConnection,
    table: &'static str,
    id: &'static str,
    secrets: &[(ConnectionId, Vec<u8>)],
) -> QueryResult<usize> {
    let ids: Vec<Uuid> = secrets.iter().map(|(id, _)| id.0).collect();
    let sealed: Vec<&[u8]> = secrets.iter().map(|(_, sealed)| sealed.as_slice()).collect();
    diesel::sql_query(format!(
        "update {table} t set sealed_secret = new.sealed
           from unnest($1, $2) as new (id, sealed) where t.{id} = new.id"
    ))
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Binary>, _>(sealed)
    .execute(conn)
}

pub fn delete_connection(conn: &mut PgConnection, id: ConnectionId) -> QueryResult<usize> {
    diesel::delete(connections::table.find(id)).execute(conn)
}

/// Takes the lease on a connection that is due to be polled.
pub fn claim_poll(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    lease_until: DateTime<Utc>,
) -> QueryResult<Option<Connection>> {
    let due = connections::table
        .filter(dsl::state.eq(ConnectionState::Active))
        .filter(dsl::kind.ne(integration::KEY))
        .filter(dsl::poll_at.le(now))
        .filter(dsl::not_before.is_null().or(dsl::not_before.le(now).assume_not_null()))
        .filter(
            dsl::failures
                .lt(OUTAGE_AFTER)
                .or(dsl::trial_until.is_null())
                .or(dsl::trial_until.le(now).assume_not_null()),
        )
        .order(dsl::poll_at)
        .select(dsl::id)
        .for_no_key_update()
        .skip_locked()
        .first::<ConnectionId>(conn)
        .optional()?;
    let Some(id) = due else { return Ok(None) };
    diesel::update(connections::table.find(id))
        .set((
            dsl::poll_at.eq(lease_until),
            dsl::poll_fence.eq(dsl::poll_fence + 1),
            // During an outage it is the trial; otherwise nobody reads this.
            dsl::trial_until.eq(now + TRIAL),
        ))
        .returning(Connection::as_returning())
        .get_result(conn)
        .optional()
}

/// Renews the lease of a poll, or gives it up until `next`; false when it was lost meanwhile.
pub fn postpone_poll(
    conn: &mut PgConnection,
    id: ConnectionId,
    fence: i64,
    next: DateTime<Utc>,
) -> QueryResult<bool> {
    let held = connections::table.find(id).filter(dsl::poll_fence.eq(fence));
    Ok(diesel::update(held).set(dsl::poll_at.eq(next)).execute(conn)? == 1)
}

/// Ends a poll that has read up to `position`; false when the lease was lost meanwhile.
pub fn finish_poll(
    conn: &mut PgConnection,
    id: ConnectionId,
    fence: i64,
    position: &Position,
    next: DateTime<Utc>,
) -> QueryResult<bool> {
    let updated = diesel::sql_query(
        "update crm_connections set watermark = $3, feed_cursor = $4, poll_at = $5, poll_error = null, poll_refused_since = null,
           version = version + (poll_error is not null)::integer
          where id = $1 and poll_fence = $2",
    )
    .bind::<SqlUuid, _>(id.0)
    .bind::<BigInt, _>(fence)
    .bind::<Timestamptz, _>(position.time)
    .bind::<Nullable<Text>, _>(position.cursor.as_deref())
    .bind::<Timestamptz, _>(next)
    .execute(conn)?;
    Ok(updated == 1)
}

/// Ends a poll that the CRM refused for good; false when the lease was lost meanwhile.
pub fn refuse_poll(
    conn: &mut PgConnection,
    id: ConnectionId,
    fence: i64,
    error: &str,
    now: DateTime<Utc>,
    next: DateTime<Utc>,
) -> QueryResult<bool> {
    let updated = diesel::sql_query(
        "update crm_connections set poll_at = $5, poll_error = $3, poll_refused_since = coalesce(poll_refused_since, $4),
           version = version + (poll_error is distinct from $3)::integer
          where id = $1 and poll_fence = $2",
    )
    .bind::<SqlUuid, _>(id.0)
    .bind::<BigInt, _>(fence)
    .bind::<Text, _>(error)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(next)
    .execute(conn)?;
    Ok(updated == 1)
}

/// Keeps what a probe found out; the mirror goes by it from now on.
pub fn save_findings(
    conn: &mut PgConnection,
    id: ConnectionId,
    findings: &Value,
) -> QueryResult<usize> {
    diesel::update(connections::table.find(id))
        .set((dsl::findings.eq(findings), dsl::version.eq(dsl::version + 1)))
        .execute(conn)
}
