//! Links between tickets.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::{Value, json};

use super::super::rules::Relation;
use super::super::store::{self, Link, LinkFilter, Located, Summary, Ticket};
use super::transition::{about, with, write_note};
use super::{Held, InWorkflow, NOT_FOUND, Told, get, held, hold_pair};
use crate::db::violated;
use crate::events::EventType;
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, LinkId, Page, PageRequest, Permission, TicketId};
use crate::notes::{Channel, NewNote};
use crate::workflow::{self, Category};

const GONE: AppError = AppError::NotFound("the link");

/// What the ticket is to which other one.
#[derive(Debug, Clone, Copy)]
pub struct NewLink {
    pub kind: Relation,
    pub ticket: TicketId,
}

/// A link as it is seen from one of its tickets.
#[derive(Debug, Clone)]
pub struct Linked {
    pub link: Link,
    /// What the ticket is to `other`.
    pub kind: Relation,
    pub other: InWorkflow<Summary>,
}

/// Links two tickets that the caller sees. A ticket has one parent at the most, and is never its own ancestor.
pub fn link(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    new: NewLink,
    now: DateTime<Utc>,
) -> Result<(Linked, InWorkflow<Ticket>), AppError> {
    actor.require(Permission::TicketsWork)?;
    if new.kind.is_hierarchy() {
        store::lock_hierarchy(conn)?;
    }
    let [this, other] = hold_pair(conn, actor, [id, new.ticket], "/ticket_id")?;
    join(conn, actor, [this, other], new.kind, json!({}), now)
}

/// Links two tickets that are locked; both get an event, with `more` in what it says.
pub(super) fn join(
    conn: &mut PgConnection,
    actor: &Actor,
    [this, other]: [Held; 2],
    kind: Relation,
    more: Value,
    now: DateTime<Utc>,
) -> Result<(Linked, InWorkflow<Ticket>), AppError> {
    let (a, b) = (this.ticket.id, other.ticket.id);
    let (stored, from_id, to_id) =
        if kind.is_stored() { (kind, a, b) } else { (kind.opposite(), b, a) };
    if stored == Relation::ChildOf && store::is_ancestor(conn, from_id, to_id)? {
        let detail = "the parent would be its own child, or a child of one";
        return Err(AppError::conflict("parent_cycle", detail));
    }
    let link = Link {
        id: LinkId::new(),
        kind: stored,
        from_id,
        to_id,
        linked_by: actor.id,
        linked_by_name: actor.name.clone(),
        linked_at: now,
    };
    store::insert_link(conn, &link).map_err(named)?;
    let (this, other) =
        tell(conn, actor, [this, other], EventType::TicketLinked, &link, &more, now)?;
    let InWorkflow { row, workflow } = other;
    let other = InWorkflow { row: row.summary, workflow };
    Ok((Linked { link, kind, other }, this))
}

fn named(error: diesel::result::Error) -> AppError {
    match violated(&error) {
        Some("ticket_links_pair") => {
            AppError::conflict("already_exists", "the tickets are linked in this way already")
        }
        Some("ticket_links_one_parent") => {
            AppError::conflict("has_parent", "a ticket has one parent at the most")
        }
        _ => error.into(),
    }
}

/// Each of the two gets a version and an event. Customers are not told: they see the links that there are.
fn tell(
    conn: &mut PgConnection,
    actor: &Actor,
    tickets: [Held; 2],
    kind: EventType,
    link: &Link,
    more: &Value,
    now: DateTime<Utc>,
) -> Result<(InWorkflow<Ticket>, InWorkflow<Ticket>), AppError> {
    let mut save = |held: Held| {
        let (seen_as, other) = link.seen_from(held.ticket.id);
        let data = json!({ "link_id": link.id, "kind": seen_as, "ticket_id": other });
        let data = with(data, more);
        held.save(conn, actor, Told { kind, public: false, data }, now)
    };
    let [this, other] = tickets;
    Ok((save(this)?, save(other)?))
}

