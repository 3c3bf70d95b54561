//! People and companies of the CRM: who they are at the desk, found once and remembered.
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use uuid::Uuid;

use super::pass::{Pass, Stop};
use crate::crm::CrmError;
use crate::crm::adapters::{Adapter, Kind};
use crate::crm::case::{Case, Field, RecordKind, RemoteRecord};
use crate::crm::probe::Findings;
use crate::crm::settings::Settings;
use crate::crm::store::{self, LinkKind};
use crate::crm::vocabulary::Vocabulary;
use crate::kernel::{Actor, Origin, Permission, Role};

/// An unknown user makes us ask for the users again, but not more often than this.
const USERS_KEPT: Duration = Duration::from_secs(60);

/// A CRM that a connection leads to.
pub(super) struct Crm {
    pub adapter: Box<dyn Adapter>,
    pub kind: &'static Kind,
    pub settings: Settings,
    pub findings: Findings,
    users: Mutex<Option<(Instant, Arc<Vec<RemoteRecord>>)>>,
}

impl Crm {
    pub fn new(
        adapter: Box<dyn Adapter>,
        kind: &'static Kind,
        settings: Settings,
        findings: Findings,
    ) -> Self {
        Self { adapter, kind, settings, findings, users: Mutex::default() }
    }

    /// What the CRM calls things.
    pub fn words(&self) -> Vocabulary<'_> {
        Vocabulary::new(&self.settings, &self.kind.defaults)
            .with_subject_limit(self.findings.subject_limit)
    }

    /// The first user that `is` recognizes.
    async fn user(
        &self,
        is: impl Fn(&RemoteRecord) -> bool,
    ) -> Result<Option<RemoteRecord>, CrmError> {
        let mut kept = self.users.lock().await;
        if let Some((asked_at, users)) = kept.as_ref() {
            let found = users.iter().find(|user| is(user)).cloned();
            if found.is_some() || asked_at.elapsed() < USERS_KEPT {
                return Ok(found);
            }
        }
        let users = Arc::new(self.users().await?);
        let found = users.iter().find(|user| is(user)).cloned();
        *kept = Some((Instant::now(), users));
        Ok(found)
    }

    async fn users(&self) -> Result<Vec<RemoteRecord>, CrmError> {
        let mut users = Vec::new();
        let mut after = None;
        loop {
            let page = self.adapter.records(RecordKind::User, None, after.as_deref()).await?;
            users.extend(page.records);
            after = page.next;
            if after.is_none() {
                return Ok(users);
            }
        }
    }
}

fn same_address(record: &RemoteRecord, email: &str) -> bool {
    record.email.as_deref().is_some_and(|address| address.eq_ignore_ascii_case(email))
}

impl Pass {
    /// The CRM's user for an agent: the linked one, or the one with the same e-mail address.
    pub(super) async fn user_for(
        &self,
        agent: Uuid,
        name: &str,
        email: &str,
    ) -> Result<String, Stop> {
        let found = self.crm.user(|user| same_address(user, email)).await?;
        self.remember_or_park(LinkKind::Agent, agent, found.map(|user| user.id), name).await
    }

    /// The CRM's account for an account: the linked one, or the only one with the same name.
    pub(super) async fn account_for(&self, account: Uuid, name: &str) -> Result<String, Stop> {
        let found = self.crm.adapter.find_account_by_name(name).await?;
        self.remember_or_park(LinkKind::Account, account, only(found), name).await
    }

    /// The CRM's contact for a contact: the linked one, or the only one with the same address.
    pub(super) async fn contact_for(
        &self,
        contact: Uuid,
        name: &str,
        email: &str,
    ) -> Result<String, Stop> {
        let last_name = name.split_whitespace().last().unwrap_or(name);
        let found = self.crm.adapter.find_contact_by_email(last_name, email).await?;
        self.remember_or_park(LinkKind::Contact, contact, only(found), name).await
    }

