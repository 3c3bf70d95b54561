//! The conversation on a ticket.
use actix_web::{get, post, web};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::service::{self, Replied};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, PageQuery, Params, PathId, now};
use crate::kernel::{Actor, AppError, AttachmentId, NoteId, Page, Permission, TicketId};
use crate::notes::{Channel, NewNote, NoteView, NoteVisibility};

/// A note to be added. Notes never change afterwards.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddNote {
    /// `public` is a reply that the customer reads; `internal` stays at the desk. A contact's notes are public.
    #[garde(skip)]
    #[serde(default = "public")]
    visibility: NoteVisibility,
    #[garde(length(chars, min = 1, max = 60_000), custom(not_blank))]
    #[schema(example = "The export works again. Can you confirm?", min_length = 1)]
    body: String,
    /// Attachments of the ticket that the note refers to. A public note refers to public ones.
    #[garde(length(max = 100))]
    #[serde(default)]
    #[schema(example = json!([]))]
    attachment_ids: Vec<AttachmentId>,
}

pub(super) fn public() -> NoteVisibility {
    NoteVisibility::Public
}

pub(super) fn not_blank(text: &str, (): &()) -> garde::Result {
    if text.trim().is_empty() { Err(garde::Error::new("is blank")) } else { Ok(()) }
}

/// A note to be added, and whether it is what you had begun.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendNote {
    /// `public` is a reply that the customer reads; `internal` stays at the desk. A contact's notes are public.
    #[garde(skip)]
    #[serde(default = "public")]
    visibility: NoteVisibility,
    /// Markdown; `@[L1 agent A](agent:<id>)` mentions an agent.
    #[garde(length(chars, min = 1, max = 60_000), custom(not_blank))]
    #[schema(example = "The export works again. Can you confirm?", min_length = 1)]
    body: String,
    /// Attachments of the ticket that the note refers to. A public note refers to public ones.
    #[garde(length(max = 100))]
    #[serde(default)]
    #[schema(example = json!([]))]
    attachment_ids: Vec<AttachmentId>,
    /// True: your draft of a reply on this ticket is gone as soon as this is sent.
    #[garde(skip)]
    #[serde(default)]
    #[schema(example = false)]
    discard_draft: bool,
}

impl AddNote {
    /// The note as this caller writes it.
    pub fn by(self, actor: &Actor) -> NewNote {
        let channel = if actor.is_contact() { Channel::Portal } else { Channel::Api };
        NewNote {
            visibility: self.visibility,
            channel,
            body: self.body,
            attachments: self.attachment_ids,
        }
    }
}

/// A reply that came after the reopen window: the ticket that it opened.
#[derive(Debug, Serialize, ToSchema)]
pub struct FollowUpView {
    /// The new ticket; the reply is its description.
    ticket_id: TicketId,
    #[schema(example = "CB-1043")]
    number: String,
    /// The closed ticket, to which it is linked.
    follow_up_of: TicketId,
}

/// What became of a reply.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ReplyView {
    Note(NoteView),
    FollowUp(FollowUpView),
}

impl ReplyView {
    /// Where it is, the version of its ticket, and how it is shown.
    fn of(replied: Replied) -> (String, i32, Self) {
        match replied {
            Replied::Noted(noted) => {
                let (note, ticket) = *noted;
                let location = format!("/v1/tickets/{}/notes/{}", note.ticket_id, note.id);
                (location, ticket.row.version, Self::Note(note.into()))
            }
            Replied::FollowedUp { opened, closed } => {
                let view = FollowUpView {
                    ticket_id: opened.row.id,
                    number: format!("CB-{}", opened.row.number),
                    follow_up_of: closed,
                };
                let location = format!("/v1/tickets/{}", opened.row.id);
                (location, opened.row.version, Self::FollowUp(view))
            }
        }
    }
}

/// Reply to a ticket, or note something on it
///
/// A contact's reply moves the ticket as its workflow says: it goes back to the desk, and a closed ticket is reopened
/// within its window. After the window, the reply opens a follow-up of the ticket: `Location` and `ticket_id` lead to it. On a
/// merged ticket, the note is added to the one that it was merged into, which `Location` and `ticket_id` tell.
#[utoipa::path(
    tag = "notes",
    params(
        ("id" = TicketId, Path),
        Idempotency,
    ),
    request_body = SendNote,
    security(("client_credentials" = ["tickets:write"])),
    responses((status = 201, description = "The note, or the ticket that follows up a closed one", body = ReplyView)),
)]
#[post("/tickets/{id}/notes")]
pub async fn add_note(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    key: Idempotency,
    body: Body<SendNote>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWrite)?;
    let fingerprint = body.fingerprint.clone();
    let SendNote { visibility, body, attachment_ids, discard_draft } = body.into_inner();
    let note = AddNote { visibility, body, attachment_ids }.by(&caller);
    db.tx(move |conn| {
        key.once(conn, caller.id, &fingerprint, |conn| {
            if discard_draft {
                service::forget_reply_draft(conn, &caller, id.0)?;
            }
            let replied = service::reply(conn, &caller, id.0, note, now())?;
            let (location, version, view) = ReplyView::of(replied);
            // The ETag is the ticket's: a note moves its version.
            Ok(Answer::created(location, &view)?.version(version))
        })
    })
    .await
}

/// List a ticket's notes, oldest first
///
/// With those of the tickets that were merged into it; each names the ticket that it was written on. A contact sees the
/// public ones.
#[utoipa::path(
    tag = "notes",
    params(("id" = TicketId, Path), PageQuery),
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "A page of the conversation", body = Page<NoteView>)),
)]
#[get("/tickets/{id}/notes")]
pub async fn list_notes(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    query: Params<PageQuery>,
) -> Result<Answer, AppError> {
    let page = query.request(&format!("notes {}", id.0))?;
    let notes = db.read(move |conn| service::notes(conn, &caller, id.0, &page)).await?;
    Answer::page(&notes.map(NoteView::from))
}

/// Get a note
///
/// An internal note is there for the desk only.
#[utoipa::path(
    tag = "notes",
    params(("id" = TicketId, Path), ("note_id" = NoteId, Path)),
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "The note", body = NoteView)),
)]
#[get("/tickets/{id}/notes/{note_id}")]
pub async fn get_note(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(TicketId, NoteId)>,
) -> Result<Answer, AppError> {
    let (ticket, id) = path.into_inner();
    let note = db.read(move |conn| service::note(conn, &caller, ticket, id)).await?;
    Answer::ok(&NoteView::from(note))
}
