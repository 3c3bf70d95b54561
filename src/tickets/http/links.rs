//! Links between tickets.
use actix_web::{delete, get, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::rules::Relation;
use super::super::service::{self, Linked, NewLink};
use super::view::TicketSummary;
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, PageQuery, Params, PathId, now};
use crate::kernel::{Actor, AppError, LinkId, Page, Permission, TicketId, rfc3339};

/// What the ticket is to which other one.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddLink {
    /// `child_of`: the other one becomes its parent.
    #[garde(skip)]
    kind: Relation,
    /// The other ticket.
    #[garde(skip)]
    ticket_id: TicketId,
}

/// A link, as seen from the ticket that was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketLinkView {
    id: LinkId,
    /// What the ticket is to the other one.
    kind: Relation,
    /// The other one.
    ticket: TicketSummary,
    /// Who linked them; absent for a contact.
    #[schema(example = "L1 agent A")]
    linked_by_name: Option<String>,
    #[serde(serialize_with = "rfc3339::serialize")]
    linked_at: DateTime<Utc>,
}

impl TicketLinkView {
    fn new(linked: Linked, actor: &Actor, now: DateTime<Utc>) -> Self {
        let Linked { link, kind, other } = linked;
        Self {
            id: link.id,
            kind,
            ticket: TicketSummary::new(other.row, &other.workflow, actor, now),
            linked_by_name: (!actor.is_contact()).then_some(link.linked_by_name),
            linked_at: link.linked_at,
        }
    }
}

/// Link two tickets
///
/// Once for each kind, and seen from both. A ticket has one parent at the most, and no ticket is its own ancestor. When a
/// parent is closed, its children that are open are told by an internal note; they stay open.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path), Idempotency),
    request_body = AddLink,
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 201, description = "The link", body = TicketLinkView)),
)]
#[post("/tickets/{id}/links")]
pub async fn add_link(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    key: Idempotency,
    body: Body<AddLink>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let (fingerprint, body) = (body.fingerprint.clone(), body.into_inner());
    let new = NewLink { kind: body.kind, ticket: body.ticket_id };
    db.tx(move |conn| {
        key.once(conn, caller.id, &fingerprint, |conn| {
            let now = now();
            let (linked, ticket) = service::link(conn, &caller, id.0, new, now)?;
            let location = format!("/v1/tickets/{}/links/{}", id.0, linked.link.id);
            // The ETag is the ticket's: a link moves its version.
            let view = TicketLinkView::new(linked, &caller, now);
            Ok(Answer::created(location, &view)?.version(ticket.row.version))
        })
    })
    .await
}

/// List a ticket's links, oldest first
///
/// Those to tickets that you may see too. A contact sees none between parents and children: how the desk divides its work
/// is its own affair.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path), PageQuery),
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "A page of links", body = Page<TicketLinkView>)),
)]
#[get("/tickets/{id}/links")]
pub async fn list_links(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    query: Params<PageQuery>,
) -> Result<Answer, AppError> {
    let page = query.request(&format!("links {}", id.0))?;
    db.read(move |conn| {
        let links = service::links(conn, &caller, id.0, &page)?;
        Answer::page(&links.map(|linked| TicketLinkView::new(linked, &caller, now())))
    })
    .await
}

/// Get a link
///
/// From the side of this ticket: what the other one is to it.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path), ("link_id" = LinkId, Path)),
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "The link", body = TicketLinkView)),
)]
#[get("/tickets/{id}/links/{link_id}")]
pub async fn get_link(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(TicketId, LinkId)>,
) -> Result<Answer, AppError> {
    let (ticket, id) = path.into_inner();
    db.read(move |conn| {
        let linked = service::find_link(conn, &caller, ticket, id)?;
        Answer::ok(&TicketLinkView::new(linked, &caller, now()))
    })
    .await
}

/// Take a link away
///
/// From both tickets. `If-Match` names the version of the ticket in the path.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path), ("link_id" = LinkId, Path), IfMatch),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 204, description = "The link is gone")),
)]
#[delete("/tickets/{id}/links/{link_id}")]
pub async fn delete_link(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(TicketId, LinkId)>,
    seen: IfMatch,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let (ticket, id) = path.into_inner();
    db.tx(move |conn| service::unlink(conn, &caller, ticket, id, seen, now())).await?;
    Ok(Answer::no_content())
}
