//! Queries of the workflows with their statuses and transitions.
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Text, Uuid as SqlUuid};
use diesel::upsert::excluded;
use uuid::Uuid;

use super::rules::{
    Awaiting, Category, Requirement, SlaState, Status, Transition, Trigger, Workflow,
};
use crate::db::schema::{status_meanings, statuses, tickets, transitions, workflows};
use crate::kernel::{TransitionId, WorkflowId};

/// A workflow without its statuses and transitions.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = workflows, check_for_backend(diesel::pg::Pg))]
pub struct Head {
    pub id: WorkflowId,
    pub key: String,
    pub name: String,
    pub draft_status: String,
    pub submitted_status: String,
    pub reopen_window_days: i32,
    pub revision: Uuid,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = statuses, check_for_backend(diesel::pg::Pg))]
pub struct StatusRow {
    pub workflow_id: WorkflowId,
    pub code: String,
    pub key: String,
    pub name: String,
    pub category: Category,
    pub sla: SlaState,
    pub awaiting: Awaiting,
    pub customer_label: String,
    pub sort_order: i32,
}

impl StatusRow {
    fn of(workflow_id: WorkflowId, status: &Status) -> Self {
        Self {
            workflow_id,
            code: status.code.clone(),
            key: status.key.clone(),
            name: status.name.clone(),
            category: status.category,
            sla: status.sla,
            awaiting: status.awaiting,
            customer_label: status.customer_label.clone(),
            sort_order: status.sort_order,
        }
    }
}

impl From<StatusRow> for Status {
    fn from(row: StatusRow) -> Self {
        Self {
            code: row.code,
            key: row.key,
            name: row.name,
            category: row.category,
            sla: row.sla,
            awaiting: row.awaiting,
            customer_label: row.customer_label,
            sort_order: row.sort_order,
        }
    }
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = transitions, check_for_backend(diesel::pg::Pg))]
struct TransitionRow {
    id: TransitionId,
    workflow_id: WorkflowId,
    from_code: String,
    to_code: String,
    trigger: Trigger,
    requires: Vec<Requirement>,
    effects: Vec<String>,
    within_days: Option<i32>,
    after_days: Option<i32>,
    reminder_after_days: Option<i32>,
}

impl TransitionRow {
    fn of(workflow_id: WorkflowId, transition: &Transition) -> Self {
        Self {
            id: transition.id,
            workflow_id,
            from_code: transition.from.clone(),
            to_code: transition.to.clone(),
            trigger: transition.trigger,
            requires: transition.requires.clone(),
            effects: transition.effects.clone(),
            within_days: transition.within_days,
            after_days: transition.after_days,
            reminder_after_days: transition.reminder_after_days,
        }
    }
}

impl From<TransitionRow> for Transition {
    fn from(row: TransitionRow) -> Self {
        Self {
            id: row.id,
            from: row.from_code,
            to: row.to_code,
            trigger: row.trigger,
            requires: row.requires,
            effects: row.effects,
            within_days: row.within_days,
            after_days: row.after_days,
            reminder_after_days: row.reminder_after_days,
        }
    }
}

/// The workflow, whole, as of one moment: the two queries are repeated when it was changed between them.
pub fn workflow(conn: &mut PgConnection, id: WorkflowId) -> QueryResult<Option<Workflow>> {
    loop {
        let rows: Vec<(Head, StatusRow)> = workflows::table
            .inner_join(statuses::table)
            .filter(workflows::id.eq(id))
            .order((statuses::sort_order, statuses::code))
            .select((Head::as_select(), StatusRow::as_select()))
            .load(conn)?;
        let Some((head, _)) = rows.first().cloned() else { return Ok(None) };
        let ways: Vec<(Uuid, TransitionRow)> = transitions::table
            .inner_join(workflows::table.on(workflows::id.eq(transitions::workflow_id)))
            .filter(workflows::id.eq(id))
            .order((transitions::from_code, transitions::to_code, transitions::trigger))
            .select((workflows::revision, TransitionRow::as_select()))
            .load(conn)?;
        if ways.iter().all(|(revision, _)| *revision == head.revision) {
            let statuses = rows.into_iter().map(|(_, status)| status.into()).collect();
            let transitions = ways.into_iter().map(|(_, way)| way.into()).collect();
            return Ok(Some(whole(head, statuses, transitions)));
        }
    }
}

