//! Use cases of the mirror, except for the mirroring itself.
use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use serde_json::Value;
use uuid::Uuid;

use super::adapters::{self, integration};
use super::case::Owner;
use super::engine::tell;
use super::import::rules::Handling;
use super::merge::Side;
use super::settings::Settings;
pub use super::store::ConnectionState;
use super::store::{
    self, Cause, Conflict, ConflictFilter, Connection, Counted, Counts, DifferingNote, Link,
    LinkKind, Mirror, MirrorState, Replay,
};
use super::{backfill, reconcile};
use crate::events::{self, Event, EventType};
use crate::http::IfMatch;
use crate::jobs::{self, Job};
use crate::kernel::{
    Actor, AppError, ConflictId, ConnectionId, FieldError, Page, PageRequest, Secret, SecretKey,
    TicketId,
};

/// How far back a new connection looks for changes; covers clocks that do not agree.
const LOOK_BACK: TimeDelta = TimeDelta::hours(1);

/// What the jobs of a connection are about.
pub fn subject(id: ConnectionId) -> String {
    format!("crm_connection/{id}")
}

/// What a connection's secret is sealed for.
pub fn purpose(id: ConnectionId) -> String {
    format!("crm:{id}")
}

/// Marks the tickets of these events in every connection; a consumer of the event log.
pub fn mark_dirty(conn: &mut PgConnection, events: &[Event]) -> Result<(), AppError> {
    let mut since: BTreeMap<TicketId, DateTime<Utc>> = BTreeMap::new();
    for event in events {
        let Some(ticket) = event.ticket_id else { continue };
        let first = since.entry(ticket).or_insert(event.occurred_at);
        *first = event.occurred_at.min(*first);
    }
    let since: Vec<_> = since.into_iter().map(|(ticket, at)| (ticket, Some(at))).collect();
    if !since.is_empty() {
        store::mark_changed(conn, &since)?;
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

/// A connection that is not saved yet.
pub fn new_connection(
    key: &SecretKey,
    new: NewConnection,
    now: DateTime<Utc>,
) -> Result<Connection, AppError> {
    check_kind(&new.kind, &new.client_id, &new.client_secret)?;
    check(&new.settings)?;
    let id = ConnectionId::new();
    Ok(Connection {
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
        suspects: Vec::new(),
        trial_until: None,
        allowed: None,
        slowed_at: None,
        refused: false,
        version: 1,
        created_at: now,
        updated_at: now,
        findings: None,
    })
}

/// Makes a connection; a job makes the mirrors of the tickets that there are.
pub fn create_connection(
    conn: &mut PgConnection,
    actor: &Actor,
    row: &Connection,
    now: DateTime<Utc>,
) -> Result<Connection, AppError> {
    let created = store::insert_connection(conn, row).map_err(named)?;
    backfill::start(conn, actor, row.id, now)?;
    Ok(created)
}

pub fn seal(key: &SecretKey, id: ConnectionId, secret: &Secret) -> Result<Vec<u8>, AppError> {
    key.seal(&purpose(id), secret.expose().as_bytes()).map_err(AppError::Internal)
}

/// Seals with the present secret key what a previous one sealed; returns how many secrets.
pub fn reseal(conn: &mut PgConnection, key: &SecretKey) -> Result<usize, AppError> {
    let secrets = store::lock_connections(conn)?.into_iter().filter_map(|row| {
        let resealed = key.reseal(&purpose(row.id), &row.sealed_secret).transpose()?;
        let named = |e: anyhow::Error| e.context(format!("the connection {}", row.name));
        Some(resealed.map(|sealed| (row.id, sealed)).map_err(named))
    });
    let secrets = secrets.collect::<anyhow::Result<Vec<_>>>().map_err(AppError::Internal)?;
    Ok(store::replace_sealed(conn, &secrets)?)
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

/// Fails when a field cannot have its owner, a policy decides nothing, or a category does not exist.
pub fn check(settings: &Settings) -> Result<(), AppError> {
    let rules = settings.rules();
    let owners = settings.owners.iter().filter(|(field, owner)| !field.can_have(**owner));
    let never = owners.map(|(field, _)| {
        let detail = "the desk never changes this field; it belongs to the desk";
        FieldError::new(format!("/settings/owners/{field}"), detail)
    });
    let one_way = settings.policies.keys().filter(|field| rules.owner(**field) != Owner::Both);
    let one_way = one_way.map(|field| {
        let detail =
            format!("this field belongs to the {}; there is no policy for it", rules.owner(*field));
        FieldError::new(format!("/settings/policies/{field}"), detail)
    });
    let known = ["new", "open", "pending", "on_hold", "closed"];
    let categories = settings.categories.keys().filter(|key| !known.contains(&key.as_str()));
    let unknown = categories.map(|key| {
        FieldError::new(format!("/settings/categories/{key}"), "there is no such category")
    });
    let agents = (settings.import.users == Handling::Create).then(|| {
        FieldError::new("/settings/import/users", "agents are never created by an import")
    });
    let errors: Vec<FieldError> = never.chain(one_way).chain(unknown).chain(agents).collect();
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
/// failed may be put right by the change. Other credentials end a pause that the old ones caused.
pub fn change_connection(
    conn: &mut PgConnection,
    id: ConnectionId,
    seen: IfMatch,
    change: impl FnOnce(&mut Connection) -> Result<(), AppError>,
) -> Result<Connection, AppError> {
    let mut row = store::lock_connection(conn, id)?.ok_or(NOT_FOUND)?;
    seen.check(row.version)?;
    let before = (row.base_url.clone(), row.client_id.clone(), row.sealed_secret.clone());
    change(&mut row)?;
    let credentials_changed =
        before != (row.base_url.clone(), row.client_id.clone(), row.sealed_secret.clone());
    if row.refused && credentials_changed {
        (row.state, row.reason) = (ConnectionState::Active, None);
    }
    row.refused &= row.state == ConnectionState::Paused && !credentials_changed;
    (row.failures, row.not_before, row.trial_until) = (0, None, None);
    row.suspects.clear();
    store::save_connection(conn, &row).map_err(named)
}

/// Removes a connection with its mirrors, links and conflicts; the cases stay in the CRM.
pub fn delete_connection(
    conn: &mut PgConnection,
    id: ConnectionId,
    seen: IfMatch,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let row = store::lock_connection(conn, id)?.ok_or(NOT_FOUND)?;
    seen.check(row.version)?;
    jobs::cancel_all(conn, &subject(id), now)?;
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

/// Sets and removes links of one kind. The tickets that were parked for want of one go on.
pub fn set_links(
    conn: &mut PgConnection,
    id: ConnectionId,
    kind: LinkKind,
    set: &[Link],
    remove: &[Uuid],
) -> Result<Vec<Link>, AppError> {
    connection(conn, id)?;
    let locals: Vec<Uuid> = set.iter().map(|link| link.local_id).collect();
    store::unlink_records(conn, id, kind, &[&locals, remove].concat())?;
    store::set_links(conn, id, kind, set, remove).map_err(|error| {
        match crate::db::violated(&error) {
            Some("crm_links_connection_id_kind_remote_id_key") => AppError::conflict(
                "already_linked",
                "one of these records of the CRM is linked to something else",
            ),
            _ => error.into(),
        }
    })?;
    let remote: Vec<String> = set.iter().map(|link| link.remote_id.clone()).collect();
    store::relink_records(conn, id, kind, &remote)?;
    store::wake_unmapped(conn, id, kind, &locals)?;
    Ok(store::links(conn, id, kind)?)
}

/// How a connection is doing.
pub struct Health {
    pub connection: Connection,
    pub counts: Counts,
    pub parked: Vec<Cause>,
    /// The last job of each kind.
    pub backfill: Option<Job>,
    pub reconcile: Option<Job>,
    /// How attempts ended in the last [`RECENT`].
    pub recent: Vec<Counted>,
    /// Since when changes wait to be published.
    pub unpublished: Option<DateTime<Utc>>,
}

/// What is recent in a connection's health.
pub const RECENT: TimeDelta = TimeDelta::minutes(15);

pub fn health(
    conn: &mut PgConnection,
    id: ConnectionId,
    now: DateTime<Utc>,
) -> Result<Health, AppError> {
    let connection = connection(conn, id)?;
    // Read first: what is published meanwhile is counted then.
    let unpublished = events::waiting_since(conn)?;
    let (counts, parked) = (store::counts(conn, id)?, store::causes(conn, id, None)?);
    let recent = store::outcomes(conn, id, now - RECENT)?;
    let mut last = |kind| jobs::latest(conn, kind, &subject(id));
    let (backfill, reconcile) = (last(backfill::BACKFILL)?, last(reconcile::RECONCILE)?);
    Ok(Health { connection, counts, parked, recent, unpublished, backfill, reconcile })
}

/// Tries parked or deleted mirrors again; returns how many.
pub fn retry(conn: &mut PgConnection, id: ConnectionId, which: &Replay) -> Result<usize, AppError> {
    connection(conn, id)?;
    Ok(store::replay(conn, id, which)?)
}

/// What [`retry`] would try again: how many, how many by cause, and the first of them.
pub fn preview_retry(
    conn: &mut PgConnection,
    id: ConnectionId,
    which: &Replay,
) -> Result<(i64, Vec<Cause>, Vec<Mirror>), AppError> {
    connection(conn, id)?;
    let count = store::count_replay(conn, id, which)?;
    let causes = store::causes(conn, id, Some(which))?;
    Ok((count, causes, store::would_replay(conn, id, which, PREVIEWED)?))
}

/// Items that a preview shows.
const PREVIEWED: i64 = 20;

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

/// A mirror with what explains it.
pub struct Located {
    pub mirror: Mirror,
    pub connection: Connection,
    /// Those that wait for a decision.
    pub conflicts: Vec<Conflict>,
    /// Those that the CRM does not have as the desk does.
    pub notes: Vec<DifferingNote>,
}

/// The mirrors of a ticket; the caller has made sure that it may be seen.
pub fn mirrors_of(conn: &mut PgConnection, ticket: TicketId) -> Result<Vec<Located>, AppError> {
    let open = ConflictFilter { ticket: Some(ticket), open: Some(true), connection: None };
    let conflicts = store::conflicts(conn, &open, None, false, 100)?;
    let notes = store::differing_notes(conn, ticket)?;
    let connections = store::connections(conn, None, false, 100)?;
    let mirrors = store::mirrors_of(conn, ticket)?;
    let locate = |mirror: Mirror| {
        let id = mirror.connection_id;
        let connection = connections.iter().find(|connection| connection.id == id)?.clone();
        let conflicts = conflicts.iter().filter(|conflict| conflict.connection_id == id);
        let notes = notes.iter().filter(|note| note.connection_id == id);
        Some(Located {
            mirror,
            connection,
            conflicts: conflicts.cloned().collect(),
            notes: notes.cloned().collect(),
        })
    };
    Ok(mirrors.into_iter().filter_map(locate).collect())
}

/// The lead of a ticket in a CRM.
pub struct LeadIn {
    pub connection: Connection,
    /// `None` until it is written.
    pub lead_id: Option<String>,
}

/// The leads of a ticket, one for each connection that writes leads or has written one.
pub fn leads(conn: &mut PgConnection, ticket: TicketId) -> Result<Vec<LeadIn>, AppError> {
    let made = store::leads_of(conn, ticket)?;
    let mut leads = Vec::new();
    for connection in store::connections(conn, None, false, 100)? {
        let lead_id =
            made.iter().find(|(id, _)| *id == connection.id).map(|(_, lead)| lead.clone());
        if lead_id.is_some() || connection.settings()?.leads {
            leads.push(LeadIn { connection, lead_id });
        }
    }
    Ok(leads)
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
    actor: &Actor,
    id: ConflictId,
    winner: Side,
    now: DateTime<Utc>,
) -> Result<Conflict, AppError> {
    let conflict = store::lock_conflict(conn, id)?.ok_or(AppError::NotFound("the conflict"))?;
    if conflict.resolved_at.is_some() {
        return Err(AppError::conflict("already_resolved", "this conflict is resolved"));
    }
    let decided = store::decide_conflict(conn, id, winner, &actor.name, now)?;
    store::mark_tickets(conn, &[conflict.ticket_id])?;
    tell(conn, actor, EventType::MirrorConflictDecided, &decided, now)?;
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
