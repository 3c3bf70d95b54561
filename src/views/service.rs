//! Use cases of the views.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use diesel::result::Error as DieselError;
use serde_json::json;

use super::rules::{Audience, PERSONAL_MAX, SHARED_MAX, check_department, may_change};
use super::store::{self, View};
use crate::db::violated;
use crate::events;
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, Page, PageRequest, Permission, ViewId};
use crate::tickets::{self, Filter};

const MISSING: AppError = AppError::NotFound("the view");

fn subject(id: ViewId) -> String {
    format!("view/{id}")
}

fn named(error: DieselError) -> AppError {
    match violated(&error) {
        Some("views_department_id_fkey") => {
            AppError::field("/department_id", "there is no such department")
        }
        _ => error.into(),
    }
}

/// Saves a view. Fails with `may_not_share` and with `too_many_views`.
pub fn create(
    conn: &mut PgConnection,
    actor: &Actor,
    view: &View,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    check(actor, view)?;
    make_room(conn, view)?;
    store::insert(conn, view).map_err(named)?;
    tell(conn, actor, None, Some(view), now)
}

/// Tells of what is shared. What somebody looks for by themselves is nobody else's affair, and not for a log that keeps it.
fn tell(
    conn: &mut PgConnection,
    actor: &Actor,
    before: Option<&View>,
    after: Option<&View>,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let shared = |view: &&View| view.audience != Audience::Personal;
    match (before.filter(shared), after.filter(shared)) {
        (None, None) => Ok(()),
        (None, Some(view)) => events::resource_created(conn, actor, subject(view.id), view, now),
        (Some(view), None) => events::resource_deleted(conn, actor, subject(view.id), view, now),
        (Some(before), Some(after)) => {
            let changes = events::diff(before, after);
            events::resource_changed(conn, actor, subject(after.id), changes, now)
        }
    }
}

fn check(actor: &Actor, view: &View) -> Result<(), AppError> {
    may_change(actor, view.audience, view.owner_id)?;
    check_department(view.audience, view.department_id)
        .map_err(|error| AppError::Invalid(vec![error]))
}

/// Whoever looks at counts pays for every view.
fn make_room(conn: &mut PgConnection, view: &View) -> Result<(), AppError> {
    let personal = view.audience == Audience::Personal;
    let most = if personal { PERSONAL_MAX } else { SHARED_MAX };
    if store::how_many(conn, view.owner_id.filter(|_| personal))? < most {
        return Ok(());
    }
    Err(AppError::conflict("too_many_views", format!("there are {most} views already")))
}

pub fn get(conn: &mut PgConnection, actor: &Actor, id: ViewId) -> Result<View, AppError> {
    store::find(conn, actor, id)?.ok_or(MISSING)
}

pub fn list(
    conn: &mut PgConnection,
    actor: &Actor,
    page: &PageRequest,
) -> Result<Page<View>, AppError> {
    let from = page.cursor.as_ref().map(|cursor| {
        let position = cursor.key.as_i64().and_then(|position| i32::try_from(position).ok());
        let position = position.ok_or_else(|| AppError::Malformed("cursor is not valid".into()))?;
        Ok::<_, AppError>((position, cursor.id))
    });
    let rows = store::list(conn, actor, page, from.transpose()?)?;
    Ok(page.page(rows, |view| (json!(view.position), view.id.0)))
}

/// Changes a view under lock; `change` gets the present state. What changes nothing makes no new version.
pub fn change(
    conn: &mut PgConnection,
    actor: &Actor,
    id: ViewId,
    seen: IfMatch,
    now: DateTime<Utc>,
    change: impl FnOnce(&mut View) -> Result<(), AppError>,
) -> Result<View, AppError> {
    let before = hold(conn, actor, id, seen)?;
    let mut after = before.clone();
    change(&mut after)?;
    if after.audience == Audience::Personal {
        after.owner_id = Some(actor.id);
    }
    if events::diff(&before, &after).is_empty() {
        return Ok(before);
    }
    check(actor, &after)?;
    if (after.audience == Audience::Personal) != (before.audience == Audience::Personal) {
        make_room(conn, &after)?;
    }
    (after.version, after.updated_at) = (before.version + 1, now);
    store::save(conn, &after).map_err(named)?;
    tell(conn, actor, Some(&before), Some(&after), now)?;
    Ok(after)
}

pub fn delete(
    conn: &mut PgConnection,
    actor: &Actor,
    id: ViewId,
    seen: IfMatch,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let view = hold(conn, actor, id, seen)?;
    store::delete(conn, id)?;
    tell(conn, actor, Some(&view), None, now)
}

fn hold(
    conn: &mut PgConnection,
    actor: &Actor,
    id: ViewId,
    seen: IfMatch,
) -> Result<View, AppError> {
    get(conn, actor, id)?;
    let view = store::lock(conn, id)?.ok_or(MISSING)?;
    may_change(actor, view.audience, view.owner_id)?;
    seen.check(view.version)?;
    Ok(view)
}

/// Every view of the caller with how many tickets it finds for them, as [`tickets::service::counts`] tells it; nothing for
/// one that does not apply to them. `read` makes a filter of a view.
pub fn counts(
    conn: &mut PgConnection,
    actor: &Actor,
    read: impl Fn(&View) -> Result<Filter, AppError>,
    now: DateTime<Utc>,
) -> Result<Vec<(View, Option<i64>)>, AppError> {
    actor.require(Permission::TicketsRead)?;
    let views = store::all(conn, actor)?;
    let applies = |filter: &Filter| !filter.deleted || actor.may(Permission::TicketsDelete);
    let filters: Vec<Option<Filter>> =
        views.iter().map(|view| read(view).ok().filter(applies)).collect();
    let known: Vec<Filter> = filters.iter().flatten().cloned().collect();
    let mut counted = tickets::service::counts(conn, actor, &known, now)?.into_iter();
    let with_count = views.into_iter().zip(filters);
    Ok(with_count.map(|(view, filter)| (view, filter.and_then(|_| counted.next()))).collect())
}
