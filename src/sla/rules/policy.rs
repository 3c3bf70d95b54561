//! What is promised to whom: targets, and who is told when one is in danger.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::duration::Length;
use super::ledger::Facts;
use crate::kernel::{
    AgentId, CalendarId, DepartmentId, Priority, SlaPolicyId, WebhookId, text_enum,
};

text_enum! {
    /// What a clock measures.
    Metric {
        /// From the submission to the desk's first public reply.
        FirstResponse = "first_response",
        /// From a reply of the customer to the desk's next public reply.
        NextResponse = "next_response",
        /// From the submission, or the reopening, to the closing.
        Resolution = "resolution",
    }
}

text_enum! {
    /// Which time counts.
    TimeKind {
        /// That inside the windows of the policy's calendar.
        Business = "business",
        /// All of it.
        Calendar = "calendar",
    }
}

text_enum! {
    /// What is told of a clock.
    Alarm {
        Warning = "warning",
        Breach = "breach",
    }
}

/// How long something may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"metric": "resolution", "within": "PT24H", "time": "business", "warn_before": "PT4H"}))]
pub struct Target {
    pub metric: Metric,
    pub within: Length,
    /// Business time when absent.
    #[serde(default = "business")]
    pub time: TimeKind,
    /// A warning is given when only so much is left, of the same time; absent: none is.
    #[serde(default)]
    pub warn_before: Option<Length>,
}

fn business() -> TimeKind {
    TimeKind::Business
}

/// Which tickets a policy is for. Each list names what fits; an empty one lets everything fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"agreements": ["gold"], "priorities": ["high", "critical"], "types": [], "department_ids": []}))]
pub struct Conditions {
    /// Service agreements of accounts, as the accounts have them.
    pub agreements: Vec<String>,
    pub priorities: Vec<Priority>,
    /// Keys of ticket types.
    pub types: Vec<String>,
    pub department_ids: Vec<DepartmentId>,
}

impl Conditions {
    pub fn fit(&self, facts: &Facts, agreement: Option<&str>) -> bool {
        fn named<T: PartialEq>(list: &[T], value: Option<&T>) -> bool {
            list.is_empty() || value.is_some_and(|value| list.contains(value))
        }
        let agreed = agreement.is_some_and(|own| self.agreements.iter().any(|one| one == own));
        (self.agreements.is_empty() || agreed)
            && named(&self.priorities, facts.priority.as_ref())
            && named(&self.types, facts.type_key.as_ref())
            && named(&self.department_ids, facts.department_id.as_ref())
    }
}

/// Who is told of a warning or a breach: people by mail, programs by their webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"on": "breach", "metrics": ["resolution"], "assignee": true, "department": true}))]
pub struct Escalation {
    pub on: Alarm,
    /// Of these clocks; empty: of all.
    #[serde(default)]
    pub metrics: Vec<Metric>,
    /// The agent who has the ticket.
    #[serde(default)]
    pub assignee: bool,
    /// Every active agent of the ticket's department.
    #[serde(default)]
    pub department: bool,
    /// These agents.
    #[serde(default)]
    pub agent_ids: Vec<AgentId>,
    /// Every active agent of these departments.
    #[serde(default)]
    pub department_ids: Vec<DepartmentId>,
    /// These webhooks, whatever types of events and whose tickets they are told of otherwise.
    #[serde(default)]
    pub webhook_ids: Vec<WebhookId>,
}

impl Escalation {
    fn longest(&self) -> usize {
        let people = self.agent_ids.len().max(self.department_ids.len());
        people.max(self.webhook_ids.len()).max(self.metrics.len())
    }
}

/// What a policy says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Terms {
    #[serde(default)]
    pub conditions: Conditions,
    /// One for each metric at the most.
    pub targets: Vec<Target>,
    #[serde(default)]
    pub escalations: Vec<Escalation>,
    /// Of what customers are told when it takes too long.
    #[serde(default)]
    pub tell_customer: Vec<Metric>,
}

