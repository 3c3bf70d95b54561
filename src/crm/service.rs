//! Use cases of the mirror, except for the mirroring itself.
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use serde_json::Value;
use uuid::Uuid;

use super::adapters::{self, integration};
use super::merge::Side;
use super::settings::Settings;
use super::store::{
    self, Cause, Conflict, ConflictFilter, Connection, ConnectionState, Counts, Link, LinkKind,
    Mirror, MirrorState, Replay,
};
use crate::events::{self, Event};
use crate::http::IfMatch;
use crate::kernel::{
    AppError, ConflictId, ConnectionId, FieldError, Page, PageRequest, Secret, SecretKey, TicketId,
};

/// How far back a new connection looks for changes; covers clocks that do not agree.
const LOOK_BACK: TimeDelta = TimeDelta::hours(1);

/// What a connection's secret is sealed for.
pub fn purpose(id: ConnectionId) -> String {
    format!("crm:{id}")
}

/// Marks the tickets of these events in every connection; a consumer of the event log.
pub fn mark_dirty(conn: &mut PgConnection, events: &[Event]) -> Result<(), AppError> {
    let mut tickets: Vec<TicketId> = events.iter().filter_map(|event| event.ticket_id).collect();
    tickets.sort_unstable();
    tickets.dedup();
    if !tickets.is_empty() {
        store::mark_tickets(conn, &tickets)?;
    }
    Ok(())
}

/// A connection to be made.
#[derive(Debug)]
pub struct NewConnection {
    pub name: String,
    /// The key of a kind of CRM.
    pub kind: String,
    pub base_url: String,
    pub client_id: String,
    pub client_secret: Secret,
    pub settings: Settings,
}

