//! Connections: made, changed, removed.
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use serde_json::Value;

use super::{after, hook_purpose, purpose, subject};
use crate::crm::adapters::{self, integration};
use crate::crm::backfill;
use crate::crm::case::Owner;
use crate::crm::import::rules::Handling;
use crate::crm::settings::Settings;
use crate::crm::store::{self, Connection, ConnectionState};
use crate::http::IfMatch;
use crate::jobs;
use crate::kernel::{
    Actor, AppError, ConnectionId, FieldError, Page, PageRequest, Secret, SecretKey,
};

/// How far back a new connection looks for changes; covers clocks that do not agree.
const LOOK_BACK: TimeDelta = TimeDelta::hours(1);

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
        poll_error: None,
        poll_refused_since: None,
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
    let connections = store::lock_connections(conn)?.into_iter();
    let connections = connections.map(|row| (row.id, purpose(row.id), row.sealed_secret));
    let connections = resealed(key, connections)?;
    let hooks = store::lock_hooks(conn)?.into_iter();
    let hooks = hooks.map(|(id, sealed)| (id, hook_purpose(id), sealed));
    let hooks = resealed(key, hooks)?;
    Ok(store::replace_sealed(conn, "crm_connections", "id", &connections)?
        + store::replace_sealed(conn, "crm_hooks", "connection_id", &hooks)?)
}

/// The secrets (of whom, for what, sealed) that are not sealed with the present key, sealed with it.
fn resealed(
    key: &SecretKey,
    secrets: impl Iterator<Item = (ConnectionId, String, Vec<u8>)>,
) -> Result<Vec<(ConnectionId, Vec<u8>)>, AppError> {
    let secrets = secrets.filter_map(|(id, purpose, sealed)| {
        let resealed = key.reseal(&purpose, &sealed).transpose()?;
        let named = |e: anyhow::Error| e.context(format!("the connection {id}"));
        Some(resealed.map(|sealed| (id, sealed)).map_err(named))
    });
    secrets.collect::<anyhow::Result<Vec<_>>>().map_err(AppError::Internal)
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

/// A connection whose CRM we call; fails with `no_adapter` where an integration works it.
pub fn called_connection(
    conn: &mut PgConnection,
    id: ConnectionId,
) -> Result<Connection, AppError> {
    let connection = connection(conn, id)?;
    is_called(&connection)?;
    Ok(connection)
}

pub fn is_called(connection: &Connection) -> Result<(), AppError> {
    if connection.kind == integration::KEY {
        let detail = "an integration works this connection; nothing calls its CRM from here";
        return Err(AppError::conflict("no_adapter", detail));
    }
    Ok(())
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
