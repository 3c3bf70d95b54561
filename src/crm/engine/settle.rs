//! What a merge means for the desk: values taken over, conflicts recorded, and who set what.
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::apply::{Applied, Desk};
use super::authors::{Authors, authors};
use super::directory::Crm;
use super::pass::{Stop, Working};
use crate::crm::case::{Case, Field, RemoteCase};
use crate::crm::merge::{self, Merge, Policy, Reason, Rules, Side};
use crate::crm::provenance::{Provenance, give_up, note};
use crate::crm::store::{self, Conflict, DeskTicket};
use crate::events::{self, EventType, NewEvent, Subject};
use crate::kernel::{Actor, AppError, ConflictId, ConnectionId};

/// What is needed to carry out a merge at the desk.
pub(super) struct Settlement {
    /// Who changed the case last.
    pub actor: Actor,
    pub ticket: DeskTicket,
    /// Conflicts whose losing value somebody put back.
    pub restored: Vec<Conflict>,
    pub crm: Arc<Crm>,
    pub remote: RemoteCase,
    /// The ticket in the CRM's words.
    pub desk: Case,
    pub rules: Rules,
    /// What was sent before without an answer.
    pub given_up: Case,
    /// Fields that this merge says nothing about: their conflicts stay as they are.
    pub untold: Vec<Field>,
    pub now: DateTime<Utc>,
}

/// What a merge came to at the desk.
pub(super) struct Settled {
    /// What the CRM is to have.
    pub push: Case,
    /// What the desk took over.
    pub taken: Case,
    pub conflicts: Vec<Conflict>,
}

impl Settlement {
    pub fn carry_out(
        &self,
        conn: &mut PgConnection,
        working: &mut Working,
        merge: Merge,
    ) -> Result<Settled, Stop> {
        let connection = working.mirror.connection_id;
        let (actor, words) = (&self.actor, self.crm.words());
        let desk = Desk { actor, connection, words, ticket: &self.ticket, now: self.now };
        let applied = desk.apply(conn, &merge.apply_to_desk)?;
        let (mut push, agreement) = (merge.push, merge.agreement);
        let mut conflicts = merge.conflicts;
        // Where the desk refuses the CRM's value, no side has won yet as the merge thought.
        conflicts.retain(|c| !applied.refused.iter().any(|(field, _)| *field == c.field));
        let mut recorded: Vec<Conflict> =
            conflicts.into_iter().map(|c| self.of_merge(connection, c)).collect();
        for (field, reason) in &applied.refused {
            let conflict = self.refused(connection, *field, reason, &agreement.base);
            if conflict.winner.is_some() {
                push.set(*field, conflict.desk.clone());
            }
            recorded.push(conflict);
        }
        self.explain(conn, working, &agreement.base, &applied, &push, &recorded)?;
        working.agreement = agreement;
        working.agreement.applied(&applied.taken);
        self.record(conn, connection, &recorded)?;
        Ok(Settled { push, taken: applied.taken, conflicts: recorded })
    }

    /// The desk cannot take over the CRM's value: it keeps its own, and gives it to the CRM unless the field is held.
    fn refused(
        &self,
        connection: ConnectionId,
        field: Field,
        reason: &str,
        base: &Case,
    ) -> Conflict {
        let winner = (!self.rules.holds_refused(field)).then_some(Side::Desk);
        let text = |case: &Case| case.get(field).unwrap_or_default().to_owned();
        let conflict = merge::Conflict {
            field,
            base: base.get(field).map(str::to_owned),
            desk: text(&self.desk),
            crm: text(&self.remote.fields),
            winner,
            reason: Reason::Policy(Policy::Desk),
        };
        let (policy, reason) = ("refused".to_owned(), Some(reason.to_owned()));
        Conflict { policy, reason, ..self.of_merge(connection, conflict) }
    }

    fn of_merge(&self, connection: ConnectionId, c: merge::Conflict) -> Conflict {
        Conflict {
            id: ConflictId::new(),
            ticket_id: self.ticket.id,
            connection_id: connection,
            field: c.field,
            losing_value: c.loser().map(str::to_owned),
            base: c.base,
            desk: c.desk,
            crm: c.crm,
            winner: c.winner,
            policy: c.reason.to_string(),
            reason: None,
            decision: None,
            created_at: self.now,
            resolved_at: c.winner.map(|_| self.now),
            desk_own: self.ticket.own(c.field),
            suspected_lost_update: c.reason == Reason::Reversal,
            decided_by: None,
            decided_at: None,
            restored_by: None,
            restored_at: None,
        }
    }

