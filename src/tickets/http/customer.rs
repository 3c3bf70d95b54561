//! A customer's tickets: what is worked on and what was before, in one call.
use actix_web::{get, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::service::{self, COUNTED_MAX, Customer};
use super::view::TicketSummary;
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Params, PathId, now};
use crate::kernel::{AccountId, AppError, ContactId, Page, PageRequest, Permission};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CustomerQuery {
    /// Items of each kind; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page of the active ones.
    active_cursor: Option<String>,
    /// `next` or `prev` of another page of the previous ones.
    previous_cursor: Option<String>,
}

/// A customer's tickets that you may see, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerTickets {
    /// Those that are worked on.
    active: Page<TicketSummary>,
    /// Those that are closed.
    previous: Page<TicketSummary>,
    active_count: BoundedCount,
    previous_count: BoundedCount,
}

/// How many there are, counted as far as 1,000.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoundedCount {
    #[schema(example = 12)]
    count: i64,
    /// There are more than that.
    #[schema(example = false)]
    more: bool,
}

impl From<i64> for BoundedCount {
    fn from(counted: i64) -> Self {
        Self { count: counted.min(COUNTED_MAX), more: counted > COUNTED_MAX }
    }
}

/// List an account's tickets
///
/// Active and previous ones in one call, each a page with its own cursors, and how many there are.
#[utoipa::path(
    tag = "tickets",
    params(("id" = AccountId, Path), CustomerQuery),
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "The account's tickets", body = CustomerTickets)),
)]
#[get("/accounts/{id}/tickets")]
pub async fn list_account_tickets(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<AccountId>,
    query: Params<CustomerQuery>,
) -> Result<Answer, AppError> {
    answer(&db, caller, Customer::Account(id.0), &query).await
}

/// List a contact's tickets
///
/// Active and previous ones in one call, each a page with its own cursors, and how many there are.
#[utoipa::path(
    tag = "tickets",
    params(("id" = ContactId, Path), CustomerQuery),
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "The contact's tickets", body = CustomerTickets)),
)]
#[get("/contacts/{id}/tickets")]
pub async fn list_contact_tickets(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ContactId>,
    query: Params<CustomerQuery>,
) -> Result<Answer, AppError> {
    answer(&db, caller, Customer::Contact(id.0), &query).await
}

async fn answer(
    db: &Db,
    caller: Caller,
    customer: Customer,
    query: &CustomerQuery,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    let page = |kind: &str, cursor: &Option<String>| {
        PageRequest::new(query.limit, cursor.as_deref(), &format!("{kind} {customer:?}"))
    };
    let active = page("active", &query.active_cursor)?;
    let previous = page("previous", &query.previous_cursor)?;
    let now = now();
    db.read(move |conn| {
        let found = service::customers_tickets(conn, &caller, customer, [&active, &previous], now)?;
        let view = |page: Page<service::InWorkflow<_>>| {
            page.map(|ticket| TicketSummary::new(ticket.row, &ticket.workflow, &caller, now))
        };
        Answer::ok(&CustomerTickets {
            active: view(found.active),
            previous: view(found.previous),
            active_count: found.active_count.into(),
            previous_count: found.previous_count.into(),
        })
    })
    .await
}
