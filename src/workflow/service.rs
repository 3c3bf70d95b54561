//! Read workflows from memory, change them under lock.
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use moka::sync::Cache;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::rules::{Awaiting, NewWorkflow, Plan, PlannedChange, Workflow};
use super::store::{self, Head, StatusKey, StatusRow};
use crate::events::{self, Changes, EventType, NewEvent, Subject};
use crate::kernel::{Actor, AppError, Page, PageRequest, WorkflowId};

/// Workflows by revision. A revision never changes, so nothing here is ever stale.
static MEMORY: LazyLock<Cache<Uuid, Arc<Workflow>>> = LazyLock::new(|| Cache::new(200));

/// The workflow as of this revision, from memory when it is there; a newer one when it was changed in the meantime.
pub fn load(
    conn: &mut PgConnection,
    id: WorkflowId,
    revision: Uuid,
) -> Result<Arc<Workflow>, AppError> {
    if let Some(workflow) = MEMORY.get(&revision) {
        return Ok(workflow);
    }
    let workflow = Arc::new(get(conn, id)?);
    MEMORY.insert(workflow.revision, Arc::clone(&workflow));
    Ok(workflow)
}

pub fn get(conn: &mut PgConnection, id: WorkflowId) -> Result<Workflow, AppError> {
    store::workflow(conn, id)?.ok_or(AppError::NotFound("the workflow"))
}

pub fn list(conn: &mut PgConnection, request: &PageRequest) -> Result<Page<Head>, AppError> {
    let after = request.cursor.as_ref().map(|cursor| cursor.id);
    let rows = store::list(conn, after, request.backward(), request.fetch())?;
    Ok(request.page(rows, |head| (Value::Null, head.id.0)))
}

/// The statuses of one workflow or of all, in the order in which they are shown.
pub fn list_statuses(
    conn: &mut PgConnection,
    workflow: Option<WorkflowId>,
    request: &PageRequest,
) -> Result<Page<StatusRow>, AppError> {
    let after = request.cursor.as_ref().map(|cursor| {
        let (sort_order, code) = serde_json::from_value(cursor.key.clone())
            .map_err(|_| AppError::Malformed("cursor is not valid".into()))?;
        Ok::<StatusKey, AppError>((WorkflowId(cursor.id), sort_order, code))
    });
    let rows =
        store::statuses(conn, workflow, after.transpose()?, request.backward(), request.fetch())?;
    Ok(request.page(rows, |row| (json!([row.sort_order, row.code]), row.workflow_id.0)))
}

/// Creates a workflow with its statuses and transitions at once.
pub fn create(
    conn: &mut PgConnection,
    actor: &Actor,
    new: NewWorkflow,
    now: DateTime<Utc>,
) -> Result<Workflow, AppError> {
    let workflow = new.into_workflow();
    workflow.check(None)?;
    store::insert(conn, &workflow).map_err(named)?;
    let changes = events::diff(&Map::new(), &described(&workflow));
    record(conn, actor, EventType::ResourceCreated, workflow.id, changes, now)?;
    Ok(workflow)
}

/// Changes a workflow under lock; `change` gets its present state. The result is checked as a whole: no change leaves
/// a workflow in which a ticket would get stuck.
pub fn change(
    conn: &mut PgConnection,
    actor: &Actor,
    id: WorkflowId,
    now: DateTime<Utc>,
    change: impl FnOnce(&mut Workflow) -> Result<(), AppError>,
) -> Result<Workflow, AppError> {
    if !store::lock(conn, id)? {
        return Err(AppError::NotFound("the workflow"));
    }
    let before = get(conn, id)?;
    let mut after = before.clone();
    change(&mut after)?;
    after.check(Some(&before))?;
    (after.revision, after.version) = (Uuid::now_v7(), before.version + 1);
    store::save(conn, &before, &after, now).map_err(named)?;
    record(conn, actor, EventType::ResourceChanged, id, changes(&before, &after), now)?;
    Ok(after)
}