fn whole(head: Head, statuses: Vec<Status>, transitions: Vec<Transition>) -> Workflow {
    Workflow {
        id: head.id,
        key: head.key,
        name: head.name,
        revision: head.revision,
        version: head.version,
        draft_status: head.draft_status,
        submitted_status: head.submitted_status,
        reopen_window_days: head.reopen_window_days,
        statuses,
        transitions,
    }
}

/// Makes every other change of the workflow wait; false when there is no such workflow.
pub fn lock(conn: &mut PgConnection, id: WorkflowId) -> QueryResult<bool> {
    let query = workflows::table.find(id).for_update().select(workflows::id);
    Ok(query.first::<WorkflowId>(conn).optional()?.is_some())
}

pub fn list(
    conn: &mut PgConnection,
    after: Option<Uuid>,
    backward: bool,
    limit: i64,
) -> QueryResult<Vec<Head>> {
    let query = workflows::table.select(Head::as_select()).limit(limit).into_boxed();
    let query = match (after, backward) {
        (Some(id), true) => query.filter(workflows::id.lt(id)),
        (Some(id), false) => query.filter(workflows::id.gt(id)),
        (None, _) => query,
    };
    if backward {
        query.order(workflows::id.desc()).load(conn)
    } else {
        query.order(workflows::id).load(conn)
    }
}

/// Where a page of statuses starts: the last row's workflow, sort order and code.
pub type StatusKey = (WorkflowId, i32, String);

pub fn statuses(
    conn: &mut PgConnection,
    workflow: Option<WorkflowId>,
    after: Option<StatusKey>,
    backward: bool,
    limit: i64,
) -> QueryResult<Vec<StatusRow>> {
    let mut query = statuses::table.select(StatusRow::as_select()).limit(limit).into_boxed();
    if let Some(workflow) = workflow {
        query = query.filter(statuses::workflow_id.eq(workflow));
    }
    if let Some((workflow, sort_order, code)) = after {
        let row = "(statuses.workflow_id, statuses.sort_order, statuses.code)";
        let start = if backward { format!("{row} < (") } else { format!("{row} > (") };
        let beyond = sql::<Bool>(&start)
            .bind::<SqlUuid, _>(workflow)
            .sql(", ")
            .bind::<Integer, _>(sort_order)
            .sql(", ")
            .bind::<Text, _>(code)
            .sql(")");
        query = query.filter(beyond);
    }
    let (workflow, sort_order, code) =
        (statuses::workflow_id, statuses::sort_order, statuses::code);
    if backward {
        query.order((workflow.desc(), sort_order.desc(), code.desc())).load(conn)
    } else {
        query.order((workflow, sort_order, code)).load(conn)
    }
}

pub fn insert(conn: &mut PgConnection, workflow: &Workflow) -> QueryResult<()> {
    diesel::insert_into(workflows::table)
        .values((
            workflows::id.eq(workflow.id),
            workflows::key.eq(&workflow.key),
            workflows::name.eq(&workflow.name),
            workflows::draft_status.eq(&workflow.draft_status),
            workflows::submitted_status.eq(&workflow.submitted_status),
            workflows::reopen_window_days.eq(workflow.reopen_window_days),
            workflows::revision.eq(workflow.revision),
        ))
        .execute(conn)?;
    write_statuses(conn, workflow.id, workflow.statuses.iter())?;
    let all: Vec<&Status> = workflow.statuses.iter().collect();
    keep_meanings(conn, workflow.id, &all, DateTime::UNIX_EPOCH)?;
    insert_transitions(conn, workflow.id, workflow.transitions.iter())
}

