//! Webhooks from their arrival to the marked mirror. Answered after one round trip to the database, believed only if signed,
//! and only a hint: the case is read afterwards.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use moka::sync::Cache;

use super::hooks::{Delivery, Scheme};
use super::service;
use super::store::{self, Connection, Hook, TakenHint};
use crate::db::Db;
use crate::http::IfMatch;
use crate::kernel::{AppError, ConnectionId, Secret, SecretKey};

/// Hints of a connection that may wait; more are refused until some are taken.
pub const BOUND: i64 = 10_000;
/// How long a hint is remembered after it came in: as long as senders go on trying.
const KEEP: TimeDelta = TimeDelta::days(3);
/// Hints taken, or forgotten, at a time.
const BATCH: i64 = 1_000;
/// A changed secret is noticed by other processes after this time at the latest.
const MEMORY: Duration = Duration::from_secs(5);

const NOT_FOUND: AppError = AppError::NotFound("the connection");

/// The inbox of all connections; cheap to clone.
#[derive(Clone)]
pub struct Inbox(Arc<Inner>);

struct Inner {
    db: Db,
    key: Arc<SecretKey>,
    public_url: String,
    /// Also of connections that take no webhooks: asking for them costs nothing more.
    known: Cache<ConnectionId, Option<Arc<Opened>>>,
}

struct Opened {
    scheme: Scheme,
    secret: Secret,
}

impl Inbox {
    /// `public_url` begins the addresses that senders call.
    pub fn new(db: Db, key: Arc<SecretKey>, public_url: String) -> Self {
        let known = Cache::builder().max_capacity(1_000).time_to_live(MEMORY).build();
        Self(Arc::new(Inner { db, key, public_url, known }))
    }

    /// Where a connection's CRM sends its webhooks.
    pub fn url(&self, id: ConnectionId) -> String {
        format!("{}/v1/crm/hooks/{id}", self.0.public_url)
    }

    /// The begin of the addresses under which senders reach us.
    pub fn public_url(&self) -> &str {
        &self.0.public_url
    }

    /// Keeps the hints of a webhook. Fails with 404 if the connection takes none, with 401 if it is not signed, and with 503
    /// if too many wait.
    pub async fn receive(
        &self,
        id: ConnectionId,
        delivery: Delivery<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), AppError> {
        let opened = self.opened(id).await?.ok_or(NOT_FOUND)?;
        let hints = opened.scheme.read(&opened.secret, delivery, now)?;
        if hints.is_empty() {
            return Ok(());
        }
        // Not a transaction, which would cost two more round trips; written again, it changes nothing.
        let room = self.0.db.read(move |conn| {
            store::receive(conn, id, &hints, BOUND, now).map_err(|error| match crate::db::violated(
                &error,
            ) {
                Some("crm_inbox_connection_id_fkey") => NOT_FOUND,
                _ => error.into(),
            })
        });
        match room.await? {
            true => Ok(()),
            false => Err(AppError::unavailable(anyhow::anyhow!("the inbox of {id} is full"))),
        }
    }

    async fn opened(&self, id: ConnectionId) -> Result<Option<Arc<Opened>>, AppError> {
        if let Some(known) = self.0.known.get(&id) {
            return Ok(known);
        }
        let found = self.0.db.read(move |conn| Ok(store::hook(conn, id)?)).await?;
        let open = |hook: Hook| {
            let secret = self.0.key.open(&service::hook_purpose(id), &hook.sealed_secret);
            let secret = Secret::new(String::from_utf8_lossy(&secret.map_err(AppError::Internal)?));
            Ok::<_, AppError>(Arc::new(Opened { scheme: hook.scheme, secret }))
        };
        let opened = found.map(open).transpose()?;
        self.0.known.insert(id, opened.clone());
        Ok(opened)
    }

    /// A connection with how its webhooks are signed, if it takes any.
    pub async fn settings(&self, id: ConnectionId) -> Result<(Connection, Option<Hook>), AppError> {
        let found = self.0.db.read(move |conn| {
            let connection = store::connection(conn, id)?.ok_or(NOT_FOUND)?;
            Ok((connection, store::hook(conn, id)?))
        });
        found.await
    }

    /// Sets how a connection's webhooks are signed. Version 0 stands for not at all.
    pub async fn set(
        &self,
        id: ConnectionId,
        seen: IfMatch,
        scheme: Scheme,
        secret: Secret,
    ) -> Result<Hook, AppError> {
        if !scheme.accepts(&secret) {
            let detail = "this scheme cannot verify anything with this secret";
            return Err(AppError::field("/secret", detail));
        }
        let sealed = self.0.key.seal(&service::hook_purpose(id), secret.expose().as_bytes());
        let sealed_secret = sealed.map_err(AppError::Internal)?;
        let set = self.0.db.quiet_tx(move |conn| {
            let connection = store::lock_connection(conn, id)?.ok_or(NOT_FOUND)?;
            service::is_called(&connection)?;
            let before = store::hook(conn, id)?;
            let version = before.as_ref().map_or(0, |hook| hook.version);
            seen.check(version)?;
            let last_received_at = before.and_then(|hook| hook.last_received_at);
            let version = version + 1;
            let hook = Hook { connection_id: id, scheme, sealed_secret, last_received_at, version };
            store::save_hook(conn, &hook)?;
            Ok(hook)
        });
        let hook = set.await?;
        self.0.known.invalidate(&id);
        Ok(hook)
    }

    /// Marks the mirrors of the cases that the oldest hints name; false when none waits.
    pub async fn take_due(&self, now: DateTime<Utc>) -> Result<bool, AppError> {
        self.0.db.quiet_tx(move |conn| take(conn, now)).await
    }

    /// Forgets what need not be remembered any more; false when nothing is left.
    pub async fn sweep(&self, now: DateTime<Utc>) -> Result<bool, AppError> {
        let swept = self.0.db.quiet_tx(move |conn| {
            let hints = store::sweep_inbox(conn, now - KEEP, BATCH)?;
            Ok(hints + store::sweep_changes(conn, now - store::KEEP_CHANGES, BATCH)?)
        });
        Ok(swept.await? > 0)
    }
}

fn take(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, AppError> {
    let taken = store::take_hints(conn, BATCH, now)?;
    let mut by_connection: BTreeMap<ConnectionId, Vec<TakenHint>> = BTreeMap::new();
    for hint in taken {
        by_connection.entry(ConnectionId(hint.connection_id)).or_default().push(hint);
    }
    let any = !by_connection.is_empty();
    for (id, hints) in by_connection {
        let last = hints.iter().map(|hint| hint.received_at).max();
        let cases: Vec<String> = hints.into_iter().map(|hint| hint.case_id).collect();
        store::mark_cases(conn, id, &cases, true)?;
        if let Some(last) = last {
            store::hook_received(conn, id, last)?;
        }
    }
    Ok(any)
}
