//! The case itself: made or read, merged with the ticket, written.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::apply::Desk;
use super::pass::{Pass, Snapshot, Stop, Working};
use crate::crm::CrmError;
use crate::crm::case::{Case, Field, RemoteCase, loss};
use crate::crm::mapping::{self, Facts};
use crate::crm::merge::{self, Merge, Policies, Policy, Reason, Side, Times};
use crate::crm::settings::Settings;
use crate::crm::store::{self, Conflict, DeskTicket};
use crate::events::{self, EventType, NewEvent, Subject};
use crate::kernel::{Actor, AppError, ConflictId};

impl Pass {
    /// Makes ticket and case equal.
    pub async fn case(&mut self, seen: &Snapshot, facts: &Facts) -> Result<(), Stop> {
        let remote = match self.mirror.remote_id.clone() {
            Some(id) => self.crm.adapter.read_case(&id).await.map_err(case_gone)?,
            None => self.create(facts).await?,
        };
        self.recognize_own_write(&remote);
        let status = |case: &Case| case.get(Field::Status).map(str::to_owned);
        let known = [status(&remote.fields), status(&self.agreement.base)];
        let known: Vec<&str> = known.iter().flatten().map(String::as_str).collect();
        let desk = mapping::to_case(facts, self.crm.words(), &known)?;
        let desk = self.crm.adapter.normal_form(&desk);
        let policies = policies(&self.crm.settings, &seen.conflicts);
        let times = Times { desk: seen.ticket.updated_at, crm: remote.modified_at };
        let merge = merge::merge(&self.agreement, &desk, &remote.fields, &policies, times);
        let push = self.settle(seen, &desk, remote.clone(), merge, policies).await?;
        if push.is_empty() {
            return Ok(());
        }
        let got = self.crm.adapter.update_case(&remote, &push).await.map_err(case_gone)?;
        self.held(move |_, working| {
            working.agreement.pushed(&push, &got.fields);
            working.sent = None;
            working.saw(&got)
        })
        .await
    }

    /// Creates the case, or finds it if an earlier attempt did. The values are noted first and stay the same at every
    /// attempt, so that whichever attempt succeeds, we know what it wrote.
    async fn create(&mut self, facts: &Facts) -> Result<RemoteCase, Stop> {
        if self.sent.is_none() {
            let case = mapping::to_case(facts, self.crm.words(), &[])?;
            let case = self.crm.adapter.normal_form(&case);
            self.held(move |_, working| {
                working.sent = Some(case);
                Ok(())
            })
            .await?;
        }
        let sent = self.sent.clone().unwrap_or_default();
        let id = self.stable_id("case", self.mirror.ticket_id.0);
        let remote = self.crm.adapter.create_case(id, &sent).await.map_err(|e| match e {
            CrmError::Gone => Stop::CaseGone,
            e => e.into(),
        })?;
        let created = remote.clone();
        self.held(move |_, working| {
            working.mirror.remote_id = Some(created.id.clone());
            working.agreement.pushed(&sent, &created.fields);
            working.sent = None;
            working.saw(&created)
        })
        .await?;
        Ok(remote)
    }

    /// What arrived of a write whose answer was lost is agreed on; a field that shows another value is not.
    fn recognize_own_write(&mut self, remote: &RemoteCase) {
        let sent = self.sent.take().unwrap_or_default();
        let arrived = sent.iter().filter(|(field, ours)| {
            remote.fields.get(*field).is_some_and(|theirs| {
                theirs == *ours || (!field.two_way() && loss(ours, theirs).is_some())
            })
        });
        let arrived: Case = arrived.collect();
        self.agreement.pushed(&arrived, &remote.fields);
    }

    /// Takes over the CRM's changes, records conflicts, and notes what will be sent, all in one transaction. Returns what to
    /// send.
    async fn settle(
        &mut self,
        seen: &Snapshot,
        desk: &Case,
        remote: RemoteCase,
        merge: Merge,
        policies: Policies,
    ) -> Result<Case, Stop> {
        if !merge.apply_to_desk.is_empty() {
            self.learn(&merge.apply_to_desk).await?;
        }
        let changed_by = remote.modified_by.as_deref().filter(|_| !merge.apply_to_desk.is_empty());
        let settlement = Settlement {
            actor: self.actor(changed_by).await?,
            ticket: seen.ticket.clone(),
            desk: desk.clone(),
            untold: Vec::new(),
            crm: std::sync::Arc::clone(&self.crm),
            policies,
            now: self.now(),
        };
        self.agreement = merge.agreement.clone();
        self.held(move |conn, working| {
            let push = settlement.carry_out(conn, working, merge)?.push;
            working.sent = (!push.is_empty()).then(|| push.clone());
            working.saw(&remote)?;
            Ok(push)
        })
        .await
    }
}

