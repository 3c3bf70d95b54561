//! What comparisons of tickets and cases came upon, and what they have still to compare.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::mirrors::{Mirror, MirrorState};
use crate::crm::case::Field;
use crate::crm::merge::Side;
use crate::db::schema::crm_differences::{self as differences, dsl};
use crate::db::schema::crm_mirrors as mirrors;
use crate::kernel::{ConnectionId, DifferenceId, JobId, NoteId, TicketId, text_enum};

text_enum! {
    /// In what a ticket and its case differ.
    DifferenceKind {
        /// The ticket has no case.
        CaseMissing = "case_missing",
        /// The case was deleted in the CRM.
        CaseDeleted = "case_deleted",
        /// A field has two values.
        Field = "field",
        /// The ticket's contact is not related to the case.
        ContactMissing = "contact_missing",
        NoteMissingInCrm = "note_missing_in_crm",
        NoteMissingAtDesk = "note_missing_at_desk",
        /// The CRM shows another text of a note.
        NoteAltered = "note_altered",
        /// Somebody or something of the ticket is linked to nothing in the CRM.
        Unmapped = "unmapped",
        /// The ticket cannot be compared, mostly because the CRM does not tell its case.
        Unreadable = "unreadable",
    }
}

text_enum! {
    /// What the mirror does about a difference when it works on the ticket.
    #[schema(as = MirrorAction)]
    Action {
        /// Write the desk's side to the CRM.
        Push = "push",
        /// Take the CRM's side over.
        Take = "take",
        /// Both sides changed: record a conflict, and let the policy decide.
        Conflict = "conflict",
        /// Make a case.
        Create = "create",
        /// Note that the case is gone, and make no other.
        Tombstone = "tombstone",
        /// Nothing: it is what the CRM could keep of the desk's text.
        Agree = "agree",
        /// Nothing: notes that were deleted or rewritten in the CRM stay so.
        Leave = "leave",
        /// Tell that a note was deleted in the CRM, once, and leave it so.
        Tell = "tell",
        /// Wait for somebody.
        Park = "park",
    }
}

impl Action {
    /// Whether ticket and case are not as they should be.
    pub fn is_drift(self) -> bool {
        !matches!(self, Self::Agree | Self::Leave)
    }
}

/// A difference between a ticket and its case.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = differences, check_for_backend(diesel::pg::Pg))]
pub struct Difference {
    pub id: DifferenceId,
    pub job_id: JobId,
    pub connection_id: ConnectionId,
    pub ticket_id: TicketId,
    pub remote_id: Option<String>,
    pub kind: DifferenceKind,
    pub field: Option<Field>,
    pub note_id: Option<NoteId>,
    pub remote_note_id: Option<String>,
    pub base: Option<String>,
    pub desk: Option<String>,
    pub crm: Option<String>,
    pub action: Action,
    pub winner: Option<Side>,
    pub detail: Option<String>,
    pub on_its_way: bool,
    pub repaired_at: Option<DateTime<Utc>>,
}

impl Difference {
    /// Shows both sides. PostgreSQL stores no NUL, but a CRM may send one.
    pub fn show(&mut self, desk: Option<&str>, crm: Option<&str>) {
        let storable = |text: &str| text.replace('\0', "");
        (self.desk, self.crm) = (desk.map(storable), crm.map(storable));
    }

    pub fn new(
        job: JobId,
        connection: ConnectionId,
        ticket: TicketId,
        kind: DifferenceKind,
        action: Action,
    ) -> Self {
        Self {
            id: DifferenceId::new(),
            job_id: job,
            connection_id: connection,
            ticket_id: ticket,
            remote_id: None,
            kind,
            field: None,
            note_id: None,
            remote_note_id: None,
            base: None,
            desk: None,
            crm: None,
            action,
            winner: None,
            detail: None,
            on_its_way: false,
            repaired_at: None,
        }
    }
}

/// Rows of one statement: PostgreSQL takes 65,535 values.
const ROWS: usize = 1000;

pub fn insert_differences(conn: &mut PgConnection, rows: &[Difference]) -> QueryResult<()> {
    for part in rows.chunks(ROWS) {
        diesel::insert_into(differences::table).values(part).execute(conn)?;
    }
    Ok(())
}