/// Makes a connection and marks every submitted ticket for it.
pub fn create_connection(
    conn: &mut PgConnection,
    key: &SecretKey,
    new: NewConnection,
    now: DateTime<Utc>,
) -> Result<Connection, AppError> {
    check_kind(&new.kind, &new.client_id, &new.client_secret)?;
    check(&new.settings)?;
    let id = ConnectionId::new();
    let row = Connection {
        id,
        name: new.name,
        kind: new.kind,
        base_url: new.base_url,
        client_id: new.client_id,
        sealed_secret: seal(key, id, &new.client_secret)?,
        settings: to_json(&new.settings)?,
        state: ConnectionState::Active,
        reason: None,
        watermark: now - LOOK_BACK,
        feed_cursor: None,
        poll_fence: 0,
        failures: 0,
        not_before: None,
        last_success_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    // A ticket that is published now would be missed by both: the relay does not see the new connection yet, and the
    // backfill may not see the ticket.
    events::stop_feed(conn)?;
    let created = store::insert_connection(conn, &row).map_err(named)?;
    store::backfill(conn, id)?;
    Ok(created)
}

pub fn seal(key: &SecretKey, id: ConnectionId, secret: &Secret) -> Result<Vec<u8>, AppError> {
    key.seal(&purpose(id), secret.expose().as_bytes()).map_err(AppError::Internal)
}

pub fn to_json(settings: &Settings) -> Result<Value, AppError> {
    serde_json::to_value(settings).map_err(AppError::internal)
}

/// Fails when there is no such kind, or it needs a client id or a secret.
pub fn check_kind(key: &str, client_id: &str, secret: &Secret) -> Result<(), AppError> {
    let Some(kind) = adapters::kind(key) else {
        let known: Vec<&str> = adapters::KINDS.iter().map(|kind| kind.key).collect();
        let detail = format!("one of {}", known.join(", "));
        return Err(AppError::Invalid(vec![FieldError::new("/kind", detail)]));
    };
    if kind.client_id && client_id.is_empty() {
        let missing = FieldError::new("/client_id", "this kind of CRM needs a client id");
        return Err(AppError::Invalid(vec![missing]));
    }
    if key != integration::KEY && secret.expose().is_empty() {
        return Err(AppError::field("/client_secret", "this kind of CRM needs a secret"));
    }
    Ok(())
}

/// Fails when a case could not be told from another, or a policy is for a field that only the desk changes.
pub fn check(settings: &Settings) -> Result<(), AppError> {
    let one_way = settings.policies.keys().filter(|field| !field.two_way()).map(|field| {
        let detail = "this field belongs to the desk; there is no policy for it";
        FieldError::new(format!("/settings/policies/{field}"), detail)
    });
    let known = ["new", "open", "pending", "on_hold", "closed"];
    let categories = settings.categories.keys().filter(|key| !known.contains(&key.as_str()));
    let unknown = categories.map(|key| {
        FieldError::new(format!("/settings/categories/{key}"), "there is no such category")
    });
    let errors: Vec<FieldError> = one_way.chain(unknown).collect();
    if errors.is_empty() { Ok(()) } else { Err(AppError::Invalid(errors)) }
}

pub fn connection(conn: &mut PgConnection, id: ConnectionId) -> Result<Connection, AppError> {
    store::connection(conn, id)?.ok_or(NOT_FOUND)
}

pub fn connection_by_name(conn: &mut PgConnection, name: &str) -> Result<Connection, AppError> {
    store::connection_by_name(conn, name)?.ok_or(NOT_FOUND)
}

const NOT_FOUND: AppError = AppError::NotFound("the connection");

pub fn connections(
    conn: &mut PgConnection,
    request: &PageRequest,
) -> Result<Page<Connection>, AppError> {
    let rows = store::connections(conn, after(request), request.backward(), request.fetch())?;
    Ok(request.page(rows, |row| (Value::Null, row.id.0)))
}

/// Changes a connection under lock; `change` gets the present state. Outages that were counted are forgotten: what
/// failed may be put right by the change.
pub fn change_connection(
    conn: &mut PgConnection,
    id: ConnectionId,
    seen: IfMatch,
    change: impl FnOnce(&mut Connection) -> Result<(), AppError>,
) -> Result<Connection, AppError> {
    let mut row = store::lock_connection(conn, id)?.ok_or(NOT_FOUND)?;
    seen.check(row.version)?;
    change(&mut row)?;
    (row.failures, row.not_before) = (0, None);
    store::save_connection(conn, &row).map_err(named)
}

/// Removes a connection with its mirrors, links and conflicts; the cases stay in the CRM.
pub fn delete_connection(
    conn: &mut PgConnection,
    id: ConnectionId,
    seen: IfMatch,
) -> Result<(), AppError> {
    let row = store::lock_connection(conn, id)?.ok_or(NOT_FOUND)?;
    seen.check(row.version)?;
    store::delete_connection(conn, id)?;
    Ok(())
}

fn named(error: diesel::result::Error) -> AppError {
    match crate::db::violated(&error) {
        Some("crm_connections_name_key") => {
            AppError::conflict("name_taken", "another connection has this name")
        }
        _ => error.into(),
    }
}

pub fn links(
    conn: &mut PgConnection,
    id: ConnectionId,
    kind: LinkKind,
) -> Result<Vec<Link>, AppError> {
    connection(conn, id)?;
    Ok(store::links(conn, id, kind)?)
}

/// Sets and removes links of one kind. What was parked because of one is tried again with the next retry.
pub fn set_links(
    conn: &mut PgConnection,
    id: ConnectionId,
    kind: LinkKind,
    set: &[Link],
    remove: &[Uuid],
) -> Result<Vec<Link>, AppError> {
    connection(conn, id)?;
    store::set_links(conn, id, kind, set, remove).map_err(|error| {
        match crate::db::violated(&error) {
            Some("crm_links_connection_id_kind_remote_id_key") => AppError::conflict(
                "already_linked",
                "one of these records of the CRM is linked to something else",
            ),
            _ => error.into(),
        }
    })?;
    Ok(store::links(conn, id, kind)?)
}

/// How a connection is doing.
pub struct Health {
    pub connection: Connection,
    pub counts: Counts,
    pub parked: Vec<Cause>,
}

pub fn health(conn: &mut PgConnection, id: ConnectionId) -> Result<Health, AppError> {
    let connection = connection(conn, id)?;
    let (counts, parked) = (store::counts(conn, id)?, store::causes(conn, id)?);
    Ok(Health { connection, counts, parked })
}

/// Marks every mirror of the connection for a comparison of everything, and makes those that are missing; returns how
/// many.
pub fn reconcile(conn: &mut PgConnection, id: ConnectionId) -> Result<usize, AppError> {
    connection(conn, id)?;
    store::backfill(conn, id)?;
    Ok(store::mark_all(conn, id)?)
}

/// Tries parked or deleted mirrors again; returns how many.
pub fn retry(conn: &mut PgConnection, id: ConnectionId, which: &Replay) -> Result<usize, AppError> {
    connection(conn, id)?;
    Ok(store::replay(conn, id, which)?)
}

pub fn mirrors(
    conn: &mut PgConnection,
    id: ConnectionId,
    state: Option<MirrorState>,
    request: &PageRequest,
) -> Result<Page<Mirror>, AppError> {
    connection(conn, id)?;
    let (backward, limit) = (request.backward(), request.fetch());
    let rows = store::mirrors(conn, id, state, after(request), backward, limit)?;
    Ok(request.page(rows, |row| (Value::Null, row.ticket_id.0)))
}

/// A mirror with its connection and its open conflicts.
pub type Located = (Mirror, Connection, Vec<Conflict>);

/// The mirrors of a ticket; the caller has made sure that it may be seen.
pub fn mirrors_of(conn: &mut PgConnection, ticket: TicketId) -> Result<Vec<Located>, AppError> {
    let open = ConflictFilter { ticket: Some(ticket), open: Some(true), connection: None };
    let conflicts = store::conflicts(conn, &open, None, false, 100)?;
    let connections = store::connections(conn, None, false, 100)?;
    let mirrors = store::mirrors_of(conn, ticket)?;
    let locate = |mirror: Mirror| {
        let id = mirror.connection_id;
        let connection = connections.iter().find(|connection| connection.id == id)?.clone();
        let own = conflicts.iter().filter(|conflict| conflict.connection_id == id);
        let own = own.cloned().collect();
        Some((mirror, connection, own))
    };
    Ok(mirrors.into_iter().filter_map(locate).collect())
}

pub fn conflicts(
    conn: &mut PgConnection,
    filter: &ConflictFilter,
    request: &PageRequest,
) -> Result<Page<Conflict>, AppError> {
    let (backward, limit) = (request.backward(), request.fetch());
    let rows = store::conflicts(conn, filter, after(request), backward, limit)?;
    Ok(request.page(rows, |row| (Value::Null, row.id.0)))
}

/// Decides a held conflict; the mirror carries the decision out.
pub fn resolve(
    conn: &mut PgConnection,
    id: ConflictId,
    winner: Side,
) -> Result<Conflict, AppError> {
    let conflict = store::lock_conflict(conn, id)?.ok_or(AppError::NotFound("the conflict"))?;
    if conflict.resolved_at.is_some() {
        return Err(AppError::conflict("already_resolved", "this conflict is resolved"));
    }
    let decided = store::decide_conflict(conn, id, winner)?;
    store::mark_tickets(conn, &[conflict.ticket_id])?;
    Ok(decided)
}

/// Tells the case of a ticket; a ticket that had another one is compared anew.
pub fn link_case(
    conn: &mut PgConnection,
    connection_id: ConnectionId,
    ticket: TicketId,
    case: &str,
    now: DateTime<Utc>,
) -> Result<MirrorState, AppError> {
    connection(conn, connection_id)?;
    let mut locked = store::lock_mirror(conn, ticket, connection_id)?;
    if locked.is_none() {
        // The relay has not come by yet, or there is no such ticket.
        store::mark_tickets(conn, &[ticket])?;
        locked = store::lock_mirror(conn, ticket, connection_id)?;
    }
    let (mirror, _) = locked.ok_or(AppError::NotFound("the ticket"))?;
    if mirror.state == MirrorState::Detached {
        let detail = "the ticket is deleted; restore it first";
        return Err(AppError::conflict("ticket_deleted", detail));
    }
    if mirror.remote_id.as_deref() == Some(case) && mirror.state == MirrorState::Linked {
        return Ok(mirror.state);
    }
    store::link_case(conn, &mirror, case, now).map_err(|error| match crate::db::violated(&error) {
        Some("crm_mirrors_remote") => {
            AppError::conflict("already_linked", "this case belongs to another ticket")
        }
        _ => error.into(),
    })
}

fn after(request: &PageRequest) -> Option<Uuid> {
    request.cursor.as_ref().map(|cursor| cursor.id)
}
