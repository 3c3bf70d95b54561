//! One change in its transaction.
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::{Connection as _, PgConnection};
use serde::Deserialize as _;

use super::super::case::rules;
use super::super::directory::Crm;
use super::super::pass::{Snapshot, Stop, Working};
use super::super::settle::{Settled, Settlement};
use super::{FieldConflict, Outcome, ToldChange, Verdict, kept};
use crate::attachments::FileLinks;
use crate::crm::adapters::integration;
use crate::crm::case::{Case, Field, RemoteCase, loss};
use crate::crm::merge::{self, Agreement, Rules, Side, Times};
use crate::crm::provenance::Provenances;
use crate::crm::redaction;
use crate::crm::settings::CrmNotes;
use crate::crm::store::{self, Conflict, Connection, Mirror, NoteDirection, RemoteLink, Told};
use crate::kernel::{Actor, AppError};
use crate::notes::{Channel, NewNote, NoteVisibility};
use crate::tickets::service as tickets;

/// A change on its way to its ticket.
pub(super) struct Intake {
    pub actor: Actor,
    pub links: FileLinks,
    pub crm: Arc<Crm>,
    pub connection: Connection,
    pub seen: Snapshot,
    pub change: ToldChange,
    pub now: DateTime<Utc>,
}

impl Intake {
    /// Takes the change over unless that was done before, and keeps its outcome with its effect.
    pub fn once(mut self, conn: &mut PgConnection) -> Result<Outcome, AppError> {
        let (connection, id) = (self.connection.id, self.change.change_id.clone());
        if !store::begin_change(conn, connection, &id, self.now)? {
            let done = store::told_outcomes(conn, connection, &[&id])?.pop();
            return kept(done.ok_or(AppError::NotFound("the outcome"))?);
        }
        let outcome = match conn.transaction(|conn| self.take(conn)) {
            Err(error) if error.status() < 500 => Outcome::refused(&self.change, &error),
            done => done?,
        };
        let value = serde_json::to_value(&outcome).map_err(AppError::internal)?;
        store::end_change(conn, connection, &id, &value)?;
        Ok(outcome)
    }

    /// Takes over what was decided for the CRM. The inner error says why the desk refuses it: then nothing is to be kept.
    pub fn decided(mut self, conn: &mut PgConnection) -> Result<Result<(), String>, AppError> {
        let mirror = self.lock(conn)?;
        let settled = self.settle(conn, &mirror)?;
        let refused = settled.conflicts.into_iter().find_map(|conflict| conflict.reason);
        Ok(refused.map_or(Ok(()), Err))
    }

    fn take(&mut self, conn: &mut PgConnection) -> Result<Outcome, AppError> {
        let mirror = self.lock(conn)?;
        let noted = self.note(conn)?;
        let settled = self.settle(conn, &mirror)?;
        if let (true, Some(case)) = (self.connection.kind != integration::KEY, &mirror.remote_id) {
            store::mark_cases(conn, self.connection.id, std::slice::from_ref(case), false)?;
        }
        let verdict = match (settled.conflicts.is_empty(), noted || !settled.taken.is_empty()) {
            (false, _) => Verdict::Conflict,
            (true, true) => Verdict::Applied,
            (true, false) => Verdict::Unchanged,
        };
        Ok(Outcome {
            ticket_id: Some(self.seen.ticket.id),
            case_id: mirror.remote_id,
            write: settled.push,
            conflicts: settled.conflicts.into_iter().map(field_conflict).collect(),
            ..Outcome::new(&self.change, verdict)
        })
    }

