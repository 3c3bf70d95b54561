//! Use cases of the canned replies.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use diesel::result::Error as DieselError;
use serde_json::{Value, json};

use super::placeholders;
use super::rules::{PERSONAL_MAX, ReplyAudience, SHARED_MAX, check_department, require_to_share};
use super::store::{self, CannedReply};
use crate::db::violated;
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, CannedReplyId, Page, PageRequest, Permission, TicketId};
use crate::tickets::{InWorkflow, Ticket, service as tickets};
use crate::{catalog, events, people};

const MISSING: AppError = AppError::NotFound("the canned reply");

fn subject(id: CannedReplyId) -> String {
    format!("canned-reply/{id}")
}

fn named(error: DieselError) -> AppError {
    match violated(&error) {
        Some("canned_replies_department_id_fkey") => {
            AppError::field("/department_id", "there is no such department")
        }
        _ => error.into(),
    }
}

/// Fails with `may_not_share`, with `too_many_canned_replies`, and on a placeholder that nothing fills in.
pub fn create(
    conn: &mut PgConnection,
    actor: &Actor,
    reply: &CannedReply,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    actor.require(Permission::TicketsWork)?;
    check(actor, reply)?;
    make_room(conn, reply)?;
    store::insert(conn, reply).map_err(named)?;
    // What is personal is nobody else's to be told of.
    match reply.audience {
        ReplyAudience::Personal => Ok(()),
        _ => events::resource_created(conn, actor, subject(reply.id), reply, now),
    }
}

fn check(actor: &Actor, reply: &CannedReply) -> Result<(), AppError> {
    if reply.audience != ReplyAudience::Personal {
        require_to_share(actor)?;
    }
    check_department(reply.audience, reply.department_id)?;
    placeholders::check(&reply.body, false).map_err(|wrong| AppError::field("/body", wrong))
}

fn make_room(conn: &mut PgConnection, reply: &CannedReply) -> Result<(), AppError> {
    let personal = reply.audience == ReplyAudience::Personal;
    let most = if personal { PERSONAL_MAX } else { SHARED_MAX };
    if store::how_many(conn, personal.then_some(reply.owner_id))? < most {
        return Ok(());
    }
    let detail = format!("there are {most} canned replies already");
    Err(AppError::conflict("too_many_canned_replies", detail))
}

pub fn get(
    conn: &mut PgConnection,
    actor: &Actor,
    id: CannedReplyId,
) -> Result<CannedReply, AppError> {
    actor.require(Permission::TicketsWork)?;
    store::find(conn, actor, id)?.ok_or(MISSING)
}

pub fn list(
    conn: &mut PgConnection,
    actor: &Actor,
    q: Option<&str>,
    request: &PageRequest,
) -> Result<Page<CannedReply>, AppError> {
    actor.require(Permission::TicketsWork)?;
    let rows = store::list(conn, actor, q, request)?;
    Ok(request.page(rows, |reply| (json!(reply.name), reply.id.0)))
}

/// Changes one under lock; `change` gets the present state. What changes nothing makes no new version. What becomes personal
/// is the caller's.
pub fn change(
    conn: &mut PgConnection,
    actor: &Actor,
    id: CannedReplyId,
    seen: IfMatch,
    now: DateTime<Utc>,
    change: impl FnOnce(&mut CannedReply),
) -> Result<CannedReply, AppError> {
    let before = hold(conn, actor, id, seen)?;
    let mut after = before.clone();
    change(&mut after);
    let personal = |reply: &CannedReply| reply.audience == ReplyAudience::Personal;
    if personal(&after) {
        after.owner_id = actor.id;
    }
    let changes = events::diff(&before, &after);
    if changes.is_empty() {
        return Ok(before);
    }
    check(actor, &after)?;
    if personal(&after) != personal(&before) {
        make_room(conn, &after)?;
    }
    (after.version, after.updated_at) = (before.version + 1, now);
    store::save(conn, &after).map_err(named)?;
    match (personal(&before), personal(&after)) {
        (true, true) => {}
        (true, false) => events::resource_created(conn, actor, subject(id), &after, now)?,
        (false, true) => events::resource_deleted(conn, actor, subject(id), &before, now)?,
        (false, false) => events::resource_changed(conn, actor, subject(id), changes, now)?,
    }
    Ok(after)
}

pub fn delete(
    conn: &mut PgConnection,
    actor: &Actor,
    id: CannedReplyId,
    seen: IfMatch,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let reply = hold(conn, actor, id, seen)?;
    store::delete(conn, id)?;
    match reply.audience {
        ReplyAudience::Personal => Ok(()),
        _ => events::resource_deleted(conn, actor, subject(id), &reply, now),
    }
}

fn hold(
    conn: &mut PgConnection,
    actor: &Actor,
    id: CannedReplyId,
    seen: IfMatch,
) -> Result<CannedReply, AppError> {
    get(conn, actor, id)?;
    let reply = store::lock(conn, id)?.ok_or(MISSING)?;
    if reply.audience != ReplyAudience::Personal {
        require_to_share(actor)?;
    } else if reply.owner_id != actor.id {
        return Err(MISSING);
    }
    seen.check(reply.version)?;
    Ok(reply)
}

/// The reply as this ticket fills it in.
pub fn preview(
    conn: &mut PgConnection,
    actor: &Actor,
    id: CannedReplyId,
    ticket: TicketId,
) -> Result<String, AppError> {
    let reply = get(conn, actor, id)?;
    let ticket = tickets::get(conn, actor, ticket).map_err(|error| match error {
        AppError::NotFound(_) => AppError::field("/ticket_id", "there is no such ticket"),
        error => error,
    })?;
    let values = values(conn, actor, &ticket)?;
    placeholders::render(&reply.body, &values).map_err(|wrong| AppError::field("/ticket_id", wrong))
}

/// What a ticket fills in for a caller who works on it.
pub fn values(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: &InWorkflow<Ticket>,
) -> Result<Value, AppError> {
    let InWorkflow { row, workflow } = ticket;
    let contact = row.contact_id.map(|id| people::get_contact(conn, id)).transpose()?;
    let account = row.account_id.map(|id| people::get_account(conn, id)).transpose()?;
    let product = row.product_id.map(|id| catalog::get_product(conn, id)).transpose()?;
    let department = people::get_department(conn, row.department_id)?;
    let text = |text: Option<String>| text.unwrap_or_default();
    let status = workflow.status(&row.status).map(|status| status.customer_label.clone());
    let (contact_name, contact_email) =
        contact.map(|contact| (contact.name, contact.email)).unzip();
    let (name, manager) = account
        .map(|account| (account.name, (account.manager_name, account.manager_email)))
        .unzip();
    let (manager_name, manager_email) = manager.unwrap_or_default();
    Ok(json!({
        "ticket": {
            "number": format!("CB-{}", row.number), "subject": row.subject, "status": text(status),
            "priority": row.priority, "type": row.type_key, "url": text(row.url.clone()),
            "resolution": text(row.resolution.clone()),
        },
        "contact": { "name": text(contact_name), "email": text(contact_email) },
        "account": {
            "name": text(name), "manager_name": text(manager_name), "manager_email": text(manager_email),
        },
        "product": { "name": text(product.map(|product| product.name)) },
        "department": { "name": department.name },
        "agent": { "name": actor.name },
    }))
}