/// Writes what differs from `before`, the locked state.
pub fn save(
    conn: &mut PgConnection,
    before: &Workflow,
    after: &Workflow,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(workflows::table.find(after.id))
        .set((
            workflows::name.eq(&after.name),
            workflows::draft_status.eq(&after.draft_status),
            workflows::submitted_status.eq(&after.submitted_status),
            workflows::reopen_window_days.eq(after.reopen_window_days),
            workflows::revision.eq(after.revision),
            workflows::version.eq(after.version),
            workflows::updated_at.eq(diesel::dsl::now),
        ))
        .execute(conn)?;
    let gone = before.transitions.iter().filter(|way| !after.transitions.contains(way));
    let gone: Vec<TransitionId> = gone.map(|way| way.id).collect();
    diesel::delete(transitions::table.filter(transitions::id.eq_any(gone))).execute(conn)?;
    let gone = before.statuses.iter().filter(|status| after.status(&status.code).is_none());
    let gone: Vec<&str> = gone.map(|status| status.code.as_str()).collect();
    let of_workflow = statuses::table.filter(statuses::workflow_id.eq(after.id));
    diesel::delete(of_workflow.filter(statuses::code.eq_any(gone))).execute(conn)?;
    let changed = after.statuses.iter().filter(|status| !before.statuses.contains(status));
    write_statuses(conn, after.id, changed)?;
    let means = |workflow: &Workflow, code: &str| workflow.status(code).map(|status| status.sla);
    let other = |status: &&Status| means(before, &status.code) != Some(status.sla);
    let other: Vec<&Status> = after.statuses.iter().filter(other).collect();
    keep_meanings(conn, after.id, &other, now)?;
    let added = after.transitions.iter().filter(|way| !before.transitions.contains(way));
    insert_transitions(conn, after.id, added)
}

fn write_statuses<'a>(
    conn: &mut PgConnection,
    id: WorkflowId,
    given: impl Iterator<Item = &'a Status>,
) -> QueryResult<()> {
    let rows: Vec<StatusRow> = given.map(|status| StatusRow::of(id, status)).collect();
    diesel::insert_into(statuses::table)
        .values(rows)
        .on_conflict((statuses::workflow_id, statuses::code))
        .do_update()
        .set((
            statuses::key.eq(excluded(statuses::key)),
            statuses::name.eq(excluded(statuses::name)),
            statuses::category.eq(excluded(statuses::category)),
            statuses::sla.eq(excluded(statuses::sla)),
            statuses::awaiting.eq(excluded(statuses::awaiting)),
            statuses::customer_label.eq(excluded(statuses::customer_label)),
            statuses::sort_order.eq(excluded(statuses::sort_order)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Keeps what clocks do in these statuses from then on.
fn keep_meanings(
    conn: &mut PgConnection,
    id: WorkflowId,
    statuses: &[&Status],
    since: DateTime<Utc>,
) -> QueryResult<()> {
    use status_meanings as m;
    let row = |status: &&Status| {
        (
            m::workflow_id.eq(id),
            m::code.eq(status.code.clone()),
            m::since.eq(since),
            m::sla.eq(status.sla),
        )
    };
    let rows: Vec<_> = statuses.iter().map(row).collect();
    diesel::insert_into(m::table).values(rows).on_conflict_do_nothing().execute(conn)?;
    Ok(())
}

fn insert_transitions<'a>(
    conn: &mut PgConnection,
    id: WorkflowId,
    given: impl Iterator<Item = &'a Transition>,
) -> QueryResult<()> {
    let rows: Vec<TransitionRow> = given.map(|way| TransitionRow::of(id, way)).collect();
    diesel::insert_into(transitions::table).values(rows).execute(conn)?;
    Ok(())
}

/// Deletes the workflow with everything in it; fails while something follows it.
pub fn delete(conn: &mut PgConnection, id: WorkflowId) -> QueryResult<()> {
    diesel::delete(transitions::table.filter(transitions::workflow_id.eq(id))).execute(conn)?;
    diesel::delete(statuses::table.filter(statuses::workflow_id.eq(id))).execute(conn)?;
    diesel::delete(workflows::table.find(id)).execute(conn)?;
    Ok(())
}

/// How many tickets have each of these statuses, deleted ones too; a status that none has is absent.
pub fn tickets_in(
    conn: &mut PgConnection,
    id: WorkflowId,
    codes: &[&str],
) -> QueryResult<Vec<(String, i64)>> {
    tickets::table
        .filter(tickets::workflow_id.eq(id))
        .filter(tickets::status.eq_any(codes))
        .group_by(tickets::status)
        .order(tickets::status)
        .select((tickets::status, diesel::dsl::count_star()))
        .load(conn)
}

pub fn awaiting_codes(conn: &mut PgConnection) -> QueryResult<Vec<(Awaiting, String)>> {
    statuses::table.select((statuses::awaiting, statuses::code)).distinct().load(conn)
}
