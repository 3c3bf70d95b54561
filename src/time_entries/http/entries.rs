//! Time entries.
use actix_web::{delete, get, patch, post, web};
use chrono::NaiveDate;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::query::ListQuery;
use super::view::{TimeEntryView, answer, created};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, PageQuery, Params, PathId, now, nullable};
use crate::kernel::{AgentId, AppError, Page, Permission, TicketId, TimeEntryId};
use crate::time_entries::service::{self, Change, NewEntry};
use crate::time_entries::store::Filter;

/// What was worked.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "minutes": 45, "chargeable": true, "note": "Read the logs, found the limit", "work_date": "2026-11-20",
}))]
pub struct LogTime {
    /// You when absent; an agent names no other.
    #[garde(skip)]
    agent_id: Option<AgentId>,
    #[garde(range(min = 1, max = 1440))]
    #[schema(example = 45)]
    minutes: i32,
    /// Whether the customer pays for it.
    #[serde(default)]
    #[garde(skip)]
    #[schema(example = true)]
    chargeable: bool,
    /// For the desk.
    #[garde(length(chars, min = 1, max = 2000))]
    #[schema(example = "Read the logs, found the limit")]
    note: Option<String>,
    /// The day by the agent's clock, since 2000; today when absent.
    #[garde(skip)]
    #[schema(example = "2026-11-20")]
    work_date: Option<NaiveDate>,
}

/// Log time on a ticket
///
/// Your own; who coordinates or administrates logs that of others too. A closed ticket takes time as well: people book afterwards. What is
/// sent to a merged ticket goes to the one that it was merged into.
#[utoipa::path(
    tag = "time",
    params(("id" = TicketId, Path), Idempotency),
    request_body = LogTime,
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 201, description = "The entry", body = TimeEntryView)),
)]
#[post("/tickets/{id}/time-entries")]
pub async fn log_time(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    key: Idempotency,
    body: Body<LogTime>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let (fingerprint, body) = (body.fingerprint.clone(), body.into_inner());
    let new = NewEntry {
        agent_id: body.agent_id,
        minutes: body.minutes,
        chargeable: body.chargeable,
        note: body.note,
        work_date: body.work_date,
    };
    db.tx(move |conn| {
        key.once(conn, caller.id, &fingerprint, |conn| {
            created(service::log(conn, &caller, id.0, new, now())?)
        })
    })
    .await
}

/// List what was worked on a ticket, the latest day first
///
/// With what was worked on the tickets that were merged into it.
#[utoipa::path(
    tag = "time",
    params(("id" = TicketId, Path), PageQuery),
    security(("client_credentials" = ["tickets:read", "tickets:work"])),
    responses((status = 200, description = "A page of entries", body = Page<TimeEntryView>)),
)]
#[get("/tickets/{id}/time-entries")]
pub async fn list_ticket_time_entries(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    query: Params<PageQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let page = query.request(&format!("time entries of {}", id.0))?;
    db.read(move |conn| {
        let all = Filter::default();
        let filter = service::within_conversation(conn, &caller, &all, Some(id.0))?;
        let found = service::list(conn, &caller, &filter, &page)?;
        Answer::page(&found.map(TimeEntryView::from))
    })
    .await
}

/// List time entries, the latest day first
///
/// On tickets that you may see, and your own. Those on deleted tickets are not listed.
#[utoipa::path(
    tag = "time",
    params(ListQuery),
    security(("client_credentials" = ["tickets:read", "tickets:work"])),
    responses((status = 200, description = "A page of entries", body = Page<TimeEntryView>)),
)]
#[get("/time-entries")]
pub async fn list_time_entries(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<ListQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    caller.require(Permission::TicketsWork)?;
    let (page, filter, ticket) = (query.page()?, query.filter(), query.ticket);
    db.read(move |conn| {
        let filter = service::within_conversation(conn, &caller, &filter, ticket)?;
        let found = service::list(conn, &caller, &filter, &page)?;
        Answer::page(&found.map(TimeEntryView::from))
    })
    .await
}

/// Get a time entry
///
/// With what it costs, where it is chargeable and there is a rate.
#[utoipa::path(
    tag = "time",
    params(("id" = TimeEntryId, Path)),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The entry", body = TimeEntryView)),
)]
#[get("/time-entries/{id}")]
pub async fn get_time_entry(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TimeEntryId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    answer(db.read(move |conn| service::get(conn, &caller, id.0)).await?)
}

/// What to change; what is absent stays.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeTimeEntry {
    #[garde(range(min = 1, max = 1440))]
    #[schema(example = 50)]
    minutes: Option<i32>,
    #[garde(skip)]
    #[schema(example = false)]
    chargeable: Option<bool>,
    #[serde(default, deserialize_with = "nullable")]
    #[garde(inner(inner(length(chars, min = 1, max = 2000))))]
    #[schema(value_type = Option<String>, example = "Read the logs")]
    note: Option<Option<String>>,
    /// The day by the agent's clock, since 2000.
    #[garde(skip)]
    #[schema(example = "2026-11-19")]
    work_date: Option<NaiveDate>,
}

/// Change a time entry
///
/// Your own; who coordinates or administrates changes that of others too. The event says what it was.
#[utoipa::path(
    tag = "time",
    params(("id" = TimeEntryId, Path), IfMatch),
    request_body = ChangeTimeEntry,
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The entry as it is now", body = TimeEntryView)),
)]
#[patch("/time-entries/{id}")]
pub async fn change_time_entry(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TimeEntryId>,
    seen: IfMatch,
    body: Body<ChangeTimeEntry>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let body = body.into_inner();
    let change = Change {
        minutes: body.minutes,
        chargeable: body.chargeable,
        note: body.note,
        work_date: body.work_date,
    };
    let change = move |conn: &mut _| service::change(conn, &caller, id.0, seen, change, now());
    answer(db.tx(change).await?)
}

/// Remove a time entry
///
/// Your own; who coordinates or administrates removes that of others too. It is gone from every total; the event says what it was.
#[utoipa::path(
    tag = "time",
    params(("id" = TimeEntryId, Path), IfMatch),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 204, description = "Removed")),
)]
#[delete("/time-entries/{id}")]
pub async fn remove_time_entry(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TimeEntryId>,
    seen: IfMatch,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    db.tx(move |conn| service::remove(conn, &caller, id.0, seen, now())).await?;
    Ok(Answer::no_content())
}
