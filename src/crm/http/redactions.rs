//! Secrets that are taken out of a ticket, at the desk and in the CRMs.
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::auth::Caller;
use crate::crm::service::{self, Told};
use crate::crm::store::{RedactedIn, RedactionState};
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, PageQuery, Params, PathId, now};
use crate::kernel::{AppError, ConnectionId, NoteId, Page, Permission, RedactionId, TicketId};
use crate::tickets::service::{self as tickets, Redact};
use crate::tickets::{RedactedField, Span};

pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(redact_ticket).service(list_redactions);
}

/// What is to be taken out, and why: either `start` and `length`, or `text`.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct RedactTicket {
    #[garde(skip)]
    #[schema(example = "description")]
    field: RedactedField,
    /// The note, when the field is `note`.
    #[garde(skip)]
    note_id: Option<NoteId>,
    /// The first character; the text begins with 0. Counted in Unicode scalar values.
    #[garde(skip)]
    #[schema(example = 11)]
    start: Option<usize>,
    /// How many characters.
    #[garde(inner(range(min = 1)))]
    #[schema(example = 19, minimum = 1)]
    length: Option<usize>,
    /// The secret itself, wherever it stands in the field; it is not stored.
    #[garde(length(chars, min = 1, max = 60_000))]
    #[schema(example = "4111 1111 1111 1111")]
    text: Option<String>,
    #[garde(length(chars, min = 1, max = 500))]
    #[schema(example = "The customer's card number")]
    reason: String,
}

impl RedactTicket {
    fn wanted(self) -> Result<Redact, AppError> {
        let span = match (self.start, self.length, self.text) {
            (Some(start), Some(length), None) => Span::At { start, length },
            (None, None, Some(text)) => Span::Text(text),
            _ => return Err(AppError::field("/start", "give start and length, or text")),
        };
        let (field, note_id, reason) = (self.field, self.note_id, self.reason);
        Ok(Redact { field, note_id, span, reason })
    }

    /// What an idempotency key stands for, without the secret: a hash of a card number tells the number.
    fn fingerprint(&self, id: TicketId) -> Vec<u8> {
        let Self { field, note_id, start, length, reason, .. } = self;
        format!("redact {id} {field} {note_id:?} {start:?} {length:?} {reason}").into_bytes()
    }
}

/// A span that was taken out of a text.
#[derive(Debug, Serialize, ToSchema)]
struct RedactionView {
    id: RedactionId,
    ticket_id: TicketId,
    field: RedactedField,
    note_id: Option<NoteId>,
    /// Where the first span began in the text as it was.
    #[schema(example = 11)]
    start: i32,
    /// How many characters it had.
    #[schema(example = 19)]
    length: i32,
    /// How many spans of the field.
    #[schema(example = 1)]
    spans: i32,
    #[schema(example = "The customer's card number")]
    reason: String,
    redacted_by: Uuid,
    #[schema(example = "L1 agent A")]
    redacted_by_name: String,
    redacted_at: DateTime<Utc>,
    /// The CRMs' copies that the mirror knows of.
    crm: Vec<CopyView>,
}

/// A copy in a CRM.
#[derive(Debug, Serialize, ToSchema)]
struct CopyView {
    connection_id: ConnectionId,
    #[schema(example = "SuiteCRM")]
    connection: String,
    what: RedactedIn,
    note_id: Option<NoteId>,
    state: RedactionState,
    /// Why it is not possible.
    #[schema(example = "notes of this CRM cannot be changed")]
    detail: Option<String>,
    updated_at: DateTime<Utc>,
}

impl From<Told> for RedactionView {
    fn from(Told { redaction, crm }: Told) -> Self {
        let crm = crm.into_iter().map(|(connection, copy)| CopyView {
            connection_id: connection.id,
            connection: connection.name,
            what: copy.what,
            note_id: copy.note_id,
            state: copy.state,
            detail: copy.detail,
            updated_at: copy.updated_at,
        });
        Self {
            id: redaction.id,
            ticket_id: redaction.ticket_id,
            field: redaction.field,
            note_id: redaction.note_id,
            start: redaction.start,
            length: redaction.length,
            spans: redaction.spans,
            reason: redaction.reason,
            redacted_by: redaction.redacted_by,
            redacted_by_name: redaction.redacted_by_name,
            redacted_at: redaction.redacted_at,
            crm: crm.collect(),
        }
    }
}

/// Take a secret out of a ticket
///
/// A card number, a password: `[redacted]` stands in its place from now on. It disappears for good, also from notes, history,
/// feed and kept answers that repeat it, and from what the mirror knows; the mirror writes the CRM's case and notes anew, and tells where
/// it cannot. A fragment of fewer than four characters is taken out of copies of the whole text only.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path), IfMatch, Idempotency),
    request_body(content = RedactTicket, example = json!({
        "field": "description", "start": 11, "length": 19, "reason": "The customer's card number",
    })),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 201, description = "What was done", body = RedactionView)),
)]
#[post("/tickets/{id}/redactions")]
async fn redact_ticket(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    seen: IfMatch,
    key: Idempotency,
    body: Body<RedactTicket>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let body = body.into_inner();
    let fingerprint = body.fingerprint(id.0);
    let wanted = body.wanted()?;
    db.tx(move |conn| {
        key.once(conn, caller.id, &fingerprint, |conn| {
            let (told, version) = service::redact(conn, &caller, id.0, seen, wanted, now())?;
            let location = format!("/v1/tickets/{}/redactions", id.0);
            // The ETag is the ticket's: a redaction moves its version.
            Ok(Answer::created(location, &RedactionView::from(told))?.version(version))
        })
    })
    .await
}

/// List what was taken out of a ticket, latest first
///
/// Who did it, when and why, and how far the CRMs are with it.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path), PageQuery),
    security(
        ("client_credentials" = ["tickets:read", "tickets:work"]),
    ),
    responses((status = 200, description = "A page of redactions", body = Page<RedactionView>)),
)]
#[get("/tickets/{id}/redactions")]
async fn list_redactions(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    query: Params<PageQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let binding = format!("redactions {}", id.0);
    let page = query.request(&binding)?;
    db.read(move |conn| {
        let Page { items, next, prev, total } = tickets::redactions(conn, &caller, id.0, &page)?;
        let told = service::told(conn, items)?;
        let items: Vec<_> = told.into_iter().map(RedactionView::from).collect();
        Answer::page(&Page { items, next, prev, total })
    })
    .await
}
