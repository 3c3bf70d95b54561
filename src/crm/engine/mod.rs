//! Keeps tickets and cases equal: one function for both directions.
//!
//! A mirror that is due is claimed with a lease, so that one attempt at a time works on a case, from any number of
//! replicas. The attempt reads the ticket, reads the case, merges, changes the desk in one transaction, writes what differs
//! to the CRM, and notes what both agreed on. What it sends is noted before it is sent, so that after a crash or a lost answer
//! the next attempt knows its own write when it sees it. No transaction is open during a call to the CRM.
mod apply;
mod authors;
mod case;
mod check;
mod compare;
mod directory;
mod import;
mod lead;
mod notes;
mod outcome;
mod pass;
mod poll;
mod pull;
mod push;
mod reading;
mod redacting;
mod resolve;
mod restore;
mod schedule;
mod settle;
mod tally;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use diesel::PgConnection;
use serde::Deserialize as _;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(super) use self::outcome::{Tried, connection_failed};
pub use self::pull::{OfferedCase, OfferedLead};
pub use self::push::{CaseName, Outcome, ToldChange, ToldNote};
pub(super) use self::reading::Reading;

use self::check::unreachable;
use self::directory::Crm;
use self::pass::Snapshot;
use self::tally::Tally;
use super::adapters::{Access, Kind, TIMEOUT};
use super::case::{Case, Field};
use super::merge::Agreement;
use super::probe::{Findings, Report, probe};
use super::settings::Settings;
use super::store::{self, Connection, Mirror};
use super::vocabulary::Vocabulary;
use super::{CrmError, service};
use crate::attachments::FileLinks;
use crate::db::Db;
use crate::kernel::{AppError, ConnectionId, Secret, SecretKey};

/// The mirror at work; cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    db: Db,
    secret: Arc<SecretKey>,
    links: FileLinks,
    /// The CRMs by connection, each as of a version of its connection.
    crms: Mutex<HashMap<ConnectionId, (i32, Arc<Crm>)>>,
    /// Rings when something may be due.
    wake: Notify,
    /// The slots that this process works in.
    slots: TaskTracker,
    tally: Tally,
    /// No new work.
    closing: CancellationToken,
    /// Nor what is under way.
    halted: CancellationToken,
}

impl Engine {
    /// `public_url` starts the links to tickets and files.
    pub fn new(db: Db, secret: Arc<SecretKey>, public_url: String) -> Self {
        let links = FileLinks::new(Arc::clone(&secret), &public_url);
        Self(Arc::new(Inner {
            db,
            secret,
            links,
            crms: Mutex::default(),
            wake: Notify::new(),
            slots: TaskTracker::new(),
            tally: Tally::default(),
            closing: CancellationToken::new(),
            halted: CancellationToken::new(),
        }))
    }

    /// Gives up what is under way, as a crash would, but gives the leases back: whoever comes next goes on at once.
    pub fn halt(&self) {
        self.0.closing.cancel();
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
        let words = Vocabulary::new(&settings, &kind.defaults)
            .with_subject_limit(connection.findings()?.subject_limit);
        let known: Vec<&str> = agreement.base.get(Field::Status).into_iter().collect();
        Ok(snapshot.desk_side(&self.0.links, words, &known))
    }

    pub(super) fn db(&self) -> &Db {
        &self.0.db
    }

    /// The key that seals the connections' secrets.
    pub fn secret(&self) -> &SecretKey {
        &self.0.secret
    }

    /// Where people see the case of a mirror; `None` while there is none.
    pub fn case_url(&self, connection: &Connection, mirror: &Mirror) -> Option<String> {
        let id = mirror.remote_id.as_deref()?;
        let crm = self.crm(connection).ok()?;
        Some(crm.adapter.case_url(id))
    }

    /// Tries out the CRM of the connection with this name.
    pub async fn probe_named(&self, name: &str) -> Result<Report, AppError> {
        let name = name.to_owned();
        let found = self.0.db.read(move |conn| service::connection_by_name(conn, &name));
        self.probe(found.await?).await
    }

    /// Tries out a connection's CRM, and keeps what was found out. Call it outside of transactions.
    pub async fn probe(&self, connection: Connection) -> Result<Report, AppError> {
        service::is_called(&connection)?;
        let crm = self.crm(&connection).map_err(unreachable)?;
        let report = probe(crm.adapter.as_ref(), crm.words(), crm.kind.capabilities).await;
        if report.findings == Findings::default() {
            return Ok(report);
        }
        let findings = serde_json::to_value(&report.findings).map_err(AppError::internal)?;
        let id = connection.id;
        self.0.db.tx(move |conn| Ok(store::save_findings(conn, id, &findings)?)).await?;
        Ok(report)
    }

    /// Makes the CRM of a connection send its changes to `url`; returns the secret that signs them.
    pub async fn subscribe(&self, connection: &Connection, url: &str) -> Result<Secret, CrmError> {
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
    let unusable = |e: AppError| CrmError::permanent(&e.to_string());
    let kind = connection.kind().map_err(unusable)?;
    let settings = connection.settings().map_err(unusable)?;
    let findings = connection.findings().map_err(unusable)?;
    let adapter = (kind.open)(access(key, connection, kind, &settings)?)?;
    Ok(Crm::new(adapter, kind, settings, findings))
}

fn access(
    key: &SecretKey,
    connection: &Connection,
    kind: &Kind,
    settings: &Settings,
) -> Result<Access, CrmError> {
    let unreadable = |_| CrmError::auth("the stored secret cannot be opened; set it again");
    let secret = key
        .open(&service::purpose(connection.id), &connection.sealed_secret)
        .map_err(unreadable)?;
    Ok(Access {
        base_url: connection.base_url.clone(),
        client_id: connection.client_id.clone(),
        secret: Secret::new(String::from_utf8_lossy(&secret)),
        fields: Vocabulary::new(settings, &kind.defaults).field_names(),
        timeout: TIMEOUT,
        calls: settings.concurrency.unwrap_or(kind.capabilities.concurrency),
    })
}