/// Which differences of a comparison.
#[derive(Debug, Clone, Default)]
pub struct DifferenceFilter {
    pub kind: Option<DifferenceKind>,
    pub action: Option<Action>,
    pub field: Option<Field>,
    pub ticket: Option<TicketId>,
}

/// A page of the differences that a comparison came upon, in the order of their tickets.
pub fn differences(
    conn: &mut PgConnection,
    job: JobId,
    filter: &DifferenceFilter,
    after: Option<Uuid>,
    backward: bool,
    limit: i64,
) -> QueryResult<Vec<Difference>> {
    let query = differences::table.filter(dsl::job_id.eq(job));
    let mut query = query.select(Difference::as_select()).limit(limit).into_boxed();
    if let Some(kind) = filter.kind {
        query = query.filter(dsl::kind.eq(kind));
    }
    if let Some(action) = filter.action {
        query = query.filter(dsl::action.eq(action));
    }
    if let Some(field) = filter.field {
        query = query.filter(dsl::field.eq(field));
    }
    if let Some(ticket) = filter.ticket {
        query = query.filter(dsl::ticket_id.eq(ticket));
    }
    query = match (after, backward) {
        (Some(id), true) => query.filter(dsl::id.lt(id)),
        (Some(id), false) => query.filter(dsl::id.gt(id)),
        (None, _) => query,
    };
    if backward { query.order(dsl::id.desc()).load(conn) } else { query.order(dsl::id).load(conn) }
}

/// Which differences are to be put right.
#[derive(Debug, Clone)]
pub enum Repair {
    All,
    Kinds(Vec<DifferenceKind>),
    These(Vec<DifferenceId>),
}

/// Tells the mirrors of these differences to put them right, after whatever changes; makes the mirrors that are missing.
/// Returns how many. Where the case was deleted, a person decides, and nothing is told.
pub fn repair(
    conn: &mut PgConnection,
    job: JobId,
    which: &Repair,
    now: DateTime<Utc>,
) -> QueryResult<i64> {
    let kinds: Option<Vec<&str>> = match which {
        Repair::Kinds(kinds) => Some(kinds.iter().map(|kind| kind.as_str()).collect()),
        _ => None,
    };
    let ids: Option<Vec<Uuid>> = match which {
        Repair::These(ids) => Some(ids.iter().map(|id| id.0).collect()),
        _ => None,
    };
    diesel::sql_query(
        "with chosen as (
           select id, ticket_id, connection_id from crm_differences
            where job_id = $1 and action not in ('agree', 'leave')
              and ($2::text[] is null or kind = any($2)) and ($3::uuid[] is null or id = any($3))),
         told as (
         insert into crm_mirrors as m (ticket_id, connection_id, dirty_since, dirty_seq, full_check, priority)
         select distinct t.id, c.connection_id, now(), 1, true, 1
           from chosen c join tickets t on t.id = c.ticket_id where t.deleted_at is null order by t.id
         on conflict (ticket_id, connection_id) do update set
           attempts = case when m.state = 'parked' then 0 else m.attempts end,
           state = case when m.state = 'parked' then case when m.remote_id is null then 'pending' else 'linked' end
             else m.state end,
           priority = case when m.dirty_since is null then 1 else m.priority end,
           dirty_since = coalesce(m.dirty_since, now()), dirty_seq = m.dirty_seq + 1, full_check = true,
           next_attempt_at = least(m.next_attempt_at, now())
          where m.state in ('pending', 'linked') or m.state = 'parked' and m.error_class is distinct from 'gone'
         returning ticket_id),
         stamped as (
           update crm_differences d set repaired_at = $4 from chosen c join told on told.ticket_id = c.ticket_id
            where d.id = c.id)
         select count(*) as count from told",
    )
    .bind::<SqlUuid, _>(job.0)
    .bind::<Nullable<Array<Text>>, _>(kinds)
    .bind::<Nullable<Array<SqlUuid>>, _>(ids)
    .bind::<Timestamptz, _>(now)
    .get_result::<Count>(conn)
    .map(|told| told.count)
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many tickets that are to be put right are still to be worked on.
pub fn being_repaired(conn: &mut PgConnection, job: JobId) -> QueryResult<i64> {
    let counted: Count = diesel::sql_query(
        "select count(*) as count from crm_mirrors m
          where m.dirty_since is not null and m.state in ('pending', 'linked')
            and (m.ticket_id, m.connection_id) in (
              select ticket_id, connection_id from crm_differences where job_id = $1 and repaired_at is not null)",
    )
    .bind::<SqlUuid, _>(job.0)
    .get_result(conn)?;
    Ok(counted.count)
}

