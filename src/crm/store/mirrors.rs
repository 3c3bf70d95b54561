//! Mirrors as they are read, listed and replayed.
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::links::forget_notes;
use crate::db::schema::crm_mirrors::{self as mirrors, dsl};
use crate::kernel::{ConnectionId, TicketId, text_enum};

text_enum! {
    /// Where the mirror of a ticket stands.
    MirrorState {
        /// There is no case yet.
        Pending = "pending",
        /// There is a case.
        Linked = "linked",
        /// Something has to be put right first; see the error.
        Parked = "parked",
        /// The ticket was deleted; the case stays as it is.
        Detached = "detached",
        /// The case was deleted in the CRM.
        Deleted = "deleted",
    }
}

/// The mirror of a ticket in a CRM.
#[derive(Debug, Clone, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = mirrors, check_for_backend(diesel::pg::Pg))]
pub struct Mirror {
    pub ticket_id: TicketId,
    pub connection_id: ConnectionId,
    pub state: MirrorState,
    pub remote_id: Option<String>,
    pub generation: i32,
    pub dirty_since: Option<DateTime<Utc>>,
    pub dirty_seq: i64,
    pub full_check: bool,
    pub agreement: Value,
    pub sent: Option<Value>,
    pub last_remote: Option<Value>,
    pub remote_modified_at: Option<DateTime<Utc>>,
    pub contact_synced: Option<Uuid>,
    pub notes_synced_up_to: i32,
    pub attempts: i32,
    pub fence: i64,
    pub last_error: Option<String>,
    pub error_class: Option<String>,
    pub next_attempt_at: DateTime<Utc>,
    pub last_synced_at: Option<DateTime<Utc>>,
    pub failed_at: Option<DateTime<Utc>>,
    /// By field; see [`crate::crm::provenance`].
    pub provenance: Value,
    /// The CRM may still have text that was taken out at the desk: what it shows of it is not stored.
    pub redacting: bool,
}

/// The mirrors of a ticket, one for each connection.
pub fn mirrors_of(conn: &mut PgConnection, ticket: TicketId) -> QueryResult<Vec<Mirror>> {
    let of_ticket = mirrors::table.filter(dsl::ticket_id.eq(ticket)).order(dsl::connection_id);
    of_ticket.select(Mirror::as_select()).load(conn)
}

/// The mirror of a ticket in a connection.
pub fn mirror(
    conn: &mut PgConnection,
    ticket: TicketId,
    connection: ConnectionId,
) -> QueryResult<Option<Mirror>> {
    mirrors::table.find((ticket, connection)).select(Mirror::as_select()).first(conn).optional()
}

/// The mirrors of these cases.
pub fn mirrors_of_cases(
    conn: &mut PgConnection,
    connection: ConnectionId,
    cases: &[String],
) -> QueryResult<Vec<Mirror>> {
    mirrors::table
        .filter(dsl::connection_id.eq(connection).and(dsl::remote_id.eq_any(cases)))
        .select(Mirror::as_select())
        .load(conn)
}

/// A page of a connection's mirrors, in the order of their tickets.
pub fn mirrors(
    conn: &mut PgConnection,
    connection: ConnectionId,
    state: Option<MirrorState>,
    after: Option<Uuid>,
    backward: bool,
    limit: i64,
) -> QueryResult<Vec<Mirror>> {
    let query = mirrors::table.filter(dsl::connection_id.eq(connection));
    let mut query = query.select(Mirror::as_select()).limit(limit).into_boxed();
    if let Some(state) = state {
        query = query.filter(dsl::state.eq(state));
    }
    query = match (after, backward) {
        (Some(id), true) => query.filter(dsl::ticket_id.lt(id)),
        (Some(id), false) => query.filter(dsl::ticket_id.gt(id)),
        (None, _) => query,
    };
    if backward {
        query.order(dsl::ticket_id.desc()).load(conn)
    } else {
        query.order(dsl::ticket_id).load(conn)
    }
}

/// Which parked or deleted items are to be tried again.
#[derive(Debug, Clone)]
pub struct Replay {
    pub state: MirrorState,
    pub error_class: Option<String>,
    pub ticket: Option<TicketId>,
    /// A part of the reason, in letters of any case.
    pub reason: Option<String>,
    /// Only what failed at this time or later.
    pub since: Option<DateTime<Utc>>,
}

impl Replay {
    /// The items of this state, for whatever reason.
    pub fn all(state: MirrorState) -> Self {
        Self { state, error_class: None, ticket: None, reason: None, since: None }
    }

