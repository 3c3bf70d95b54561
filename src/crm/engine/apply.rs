//! Takes over at the desk what was changed in the CRM, through the desk's own operations: its rules hold.
use chrono::{DateTime, Utc};
use diesel::{Connection as _, PgConnection};
use uuid::Uuid;

use super::pass::Stop;
use crate::crm::case::{Case, Field};
use crate::crm::mapping::{self, Candidate};
use crate::crm::store::{self, DeskTicket, LinkKind};
use crate::crm::vocabulary::Vocabulary;
use crate::http::IfMatch;
use crate::kernel::{
    AccountId, Actor, AgentId, AppError, ConnectionId, Priority, ProductId, TicketId,
};
use crate::people;
use crate::tickets::service::{self as tickets, Change, Transfer, Transition};
use crate::workflow::{self, Requirement, Trigger};

/// What became of the CRM's changes.
#[derive(Debug, Default)]
pub(super) struct Applied {
    pub taken: Case,
    /// Why not, by field.
    pub refused: Vec<(Field, String)>,
}

/// A change of the CRM in the desk's words.
#[derive(Debug, Clone)]
enum Wanted {
    Transfer(Transfer),
    Change(Change),
    Transition(Transition),
}

/// Where changes are applied.
pub(super) struct Desk<'a> {
    pub actor: &'a Actor,
    pub connection: ConnectionId,
    pub words: Vocabulary<'a>,
    pub ticket: &'a DeskTicket,
    pub now: DateTime<Utc>,
}