/// Entries that a list of a policy has at the most.
const LISTED: usize = 100;

impl Terms {
    pub fn target(&self, metric: Metric) -> Option<&Target> {
        self.targets.iter().find(|target| target.metric == metric)
    }

    /// Says where and how the terms contradict themselves.
    pub fn check(&self) -> Result<(), (String, &'static str)> {
        if self.targets.is_empty() {
            return Err(("/targets".into(), "a policy without targets promises nothing"));
        }
        for (place, target) in self.targets.iter().enumerate() {
            if self.targets[..place].iter().any(|before| before.metric == target.metric) {
                return Err((
                    format!("/targets/{place}/metric"),
                    "this metric has a target already",
                ));
            }
            if target.warn_before.is_some_and(|before| before >= target.within) {
                let detail = "a warning comes after the clock starts: less than `within`";
                return Err((format!("/targets/{place}/warn_before"), detail));
            }
        }
        let Conditions { agreements, priorities, types, department_ids } = &self.conditions;
        let longest = agreements.len().max(priorities.len()).max(types.len());
        if longest.max(department_ids.len()) > LISTED {
            return Err(("/conditions".into(), "more than 100 entries in a list"));
        }
        let told = self.escalations.iter().map(Escalation::longest);
        if self.escalations.len() > LISTED || told.max().unwrap_or(0) > LISTED {
            return Err(("/escalations".into(), "more than 100 entries in a list"));
        }
        if self.tell_customer.len() > Metric::ALL.len() {
            return Err(("/tell_customer".into(), "each metric once at the most"));
        }
        Ok(())
    }
}

/// By which version of which policy, and of which calendar, a clock is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct Basis {
    pub policy_id: SlaPolicyId,
    #[schema(example = 1)]
    pub policy_version: i32,
    pub calendar_id: CalendarId,
    #[schema(example = 1)]
    pub calendar_version: i32,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn terms(value: serde_json::Value) -> Terms {
        serde_json::from_value(value).unwrap()
    }

    fn facts() -> Facts {
        Facts {
            priority: Some(Priority::High),
            type_key: Some("incident".into()),
            ..Facts::default()
        }
    }

    #[test]
    fn every_list_that_names_something_must_name_the_tickets() {
        let fits = |conditions, agreement| {
            let conditions: Conditions = serde_json::from_value(conditions).unwrap();
            conditions.fit(&facts(), agreement)
        };
        assert!(fits(json!({}), None));
        assert!(fits(json!({"priorities": ["low", "high"], "types": ["incident"]}), None));
        assert!(!fits(json!({"priorities": ["low", "high"], "types": ["question"]}), None));
        assert!(fits(json!({"agreements": ["gold"]}), Some("gold")));
        assert!(!fits(json!({"agreements": ["gold"]}), Some("silver")));
        assert!(!fits(json!({"agreements": ["gold"]}), None));
        assert!(!fits(json!({"department_ids": [DepartmentId::EXAMPLE]}), None));
    }

    #[test]
    fn terms_that_contradict_themselves_are_refused_with_their_place() {
        let target = json!({"metric": "resolution", "within": "PT8H", "warn_before": "PT1H"});
        assert_eq!(terms(json!({"targets": [target]})).check(), Ok(()));
        let at = |value| terms(value).check().unwrap_err().0;
        assert_eq!(at(json!({"targets": []})), "/targets");
        let other = json!({"metric": "resolution", "within": "PT9H"});
        assert_eq!(at(json!({"targets": [target, other]})), "/targets/1/metric");
        assert_eq!(at(json!({"targets": [target, target]})), "/targets/1/metric");
        let late = json!({"metric": "resolution", "within": "PT1H", "warn_before": "PT1H"});
        assert_eq!(at(json!({"targets": [late]})), "/targets/0/warn_before");
    }
}
