//! Keeps tickets and cases equal: one function for both directions.
//!
//! A mirror that is due is claimed with a lease, so that one attempt at a time works on a case, from any number of
//! replicas. The attempt reads the ticket, reads the case, merges, changes the desk in one transaction, writes what differs
//! to the CRM, and notes what both agreed on. What it sends is noted before it is sent, so that after a crash or a lost answer
//! the next attempt knows its own write when it sees it. No transaction is open during a call to the CRM.
mod apply;
mod case;
mod directory;
mod lease;
mod notes;
mod outcome;
mod pass;
mod poll;
mod pull;
mod push;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use futures_util::future::join_all;
use serde::Deserialize as _;
use tokio_util::sync::CancellationToken;

use self::directory::Crm;
use self::lease::LEASE;
use self::pass::Snapshot;
pub use self::pull::OfferedCase;
pub use self::push::{CaseName, Outcome, ToldChange, ToldNote};
use super::adapters::{Access, TIMEOUT};
use super::case::{Case, Field};
use super::merge::Agreement;
use super::probe::{Report, probe};
use super::store::{self, Connection, Mirror};
use super::vocabulary::Vocabulary;
use super::{CrmError, service};
use crate::db::Db;
use crate::kernel::{AppError, ConnectionId, Secret, SecretKey};

/// Mirrors worked on at a time, in one process.
const BATCH: i64 = 8;

/// The mirror at work; cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    db: Db,
    secret: Arc<SecretKey>,
    public_url: String,
    /// The CRMs by connection, each as of a version of its connection.
    crms: Mutex<HashMap<ConnectionId, (i32, Arc<Crm>)>>,
    halted: CancellationToken,
}

impl Engine {
    /// `public_url` starts the links to tickets.
    pub fn new(db: Db, secret: Arc<SecretKey>, public_url: String) -> Self {
        let halted = CancellationToken::new();
        Self(Arc::new(Inner { db, secret, public_url, crms: Mutex::default(), halted }))
    }

    /// Gives up what is under way, as a crash would, but gives the leases back: whoever comes next goes on at once.
    pub fn halt(&self) {
        self.0.halted.cancel();
    }

    /// The ticket of a mirror in the CRM's words, without asking the CRM; what is linked to nothing is absent.
    pub fn desk_side(
        &self,
        conn: &mut PgConnection,
        mirror: &Mirror,
        connection: &Connection,
    ) -> Result<Case, AppError> {
        let (kind, settings) = (connection.kind()?, connection.settings()?);
        let agreement = Agreement::deserialize(&mirror.agreement).map_err(AppError::internal)?;
        let snapshot = Snapshot::read(conn, mirror)?;
        let words = Vocabulary::new(&settings, &kind.defaults);
        let known: Vec<&str> = agreement.base.get(Field::Status).into_iter().collect();
        Ok(snapshot.desk_side(&self.0.public_url, words, &known))
    }

    /// The key that seals the connections' secrets.
    pub fn secret(&self) -> &SecretKey {
        &self.0.secret
    }

    /// Works on the mirrors that are due, a few at a time; false when none is.
    pub async fn converge_due(&self, now: DateTime<Utc>) -> Result<bool, AppError> {
        let claimed =
            self.0.db.quiet_tx(move |conn| Ok(store::claim(conn, now, now + LEASE, BATCH)?));
        let claimed = claimed.await?;
        let work = claimed.into_iter().map(|mirror| self.converge(mirror, now));
        let done = join_all(work).await;
        let any = !done.is_empty();
        done.into_iter().collect::<Result<(), AppError>>()?;
        Ok(any)
    }

    /// Tries out the CRM of the connection with this name.
    pub async fn probe(&self, name: &str) -> Result<Report, AppError> {
        let name = name.to_owned();
        let connection =
            self.0.db.read(move |conn| service::connection_by_name(conn, &name)).await?;
        let crm = self.crm(&connection).map_err(AppError::unavailable)?;
        Ok(probe(crm.adapter.as_ref(), crm.words()).await)
    }

    /// Makes the CRM of a connection send its changes to `url`; returns the secret that signs them, where the CRM chooses it.
    pub async fn subscribe(
        &self,
        connection: &Connection,
        url: &str,
    ) -> Result<Option<Secret>, CrmError> {
        self.crm(connection)?.adapter.subscribe(url).await
    }

    /// The CRM of a connection, with its token and what is known of its users.
    fn crm(&self, connection: &Connection) -> Result<Arc<Crm>, CrmError> {
        let known = self.0.crms.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((version, crm)) = known.get(&connection.id)
            && *version == connection.version
        {
            return Ok(Arc::clone(crm));
        }
        drop(known);
        let crm = Arc::new(open(self.secret(), connection)?);
        let mut known = self.0.crms.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(connection.id, (connection.version, Arc::clone(&crm)));
        Ok(crm)
    }
}

fn open(key: &SecretKey, connection: &Connection) -> Result<Crm, CrmError> {
    let unreadable = |_| CrmError::auth("the stored secret cannot be opened; set it again");
    let secret = key
        .open(&service::purpose(connection.id), &connection.sealed_secret)
        .map_err(unreadable)?;
    let unusable = |e: AppError| CrmError::permanent(&e.to_string());
    let kind = connection.kind().map_err(unusable)?;
    let settings = connection.settings().map_err(unusable)?;
    let adapter = (kind.open)(Access {
        base_url: connection.base_url.clone(),
        client_id: connection.client_id.clone(),
        secret: Secret::new(String::from_utf8_lossy(&secret)),
        fields: Vocabulary::new(&settings, &kind.defaults).field_names(),
        timeout: TIMEOUT,
    })?;
    Ok(Crm::new(adapter, kind, settings))
}