/// What `change` would do, with everything for which it would be refused. Changes nothing.
pub fn plan(
    conn: &mut PgConnection,
    id: WorkflowId,
    change: impl FnOnce(&mut Workflow) -> Result<(), AppError>,
) -> Result<Plan, AppError> {
    let before = get(conn, id)?;
    let mut after = before.clone();
    change(&mut after)?;
    let mut problems = after.problems(Some(&before));
    let touched: Vec<&str> = before
        .statuses
        .iter()
        .filter(|was| after.status(&was.code).is_none_or(|is| is.category != was.category))
        .map(|status| status.code.as_str())
        .collect();
    if !touched.is_empty() {
        let taken = store::tickets_in(conn, id, &touched)?;
        problems.extend(taken.into_iter().map(|(code, tickets)| in_use(&code, tickets).into()));
    }
    let changes = changes(&before, &after).into_iter().map(PlannedChange::from).collect();
    Ok(Plan { version: before.version, changes, problems })
}

fn in_use(code: &str, tickets: i64) -> AppError {
    let detail = match tickets {
        1 => format!("1 ticket has status {code}; move it first"),
        many => format!("{many} tickets have status {code}; move them first"),
    };
    AppError::conflict("status_in_use", detail)
}

/// Deletes a workflow that no department, ticket type or ticket follows.
pub fn delete(
    conn: &mut PgConnection,
    actor: &Actor,
    id: WorkflowId,
    seen: crate::http::IfMatch,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    if !store::lock(conn, id)? {
        return Err(AppError::NotFound("the workflow"));
    }
    let workflow = get(conn, id)?;
    seen.check(workflow.version)?;
    store::delete(conn, id).map_err(|error| match crate::db::violated(&error) {
        Some(_) => {
            let detail = "a department, a ticket type or a ticket follows this workflow";
            AppError::conflict("workflow_in_use", detail)
        }
        None => error.into(),
    })?;
    let mut changes = described(&workflow);
    changes.values_mut().for_each(|value| *value = json!({ "from": value, "to": null }));
    record(conn, actor, EventType::ResourceDeleted, id, changes, now)
}

/// What differs, by field; what is gone changes to null.
fn changes(before: &Workflow, after: &Workflow) -> Changes {
    let (before, mut after) = (described(before), described(after));
    for field in before.keys() {
        after.entry(field).or_insert(Value::Null);
    }
    events::diff(&before, &after)
}

/// A workflow as the event log describes it: one entry for each status and transition.
fn described(workflow: &Workflow) -> Map<String, Value> {
    let Workflow { name, draft_status, submitted_status, reopen_window_days, .. } = workflow;
    let mut fields = Map::from_iter([
        ("name".to_owned(), json!(name)),
        ("draft_status".to_owned(), json!(draft_status)),
        ("submitted_status".to_owned(), json!(submitted_status)),
        ("reopen_window_days".to_owned(), json!(reopen_window_days)),
    ]);
    fields.extend(workflow.statuses.iter().map(|s| (format!("statuses/{}", s.code), json!(s))));
    let transitions = workflow.transitions.iter();
    fields.extend(transitions.map(|t| (format!("transitions/{}", t.id), json!(t))));
    fields
}

fn record(
    conn: &mut PgConnection,
    actor: &Actor,
    kind: EventType,
    id: WorkflowId,
    changes: Changes,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let subject = Subject::Resource(format!("workflow/{id}"));
    let event =
        NewEvent { kind, subject, public: false, changes, data: json!({}), occurred_at: now };
    events::append(conn, actor, event)
}

fn named(error: diesel::result::Error) -> AppError {
    let taken = |what: &str| AppError::conflict("already_exists", format!("this {what} is taken"));
    match crate::db::violated(&error) {
        Some("workflows_key_key") => taken("key of a workflow"),
        Some("statuses_workflow_id_key_key") => taken("key of a status"),
        Some("tickets_workflow_id_status_category_fkey") => {
            let detail = "tickets have the status: it cannot go, and its category cannot change";
            AppError::conflict("status_in_use", detail)
        }
        _ => error.into(),
    }
}

/// Whose turn it is in a status of this code, in some workflow or other.
pub fn awaiting_codes(conn: &mut PgConnection) -> Result<Vec<(Awaiting, String)>, AppError> {
    Ok(store::awaiting_codes(conn)?)
}
