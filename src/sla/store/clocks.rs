//! The ledger, and what is derived from it.
use chrono::{DateTime, Utc};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{self, Jsonb};
use diesel::upsert::excluded;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::kept_as_json;
use crate::db::schema::{sla_clocks, sla_ledger, sla_tickets, status_meanings, tickets};
use crate::kernel::{AccountId, CalendarId, SlaPolicyId, TicketId, WorkflowId};
use crate::sla::rules::{ClockState, Entry, EntryKind, Facts, Metric};
use crate::tickets::SlaStanding;
use crate::workflow::SlaState;

/// As they are kept; those of a ticket of which nothing is known yet are empty.
#[derive(Debug, Clone, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
#[serde(from = "KeptAs")]
pub struct KeptFacts(pub Facts);
kept_as_json!(KeptFacts);

#[derive(Deserialize)]
#[serde(untagged)]
enum KeptAs {
    Facts(Box<Facts>),
    None {},
}

impl From<KeptAs> for KeptFacts {
    fn from(kept: KeptAs) -> Self {
        match kept {
            KeptAs::Facts(facts) => Self(*facts),
            KeptAs::None {} => Self(Facts::default()),
        }
    }
}

/// What the clocks know of a ticket.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = sla_tickets, check_for_backend(Pg))]
pub struct SlaTicket {
    pub ticket_id: TicketId,
    pub applied_version: i32,
    pub stale_since: Option<DateTime<Utc>>,
    pub revision: i64,
    pub open: bool,
    pub account_id: Option<AccountId>,
    pub policy_id: Option<SlaPolicyId>,
    pub facts: KeptFacts,
    pub standing: SlaStanding,
    pub due_at: Option<DateTime<Utc>>,
    /// The clock that is due then.
    pub metric: Option<Metric>,
}

/// A line of the ledger.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = sla_ledger, check_for_backend(Pg))]
pub struct EntryRow {
    pub ticket_id: TicketId,
    pub seq: i32,
    pub metric: Metric,
    pub cycle: i32,
    pub kind: EntryKind,
    pub at: DateTime<Utc>,
    pub detail: Value,
}

impl EntryRow {
    pub fn new(ticket_id: TicketId, seq: i32, entry: &Entry) -> Self {
        let Entry { metric, cycle, kind, at, ref detail } = *entry;
        Self { ticket_id, seq, metric, cycle, kind, at, detail: detail.clone() }
    }

    pub fn entry(self) -> Entry {
        let Self { metric, cycle, kind, at, detail, .. } = self;
        Entry { metric, cycle, kind, at, detail }
    }
}

/// What the ledger says of a clock.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = sla_clocks)]
pub struct ClockRow {
    pub ticket_id: TicketId,
    pub metric: Metric,
    pub cycle: i32,
    pub state: ClockState,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub policy_id: Option<SlaPolicyId>,
    pub policy_version: Option<i32>,
    pub calendar_id: Option<CalendarId>,
    pub calendar_version: Option<i32>,
    pub due_at: Option<DateTime<Utc>>,
    pub breached_at: Option<DateTime<Utc>>,
    pub check_at: Option<DateTime<Utc>>,
}

/// Something happened to these tickets that their clocks do not know yet.
pub fn mark_stale(
    conn: &mut PgConnection,
    ids: &[TicketId],
    since: DateTime<Utc>,
) -> QueryResult<usize> {
    diesel::sql_query(
        "insert into sla_tickets as s (ticket_id, stale_since) select unnest($1), $2
         on conflict (ticket_id) do update set stale_since = coalesce(s.stale_since, excluded.stale_since)",
    )
    .bind::<sql_types::Array<sql_types::Uuid>, _>(ids)
    .bind::<sql_types::Timestamptz, _>(since)
    .execute(conn)
}

