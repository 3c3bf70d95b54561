//! Make, change and find macros.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use diesel::result::Error as DieselError;
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::super::rules::{Action, check_texts, in_action, take_category};
use super::super::store::{self, Filter, Macro};
use crate::db::violated;
use crate::events;
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, MacroId, Page, PageRequest, Permission, Role};
use crate::tickets::operation;

pub(super) const MISSING: AppError = AppError::NotFound("the macro");

fn subject(id: MacroId) -> String {
    format!("macro/{id}")
}

fn named(error: DieselError) -> AppError {
    match violated(&error) {
        Some("macros_name") => AppError::conflict("name_taken", "another macro has this name"),
        _ => error.into(),
    }
}

/// Macros are kept by coordinators and administrators.
fn require_to_keep(actor: &Actor) -> Result<(), AppError> {
    actor.require(Permission::TicketsWork)?;
    match actor.role {
        Role::Coordinator | Role::Admin => Ok(()),
        Role::Contact | Role::Agent | Role::Integration => {
            let refusal = "macros are for coordinators and administrators to change";
            Err(AppError::rule("may_not_share", refusal))
        }
    }
}

/// What the macro does.
pub fn actions(kept: &Macro) -> Result<Vec<Action>, AppError> {
    Vec::deserialize(&kept.actions).map_err(AppError::internal)
}

/// Refuses what no ticket could take.
fn check(actor: &Actor, actions: &[Action]) -> Result<(), AppError> {
    check_texts(actions)?;
    for (at, action) in actions.iter().enumerate() {
        check_action(actor, action).map_err(|error| in_action(at, error))?;
    }
    Ok(())
}

fn check_action(actor: &Actor, action: &Action) -> Result<(), AppError> {
    let Some(kind) = action.operation.on_ticket() else {
        let empty = action.body.as_object().is_some_and(serde_json::Map::is_empty);
        return if empty { Ok(()) } else { Err(AppError::field("", "a survey has no body")) };
    };
    let mut body = action.body.clone();
    if take_category(&mut body)?.is_some() {
        body["to"] = json!("any");
    }
    operation(kind, &body, actor).map(drop)
}

/// Fails with `may_not_share`, with `name_taken`, and on an action that no ticket could take.
pub fn create(
    conn: &mut PgConnection,
    actor: &Actor,
    new: &Macro,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    require_to_keep(actor)?;
    check(actor, &actions(new)?)?;
    store::insert(conn, new).map_err(named)?;
    events::resource_created(conn, actor, subject(new.id), new, now)
}

pub fn get(conn: &mut PgConnection, actor: &Actor, id: MacroId) -> Result<Macro, AppError> {
    actor.require(Permission::TicketsWork)?;
    store::find(conn, id)?.ok_or(MISSING)
}

pub fn list(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
    request: &PageRequest,
) -> Result<Page<Macro>, AppError> {
    actor.require(Permission::TicketsWork)?;
    let rows = store::list(conn, filter, request)?;
    Ok(request.page(rows, |row| (Value::from(row.name.as_str()), row.id.0)))
}

/// Changes a macro under lock; `change` gets the present state. What changes nothing makes no new version.
pub fn change(
    conn: &mut PgConnection,
    actor: &Actor,
    id: MacroId,
    seen: IfMatch,
    now: DateTime<Utc>,
    change: impl FnOnce(&mut Macro),
) -> Result<Macro, AppError> {
    let before = hold(conn, actor, id, seen)?;
    let mut after = before.clone();
    change(&mut after);
    let changes = events::diff(&before, &after);
    if changes.is_empty() {
        return Ok(before);
    }
    check(actor, &actions(&after)?)?;
    (after.version, after.updated_at) = (before.version + 1, now);
    store::save(conn, &after).map_err(named)?;
    events::resource_changed(conn, actor, subject(id), changes, now)?;
    Ok(after)
}

pub fn delete(
    conn: &mut PgConnection,
    actor: &Actor,
    id: MacroId,
    seen: IfMatch,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let before = hold(conn, actor, id, seen)?;
    store::delete(conn, id)?;
    events::resource_deleted(conn, actor, subject(id), &before, now)
}

fn hold(
    conn: &mut PgConnection,
    actor: &Actor,
    id: MacroId,
    seen: IfMatch,
) -> Result<Macro, AppError> {
    require_to_keep(actor)?;
    let kept = store::lock(conn, id)?.ok_or(MISSING)?;
    seen.check(kept.version)?;
    Ok(kept)
}
