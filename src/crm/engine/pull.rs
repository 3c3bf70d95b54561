//! What cases should have, for integrations that write them themselves.
use std::collections::HashMap;

use diesel::PgConnection;
use serde::Deserialize as _;

use super::Engine;
use super::case::rules;
use super::pass::Snapshot;
use crate::crm::case::{Case, Field, Owner};
use crate::crm::merge::{Agreement, Rules, Side};
use crate::crm::service;
use crate::crm::store::{self, Mirror, OfferedContact, OfferedNote};
use crate::crm::vocabulary::Vocabulary;
use crate::events::{self, TicketNews};
use crate::kernel::{AppError, ConnectionId, ContactId, NoteId, TicketId};
use crate::tickets::{Lead, service as tickets};

/// A case as it should be by now.
#[derive(Debug)]
pub struct OfferedCase {
    pub ticket_id: TicketId,
    /// `None` until the integration tells it.
    pub case_id: Option<String>,
    /// Where the last of the events stands that this case is told for.
    pub position: i64,
    /// The ticket was deleted; its case is left as it is.
    pub deleted: bool,
    pub fields: Case,
    pub contact: Option<OfferedContact>,
    /// The lead that the ticket became, where the connection wants leads.
    pub lead: Option<OfferedLead>,
    /// The notes that these events added.
    pub notes: Vec<OfferedNote>,
}

/// A lead to be written.
#[derive(Debug)]
pub struct OfferedLead {
    pub lead: Lead,
    /// The CRM's id of it; `None` until the integration tells it.
    pub remote_id: Option<String>,
}

impl Engine {
    /// The cases whose tickets changed behind `after`, each once, in the order of their last change; and the position up to
    /// where nothing was left out.
    pub fn offer(
        &self,
        conn: &mut PgConnection,
        connection: ConnectionId,
        after: i64,
        limit: usize,
    ) -> Result<(Vec<OfferedCase>, i64), AppError> {
        let connection = service::connection(conn, connection)?;
        let (kind, settings) = (connection.kind()?, connection.settings()?);
        let words = Vocabulary::new(&settings, &kind.defaults);
        let (news, until) = events::ticket_news(conn, connection.id, after, limit)?;
        if news.is_empty() {
            return Ok((Vec::new(), until));
        }
        let ids: Vec<TicketId> = news.iter().map(|ticket| ticket.ticket_id).collect();
        let mirrors = store::mirrors_named(conn, connection.id, &ids, &[])?;
        let mirrors: HashMap<_, _> = mirrors.into_iter().map(|m| (m.ticket_id, m)).collect();
        let seen = Snapshot::read_all(conn, connection.id, &ids)?;
        let seen: HashMap<_, _> = seen.into_iter().map(|s| (s.ticket.id, s)).collect();
        let added: Vec<NoteId> = news.iter().flat_map(|t| t.notes.iter().copied()).collect();
        let mut notes = notes(conn, connection.id, &added)?;
        let contacts = contacts(conn, connection.id, seen.values())?;
        let mut leads = match settings.leads {
            true => leads(conn, connection.id, &ids)?,
            false => HashMap::new(),
        };
        let mut offered = Vec::new();
        for TicketNews { ticket_id, position, .. } in news {
            let Some(seen) = seen.get(&ticket_id).filter(|seen| seen.ticket.category != "draft")
            else {
                continue;
            };
            // The backfill may not have come to the ticket yet.
            let mirror = mirrors.get(&ticket_id);
            offered.push(OfferedCase {
                ticket_id,
                case_id: mirror.and_then(|mirror| mirror.remote_id.clone()),
                position,
                deleted: seen.ticket.deleted_at.is_some(),
                fields: self.fields(mirror, seen, words, &rules(&settings, &seen.conflicts))?,
                contact: seen.ticket.contact.as_ref().and_then(|c| contacts.get(&c.0).cloned()),
                lead: leads.remove(&ticket_id),
                notes: notes.remove(&ticket_id).unwrap_or_default(),
            });
        }
        Ok((offered, until))
    }

    /// The desk's values, except where the CRM's stays: in its own fields, and where nobody has decided a conflict for the desk.
    fn fields(
        &self,
        mirror: Option<&Mirror>,
        seen: &Snapshot,
        words: Vocabulary<'_>,
        rules: &Rules,
    ) -> Result<Case, AppError> {
        let mut shown = Case::default();
        let mut agreement = Agreement::default();
        if let Some(mirror) = mirror {
            agreement = Agreement::deserialize(&mirror.agreement).map_err(AppError::internal)?;
            if let Some(last) = &mirror.last_remote {
                shown = Case::deserialize(last).map_err(AppError::internal)?;
            }
        }
        let known: Vec<&str> = agreement.base.get(Field::Status).into_iter().collect();
        let desk = seen.desk_side(&self.0.links, words, &known);
        let open = |field| seen.conflicts.iter().find(|c| c.field == field);
        let held = |field| open(field).is_some_and(|c| c.decision != Some(Side::Desk));
        let stays = |field| rules.owner(field) == Owner::Crm || held(field);
        let value = |(field, ours)| match shown.get(field).filter(|_| stays(field)) {
            Some(theirs) => (field, theirs.to_owned()),
            None => (field, ours),
        };
        Ok(desk.iter().map(|(field, ours)| value((field, ours.to_owned()))).collect())
    }
}

fn notes(
    conn: &mut PgConnection,
    connection: ConnectionId,
    ids: &[NoteId],
) -> Result<HashMap<TicketId, Vec<OfferedNote>>, AppError> {
    let mut notes: HashMap<_, Vec<_>> = HashMap::new();
    for note in store::offered_notes(conn, connection, ids)? {
        notes.entry(note.ticket_id).or_default().push(note);
    }
    Ok(notes)
}

fn contacts<'a>(
    conn: &mut PgConnection,
    connection: ConnectionId,
    seen: impl Iterator<Item = &'a Snapshot>,
) -> Result<HashMap<ContactId, OfferedContact>, AppError> {
    let ids: Vec<ContactId> =
        seen.filter_map(|seen| Some(seen.ticket.contact.as_ref()?.0)).collect();
    let contacts = store::offered_contacts(conn, connection, &ids)?;
    Ok(contacts.into_iter().map(|contact| (contact.id, contact)).collect())
}

fn leads(
    conn: &mut PgConnection,
    connection: ConnectionId,
    ids: &[TicketId],
) -> Result<HashMap<TicketId, OfferedLead>, AppError> {
    let mut made = store::leads_in(conn, connection, ids)?;
    let leads = tickets::leads(conn, ids)?.into_iter();
    Ok(leads.map(|(id, lead)| (id, OfferedLead { lead, remote_id: made.remove(&id) })).collect())
}
