//! From the feed to the facts.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};

use crate::db::schema::{report_cursor, report_tickets};
use crate::kernel::{AgentId, TicketId, WorkflowId};
use crate::workflow::Category;

/// Up to where the feed is in the facts; `None` while another process reads on.
pub fn lock_cursor(conn: &mut PgConnection) -> QueryResult<Option<i64>> {
    let cursor = report_cursor::table.select(report_cursor::position);
    cursor.for_update().skip_locked().first(conn).optional()
}

pub fn move_cursor(conn: &mut PgConnection, position: i64) -> QueryResult<usize> {
    diesel::update(report_cursor::table).set(report_cursor::position.eq(position)).execute(conn)
}

/// Lets every fact be derived anew, while those of before are shown.
pub fn forget(conn: &mut PgConnection) -> QueryResult<usize> {
    move_cursor(conn, 0)?;
    diesel::update(report_tickets::table).set(report_tickets::applied_version.eq(0)).execute(conn)
}

/// A ticket that something happened to.
#[derive(Debug, Clone, QueryableByName)]
pub struct News {
    #[diesel(sql_type = SqlUuid)]
    pub ticket_id: TicketId,
    /// Of the first of these events.
    #[diesel(sql_type = BigInt)]
    pub first: i64,
    /// Its clocks have yet to learn of it.
    #[diesel(sql_type = Bool)]
    pub waits: bool,
}

/// The tickets that the published events behind `after`, up to `until`, are about and whose facts do not know them.
pub fn news(
    conn: &mut PgConnection,
    after: i64,
    until: i64,
    now: DateTime<Utc>,
) -> QueryResult<Vec<News>> {
    diesel::sql_query(
        "select n.ticket_id, n.first,
                exists (select from sla_tickets s where s.ticket_id = n.ticket_id and s.stale_since <= $3) as waits
           from (select ticket_id, max(ticket_version) as version, min(position) as first from events
                  where position > $1 and position <= $2 and ticket_id is not null group by ticket_id) n
           left join report_tickets r using (ticket_id)
          where r.applied_version is null or r.applied_version < n.version",
    )
    .bind::<BigInt, _>(after)
    .bind::<BigInt, _>(until)
    .bind::<Timestamptz, _>(now)
    .load(conn)
}

/// A version of a ticket.
#[derive(Debug, Clone, QueryableByName)]
pub struct Version {
    #[diesel(sql_type = SqlUuid)]
    pub ticket_id: TicketId,
    #[diesel(sql_type = Integer)]
    pub ticket_version: i32,
    #[diesel(sql_type = Timestamptz)]
    pub occurred_at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    pub actor_role: String,
    #[diesel(sql_type = Text)]
    pub origin: String,
    /// The status that it was moved to.
    #[diesel(sql_type = Nullable<Text>)]
    pub status: Option<String>,
    #[diesel(sql_type = Bool)]
    pub reassigned: bool,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub agent_id: Option<AgentId>,
    /// It was merged, or that was undone.
    #[diesel(sql_type = Nullable<Bool>)]
    pub merged: Option<bool>,
    #[diesel(sql_type = Bool)]
    pub public_note: bool,
    /// The workflow that it left.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub from_workflow: Option<WorkflowId>,
}

/// The versions of these tickets that were published up to a position, each ticket's in their order.
pub fn versions(
    conn: &mut PgConnection,
    ids: &[TicketId],
    until: i64,
) -> QueryResult<Vec<Version>> {
    diesel::sql_query(
        "select ticket_id, ticket_version, occurred_at, actor_role, origin,
                changes->'status'->>'to' as status,
                changes ? 'assignee_id' as reassigned, (changes->'assignee_id'->>'to')::uuid as agent_id,
                case when changes ? 'merged_into' then changes->'merged_into'->>'to' is not null end as merged,
                coalesce(data->>'note_visibility' = 'public', false) as public_note,
                case when type = 'ticket.converted' then (data->'workflow'->>'from_workflow_id')::uuid end as from_workflow
           from events where ticket_id = any($1) and position <= $2
          order by ticket_id, ticket_version",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<BigInt, _>(until)
    .load(conn)
}

/// What a ticket is now.
#[derive(Debug, Clone, QueryableByName)]
pub struct Present {
    #[diesel(sql_type = SqlUuid)]
    pub id: TicketId,
    #[diesel(sql_type = SqlUuid)]
    pub workflow_id: WorkflowId,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub account_id: Option<crate::kernel::AccountId>,
    #[diesel(sql_type = SqlUuid)]
    pub department_id: crate::kernel::DepartmentId,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub assignee_id: Option<AgentId>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub product_id: Option<crate::kernel::ProductId>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub component_id: Option<crate::kernel::ComponentId>,
    #[diesel(sql_type = Bool)]
    pub deleted: bool,
}

pub fn present(conn: &mut PgConnection, ids: &[TicketId]) -> QueryResult<Vec<Present>> {
    diesel::sql_query(
        "select id, workflow_id, account_id, department_id, assignee_id, product_id, component_id,
                deleted_at is not null as deleted
           from tickets where id = any($1)",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .load(conn)
}

/// What every status of every workflow is or was.
pub fn categories(conn: &mut PgConnection) -> QueryResult<Vec<(WorkflowId, String, Category)>> {
    use crate::db::schema::report_statuses as statuses;
    let columns = (statuses::workflow_id, statuses::code, statuses::category);
    statuses::table.select(columns).load(conn)
}

/// Up to which time everything that happened is in the facts, as this database, which may be a replica, has them.
pub fn as_of(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<DateTime<Utc>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Timestamptz)]
        as_of: DateTime<Utc>,
    }
    let row: Row = diesel::sql_query(
        "select least(
           case when pg_is_in_recovery() and pg_last_wal_receive_lsn() is distinct from pg_last_wal_replay_lsn()
             then least($1, pg_last_xact_replay_timestamp()) else $1 end,
           (select occurred_at from events where position is null order by id limit 1),
           (select e.occurred_at from events e, report_cursor c where e.position > c.position order by e.position limit 1)
         ) as as_of",
    )
    .bind::<Timestamptz, _>(now)
    .get_result(conn)?;
    Ok(row.as_of)
}