    /// Locks the mirror and its ticket. Fails where there is nothing to be kept equal.
    fn lock(&mut self, conn: &mut PgConnection) -> Result<Mirror, AppError> {
        let ticket = self.seen.ticket.id;
        let locked = store::lock_mirror(conn, ticket, self.connection.id)?;
        let (mirror, version) = locked.ok_or(AppError::NotFound("the mirror"))?;
        if mirror.error_class.as_deref() == Some("gone") {
            let detail = "the case was deleted in the CRM; link another, or retry the mirror first";
            return Err(AppError::conflict("case_gone", detail));
        }
        if version != self.seen.ticket.version {
            self.seen = Snapshot::read(conn, &mirror)?;
        }
        if self.seen.ticket.deleted_at.is_some() {
            let detail = "the ticket is deleted; restore it first";
            return Err(AppError::conflict("ticket_deleted", detail));
        }
        Ok(mirror)
    }

    /// Merges what was told, and saves what it came to.
    fn settle(&self, conn: &mut PgConnection, mirror: &Mirror) -> Result<Settled, AppError> {
        let (told, settled) = self.merge(conn, mirror)?;
        store::save_told(conn, mirror, &told, self.now)?;
        if mirror.redacting && told.agreed {
            let of = (mirror.ticket_id, self.connection.id);
            store::redaction_told(conn, of, None, None, self.now)?;
            store::end_redacting(conn, mirror)?;
        }
        Ok(settled)
    }

    /// Adds the note, unless it is known; true when it is new.
    fn note(&mut self, conn: &mut PgConnection) -> Result<bool, AppError> {
        let Some(note) = &self.change.note else { return Ok(false) };
        let (connection, ticket) = (self.connection.id, self.seen.ticket.id);
        let remote = note.id.clone().unwrap_or_else(|| self.change.change_id.clone());
        if !store::known_notes(conn, connection, std::slice::from_ref(&remote))?.is_empty() {
            return Ok(false);
        }
        let visibility = match self.crm.settings.crm_notes {
            CrmNotes::Internal => NoteVisibility::Internal,
            CrmNotes::Public => NoteVisibility::Public,
        };
        let new = NewNote { visibility, ..NewNote::internal(Channel::Crm, note.body.clone()) };
        let (added, after) = tickets::add_note(conn, &self.actor, ticket, new, self.now)?;
        let link = RemoteLink { id: remote, ..RemoteLink::default() };
        store::link_note(conn, connection, ticket, added.id, &link, NoteDirection::In)?;
        // A merged ticket stays as it is: the note went on.
        if after.row.id == ticket {
            self.seen.ticket.version = after.row.version;
        }
        Ok(true)
    }

    /// Merges the fields that were told; the others are as they were.
    fn merge(&self, conn: &mut PgConnection, mirror: &Mirror) -> Result<(Told, Settled), AppError> {
        let mut agreement =
            Agreement::deserialize(&mirror.agreement).map_err(AppError::internal)?;
        agreement.applied(&self.change.base);
        let whole = self.desk_side(&agreement);
        let shown = &self.shown(mirror, &mut agreement, &whole);
        let absent = shown.iter().find(|(field, _)| whole.get(*field).is_none());
        if let Some((field, _)) = absent {
            let detail =
                format!("the ticket's {field} has no counterpart in this CRM; see the maps");
            return Err(AppError::rule("unmapped", detail));
        }
        let told = whole.iter().filter(|(field, _)| shown.get(*field).is_some());
        let (decided, desk): (Vec<_>, Vec<_>) =
            told.partition(|(field, ours)| self.decided_for_desk(*field, ours));
        let desk: Case = desk.into_iter().collect();
        arrived(&mut agreement, &desk, shown);
        let rules = rules(&self.crm.settings, &self.seen.conflicts);
        let modified_at = self.change.changed_at.unwrap_or(self.now);
        let times = Times { desk: self.seen.ticket.updated_at, crm: modified_at };
        let merge = merge::merge(&agreement, &desk, shown, &rules, times);
        let provenance =
            Provenances::deserialize(&mirror.provenance).map_err(AppError::internal)?;
        let mirror = mirror.clone();
        let mut working = Working { mirror, agreement, sent: None, provenance };
        let settlement =
            self.settlement(&working.mirror, (desk, shown.clone()), rules, modified_at);
        let mut settled = settlement.carry_out(conn, &mut working, merge).map_err(unexpected)?;
        for (field, ours) in decided {
            settled.push.set(field, ours);
        }
        // The integration is told what to write; until it has, the CRM's value is what both sides know.
        for lost in settled.conflicts.iter().filter(|c| c.winner == Some(Side::Desk)) {
            working.agreement.base.set(lost.field, &*lost.crm);
        }
        let agreed = whole.iter().all(|(field, value)| {
            let value = settled.taken.get(field).unwrap_or(value);
            working.agreement.holds(field, value)
        });
        let json = |case| serde_json::to_value(case).map_err(AppError::internal);
        let told = Told {
            agreement: serde_json::to_value(&working.agreement).map_err(AppError::internal)?,
            provenance: serde_json::to_value(&working.provenance).map_err(AppError::internal)?,
            shown: json(shown)?,
            modified_at,
            agreed,
        };
        Ok((told, settled))
    }

