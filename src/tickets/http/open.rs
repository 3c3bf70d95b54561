//! Open a ticket.
use actix_web::{post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::rules::Source;
use super::super::service::{self, NewTicket};
use super::view::{TicketView, view};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, now};
use crate::kernel::{
    AccountId, AppError, CategoryId, ComponentId, ContactId, Permission, Priority, ProductId,
    TicketId, rfc3339,
};

/// A ticket to be opened. Account, product (or category), subject and description are required unless it is a draft.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenTicket {
    /// One line.
    #[garde(length(chars, max = 255))]
    #[serde(default)]
    #[schema(example = "The export stops after 100 rows", max_length = 255)]
    subject: String,
    #[garde(length(chars, max = 60_000))]
    #[serde(default)]
    #[schema(example = "Since this morning the export of the customer list stops after 100 rows.")]
    description: String,
    /// A page that shows the problem.
    #[garde(url, length(max = 2000))]
    #[schema(example = "https://app.example/exports/7")]
    url: Option<String>,
    #[garde(skip)]
    #[serde(default)]
    priority: Priority,
    /// The key of a ticket type.
    #[garde(length(max = 60))]
    #[serde(default = "question", rename = "type")]
    #[schema(example = "question")]
    type_key: String,
    /// A contact with one account may leave it out.
    #[garde(skip)]
    account_id: Option<AccountId>,
    /// The contact on whose behalf an agent opens it; a contact leaves it out.
    #[garde(skip)]
    contact_id: Option<ContactId>,
    #[garde(skip)]
    product_id: Option<ProductId>,
    #[garde(skip)]
    category_id: Option<CategoryId>,
    /// Routes the ticket to a level and a department.
    #[garde(skip)]
    component_id: Option<ComponentId>,
    #[garde(skip)]
    deadline: Option<DateTime<Utc>>,
    /// How it came in; a contact's is always `portal`.
    #[garde(skip)]
    #[serde(default = "api")]
    source: Source,
    /// The id in the system that it comes from; the same one twice for a source is refused with 409.
    #[garde(length(chars, min = 1, max = 255))]
    #[schema(example = "shop-7731")]
    external_id: Option<String>,
    #[garde(length(max = 50), inner(length(chars, min = 1, max = 60)))]
    #[serde(default)]
    #[schema(example = json!(["export"]))]
    tags: Vec<String>,
    /// True: incomplete, seen by you alone, until you submit it.
    #[garde(skip)]
    #[serde(default)]
    draft: bool,
}

fn question() -> String {
    "question".into()
}

fn api() -> Source {
    Source::Api
}

impl From<OpenTicket> for NewTicket {
    fn from(body: OpenTicket) -> Self {
        Self {
            id: TicketId::new(),
            subject: body.subject,
            description: body.description,
            url: body.url,
            priority: body.priority,
            type_key: body.type_key,
            account_id: body.account_id,
            contact_id: body.contact_id,
            product_id: body.product_id,
            category_id: body.category_id,
            component_id: body.component_id,
            deadline: body.deadline.map(rfc3339::kept),
            source: body.source,
            external_id: body.external_id,
            tags: body.tags,
            draft: body.draft,
        }
    }
}

/// Open a ticket
///
/// A contact opens their own; an agent opens on behalf of a contact. The component routes it to a level and a department,
/// and the least-loaded available agent gets it; nobody available: it waits. Subject and description never change afterwards.
#[utoipa::path(
    tag = "tickets",
    request_body(content = OpenTicket, example = json!({
        "subject": "The export stops after 100 rows",
        "description": "Since this morning the export of the customer list stops after 100 rows.",
        "priority": "high", "type": "incident", "account_id": AccountId::EXAMPLE, "contact_id": ContactId::EXAMPLE,
        "product_id": ProductId::EXAMPLE, "component_id": ComponentId::EXAMPLE, "tags": ["export"],
    })),
    params(Idempotency),
    security(("client_credentials" = ["tickets:write"])),
    responses((status = 201, description = "The ticket", body = TicketView)),
)]
#[post("/tickets")]
pub async fn open_ticket(
    db: web::Data<Db>,
    caller: Caller,
    key: Idempotency,
    body: Body<OpenTicket>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWrite)?;
    let fingerprint = body.fingerprint.clone();
    let new = NewTicket::from(body.into_inner());
    db.tx(move |conn| {
        key.once(conn, caller.id, &fingerprint, |conn| {
            let now = now();
            let opened = service::open(conn, &caller, new, now)?;
            let location = format!("/v1/tickets/{}", opened.row.id);
            let version = opened.row.version;
            Ok(Answer::created(location, &view(opened, &caller, now))?.version(version))
        })
    })
    .await
}