impl Desk<'_> {
    /// Applies the values, each that the rules allow. Fails with [`Stop::Again`] when the ticket is not as it was read.
    pub fn apply(&self, conn: &mut PgConnection, values: &Case) -> Result<Applied, Stop> {
        let mut applied = Applied::default();
        let mut version = self.ticket.version;
        let mut transfers = Vec::new();
        let mut others = Vec::new();
        for (field, value) in values.iter().filter(|(field, _)| *field != Field::Status) {
            match self.translate(conn, field, value)? {
                Ok(Wanted::Transfer(transfer)) => transfers.push((field, value, transfer)),
                Ok(wanted) => others.push((field, value, wanted)),
                Err(reason) => applied.refused.push((field, reason)),
            }
        }
        // An account and a product that belong together are refused one by one.
        let joint = transfers.iter().fold(Transfer::default(), |all, (.., one)| join(all, one));
        let together =
            transfers.len() > 1 && self.do_it(conn, &mut version, Wanted::Transfer(joint))?.is_ok();
        for (field, value, transfer) in transfers {
            if together {
                applied.taken.set(field, value);
            } else {
                others.push((field, value, Wanted::Transfer(transfer)));
            }
        }
        for (field, value, wanted) in others {
            match self.do_it(conn, &mut version, wanted)? {
                Ok(()) => applied.taken.set(field, value),
                Err(reason) => applied.refused.push((field, reason)),
            }
        }
        // The status comes last: a closed ticket refuses most of the others, and an assignment may move the ticket itself.
        if let Some(value) = values.get(Field::Status) {
            match self.apply_status(conn, version, value)? {
                Ok(()) => applied.taken.set(Field::Status, value),
                Err(reason) => applied.refused.push((Field::Status, reason)),
            }
        }
        Ok(applied)
    }

    /// Moves the ticket, which has this version by now, to a status that the CRM's one stands for, unless it has one.
    fn apply_status(
        &self,
        conn: &mut PgConnection,
        mut version: i32,
        value: &str,
    ) -> Result<Result<(), String>, Stop> {
        let mut ticket = self.ticket.clone();
        if version != ticket.version {
            let found = store::desk_tickets(conn, &[ticket.id]).map_err(AppError::from)?.pop();
            ticket = found.ok_or(AppError::NotFound("the ticket"))?;
            let present = Candidate { code: &ticket.status, category: &ticket.category };
            if mapping::status_for(self.words, value, &[present]).is_some() {
                return Ok(Ok(()));
            }
        }
        let desk = Desk { ticket: &ticket, ..*self };
        match desk.transition(conn, value)? {
            Ok(to) => desk.do_it(conn, &mut version, Wanted::Transition(to)),
            Err(reason) => Ok(Err(reason)),
        }
    }

    /// Does one change in a savepoint; the inner error says why the desk refuses it.
    fn do_it(
        &self,
        conn: &mut PgConnection,
        version: &mut i32,
        wanted: Wanted,
    ) -> Result<Result<(), String>, Stop> {
        let (actor, id, now): (&Actor, TicketId, _) = (self.actor, self.ticket.id, self.now);
        let seen = IfMatch(Some(*version));
        let done = conn.transaction(|conn| match wanted {
            Wanted::Transfer(transfer) => tickets::transfer(conn, actor, id, seen, transfer, now),
            Wanted::Change(change) => tickets::change(conn, actor, id, seen, change, now),
            Wanted::Transition(to) => tickets::transition(conn, actor, id, seen, to, now),
        });
        match done {
            Ok(changed) => {
                *version = changed.row.version;
                Ok(Ok(()))
            }
            Err(AppError::Stale { .. }) => Err(Stop::Again),
            Err(refusal) if refusal.status() < 500 => Ok(Err(refusal.to_string())),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The inner error says what the desk cannot make of the value.
    fn translate(
        &self,
        conn: &mut PgConnection,
        field: Field,
        value: &str,
    ) -> Result<Result<Wanted, String>, AppError> {
        let mut linked = |kind| store::local_id(conn, self.connection, kind, value);
        Ok(match field {
            Field::Priority => match mapping::priority_for(self.words, value) {
                Some(priority) => {
                    Ok(Wanted::Change(Change { priority: Some(priority), ..Change::default() }))
                }
                None => Err(format!("the CRM's priority {value:?} is mapped to no priority")),
            },
            Field::Status => self.transition(conn, value)?.map(Wanted::Transition),
            Field::Assignee if value.is_empty() => {
                Ok(Wanted::Transfer(Transfer { agent_id: Some(None), ..Transfer::default() }))
            }
            Field::Assignee => match linked(LinkKind::Agent)? {
                Some(id) => Ok(Wanted::Transfer(Transfer {
                    agent_id: Some(Some(AgentId(id))),
                    ..Transfer::default()
                })),
                None => Err(format!("the CRM's user {value} is linked to no agent")),
            },
            Field::Account => match linked(LinkKind::Account)? {
                Some(id) => Ok(Wanted::Transfer(self.to_account(conn, AccountId(id))?)),
                None if value.is_empty() => Err("a ticket needs an account".into()),
                None => Err(format!("the CRM's account {value} is linked to no account")),
            },
            Field::Product => self.product(conn, value)?,
            Field::Type => match mapping::type_for(self.words, value) {
                Some(key) => {
                    let type_key = Some(key.to_owned());
                    Ok(Wanted::Change(Change { type_key, ..Change::default() }))
                }
                None => Err(format!("the CRM's type {value:?} is mapped to no type")),
            },
            _ => Err(format!("the {field} never changes at the desk")),
        })
    }

    /// The contact stays only if they belong to that account too: the CRM's users do not ask who they are.
    fn to_account(
        &self,
        conn: &mut PgConnection,
        account: AccountId,
    ) -> Result<Transfer, AppError> {
        let contact = self.ticket.contact.as_ref().map(|(id, ..)| *id);
        let stays = people::check_parties(conn, account, contact, None)?.contact;
        let contact_id = (!stays).then_some(None);
        Ok(Transfer { account_id: Some(account), contact_id, ..Transfer::default() })
    }

    fn product(
        &self,
        conn: &mut PgConnection,
        value: &str,
    ) -> Result<Result<Wanted, String>, AppError> {
        let mut found = None;
        if !value.is_empty() {
            found = store::local_id(conn, self.connection, LinkKind::Product, value)?;
            if found.is_none() {
                found = store::product_by_name(conn, value)?;
            }
            if found.is_none() {
                return Ok(Err(format!("the CRM's product {value:?} is no product of the desk")));
            }
        }
        let product_id = Some(found.map(ProductId));
        Ok(Ok(Wanted::Transfer(Transfer { product_id, ..Transfer::default() })))
    }

    /// The transition to a status that the CRM's one stands for.
    fn transition(
        &self,
        conn: &mut PgConnection,
        value: &str,
    ) -> Result<Result<Transition, String>, AppError> {
        let from = &self.ticket.status;
        let found = self.transition_to(conn, |candidates| {
            mapping::status_for(self.words, value, candidates).map(str::to_owned)
        })?;
        Ok(found.ok_or_else(|| {
            format!(
                "the workflow lets no ticket go from {from} to a status that {value:?} stands for"
            )
        }))
    }

    /// The transition to the status that is picked among those that need nothing that we cannot give.
    fn transition_to(
        &self,
        conn: &mut PgConnection,
        pick: impl Fn(&[Candidate<'_>]) -> Option<String>,
    ) -> Result<Option<Transition>, AppError> {
        let ticket = self.ticket;
        let workflow = workflow::load(conn, ticket.workflow_id, ticket.workflow_revision)?;
        let allowed =
            workflow.allowed(&ticket.status, &[Trigger::Agent], ticket.closed_at, self.now);
        let possible = allowed.iter().filter(|transition| {
            transition.requires.iter().all(|needed| *needed == Requirement::Resolution)
        });
        let candidates: Vec<Candidate<'_>> = possible
            .filter_map(|transition| workflow.status(&transition.to))
            .map(|status| Candidate { code: &status.code, category: status.category.as_str() })
            .collect();
        let Some(to) = pick(&candidates) else { return Ok(None) };
        let closes = candidates.iter().any(|c| c.code == to && c.category == "closed");
        Ok(Some(Transition {
            to,
            note: None,
            resolution: closes.then(|| "Closed in the CRM".to_owned()),
            vendor_reference: None,
            override_reason: None,
        }))
    }

    /// Gives a field a value that it had before, in the desk's own words (see [`DeskTicket::own`]) where they are known and
    /// else in the CRM's. The inner error says why the desk refuses it.
    pub fn put_back(
        &self,
        conn: &mut PgConnection,
        field: Field,
        own: Option<&str>,
        value: &str,
    ) -> Result<Result<(), String>, Stop> {
        if own.is_some() && self.ticket.own(field).as_deref() == own {
            return Ok(Ok(()));
        }
        let wanted = match own {
            Some(own) => self.in_own_words(conn, field, own)?,
            None => self.translate(conn, field, value)?,
        };
        match wanted {
            Ok(wanted) => self.do_it(conn, &mut self.ticket.version.clone(), wanted),
            Err(reason) => Ok(Err(reason)),
        }
    }

    fn in_own_words(
        &self,
        conn: &mut PgConnection,
        field: Field,
        own: &str,
    ) -> Result<Result<Wanted, String>, AppError> {
        let id = || Uuid::parse_str(own).ok();
        let transfer = Transfer::default();
        Ok(match field {
            Field::Priority => {
                Ok(Wanted::Change(Change { priority: Priority::parse(own), ..Change::default() }))
            }
            Field::Type => {
                Ok(Wanted::Change(Change { type_key: Some(own.into()), ..Change::default() }))
            }
            Field::Status => self
                .transition_to(conn, |all| {
                    Some(all.iter().find(|c| c.code == own)?.code.to_owned())
                })?
                .map(Wanted::Transition)
                .ok_or_else(|| format!("the workflow lets the ticket not go to {own} now")),
            Field::Assignee => {
                Ok(Wanted::Transfer(Transfer { agent_id: Some(id().map(AgentId)), ..transfer }))
            }
            Field::Product => {
                Ok(Wanted::Transfer(Transfer { product_id: Some(id().map(ProductId)), ..transfer }))
            }
            Field::Account => match id() {
                Some(account) => Ok(Wanted::Transfer(self.to_account(conn, AccountId(account))?)),
                None => Err("a ticket needs an account".into()),
            },
            _ => Err(format!("the {field} never changes at the desk")),
        })
    }
}

fn join(all: Transfer, one: &Transfer) -> Transfer {
    Transfer {
        agent_id: one.agent_id.or(all.agent_id),
        account_id: one.account_id.or(all.account_id),
        contact_id: one.contact_id.or(all.contact_id),
        product_id: one.product_id.or(all.product_id),
        ..all
    }
}