    /// Whether somebody gave the field to the desk and the CRM still shows what it had then: that is no edit, and the decision
    /// stands until the CRM shows something else.
    fn decided_for_desk(&self, field: Field, ours: &str) -> bool {
        let theirs = self.change.fields.get(field);
        self.seen.conflicts.iter().any(|conflict| {
            let for_desk = conflict.field == field && conflict.decision == Some(Side::Desk);
            for_desk && theirs == Some(&*conflict.crm) && theirs != Some(ours)
        })
    }

    fn settlement(
        &self,
        mirror: &Mirror,
        (desk, shown): (Case, Case),
        rules: Rules,
        modified_at: DateTime<Utc>,
    ) -> Settlement {
        let untold = Field::ALL.iter().copied().filter(|field| desk.get(*field).is_none());
        Settlement {
            actor: self.actor.clone(),
            ticket: self.seen.ticket.clone(),
            restored: self.seen.restored.clone(),
            crm: Arc::clone(&self.crm),
            remote: RemoteCase {
                id: mirror.remote_id.clone().unwrap_or_default(),
                fields: shown,
                modified_at,
                modified_by: None,
                version: None,
            },
            untold: untold.collect(),
            desk,
            rules,
            given_up: Case::default(),
            now: self.now,
        }
    }

    /// What was told, without text that was taken out at the desk and that the CRM may still have.
    fn shown(&self, mirror: &Mirror, agreement: &mut Agreement, desk: &Case) -> Case {
        let mut shown = self.change.fields.clone();
        if mirror.redacting {
            redaction::forget(agreement);
            redaction::mask_others(&mut shown, desk);
        }
        shown
    }

    fn desk_side(&self, agreement: &Agreement) -> Case {
        let status = |case: &Case| case.get(Field::Status).map(str::to_owned);
        let known = [status(&self.change.fields), status(&agreement.base)];
        let known: Vec<&str> = known.iter().flatten().map(String::as_str).collect();
        let desk = self.seen.desk_side(&self.links, self.crm.words(), &known);
        self.crm.adapter.normal_form(&desk)
    }
}

/// What the CRM shows of a text that it could not keep whole has arrived, unless it was there before.
fn arrived(agreement: &mut Agreement, desk: &Case, shown: &Case) {
    let arrived = desk.iter().filter(|(field, ours)| {
        let theirs = shown.get(*field).unwrap_or_default();
        field.is_text() && !agreement.holds(*field, ours) && loss(ours, theirs).is_some()
    });
    let arrived: Case = arrived.collect();
    agreement.pushed(&arrived, shown);
}

/// The ticket is locked, so nothing that an attempt stops for is left but failures.
fn unexpected(stop: Stop) -> AppError {
    match stop {
        Stop::App(error) => error,
        other => AppError::Internal(anyhow::anyhow!("a change stopped: {other:?}")),
    }
}

fn field_conflict(conflict: Conflict) -> FieldConflict {
    FieldConflict {
        field: conflict.field,
        base: conflict.base,
        desk: conflict.desk,
        crm: conflict.crm,
        winner: conflict.winner,
        policy: conflict.policy,
        reason: conflict.reason,
    }
}
