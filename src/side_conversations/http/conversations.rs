//! Open side conversations, find them, close them and say who takes part.
use actix_web::{get, patch, post, web};
use garde::Validate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::not_blank;
use super::view::SideConversationView;
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, Params, PathId, now};
use crate::kernel::{AppError, Page, PageRequest, SideConversationId, TicketId};
use crate::mail::Address;
use crate::side_conversations::rules::{CC_MAX, SideConversationState};
use crate::side_conversations::service::{self, Change, NewSideConversation};

/// Somebody outside.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    #[garde(length(chars, max = 200))]
    #[schema(example = "Account manager A")]
    name: Option<String>,
    #[garde(length(chars, min = 3, max = 254))]
    #[schema(example = "account-manager-a@desk.example", min_length = 3)]
    email: String,
}

impl From<Recipient> for Address {
    fn from(Recipient { name, email }: Recipient) -> Self {
        Self { name, email }
    }
}

fn addresses(recipients: Vec<Recipient>) -> Vec<Address> {
    recipients.into_iter().map(Address::from).collect()
}

/// A side conversation, and the first message in it.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenSideConversation {
    /// The account manager of the ticket's account when it is left out.
    #[garde(dive)]
    to: Option<Recipient>,
    #[garde(length(max = CC_MAX), dive)]
    #[serde(default)]
    #[schema(example = json!([]))]
    cc: Vec<Recipient>,
    #[garde(length(chars, min = 1, max = 255), custom(not_blank))]
    #[schema(example = "Managed upgrade for Northwind Services", min_length = 1)]
    subject: String,
    /// Markdown.
    #[garde(length(chars, min = 1, max = 60_000), custom(not_blank))]
    #[schema(example = "Could you take care of this upgrade?", min_length = 1)]
    body: String,
    /// Whether the mail has the customer's details and the request. When it is left out: whether the ticket follows a process
    /// with a step for that.
    #[garde(skip)]
    #[schema(example = true)]
    ticket_summary: Option<bool>,
}

/// Open a side conversation
///
/// A mail thread of its own with an account manager, a vendor or another team. The customer never sees it, and none of the
/// contacts of the ticket's account can take part in it. What the participants answer by mail is added to it. Its ETag is
/// its own; the ticket's history tells of it. On a merged ticket, it is opened on the one that it was merged into.
#[utoipa::path(
    tag = "side conversations",
    params(("id" = TicketId, Path), Idempotency),
    request_body = OpenSideConversation,
    security(("client_credentials" = ["tickets:write", "tickets:work"])),
    responses((status = 201, description = "The side conversation", body = SideConversationView)),
)]
#[post("/tickets/{id}/side-conversations")]
pub async fn open_side_conversation(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    key: Idempotency,
    body: Body<OpenSideConversation>,
) -> Result<Answer, AppError> {
    let fingerprint = body.fingerprint.clone();
    let body = body.into_inner();
    let new = NewSideConversation {
        to: body.to.map(Address::from),
        cc: addresses(body.cc),
        subject: body.subject,
        body: body.body,
        ticket_summary: body.ticket_summary,
    };
    db.tx(move |conn| {
        key.once(conn, caller.id, &fingerprint, |conn| {
            let side = service::open(conn, &caller, id.0, new, now())?;
            let location = format!("/v1/tickets/{}/side-conversations/{}", side.ticket_id, side.id);
            let version = side.version;
            Ok(Answer::created(location, &SideConversationView::from(side))?.version(version))
        })
    })
    .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SideConversationQuery {
    /// Only those in this state.
    state: Option<SideConversationState>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}

/// List a ticket's side conversations, latest first
///
/// With those of the tickets that were merged into it; each names the ticket that it was opened on.
#[utoipa::path(
    tag = "side conversations",
    params(("id" = TicketId, Path), SideConversationQuery),
    security(("client_credentials" = ["tickets:read", "tickets:work"])),
    responses((status = 200, description = "A page of side conversations", body = Page<SideConversationView>)),
)]
#[get("/tickets/{id}/side-conversations")]
pub async fn list_side_conversations(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    query: Params<SideConversationQuery>,
) -> Result<Answer, AppError> {
    let Params(SideConversationQuery { state, limit, cursor }) = query;
    let binding = format!("side conversations {} {state:?}", id.0);
    let page = PageRequest::new(limit, cursor.as_deref(), &binding)?;
    let found = db.read(move |conn| service::list(conn, &caller, id.0, state, &page)).await?;
    Answer::page(&found.map(SideConversationView::from))
}

/// Get a side conversation
///
/// With its participants. The customer never sees it.
#[utoipa::path(
    tag = "side conversations",
    params(("id" = TicketId, Path), ("side_conversation_id" = SideConversationId, Path)),
    security(("client_credentials" = ["tickets:read", "tickets:work"])),
    responses((status = 200, description = "The side conversation", body = SideConversationView)),
)]
#[get("/tickets/{id}/side-conversations/{side_conversation_id}")]
pub async fn get_side_conversation(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(TicketId, SideConversationId)>,
) -> Result<Answer, AppError> {
    let (ticket, id) = path.into_inner();
    let side = db.read(move |conn| service::get(conn, &caller, ticket, id)).await?;
    let version = side.version;
    Ok(Answer::ok(&SideConversationView::from(side))?.version(version))
}

/// What is to change.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeSideConversation {
    #[garde(skip)]
    state: Option<SideConversationState>,
    #[garde(dive)]
    to: Option<Recipient>,
    /// All who are in copy from now on.
    #[garde(length(max = CC_MAX), dive)]
    cc: Option<Vec<Recipient>>,
}

/// Close a side conversation or open it again, and change who takes part
///
/// Whoever takes part no more gets no further message, and what they still send waits in quarantine. A closed side conversation
/// is opened again by the next message, whoever writes it. An open one keeps no ticket from being closed.
#[utoipa::path(
    tag = "side conversations",
    params(("id" = TicketId, Path), ("side_conversation_id" = SideConversationId, Path), IfMatch),
    request_body(content = ChangeSideConversation, example = json!({"state": "closed"})),
    security(
        ("client_credentials" = ["tickets:read", "tickets:write", "tickets:work"]),
    ),
    responses((status = 200, description = "The side conversation as it is now", body = SideConversationView)),
)]
#[patch("/tickets/{id}/side-conversations/{side_conversation_id}")]
pub async fn change_side_conversation(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(TicketId, SideConversationId)>,
    seen: IfMatch,
    body: Body<ChangeSideConversation>,
) -> Result<Answer, AppError> {
    let (ticket, id) = path.into_inner();
    let ChangeSideConversation { state, to, cc } = body.into_inner();
    let wanted = Change { state, to: to.map(Address::from), cc: cc.map(addresses) };
    let change =
        move |conn: &mut _| service::change(conn, &caller, ticket, id, seen, wanted, now());
    let side = db.tx(change).await?;
    let version = side.version;
    Ok(Answer::ok(&SideConversationView::from(side))?.version(version))
}
