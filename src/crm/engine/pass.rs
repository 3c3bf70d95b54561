//! One attempt at one mirror.
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use uuid::Uuid;

use super::Engine;
use super::directory::Crm;
use crate::attachments::{self, CaseLine, FileLinks};
use crate::crm::CrmError;
use crate::crm::case::{Case, Field};
use crate::crm::mapping::{self, Facts, Unmapped};
use crate::crm::merge::Agreement;
use crate::crm::provenance::Provenances;
use crate::crm::store::{
    self, Conflict, Connection, DeskTicket, LinkKind, Mirror, MirrorState, Progress,
};
use crate::crm::vocabulary::Vocabulary;
use crate::db::{commit_without_waiting, later};
use crate::kernel::{AppError, ConnectionId, TicketId};

/// Why an attempt did not finish.
#[derive(Debug)]
pub(super) enum Stop {
    Crm(CrmError),
    /// The case was deleted in the CRM.
    CaseGone,
    /// Somebody has to put something right.
    Park {
        class: &'static str,
        reason: String,
    },
    /// The ticket changed meanwhile: begin anew.
    Again,
    /// Another attempt has taken over, or there is nothing left to mirror.
    Lost,
    App(AppError),
}

impl Stop {
    pub fn unmapped(reason: String) -> Self {
        Self::Park { class: "unmapped", reason }
    }

    /// The class of the failure; `None` when it is none: the mirror is due again, or somebody else's.
    pub fn class(&self) -> Option<&'static str> {
        match self {
            Self::Crm(error) => Some(error.class()),
            Self::CaseGone => Some("gone"),
            Self::Park { class, .. } => Some(class),
            Self::App(_) => Some("internal"),
            Self::Again | Self::Lost => None,
        }
    }

    /// Why, in words for the people of the desk.
    pub fn reason(&self) -> String {
        match self {
            Self::Crm(error) => error.to_string(),
            Self::CaseGone => CrmError::Gone.to_string(),
            Self::Park { reason, .. } => reason.clone(),
            Self::Again | Self::Lost => {
                "the ticket or its case was changed at the same time".into()
            }
            // Its causes are logged, not shown.
            Self::App(error) => error.to_string(),
        }
    }
}

impl From<CrmError> for Stop {
    fn from(error: CrmError) -> Self {
        match error {
            CrmError::Stale => Self::Again,
            error => Self::Crm(error),
        }
    }
}

impl From<AppError> for Stop {
    fn from(error: AppError) -> Self {
        Self::App(error)
    }
}

impl From<Unmapped> for Stop {
    fn from(unmapped: Unmapped) -> Self {
        Self::unmapped(unmapped.0)
    }
}

/// What the desk has when the attempt begins.
#[derive(Clone)]
pub(super) struct Snapshot {
    pub ticket: DeskTicket,
    /// Those that wait for a decision, or for one to be carried out.
    pub conflicts: Vec<Conflict>,
    /// Those whose losing value somebody restored.
    pub restored: Vec<Conflict>,
    assignee: Option<String>,
    account: Option<String>,
    product: Option<String>,
    pub contact: Option<String>,
    attachments: Vec<CaseLine>,
}

impl Snapshot {
    pub fn read(conn: &mut PgConnection, mirror: &Mirror) -> Result<Self, AppError> {
        let mut one = Self::read_all(conn, mirror.connection_id, &[mirror.ticket_id])?;
        one.pop().ok_or(AppError::NotFound("the ticket"))
    }

    /// Those of these tickets, in no order.
    pub fn read_all(
        conn: &mut PgConnection,
        connection: ConnectionId,
        ids: &[TicketId],
    ) -> Result<Vec<Self>, AppError> {
        let tickets = store::desk_tickets(conn, ids)?;
        let refers_to = |ticket: &DeskTicket| {
            let (agent, account) = (ticket.assignee.as_ref(), ticket.account.as_ref());
            let (product, contact) = (ticket.product.as_ref(), ticket.contact.as_ref());
            [
                agent.map(|a| a.0.0),
                account.map(|a| a.0.0),
                product.map(|p| p.0.0),
                contact.map(|c| c.0.0),
            ]
        };
        let local: Vec<Uuid> = tickets.iter().flat_map(refers_to).flatten().collect();
        let links = store::remote_ids(conn, connection, &local)?;
        let conflicts = store::live_conflicts(conn, connection, ids)?;
        let attachments = attachments::case_lines(conn, ids)?;
        let snapshot = |ticket: DeskTicket| {
            let [agent, account, product, contact] = refers_to(&ticket);
            let link = |kind, local: Option<Uuid>| links.get(&(kind, local?)).cloned();
            let own = conflicts.iter().filter(|conflict| conflict.ticket_id == ticket.id);
            let (conflicts, restored) = own.cloned().partition(|c| c.resolved_at.is_none());
            let files = attachments.iter().filter(|line| line.ticket_id == ticket.id);
            Self {
                conflicts,
                restored,
                attachments: files.cloned().collect(),
                assignee: link(LinkKind::Agent, agent),
                account: link(LinkKind::Account, account),
                product: link(LinkKind::Product, product),
                contact: link(LinkKind::Contact, contact),
                ticket,
            }
        };
        Ok(tickets.into_iter().map(snapshot).collect())
    }

