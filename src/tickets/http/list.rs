//! Find tickets.
use actix_web::{get, web};

use super::super::service::{self, Filter};
use super::filter::ListQuery;
use super::view::TicketSummary;
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Params, WantsTotal, now};
use crate::kernel::{Actor, AppError, Page, PageRequest, Permission};

/// The filter of a query string such as `status=016&assignee=none`; what is about pages is ignored.
pub fn found_by(query: &str, actor: &Actor) -> Result<Filter, AppError> {
    let query: ListQuery = serde_urlencoded::from_str(query)
        .map_err(|error| AppError::Malformed(error.to_string()))?;
    query.filter(actor)
}

/// List tickets
///
/// Those that you may see, filtered and sorted. Page 20,000 costs what page 1 costs. A total is counted only when you ask
/// with `Prefer: return=total-count`.
#[utoipa::path(
    tag = "tickets",
    params(
        ListQuery,
        WantsTotal,
    ),
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "A page of tickets", body = Page<TicketSummary>)),
)]
#[get("/tickets")]
pub async fn list_tickets(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<ListQuery>,
    wants_total: WantsTotal,
) -> Result<Answer, AppError> {
    answer_list(&db, caller, &query, wants_total).await
}

/// A page of the tickets that the query asks for.
pub async fn answer_list(
    db: &Db,
    caller: Caller,
    query: &ListQuery,
    wants_total: WantsTotal,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    let filter = query.filter(&caller)?;
    let sort = query.sort(&caller)?;
    let fields = query.shown(&caller)?;
    let binding = format!("tickets {sort} {filter:?}");
    let page = PageRequest::new(query.limit, query.cursor.as_deref(), &binding)?;
    let now = now();
    db.read(move |conn| {
        let rows = service::list(conn, &caller, &filter, sort, &page, now)?;
        let total =
            wants_total.0.then(|| service::count(conn, &caller, &filter, now)).transpose()?;
        let page =
            rows.map(|ticket| TicketSummary::new(ticket.row, &ticket.workflow, &caller, now));
        let page = Page { total, ..page };
        match &fields {
            None => Answer::page(&page),
            Some(fields) => Answer::page(&page.try_map(|ticket| ticket.only(fields))?),
        }
    })
    .await
}
