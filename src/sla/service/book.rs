//! By what tickets are measured: the policies as they are now, and as they were.
use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use diesel::PgConnection;

use crate::kernel::{AccountId, AppError, WorkflowId};
use crate::sla::rules::{Basis, BusinessHours, Facts, Metric, Terms, Yardstick};
use crate::sla::store::{self, SlaPolicy};
use crate::workflow::SlaState;

/// What clocks do in a status, and from when on, in the order of time.
type Meanings = Vec<(DateTime<Utc>, SlaState)>;

/// The policies that are tried, in order, and what they ask about.
pub struct Book {
    pub revision: i64,
    pub policies: Vec<(SlaPolicy, i32)>,
    meanings: HashMap<(WorkflowId, String), Meanings>,
    agreements: HashMap<AccountId, String>,
}

impl Book {
    pub fn load(conn: &mut PgConnection, accounts: &BTreeSet<AccountId>) -> Result<Self, AppError> {
        // Read before the policies: newer ones are derived by once more.
        let revision = store::revision(conn)?;
        let policies = store::active_policies(conn)?;
        let mut meanings: HashMap<_, Meanings> = HashMap::new();
        for (workflow, code, since, state) in store::meanings(conn)? {
            meanings.entry((workflow, code)).or_default().push((since, state));
        }
        let accounts: Vec<AccountId> = accounts.iter().copied().collect();
        let agreements = store::agreements(conn, &accounts)?.into_iter();
        let agreements = agreements.filter_map(|(id, agreement)| Some((id, agreement?))).collect();
        Ok(Self { revision, policies, meanings, agreements })
    }

    /// By the policy that was attached, while it is active; by the first that fits, otherwise.
    pub fn basis(&self, facts: &Facts) -> Option<Basis> {
        let all = || self.policies.iter();
        let attached = facts.policy_id.and_then(|id| all().find(|(policy, _)| policy.id == id));
        let agreement = facts.account_id.and_then(|id| self.agreements.get(&id));
        let fits = |policy: &SlaPolicy| {
            policy.terms.0.conditions.fit(facts, agreement.map(String::as_str))
        };
        let fitting = || all().find(|(policy, _)| fits(policy));
        let (policy, calendar_version) = attached.or_else(fitting)?;
        Some(Basis {
            policy_id: policy.id,
            policy_version: policy.version,
            calendar_id: policy.calendar_id,
            calendar_version: *calendar_version,
        })
    }

    /// What clocks do in a status, and from when on, in the order of time.
    pub fn meanings(&self, workflow: WorkflowId, status: &str) -> &[(DateTime<Utc>, SlaState)] {
        self.meanings.get(&(workflow, status.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// What clocks did in a status at that time.
    pub fn state(&self, workflow: WorkflowId, status: &str, at: DateTime<Utc>) -> SlaState {
        let meanings = self.meanings(workflow, status);
        let then = meanings.iter().rev().find(|(since, _)| *since <= at);
        then.or(meanings.first()).map_or(SlaState::Running, |(_, state)| *state)
    }
}

/// Terms and business hours by their versions.
#[derive(Default)]
pub struct Documents {
    pub terms: HashMap<(crate::kernel::SlaPolicyId, i32), (String, Terms)>,
    pub hours: HashMap<(crate::kernel::CalendarId, i32), BusinessHours>,
}

impl Documents {
    pub fn load(
        conn: &mut PgConnection,
        bases: impl Iterator<Item = Basis>,
    ) -> Result<Self, AppError> {
        let mut bases: Vec<Basis> = bases.collect();
        bases.sort_unstable_by_key(|basis| {
            (basis.policy_id, basis.policy_version, basis.calendar_version)
        });
        bases.dedup();
        if bases.is_empty() {
            return Ok(Self::default());
        }
        let (policies, calendars) = store::documents(conn, &bases)?;
        let terms = policies.into_iter();
        let terms = terms.map(|one| ((one.id, one.version), (one.name, one.terms.0))).collect();
        let hours = calendars.iter().map(|one| ((one.id, one.version), one.hours())).collect();
        Ok(Self { terms, hours })
    }

    /// What measures this metric; `None` when the policy says nothing of it.
    pub fn yardstick(&self, basis: Option<&Basis>, metric: Metric) -> Option<Yardstick<'_>> {
        let basis = basis?;
        let (_, terms) = self.terms.get(&(basis.policy_id, basis.policy_version))?;
        let hours = self.hours.get(&(basis.calendar_id, basis.calendar_version))?;
        Some(Yardstick { target: terms.target(metric)?, hours })
    }
}
