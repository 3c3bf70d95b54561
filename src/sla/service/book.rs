//! By what tickets are measured: the policies as they are now, and as they were.
use std::collections::{BTreeSet, HashMap};

use diesel::PgConnection;

use crate::kernel::{AccountId, AppError, WorkflowId};
use crate::sla::rules::{Basis, BusinessHours, Facts, Metric, Terms, Yardstick};
use crate::sla::store::{self, SlaPolicy};
use crate::workflow::SlaState;

/// The policies that are tried, in order, and what they ask about.
pub struct Book {
    pub revision: i64,
    pub policies: Vec<(SlaPolicy, i32)>,
    states: HashMap<(WorkflowId, String), SlaState>,
    agreements: HashMap<AccountId, String>,
}

impl Book {
    pub fn load(conn: &mut PgConnection, accounts: &BTreeSet<AccountId>) -> Result<Self, AppError> {
        // Read before the policies: newer ones are derived by once more.
        let revision = store::revision(conn)?;
        let policies = store::active_policies(conn)?;
        let states = store::states(conn)?.into_iter();
        let states = states.map(|(workflow, code, state)| ((workflow, code), state)).collect();
        let accounts: Vec<AccountId> = accounts.iter().copied().collect();
        let agreements = store::agreements(conn, &accounts)?.into_iter();
        let agreements = agreements.filter_map(|(id, agreement)| Some((id, agreement?))).collect();
        Ok(Self { revision, policies, states, agreements })
    }

    /// By the first policy that fits.
    pub fn basis(&self, facts: &Facts) -> Option<Basis> {
        let agreement = facts.account_id.and_then(|id| self.agreements.get(&id));
        let fits = |policy: &SlaPolicy| {
            policy.terms.0.conditions.fit(facts, agreement.map(String::as_str))
        };
        let (policy, calendar_version) = self.policies.iter().find(|(policy, _)| fits(policy))?;
        Some(Basis {
            policy_id: policy.id,
            policy_version: policy.version,
            calendar_id: policy.calendar_id,
            calendar_version: *calendar_version,
        })
    }

    /// What clocks do in a status; they run in one that the workflow has no more.
    pub fn state(&self, workflow: WorkflowId, status: &str) -> SlaState {
        let state = self.states.get(&(workflow, status.to_owned()));
        state.copied().unwrap_or(SlaState::Running)
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