    /// Appends the condition to a statement that has no other parameters.
    fn select(
        &self,
        statement: &str,
        connection: ConnectionId,
        rest: &str,
    ) -> BoxedSqlQuery<'static, Pg, SqlQuery> {
        diesel::sql_query(format!(
            "{statement} connection_id = $1 and state = $2 and ($3::text is null or error_class = $3)
               and ($4::uuid is null or ticket_id = $4)
               and ($5::text is null or position(lower($5) in lower(last_error)) > 0)
               and ($6::timestamptz is null or failed_at >= $6) {rest}"
        ))
        .into_boxed()
        .bind::<SqlUuid, _>(connection.0)
        .bind::<Text, _>(self.state.as_str())
        .bind::<Nullable<Text>, _>(self.error_class.clone())
        .bind::<Nullable<SqlUuid>, _>(self.ticket.map(|id| id.0))
        .bind::<Nullable<Text>, _>(self.reason.clone())
        .bind::<Nullable<Timestamptz>, _>(self.since)
    }
}

/// Tries the items again, those whose case is gone with a new case; returns how many.
pub fn replay(
    conn: &mut PgConnection,
    connection: ConnectionId,
    which: &Replay,
) -> QueryResult<usize> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        ticket_id: Uuid,
    }
    let anew = "update crm_mirrors set remote_id = null, generation = generation + 1, sent = null, last_remote = null,
           agreement = '{\"base\": {}, \"altered\": {}}', contact_synced = null, notes_synced_up_to = 0,
           provenance = '{}'
          where error_class = 'gone' and";
    let gone: Vec<Row> = which.select(anew, connection, "returning ticket_id").load(conn)?;
    let tickets: Vec<Uuid> = gone.iter().map(|row| row.ticket_id).collect();
    forget_notes(conn, connection, &tickets)?;
    let again = "update crm_mirrors set state = case when remote_id is null then 'pending' else 'linked' end, attempts = 0,
           dirty_since = coalesce(dirty_since, now()), dirty_seq = dirty_seq + 1, next_attempt_at = now(),
           last_error = null, error_class = null, failed_at = null
          where";
    which.select(again, connection, "").execute(conn)
}

/// How many items would be tried again.
pub fn count_replay(
    conn: &mut PgConnection,
    connection: ConnectionId,
    which: &Replay,
) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let counted = "select count(*) as count from crm_mirrors where";
    Ok(which.select(counted, connection, "").get_result::<Row>(conn)?.count)
}

/// The first items that would be tried again.
pub fn would_replay(
    conn: &mut PgConnection,
    connection: ConnectionId,
    which: &Replay,
    limit: i64,
) -> QueryResult<Vec<Mirror>> {
    let first = format!("order by failed_at, ticket_id limit {limit}");
    which.select("select * from crm_mirrors where", connection, &first).load(conn)
}

/// How many mirrors of a connection are where.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Counts {
    #[diesel(sql_type = BigInt)]
    pub linked: i64,
    #[diesel(sql_type = BigInt)]
    pub backlog: i64,
    #[diesel(sql_type = BigInt)]
    pub deleted: i64,
    #[diesel(sql_type = BigInt)]
    pub detached: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub oldest: Option<DateTime<Utc>>,
}

pub fn counts(conn: &mut PgConnection, connection: ConnectionId) -> QueryResult<Counts> {
    diesel::sql_query(
        "select count(*) filter (where state = 'linked') as linked,
                count(*) filter (where dirty_since is not null and state in ('pending', 'linked')) as backlog,
                count(*) filter (where state = 'deleted') as deleted,
                count(*) filter (where state = 'detached') as detached,
                min(dirty_since) filter (where state in ('pending', 'linked')) as oldest
           from crm_mirrors where connection_id = $1",
    )
    .bind::<SqlUuid, _>(connection.0)
    .get_result(conn)
}

/// Parked mirrors that have the same cause.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName, Serialize, ToSchema)]
pub struct Cause {
    /// The kind of failure, to retry by.
    #[diesel(sql_type = Text)]
    #[schema(example = "unmapped")]
    pub error_class: String,
    #[diesel(sql_type = Text)]
    #[schema(example = "the account Acme is linked to no account of the CRM")]
    pub reason: String,
    #[diesel(sql_type = BigInt)]
    #[schema(example = 3)]
    pub count: i64,
}

/// The most frequent causes of what is parked, or of what would be tried again.
pub fn causes(
    conn: &mut PgConnection,
    connection: ConnectionId,
    which: Option<&Replay>,
) -> QueryResult<Vec<Cause>> {
    let parked = Replay::all(MirrorState::Parked);
    let counted = "select coalesce(error_class, '') as error_class, coalesce(last_error, '') as reason, count(*) as count
         from crm_mirrors where";
    let frequent = "group by 1, 2 order by 3 desc, 1, 2 limit 100";
    which.unwrap_or(&parked).select(counted, connection, frequent).load(conn)
}