    /// Notes who set what both sides have or will have now.
    fn explain(
        &self,
        conn: &mut PgConnection,
        working: &mut Working,
        base: &Case,
        applied: &Applied,
        push: &Case,
        conflicts: &[Conflict],
    ) -> Result<(), AppError> {
        let news = |field: Field, value: &str| working.agreement.base.get(field) != Some(value);
        let agreed: Vec<Field> =
            base.iter().filter(|(field, value)| news(*field, value)).map(|(f, _)| f).collect();
        let authors = match push.is_empty() && agreed.is_empty() {
            true => Authors::default(),
            false => authors(conn, &self.ticket)?,
        };
        let rule = |field: Field, plain: &str| {
            let conflict = conflicts.iter().find(|c| c.field == field && c.winner.is_some());
            conflict.map_or_else(|| plain.to_owned(), |conflict| conflict.policy.clone())
        };
        let text = |case: &Case, field| case.get(field).map(str::to_owned);
        let set = &mut working.provenance;
        give_up(set, &self.given_up);
        for field in agreed {
            note(set, field, authors.of(field, Side::Desk, "agreed".to_owned(), None, self.now));
        }
        for (field, _) in applied.taken.iter() {
            let suspected = conflicts.iter().any(|c| c.field == field && c.suspected_lost_update);
            let taken = Provenance {
                side: Side::Crm,
                by: Some(self.actor.name.clone()),
                at: self.remote.modified_at,
                rule: rule(field, "taken"),
                replaced: text(&self.desk, field),
                carried_at: self.now,
                suspected_lost_update: suspected,
                written: None,
                unarrived: Vec::new(),
            };
            note(set, field, taken);
        }
        for (field, _) in push.iter() {
            let replaced = text(&self.remote.fields, field);
            let pushed = authors.of(field, Side::Desk, rule(field, "pushed"), replaced, self.now);
            note(set, field, self.restored(field, pushed));
        }
        Ok(())
    }

    /// A value that was put back after it had lost has that rule.
    fn restored(&self, field: Field, set: Provenance) -> Provenance {
        let of_field = self.restored.iter().filter(|c| c.field == field);
        let last = of_field.max_by_key(|conflict| conflict.restored_at);
        match last.and_then(|c| c.restored_at.filter(|at| *at >= set.at).map(|at| (c, at))) {
            Some((conflict, at)) => {
                Provenance { by: conflict.restored_by.clone(), at, rule: "restored".into(), ..set }
            }
            None => set,
        }
    }

    /// Records the conflicts, tells of those that are news, and closes those that are none any more.
    fn record(
        &self,
        conn: &mut PgConnection,
        connection: ConnectionId,
        conflicts: &[Conflict],
    ) -> Result<(), AppError> {
        let mut fields = self.untold.clone();
        fields.extend(conflicts.iter().map(|c| c.field));
        store::close_conflicts(conn, self.ticket.id, connection, &fields, self.now)?;
        for conflict in conflicts {
            if let Some(news) = store::record_conflict(conn, conflict)? {
                tell(conn, &self.actor, EventType::MirrorConflict, &news, self.now)?;
            }
        }
        Ok(())
    }
}

impl Working {
    /// Notes what a case that is to be made begins with: the desk's values.
    pub fn begin(
        &mut self,
        conn: &mut PgConnection,
        ticket: &DeskTicket,
        case: Case,
        now: DateTime<Utc>,
    ) -> Result<(), AppError> {
        let authors = authors(conn, ticket)?;
        for (field, _) in case.iter() {
            let set = authors.of(field, Side::Desk, "pushed".to_owned(), None, now);
            note(&mut self.provenance, field, set);
        }
        self.sent = Some(case);
        Ok(())
    }
}

/// Tells of a conflict; the ticket is in the data, so that it is not mirrored once more for it.
pub(super) fn tell(
    conn: &mut PgConnection,
    actor: &Actor,
    kind: EventType,
    conflict: &Conflict,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let data = json!({
        "ticket_id": conflict.ticket_id,
        "connection_id": conflict.connection_id,
        "field": conflict.field,
        "desk": conflict.desk,
        "crm": conflict.crm,
        "winner": conflict.winner.or(conflict.decision),
        "policy": conflict.policy,
        "reason": conflict.reason,
        "losing_value": conflict.losing_value,
        "suspected_lost_update": conflict.suspected_lost_update,
    });
    let subject = Subject::Resource(format!("crm_conflict/{}", conflict.id));
    let changes = events::Changes::new();
    events::append(
        conn,
        actor,
        NewEvent { kind, subject, public: false, changes, data, occurred_at: now },
    )
}