/// The connection's policies, and over them what somebody decided about a conflict.
pub(super) fn policies(settings: &Settings, conflicts: &[Conflict]) -> Policies {
    let mut policies = settings.policies.clone();
    let decided = conflicts.iter().filter_map(|c| Some((c.field, c.decision?)));
    policies.extend(decided.map(|(field, winner)| match winner {
        Side::Desk => (field, Policy::Desk),
        Side::Crm => (field, Policy::Crm),
    }));
    policies
}

impl Working {
    /// Remembers the case as the CRM showed it.
    fn saw(&mut self, remote: &RemoteCase) -> Result<(), Stop> {
        let shown = serde_json::to_value(&remote.fields).map_err(AppError::internal)?;
        self.mirror.last_remote = Some(shown);
        self.mirror.remote_modified_at = Some(remote.modified_at);
        Ok(())
    }
}

/// What is needed to carry out a merge at the desk.
pub(super) struct Settlement {
    pub actor: Actor,
    pub ticket: DeskTicket,
    pub desk: Case,
    /// Fields that this merge says nothing about: their conflicts stay as they are.
    pub untold: Vec<Field>,
    pub crm: std::sync::Arc<super::directory::Crm>,
    pub policies: Policies,
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
        let mut push = merge.push;
        let mut conflicts = merge.conflicts;
        // Where the desk refuses the CRM's value, no side has won yet as the merge thought.
        conflicts.retain(|c| !applied.refused.iter().any(|(field, _)| *field == c.field));
        let mut recorded: Vec<Conflict> =
            conflicts.into_iter().map(|c| self.of_merge(connection, c)).collect();
        for (field, reason) in &applied.refused {
            let ours = self.desk.get(*field).unwrap_or_default();
            let held = self.policies.get(field) == Some(&Policy::Hold);
            if !held {
                push.set(*field, ours);
            }
            let theirs = merge.apply_to_desk.get(*field).unwrap_or_default();
            let base = working.agreement.base.get(*field).map(str::to_owned);
            let winner = (!held).then_some(Side::Desk);
            let conflict = merge::Conflict {
                field: *field,
                base,
                desk: ours.to_owned(),
                crm: theirs.to_owned(),
                winner,
                reason: Reason::Policy(Policy::Desk),
            };
            let policy = "refused".to_owned();
            let reason = Some(reason.clone());
            recorded.push(Conflict { policy, reason, ..self.of_merge(connection, conflict) });
        }
        working.agreement.applied(&applied.taken);
        self.record(conn, connection, &recorded)?;
        Ok(Settled { push, taken: applied.taken, conflicts: recorded })
    }

    fn of_merge(&self, connection: crate::kernel::ConnectionId, c: merge::Conflict) -> Conflict {
        let policy = match c.reason {
            Reason::DeskOwned => "desk_owned".to_owned(),
            Reason::FirstLink => "first_link".to_owned(),
            Reason::Policy(policy) => format!("policy:{policy}"),
        };
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
            policy,
            reason: None,
            decision: None,
            created_at: self.now,
            resolved_at: c.winner.map(|_| self.now),
        }
    }

    /// Records the conflicts, tells of those that are news, and closes those that are none any more.
    fn record(
        &self,
        conn: &mut PgConnection,
        connection: crate::kernel::ConnectionId,
        conflicts: &[Conflict],
    ) -> Result<(), AppError> {
        let mut fields = self.untold.clone();
        fields.extend(conflicts.iter().map(|c| c.field));
        store::close_conflicts(conn, self.ticket.id, connection, &fields, self.now)?;
        for conflict in conflicts {
            if !store::record_conflict(conn, conflict)? {
                continue;
            }
            let event = NewEvent {
                kind: EventType::MirrorConflict,
                subject: Subject::Resource(format!("crm_conflict/{}", conflict.id)),
                public: false,
                changes: events::Changes::new(),
                data: json!({
                    "ticket_id": conflict.ticket_id,
                    "connection_id": conflict.connection_id,
                    "field": conflict.field,
                    "desk": conflict.desk,
                    "crm": conflict.crm,
                    "winner": conflict.winner,
                    "policy": conflict.policy,
                    "reason": conflict.reason,
                }),
                occurred_at: self.now,
            };
            events::append(conn, &self.actor, event)?;
        }
        Ok(())
    }
}

/// A case that we linked and that is not to be found was deleted.
fn case_gone(error: CrmError) -> Stop {
    match error {
        CrmError::NotFound { .. } | CrmError::Gone => Stop::CaseGone,
        error => error.into(),
    }
}