    fn facts(
        &self,
        links: &FileLinks,
        assignee: String,
        account: String,
        product: String,
    ) -> Facts {
        let ticket = &self.ticket;
        let files = self.attachments.iter();
        Facts {
            number: ticket.number,
            subject: ticket.subject.clone(),
            description: ticket.description.clone(),
            url: ticket.url.clone(),
            attachments: files.map(|line| (line.name.clone(), links.in_case(line))).collect(),
            link: format!("{}/v1/tickets/{}", links.public_url(), ticket.id),
            type_key: ticket.type_key.clone(),
            status: ticket.status.clone(),
            category: ticket.category.clone(),
            priority: ticket.priority,
            assignee,
            account,
            product,
        }
    }

    /// A product field holds the name, unless it is linked to something else.
    fn product(&self) -> String {
        let name = || self.ticket.product.as_ref().map(|(_, name)| name.clone());
        self.product.clone().or_else(name).unwrap_or_default()
    }

    /// The ticket as its case would have it, as far as it can be told without asking the CRM: what is linked to nothing
    /// is absent. `known` are the statuses that the CRM shows now and that were agreed on last.
    pub fn desk_side(&self, links: &FileLinks, words: Vocabulary<'_>, known: &[&str]) -> Case {
        let text = |link: &Option<String>| link.clone().unwrap_or_default();
        let facts = self.facts(links, text(&self.assignee), text(&self.account), self.product());
        let case = mapping::to_case(&facts, words, known).unwrap_or_default();
        let told = |field| match field {
            Field::Assignee => self.ticket.assignee.is_none() || self.assignee.is_some(),
            Field::Account => self.ticket.account.is_none() || self.account.is_some(),
            _ => true,
        };
        Case::from_iter(case.iter().filter(|(field, _)| words.has(*field) && told(*field)))
    }
}

/// One attempt: who works on what, and what it has come to so far.
pub(super) struct Pass {
    pub engine: Engine,
    pub crm: Arc<Crm>,
    pub connection: Connection,
    pub mirror: Mirror,
    pub agreement: Agreement,
    pub sent: Option<Case>,
    pub provenance: Provenances,
    /// When the attempt began, and the clock that counts on from there.
    began: (DateTime<Utc>, Instant),
}

impl Pass {
    pub fn new(
        engine: Engine,
        crm: Arc<Crm>,
        connection: Connection,
        mirror: Mirror,
        now: DateTime<Utc>,
    ) -> Result<Self, AppError> {
        let agreement =
            serde_json::from_value(mirror.agreement.clone()).map_err(AppError::internal)?;
        let sent = mirror.sent.clone().map(serde_json::from_value).transpose();
        let sent = sent.map_err(AppError::internal)?;
        let provenance =
            serde_json::from_value(mirror.provenance.clone()).map_err(AppError::internal)?;
        let began = (now, Instant::now());
        Ok(Self { engine, crm, connection, mirror, agreement, sent, provenance, began })
    }

    pub fn now(&self) -> DateTime<Utc> {
        let (now, began) = self.began;
        later(now, began)
    }