/// The same for the tickets of these accounts whose clocks have not ended.
pub fn mark_accounts_stale(
    conn: &mut PgConnection,
    accounts: &[AccountId],
    since: DateTime<Utc>,
) -> QueryResult<usize> {
    let open = sla_tickets::table
        .filter(sla_tickets::account_id.eq_any(accounts))
        .filter(sla_tickets::open)
        .filter(sla_tickets::stale_since.is_null());
    diesel::update(open).set(sla_tickets::stale_since.eq(since)).execute(conn)
}

/// Locks some of the tickets whose clocks do not know what happened, the longest waiting first.
pub fn lock_stale(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<SlaTicket>> {
    let stale = sla_tickets::table.filter(sla_tickets::stale_since.le(now));
    stale
        .order(sla_tickets::stale_since)
        .limit(limit)
        .for_update()
        .skip_locked()
        .select(SlaTicket::as_select())
        .load(conn)
}

/// Locks some of the open tickets that were derived by an earlier state of policies and calendars.
pub fn lock_outdated(
    conn: &mut PgConnection,
    revision: i64,
    limit: i64,
) -> QueryResult<Vec<SlaTicket>> {
    let outdated =
        sla_tickets::table.filter(sla_tickets::open).filter(sla_tickets::revision.lt(revision));
    outdated
        .order(sla_tickets::revision)
        .limit(limit)
        .for_update()
        .skip_locked()
        .select(SlaTicket::as_select())
        .load(conn)
}

/// Looks at this ticket again no sooner than then.
pub fn postpone(conn: &mut PgConnection, id: TicketId, until: DateTime<Utc>) -> QueryResult<usize> {
    diesel::update(sla_tickets::table.find(id))
        .set(sla_tickets::stale_since.eq(until))
        .execute(conn)
}

/// Locks the ticket whose clock has had something to tell the longest, if nobody else is at it.
pub fn lock_due(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<Option<TicketId>> {
    #[derive(QueryableByName)]
    struct Due {
        #[diesel(sql_type = sql_types::Uuid)]
        ticket_id: TicketId,
    }
    let due = diesel::sql_query(
        "select s.ticket_id from sla_clocks c join sla_tickets s using (ticket_id)
          where c.check_at < $1 order by c.check_at limit 1 for update of s skip locked",
    );
    let due: Option<Due> =
        due.bind::<sql_types::Timestamptz, _>(now).get_result(conn).optional()?;
    Ok(due.map(|due| due.ticket_id))
}

pub fn lock_ticket(conn: &mut PgConnection, id: TicketId) -> QueryResult<SlaTicket> {
    sla_tickets::table.find(id).for_update().select(SlaTicket::as_select()).first(conn)
}

/// What is known of a ticket, kept from changing until the end of the transaction.
pub fn hold_ticket(conn: &mut PgConnection, id: TicketId) -> QueryResult<SlaTicket> {
    sla_tickets::table.find(id).for_share().select(SlaTicket::as_select()).first(conn)
}

/// Up to `limit` tickets whose clocks have not ended, latest first.
pub fn open_tickets(conn: &mut PgConnection, limit: i64) -> QueryResult<Vec<SlaTicket>> {
    let open = sla_tickets::table.filter(sla_tickets::open).order(sla_tickets::ticket_id.desc());
    open.limit(limit).select(SlaTicket::as_select()).load(conn)
}

/// The ledgers of these tickets, each in its order.
pub fn entries(conn: &mut PgConnection, ids: &[TicketId]) -> QueryResult<Vec<EntryRow>> {
    sla_ledger::table
        .filter(sla_ledger::ticket_id.eq_any(ids))
        .order((sla_ledger::ticket_id, sla_ledger::seq))
        .select(EntryRow::as_select())
        .load(conn)
}

/// What happened to a ticket in one version.
#[derive(Debug, Clone, QueryableByName)]
pub struct Happened {
    #[diesel(sql_type = sql_types::Uuid)]
    pub ticket_id: TicketId,
    #[diesel(sql_type = sql_types::Integer)]
    pub ticket_version: i32,
    #[diesel(sql_type = sql_types::Text)]
    pub actor_role: String,
    #[diesel(sql_type = sql_types::Text)]
    pub origin: String,
    #[diesel(sql_type = Jsonb)]
    pub changes: Value,
    #[diesel(sql_type = Jsonb)]
    pub data: Value,
    #[diesel(sql_type = sql_types::Timestamptz)]
    pub occurred_at: DateTime<Utc>,
}

/// What happened to tickets behind the versions that are known, each ticket's in its order.
pub fn happened(conn: &mut PgConnection, known: &[SlaTicket]) -> QueryResult<Vec<Happened>> {
    let ids: Vec<TicketId> = known.iter().map(|row| row.ticket_id).collect();
    let versions: Vec<i32> = known.iter().map(|row| row.applied_version).collect();
    diesel::sql_query(
        "select e.ticket_id, e.ticket_version, e.actor_role, e.origin, e.changes, e.data, e.occurred_at
           from unnest($1, $2) as known (id, version)
           join events e on e.ticket_id = known.id and e.ticket_version > known.version
          order by e.ticket_id, e.ticket_version",
    )
    .bind::<sql_types::Array<sql_types::Uuid>, _>(ids)
    .bind::<sql_types::Array<sql_types::Integer>, _>(versions)
    .load(conn)
}

/// Which workflows these tickets follow.
pub fn workflows(
    conn: &mut PgConnection,
    ids: &[TicketId],
) -> QueryResult<Vec<(TicketId, WorkflowId)>> {
    tickets::table
        .filter(tickets::id.eq_any(ids))
        .select((tickets::id, tickets::workflow_id))
        .load(conn)
}

/// What clocks do in a status of a workflow from a time on.
pub type Meaning = (WorkflowId, String, DateTime<Utc>, SlaState);

/// What clocks did and do in each status, in the order of time.
pub fn meanings(conn: &mut PgConnection) -> QueryResult<Vec<Meaning>> {
    use status_meanings as m;
    m::table.order(m::since).select((m::workflow_id, m::code, m::since, m::sla)).load(conn)
}

/// Writes what is known of these tickets; each is locked.
pub fn save_tickets(conn: &mut PgConnection, rows: &[SlaTicket]) -> QueryResult<usize> {
    use sla_tickets as t;
    diesel::insert_into(t::table)
        .values(rows)
        .on_conflict(t::ticket_id)
        .do_update()
        .set((
            t::applied_version.eq(excluded(t::applied_version)),
            t::stale_since.eq(excluded(t::stale_since)),
            t::revision.eq(excluded(t::revision)),
            t::open.eq(excluded(t::open)),
            t::account_id.eq(excluded(t::account_id)),
            t::policy_id.eq(excluded(t::policy_id)),
            t::facts.eq(excluded(t::facts)),
            t::standing.eq(excluded(t::standing)),
            t::due_at.eq(excluded(t::due_at)),
            t::metric.eq(excluded(t::metric)),
        ))
        .execute(conn)
}

pub fn insert_entries(conn: &mut PgConnection, rows: &[EntryRow]) -> QueryResult<usize> {
    diesel::insert_into(sla_ledger::table).values(rows).execute(conn)
}

pub fn save_clocks(conn: &mut PgConnection, rows: &[ClockRow]) -> QueryResult<usize> {
    use sla_clocks as c;
    diesel::insert_into(c::table)
        .values(rows)
        .on_conflict((c::ticket_id, c::metric, c::cycle))
        .do_update()
        .set((
            c::state.eq(excluded(c::state)),
            c::ended_at.eq(excluded(c::ended_at)),
            c::policy_id.eq(excluded(c::policy_id)),
            c::policy_version.eq(excluded(c::policy_version)),
            c::calendar_id.eq(excluded(c::calendar_id)),
            c::calendar_version.eq(excluded(c::calendar_version)),
            c::due_at.eq(excluded(c::due_at)),
            c::breached_at.eq(excluded(c::breached_at)),
            c::check_at.eq(excluded(c::check_at)),
        ))
        .execute(conn)
}