/// Which tickets are compared; every submitted one when nothing is said.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub tickets: Option<Vec<Uuid>>,
    /// Of their mirrors; a ticket without one is pending.
    pub states: Option<Vec<MirrorState>>,
}

const COMPARED: &str = "
    from tickets t left join crm_mirrors m on m.ticket_id = t.id and m.connection_id = $1
   where t.category <> 'draft' and t.deleted_at is null
     and ($2::uuid[] is null or t.id = any($2))
     and ($3::text[] is null or coalesce(m.state, 'pending') = any($3))";

fn texts(states: &Option<Vec<MirrorState>>) -> Option<Vec<&'static str>> {
    states.as_ref().map(|states| states.iter().map(|state| state.as_str()).collect())
}

/// How many tickets are compared in all.
pub fn count_compared(
    conn: &mut PgConnection,
    connection: ConnectionId,
    scope: &Scope,
) -> QueryResult<i64> {
    let counted: Count = diesel::sql_query(format!("select count(*) as count {COMPARED}"))
        .bind::<SqlUuid, _>(connection.0)
        .bind::<Nullable<Array<SqlUuid>>, _>(&scope.tickets)
        .bind::<Nullable<Array<Text>>, _>(texts(&scope.states))
        .get_result(conn)?;
    Ok(counted.count)
}

/// The next tickets to be compared behind `after`, each with its mirror if it has one.
pub fn next_compared(
    conn: &mut PgConnection,
    connection: ConnectionId,
    scope: &Scope,
    after: Uuid,
    limit: i32,
) -> QueryResult<Vec<(TicketId, Option<Mirror>)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let next = format!("select t.id {COMPARED} and t.id > $4 order by t.id limit $5");
    let rows: Vec<Row> = diesel::sql_query(next)
        .bind::<SqlUuid, _>(connection.0)
        .bind::<Nullable<Array<SqlUuid>>, _>(&scope.tickets)
        .bind::<Nullable<Array<Text>>, _>(texts(&scope.states))
        .bind::<SqlUuid, _>(after)
        .bind::<Integer, _>(limit)
        .load(conn)?;
    let ids: Vec<Uuid> = rows.into_iter().map(|row| row.id).collect();
    let found: Vec<Mirror> = mirrors::table
        .filter(mirrors::connection_id.eq(connection).and(mirrors::ticket_id.eq_any(&ids)))
        .select(Mirror::as_select())
        .load(conn)?;
    let mirror = |id: Uuid| found.iter().find(|mirror| mirror.ticket_id.0 == id).cloned();
    Ok(ids.into_iter().map(|id| (TicketId(id), mirror(id))).collect())
}

/// Sets when the connection's next scheduled comparison counts from, if one is due; returns the connection.
pub fn claim_scheduled(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
) -> QueryResult<Option<ConnectionId>> {
    #[derive(QueryableByName)]
    struct Due {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let due: Option<Due> = diesel::sql_query(
        "update crm_connections set reconciled_at = $1 where id = (
           select id from crm_connections
            where state = 'active' and kind <> 'integration' and coalesce((settings->>'reconcile_hours')::integer, 24) > 0
              and coalesce(reconciled_at, created_at)
                + make_interval(hours => coalesce((settings->>'reconcile_hours')::integer, 24)) <= $1
            order by coalesce(reconciled_at, created_at) limit 1 for update skip locked)
         returning id",
    )
    .bind::<Timestamptz, _>(now)
    .get_result(conn)
    .optional()?;
    Ok(due.map(|row| ConnectionId(row.id)))
}