    /// Runs `work` in a transaction that holds the mirror, and saves the progress with it. Fails with [`Stop::Lost`] when
    /// another attempt has taken over: then nothing is written.
    pub async fn held<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut PgConnection, &mut Working) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, Stop> {
        self.save(Save { events: true, durable: true }, work).await
    }

    /// As [`Pass::held`], for progress that a crash of the database may forget: the CRM is read again, and shows it.
    pub async fn noted(
        &mut self,
        work: impl FnOnce(&mut PgConnection, &mut Working) -> Result<(), Stop> + Send + 'static,
    ) -> Result<(), Stop> {
        self.save(Save { events: false, durable: false }, work).await
    }

    pub async fn save<T: Send + 'static>(
        &mut self,
        how: Save,
        work: impl FnOnce(&mut PgConnection, &mut Working) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, Stop> {
        let mut working = Working {
            mirror: self.mirror.clone(),
            agreement: self.agreement.clone(),
            sent: self.sent.clone(),
            provenance: self.provenance.clone(),
        };
        let job = move |conn: &mut PgConnection| {
            let stopped = |stop| AppError::Internal(anyhow::Error::new(Stopped(stop)));
            if !how.durable {
                commit_without_waiting(conn)?;
            }
            let state = store::hold(conn, &working.mirror)?;
            // The ticket may have been deleted or restored since the attempt began.
            working.mirror.state = state.ok_or_else(|| stopped(Stop::Lost))?;
            let done = work(conn, &mut working).map_err(stopped)?;
            store::save_progress(conn, &working.mirror, &working.progress()?)?;
            Ok((done, working))
        };
        let db = &self.engine.0.db;
        let saved = if how.events { db.tx(job).await } else { db.quiet_tx(job).await };
        let (done, working) = saved.map_err(unwrap_stop)?;
        (self.mirror, self.agreement) = (working.mirror, working.agreement);
        (self.sent, self.provenance) = (working.sent, working.provenance);
        Ok(done)
    }

    /// The ticket in the desk's words with the CRM's ids; looks up people and companies that are not linked yet.
    pub async fn facts(&self, seen: &Snapshot) -> Result<Facts, Stop> {
        let ticket = &seen.ticket;
        let assignee = match (&ticket.assignee, &seen.assignee) {
            (Some(_), Some(linked)) => linked.clone(),
            (Some((id, name, email)), None) => self.user_for(id.0, name, email).await?,
            (None, _) => String::new(),
        };
        let account = match (&ticket.account, &seen.account) {
            (Some(_), Some(linked)) => linked.clone(),
            (Some((id, name)), None) => self.account_for(id.0, name).await?,
            (None, _) => String::new(),
        };
        let product = seen.product();
        Ok(seen.facts(&self.engine.0.links, assignee, account, product))
    }

    /// An id that is the same at every attempt: version 5 (RFC 9562) in the connection's namespace.
    pub fn stable_id(&self, kind: &str, local: Uuid) -> Uuid {
        let name = format!("{kind} {local} {}", self.mirror.generation);
        Uuid::new_v5(&self.connection.id.0, name.as_bytes())
    }
}

/// How a step of an attempt is saved.
#[derive(Clone, Copy)]
pub(super) struct Save {
    /// It may append events, of which the relay is told.
    pub events: bool,
    /// It must not be forgotten, whatever happens.
    pub durable: bool,
}

/// What a transaction of an attempt changes.
pub(super) struct Working {
    pub mirror: Mirror,
    pub agreement: Agreement,
    pub sent: Option<Case>,
    pub provenance: Provenances,
}

impl Working {
    fn progress(&self) -> Result<Progress, AppError> {
        let sent = self.sent.as_ref().map(serde_json::to_value).transpose();
        let linked = self.mirror.remote_id.is_some() && self.mirror.state == MirrorState::Pending;
        Ok(Progress {
            state: if linked { MirrorState::Linked } else { self.mirror.state },
            remote_id: self.mirror.remote_id.clone(),
            agreement: serde_json::to_value(&self.agreement).map_err(AppError::internal)?,
            sent: sent.map_err(AppError::internal)?,
            provenance: serde_json::to_value(&self.provenance).map_err(AppError::internal)?,
            last_remote: self.mirror.last_remote.clone(),
            remote_modified_at: self.mirror.remote_modified_at,
            contact_synced: self.mirror.contact_synced,
            notes_synced_up_to: self.mirror.notes_synced_up_to,
            redacting: self.mirror.redacting,
        })
    }
}

/// Carries a [`Stop`] out of a transaction, which it rolls back.
#[derive(Debug, thiserror::Error)]
#[error("the attempt stopped: {0:?}")]
struct Stopped(Stop);

fn unwrap_stop(error: AppError) -> Stop {
    match error {
        AppError::Internal(cause) => match cause.downcast::<Stopped>() {
            Ok(Stopped(stop)) => stop,
            Err(cause) => Stop::App(AppError::Internal(cause)),
        },
        other => Stop::App(other),
    }
}
