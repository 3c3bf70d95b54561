//! What is said in side conversations.
use actix_web::{get, post, web};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::not_blank;
use super::view::SideMessageView;
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, PageQuery, Params, now};
use crate::kernel::{AppError, Page, SideConversationId, SideMessageId, TicketId};
use crate::side_conversations::service::{self, NewMessage};

/// A message to all who take part.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendSideMessage {
    /// Markdown.
    #[garde(length(chars, min = 1, max = 60_000), custom(not_blank))]
    #[schema(example = "Is there any news?", min_length = 1)]
    body: String,
    /// True: the mail has the customer's details and the request, too.
    #[garde(skip)]
    #[serde(default)]
    #[schema(example = false)]
    ticket_summary: bool,
}

/// Send a message in a side conversation
///
/// It goes by mail to all who take part. A closed side conversation is open again. The ETag is the side conversation's.
#[utoipa::path(
    tag = "side conversations",
    params(("id" = TicketId, Path), ("side_conversation_id" = SideConversationId, Path), Idempotency),
    request_body = SendSideMessage,
    security(
        ("client_credentials" = ["tickets:read", "tickets:write", "tickets:work"]),
    ),
    responses((status = 201, description = "The message", body = SideMessageView)),
)]
#[post("/tickets/{id}/side-conversations/{side_conversation_id}/messages")]
pub async fn send_side_message(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(TicketId, SideConversationId)>,
    key: Idempotency,
    body: Body<SendSideMessage>,
) -> Result<Answer, AppError> {
    let (ticket, id) = path.into_inner();
    let fingerprint = body.fingerprint.clone();
    let SendSideMessage { body, ticket_summary } = body.into_inner();
    let new = NewMessage { body, ticket_summary };
    db.tx(move |conn| {
        key.once(conn, caller.id, &fingerprint, |conn| {
            let (message, side) = service::send(conn, &caller, ticket, id, new, now())?;
            let location = format!(
                "/v1/tickets/{}/side-conversations/{}/messages/{}",
                side.ticket_id, side.id, message.id
            );
            let view = SideMessageView::new(side.ticket_id, message);
            Ok(Answer::created(location, &view)?.version(side.version))
        })
    })
    .await
}

/// List what was said in a side conversation, oldest first
///
/// What went out and what came back by mail.
#[utoipa::path(
    tag = "side conversations",
    params(("id" = TicketId, Path), ("side_conversation_id" = SideConversationId, Path), PageQuery),
    security(("client_credentials" = ["tickets:read", "tickets:work"])),
    responses((status = 200, description = "A page of messages", body = Page<SideMessageView>)),
)]
#[get("/tickets/{id}/side-conversations/{side_conversation_id}/messages")]
pub async fn list_side_messages(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(TicketId, SideConversationId)>,
    query: Params<PageQuery>,
) -> Result<Answer, AppError> {
    let (ticket, id) = path.into_inner();
    let page = query.request(&format!("side messages {id}"))?;
    let (side, found) =
        db.read(move |conn| service::messages(conn, &caller, ticket, id, &page)).await?;
    Answer::page(&found.map(|message| SideMessageView::new(side.ticket_id, message)))
}

/// Get a message of a side conversation
///
/// With what became of the mail that it went out with, or the mail that it came with.
#[utoipa::path(
    tag = "side conversations",
    params(
        ("id" = TicketId, Path),
        ("side_conversation_id" = SideConversationId, Path),
        ("message_id" = SideMessageId, Path),
    ),
    security(("client_credentials" = ["tickets:read", "tickets:work"])),
    responses((status = 200, description = "The message", body = SideMessageView)),
)]
#[get("/tickets/{id}/side-conversations/{side_conversation_id}/messages/{message_id}")]
pub async fn get_side_message(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(TicketId, SideConversationId, SideMessageId)>,
) -> Result<Answer, AppError> {
    let (ticket, id, message) = path.into_inner();
    let (side, found) =
        db.read(move |conn| service::message(conn, &caller, ticket, id, message)).await?;
    Answer::ok(&SideMessageView::new(side.ticket_id, found))
}
