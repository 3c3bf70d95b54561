//! The case itself: made or read, merged with the ticket, written.
use super::pass::{Pass, Save, Snapshot, Stop, Working};
use super::settle::Settlement;
use crate::crm::CrmError;
use crate::crm::case::{Case, Field, RemoteCase};
use crate::crm::mapping::{self, Facts};
use crate::crm::merge::{self, Merge, Rules, Times};
use crate::crm::provenance::{flag_reversals, unheard};
use crate::crm::redaction;
use crate::crm::settings::Settings;
use crate::crm::store::Conflict;
use crate::kernel::AppError;

/// How ticket and case are to agree.
pub(super) struct Plan {
    /// What was sent before without an answer.
    pub given_up: Case,
    /// The ticket in the CRM's words.
    pub desk: Case,
    pub rules: Rules,
    pub merge: Merge,
}

impl Pass {
    /// Makes ticket and case equal.
    pub async fn case(&mut self, seen: &Snapshot, facts: &Facts) -> Result<(), Stop> {
        let remote = match self.mirror.remote_id.clone() {
            Some(id) => self.read_case(&id).await?,
            None => self.create(seen, facts).await?,
        };
        let plan = self.plan(seen, facts, &remote).await?;
        let push = self.settle(seen, remote.clone(), plan).await?;
        if push.is_empty() {
            return Ok(());
        }
        let got = self.crm.adapter.update_case(&remote, &push).await.map_err(case_gone)?;
        self.noted(move |_, working| {
            working.agreement.pushed(&push, &got.fields);
            working.sent = None;
            working.saw(&got)
        })
        .await
    }

    /// The case as the CRM shows it, without text that is being taken out.
    pub(super) async fn read_case(&self, id: &str) -> Result<RemoteCase, Stop> {
        let remote = self.crm.adapter.read_case(id).await.map_err(case_gone)?;
        Ok(self.masked(remote))
    }

    fn masked(&self, mut remote: RemoteCase) -> RemoteCase {
        if self.mirror.redacting {
            redaction::mask(&mut remote.fields);
        }
        remote
    }

    /// What is to be done so that both sides agree.
    pub(super) async fn plan(
        &mut self,
        seen: &Snapshot,
        facts: &Facts,
        remote: &RemoteCase,
    ) -> Result<Plan, Stop> {
        if self.mirror.redacting {
            redaction::forget(&mut self.agreement);
        }
        let sent = self.sent.take().unwrap_or_default();
        self.agreement.recognize(&sent, &remote.fields);
        let status = |case: &Case| case.get(Field::Status).map(str::to_owned);
        let known = [status(&remote.fields), status(&self.agreement.base)];
        let known: Vec<&str> = known.iter().flatten().map(String::as_str).collect();
        let desk = mapping::to_case(facts, self.crm.words(), &known)?;
        let desk = self.crm.adapter.normal_form(&desk);
        let rules = rules(&self.crm.settings, &seen.conflicts);
        let times = Times { desk: seen.ticket.updated_at, crm: remote.modified_at };
        let times = times.cut(self.crm.findings.stamp_seconds());
        let mut merge = merge::merge(&self.agreement, &desk, &remote.fields, &rules, times);
        let locks = self.crm.kind.capabilities.version_lock;
        flag_reversals(&mut merge, &desk, &self.provenance, remote.modified_at, locks);
        let unheard = unheard(&merge, &sent, &remote.fields);
        if !unheard.is_empty() && self.saved_by_another(remote).await? {
            merge.conflicts.extend(unheard);
        }
        Ok(Plan { given_up: sent, desk, rules, merge })
    }

    /// Whether somebody else than we saved the case last; also where the CRM does not tell.
    async fn saved_by_another(&self, remote: &RemoteCase) -> Result<bool, Stop> {
        match self.crm.adapter.own_user().await {
            Ok(user) => Ok(remote.modified_by.as_ref() != Some(&user)),
            Err(CrmError::Permanent { .. } | CrmError::NotFound { .. }) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Creates the case, or finds it if an earlier attempt did. The values are noted first and stay the same at every
    /// attempt, so that whichever attempt succeeds, we know what it wrote.
    async fn create(&mut self, seen: &Snapshot, facts: &Facts) -> Result<RemoteCase, Stop> {
        if self.sent.is_none() {
            let case = mapping::to_case(facts, self.crm.words(), &[])?;
            let case = self.crm.adapter.normal_form(&case);
            let (ticket, now) = (seen.ticket.clone(), self.now());
            self.held(move |conn, working| {
                working.begin(conn, &ticket, case, now)?;
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
        let remote = self.masked(remote);
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

    /// Takes over the CRM's changes, records conflicts, and notes what will be sent, all in one transaction. Returns what to
    /// send.
    async fn settle(
        &mut self,
        seen: &Snapshot,
        remote: RemoteCase,
        plan: Plan,
    ) -> Result<Case, Stop> {
        let Plan { given_up, desk, rules, merge } = plan;
        if !merge.apply_to_desk.is_empty() {
            self.learn(&merge.apply_to_desk).await?;
        }
        let changed_by = remote.modified_by.as_deref().filter(|_| !merge.apply_to_desk.is_empty());
        let settlement = Settlement {
            actor: self.actor(changed_by).await?,
            ticket: seen.ticket.clone(),
            restored: seen.restored.clone(),
            crm: std::sync::Arc::clone(&self.crm),
            remote,
            desk,
            rules,
            given_up,
            untold: Vec::new(),
            now: self.now(),
        };
        let events = !merge.apply_to_desk.is_empty() || !merge.conflicts.is_empty();
        self.save(Save { events, durable: true }, move |conn, working| {
            let push = settlement.carry_out(conn, working, merge)?.push;
            working.sent = (!push.is_empty()).then(|| push.clone());
            working.saw(&settlement.remote)?;
            Ok(push)
        })
        .await
    }
}

/// The connection's rules, and over them what somebody decided about a conflict.
pub(super) fn rules(settings: &Settings, conflicts: &[Conflict]) -> Rules {
    let mut rules = settings.rules();
    for conflict in conflicts {
        if let Some(winner) = conflict.decision {
            rules.decided.insert(conflict.field, winner);
        }
    }
    rules
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

/// A case that we linked and that is not to be found was deleted.
pub(super) fn case_gone(error: CrmError) -> Stop {
    match error {
        CrmError::NotFound { .. } | CrmError::Gone => Stop::CaseGone,
        error => error.into(),
    }
}
