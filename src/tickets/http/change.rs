//! Change, submit, delete, restore.
use actix_web::{delete, patch, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::service::{self, Change};
use super::view::{TicketView, answer};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, IfMatch, PathId, now, nullable};
use crate::kernel::{
    AccountId, AppError, CategoryId, ComponentId, ContactId, Permission, Priority, ProductId,
    SlaPolicyId, TicketId, rfc3339,
};

/// What to change. What is absent stays; null clears.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeTicket {
    /// Chosen by hand, and kept by triage from then on. Null gives it back to the matrix.
    #[garde(skip)]
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Priority>, example = "high")]
    priority: Option<Option<Priority>>,
    /// The key of a ticket type.
    #[garde(length(chars, min = 1, max = 60))]
    #[serde(rename = "type")]
    #[schema(example = "incident")]
    type_key: Option<String>,
    /// Routes the ticket anew.
    #[garde(skip)]
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<ComponentId>)]
    component_id: Option<Option<ComponentId>>,
    #[garde(skip)]
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<CategoryId>)]
    category_id: Option<Option<CategoryId>>,
    #[garde(inner(inner(url, length(max = 2000))))]
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, example = "https://app.example/exports/7")]
    url: Option<Option<String>>,
    #[garde(skip)]
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    deadline: Option<Option<DateTime<Utc>>>,
    #[garde(inner(length(max = 50), inner(length(chars, min = 1, max = 60))))]
    #[schema(example = json!(["export"]))]
    tags: Option<Vec<String>>,
    #[garde(inner(inner(length(chars, min = 1, max = 255))))]
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, example = "MS-88123")]
    vendor_reference: Option<Option<String>>,
    /// The policy of service levels by which it is measured, whatever that one's conditions say; for the desk. Null: the first policy
    /// that fits.
    #[garde(skip)]
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<SlaPolicyId>)]
    sla_policy_id: Option<Option<SlaPolicyId>>,
    #[garde(skip)]
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<ContactId>)]
    contact_id: Option<Option<ContactId>>,
    /// Drafts only.
    #[garde(length(chars, max = 255))]
    subject: Option<String>,
    /// Drafts only.
    #[garde(length(chars, max = 60_000))]
    description: Option<String>,
    /// Drafts only; a submitted ticket is transferred.
    #[garde(skip)]
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<AccountId>)]
    account_id: Option<Option<AccountId>>,
    /// Drafts only; a submitted ticket is transferred.
    #[garde(skip)]
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<ProductId>)]
    product_id: Option<Option<ProductId>>,
}

impl From<ChangeTicket> for Change {
    fn from(body: ChangeTicket) -> Self {
        Self {
            priority_by_matrix: body.priority == Some(None),
            priority: body.priority.flatten(),
            type_key: body.type_key,
            component_id: body.component_id,
            category_id: body.category_id,
            url: body.url,
            deadline: body.deadline.map(|deadline| deadline.map(rfc3339::kept)),
            tags: body.tags,
            vendor_reference: body.vendor_reference,
            sla_policy_id: body.sla_policy_id,
            contact_id: body.contact_id,
            subject: body.subject,
            description: body.description,
            account_id: body.account_id,
            product_id: body.product_id,
        }
    }
}

/// Change a ticket
///
/// Subject and description never change once it is submitted; status, assignee, account and product have operations of
/// their own.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path), IfMatch),
    request_body(content = ChangeTicket, example = json!({"priority": "high", "tags": ["export"]})),
    security(("client_credentials" = ["tickets:write"])),
    responses((status = 200, description = "The ticket as it is now", body = TicketView)),
)]
#[patch("/tickets/{id}")]
pub async fn change_ticket(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    seen: IfMatch,
    body: Body<ChangeTicket>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWrite)?;
    let change = Change::from(body.into_inner());
    db.tx(move |conn| {
        let now = now();
        let located = service::change(conn, &caller, id.0, seen, change, now)?;
        answer(located, &caller, now)
    })
    .await
}

/// Submit a draft
///
/// Checked as a whole: the answer names each field that is missing. Routed and assigned as if it had just been opened.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path), IfMatch),
    security(("client_credentials" = ["tickets:write"])),
    responses(
        (status = 200, description = "The ticket as it is now", body = TicketView),
        (status = 422, description = "Not complete", body = crate::http::Problem, content_type = "application/problem+json"),
    ),
)]
#[post("/tickets/{id}/submission")]
pub async fn submit_ticket(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    seen: IfMatch,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWrite)?;
    db.tx(move |conn| {
        let now = now();
        let located = service::submit(conn, &caller, id.0, seen, now)?;
        answer(located, &caller, now)
    })
    .await
}

/// Delete a ticket
///
/// It can be restored within 30 days. Its case stays in the CRM.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path), IfMatch),
    security(("client_credentials" = ["tickets:delete"])),
    responses((status = 204, description = "Deleted")),
)]
#[delete("/tickets/{id}")]
pub async fn delete_ticket(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    seen: IfMatch,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsDelete)?;
    db.tx(move |conn| service::delete(conn, &caller, id.0, seen, now())).await?;
    Ok(Answer::no_content())
}

/// Restore a deleted ticket
///
/// Within 30 days of its deletion. It is back with its whole conversation, and assigned anew where its agent is not available.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path), IfMatch),
    security(("client_credentials" = ["tickets:delete"])),
    responses((status = 200, description = "The ticket as it is now", body = TicketView)),
)]
#[post("/tickets/{id}/restoration")]
pub async fn restore_ticket(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    seen: IfMatch,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsDelete)?;
    db.tx(move |conn| {
        let now = now();
        let located = service::restore(conn, &caller, id.0, seen, now)?;
        answer(located, &caller, now)
    })
    .await
}
