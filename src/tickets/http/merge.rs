//! Merge and split.
use actix_web::{delete, post, web};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::rules::Relation;
use super::super::service::{self, Merge, Split};
use super::notes::AddNote;
use super::view::{TicketView, answer, view};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, PathId, now};
use crate::kernel::{
    AppError, CategoryId, ComponentId, NoteId, Permission, Priority, ProductId, TicketId,
};

/// Into which ticket.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeTicket {
    /// A ticket of the same account. Where it was merged itself, name the one that it was merged into.
    #[garde(skip)]
    into: TicketId,
    /// Written on the ticket that is merged. Absent: an internal note that names the other.
    #[garde(dive)]
    note: Option<AddNote>,
}

/// Merge a ticket into another one
///
/// It is closed with the resolution `Merged into CB-...`, and its case in the CRM with it. Its notes and
/// watchers are read with the other ticket's, and what is sent to it goes there, through any chain of merges. Steps of its process
/// that are open are left open, as the event tells; its appointments that have not begun are cancelled. It keeps its number, and
/// refuses every change but links and the undoing of the merge.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path), IfMatch),
    request_body(content = MergeTicket, example = json!({"into": TicketId::EXAMPLE})),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The merged ticket as it is now", body = TicketView)),
)]
#[post("/tickets/{id}/merge")]
pub async fn merge_ticket(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    seen: IfMatch,
    body: Body<MergeTicket>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let body = body.into_inner();
    let wanted = Merge { into: body.into, note: body.note.map(|note| note.by(&caller)) };
    db.tx(move |conn| {
        let now = now();
        let merged = service::merge(conn, &caller, id.0, seen, wanted, now)?;
        answer(merged, &caller, now)
    })
    .await
}

/// Undo a merge
///
/// As long as nothing was sent to the merged ticket since. It gets back the status that it had and its own watchers, and goes
/// back to its agent if they are available. Appointments that the merge cancelled stay cancelled.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path), IfMatch),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The ticket as it is now", body = TicketView)),
)]
#[delete("/tickets/{id}/merge")]
pub async fn undo_merge(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    seen: IfMatch,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    db.tx(move |conn| {
        let now = now();
        let ticket = service::undo_merge(conn, &caller, id.0, seen, now)?;
        answer(ticket, &caller, now)
    })
    .await
}

/// Which note becomes a ticket; what is absent is as on the ticket that it was written on.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitTicket {
    /// A public note: customers read a description.
    #[garde(skip)]
    note_id: NoteId,
    /// What the new ticket is to the old one: `related`, `follow_up_of` or `child_of`.
    #[garde(custom(beside))]
    #[serde(default = "related")]
    link: Relation,
    #[garde(length(chars, min = 1, max = 255))]
    #[schema(example = "The import is slow, too")]
    subject: Option<String>,
    /// The key of a ticket type.
    #[garde(length(chars, min = 1, max = 60))]
    #[serde(rename = "type")]
    #[schema(example = "question")]
    type_key: Option<String>,
    #[garde(skip)]
    priority: Option<Priority>,
    /// With another product or category, neither these nor the component are taken over.
    #[garde(skip)]
    product_id: Option<ProductId>,
    #[garde(skip)]
    category_id: Option<CategoryId>,
    #[garde(skip)]
    component_id: Option<ComponentId>,
}

fn related() -> Relation {
    Relation::Related
}

fn beside(kind: &Relation, (): &()) -> garde::Result {
    match kind {
        Relation::Related | Relation::FollowUpOf | Relation::ChildOf => Ok(()),
        _ => Err(garde::Error::new("must be related, follow_up_of or child_of")),
    }
}

impl From<SplitTicket> for Split {
    fn from(body: SplitTicket) -> Self {
        Self {
            note_id: body.note_id,
            kind: body.link,
            subject: body.subject,
            type_key: body.type_key,
            priority: body.priority,
            product_id: body.product_id,
            category_id: body.category_id,
            component_id: body.component_id,
        }
    }
}

/// Split a note off into a ticket of its own
///
/// Opened on behalf of the same contact with the note's text as its description, routed and assigned as usual, and linked
/// to the ticket that it comes from, where the note stays.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path), Idempotency),
    request_body(content = SplitTicket, example = json!({
        "note_id": "0199f0c2-b1c9-7d5e-8b1f-5a3c7d9e2f10", "subject": "The import is slow, too",
    })),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 201, description = "The new ticket", body = TicketView)),
)]
#[post("/tickets/{id}/split")]
pub async fn split_ticket(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    key: Idempotency,
    body: Body<SplitTicket>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let (fingerprint, wanted) = (body.fingerprint.clone(), Split::from(body.into_inner()));
    db.tx(move |conn| {
        key.once(conn, caller.id, &fingerprint, |conn| {
            let now = now();
            let opened = service::split(conn, &caller, id.0, wanted, now)?;
            let location = format!("/v1/tickets/{}", opened.row.id);
            let version = opened.row.version;
            Ok(Answer::created(location, &view(opened, &caller, now))?.version(version))
        })
    })
    .await
}