/// Takes a link away.
pub fn unlink(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    link: LinkId,
    seen: IfMatch,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    actor.require(Permission::TicketsWork)?;
    store::find(conn, actor, id)?.ok_or(NOT_FOUND)?;
    let link = find(conn, actor, id, link)?.ok_or(GONE)?;
    let (_, other) = link.seen_from(id);
    // Where the other one is no longer there for the caller, neither is the link.
    let gone = |error| if matches!(error, AppError::Invalid(_)) { GONE } else { error };
    let tickets = hold_pair(conn, actor, [id, other], "/ticket_id").map_err(gone)?;
    seen.check(tickets[0].ticket.version)?;
    if store::delete_link(conn, link.id)? == 0 {
        return Err(GONE);
    }
    tell(conn, actor, tickets, EventType::TicketUnlinked, &link, &json!({}), now)?;
    Ok(())
}

/// One link of the ticket.
pub fn find_link(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: TicketId,
    id: LinkId,
) -> Result<Linked, AppError> {
    get(conn, actor, ticket)?;
    let link = find(conn, actor, ticket, id)?.ok_or(GONE)?;
    with_others(conn, ticket, vec![link])?.pop().ok_or(GONE)
}

fn find(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: TicketId,
    link: LinkId,
) -> Result<Option<Link>, AppError> {
    let filter = LinkFilter { link: Some(link), ..filter(actor, ticket) };
    Ok(store::links(conn, actor, filter, None, false, 1)?.pop())
}

/// How the desk divides its work into parents and children is its own affair.
fn filter(actor: &Actor, ticket: TicketId) -> LinkFilter {
    LinkFilter { ticket, hierarchy: actor.may(Permission::TicketsWork), link: None }
}

/// A page of the links to tickets that the caller sees too, oldest first.
pub fn links(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    page: &PageRequest,
) -> Result<Page<Linked>, AppError> {
    get(conn, actor, id)?;
    let from = page.cursor.as_ref().map(|cursor| cursor.id);
    let rows = store::links(conn, actor, filter(actor, id), from, page.backward(), page.fetch())?;
    let page = page.page(rows, |link| (Value::Null, link.id.0));
    let items = with_others(conn, id, page.items)?;
    Ok(Page { items, next: page.next, prev: page.prev, total: page.total })
}

/// The links as seen from this ticket, with the other ones.
fn with_others(
    conn: &mut PgConnection,
    ticket: TicketId,
    links: Vec<Link>,
) -> Result<Vec<Linked>, AppError> {
    let others: Vec<TicketId> = links.iter().map(|link| link.seen_from(ticket).1).collect();
    let others = store::summaries_of_any(conn, &others)?;
    let others: HashMap<TicketId, _> = others.into_iter().map(|o| (o.row.id, o)).collect();
    let mut linked = Vec::with_capacity(links.len());
    for link in links {
        let (kind, other) = link.seen_from(ticket);
        let Some(Located { row, revision }) = others.get(&other).cloned() else { continue };
        let workflow = workflow::load(conn, row.workflow_id, revision)?;
        linked.push(Linked { link, kind, other: InWorkflow { row, workflow } });
    }
    Ok(linked)
}

/// Tells the child that waits the longest that its parent was closed, by a note: whoever works on it decides what that
/// means. False when none waits. Safe from any number of replicas.
pub fn tell_child(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, AppError> {
    let Some(link) = store::untold_child(conn)? else { return Ok(false) };
    // The child before the link, as for who takes the link away.
    let child = store::lock_any(conn, link.from_id)?;
    let mut child = held(conn, child)?;
    if !store::set_told(conn, link.id)? {
        return Ok(true);
    }
    let parent = store::summaries_of_any(conn, &[link.to_id])?.pop().ok_or(NOT_FOUND)?.row;
    let open = child.ticket.category.is_open() && child.ticket.deleted_at.is_none();
    if !open || parent.category != Category::Closed {
        return Ok(true);
    }
    let system = Actor::system();
    let body = format!("The parent of this ticket, CB-{}, was closed", parent.number);
    let note = NewNote::internal(Channel::Api, body);
    let note = write_note(conn, &system, &mut child, note, now)?;
    let told = Told { kind: EventType::NoteAdded, public: false, data: about(&note) };
    child.save(conn, &system, told, now)?;
    Ok(true)
}