    async fn remember_or_park(
        &self,
        kind: LinkKind,
        local: Uuid,
        found: Option<String>,
        name: &str,
    ) -> Result<String, Stop> {
        let record = if kind == LinkKind::Agent { "user" } else { kind.as_str() };
        let unmapped =
            || Stop::unmapped(format!("the {kind} {name} is linked to no {record} of the CRM"));
        let remote = found.ok_or_else(unmapped)?;
        let connection = self.connection.id;
        let kept = self.engine.0.db.tx(move |conn| {
            store::remember(conn, connection, kind, local, &remote)?;
            Ok(store::remote_id(conn, connection, kind, local)?)
        });
        kept.await?.ok_or_else(unmapped)
    }

    /// Looks up in the CRM who the unknown users and accounts of these values are.
    pub(super) async fn learn(&self, values: &Case) -> Result<(), Stop> {
        if let Some(user) = values.get(Field::Assignee).filter(|id| !id.is_empty()) {
            let email = self.crm.user(|u| u.id == user).await?.and_then(|u| u.email);
            if let Some(email) = email {
                self.remember_local(LinkKind::Agent, user, move |conn| {
                    store::agent_by_email(conn, &email)
                })
                .await?;
            }
        }
        if let Some(account) = values.get(Field::Account).filter(|id| !id.is_empty())
            && !self.is_linked(LinkKind::Account, account).await?
            && let Some(found) = self.crm.adapter.account(account).await?
        {
            self.remember_local(LinkKind::Account, account, move |conn| {
                store::account_by_name(conn, &found.name)
            })
            .await?;
        }
        Ok(())
    }

    async fn is_linked(&self, kind: LinkKind, remote: &str) -> Result<bool, Stop> {
        let (connection, remote) = (self.connection.id, remote.to_owned());
        let found = self
            .engine
            .0
            .db
            .read(move |conn| Ok(store::local_id(conn, connection, kind, &remote)?.is_some()));
        Ok(found.await?)
    }

    async fn remember_local(
        &self,
        kind: LinkKind,
        remote: &str,
        find: impl Fn(&mut diesel::PgConnection) -> diesel::QueryResult<Option<Uuid>> + Send + 'static,
    ) -> Result<(), Stop> {
        let (connection, remote) = (self.connection.id, remote.to_owned());
        let remembered = self.engine.0.db.tx(move |conn| {
            if let Some(local) = find(conn)? {
                store::remember(conn, connection, kind, local, &remote)?;
            }
            Ok(())
        });
        Ok(remembered.await?)
    }

    /// Somebody of the CRM as an actor at the desk: the linked agent, or the user under their own name. The desk's
    /// rules hold for them as for a program that works tickets.
    pub(super) async fn actor(&self, user: Option<&str>) -> Result<Actor, Stop> {
        let connection = self.connection.id;
        let mut actor = Actor {
            id: connection.0,
            role: Role::Integration,
            name: self.connection.name.clone(),
            permissions: vec![
                Permission::TicketsRead,
                Permission::TicketsWrite,
                Permission::TicketsWork,
            ],
            origin: Origin::Crm,
            departments: Vec::new(),
            accounts: Vec::new(),
        };
        let Some(user) = user.map(str::to_owned) else { return Ok(actor) };
        let id = user.clone();
        let agent =
            self.engine.0.db.read(move |conn| Ok(store::agent_of_user(conn, connection, &id)?));
        if let Some((id, name)) = agent.await? {
            (actor.id, actor.name) = (id, name);
        } else if let Some(found) = self.crm.user(|u| u.id == user).await? {
            actor.name = format!("{} ({})", found.name, self.connection.name);
        }
        Ok(actor)
    }
}

/// The id of the only record; several tell as little as none.
fn only(found: Vec<RemoteRecord>) -> Option<String> {
    let mut found = found.into_iter();
    found.next().filter(|_| found.next().is_none()).map(|record| record.id)
}
