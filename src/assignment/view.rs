//! A decision as clients see it.
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::rules::{Candidate, Rule, Verdict};
use super::service::Decision;
use super::store::Assignment;
use crate::kernel::{AgentId, AssignmentId};

/// Why a ticket went to this agent, or to nobody.
#[derive(Debug, Serialize, ToSchema)]
pub struct AssignmentView {
    id: AssignmentId,
    agent_id: Option<AgentId>,
    previous_agent_id: Option<AgentId>,
    rule: Rule,
    #[schema(example = "knows this customer")]
    reason: Option<String>,
    /// True when somebody decided so although the agent was absent, full or not permitted; the candidate tells which.
    overridden: bool,
    /// Everybody who was looked at, with their load at that moment.
    #[schema(value_type = Vec<CandidateView>)]
    candidates: Value,
    decided_by: Uuid,
    #[schema(example = "Coordinator")]
    decided_by_name: String,
    decided_at: DateTime<Utc>,
}

impl From<Assignment> for AssignmentView {
    fn from(assignment: Assignment) -> Self {
        Self {
            id: assignment.id,
            agent_id: assignment.agent_id,
            previous_agent_id: assignment.previous_agent_id,
            rule: assignment.rule,
            reason: assignment.reason,
            overridden: assignment.overridden,
            candidates: assignment.candidates,
            decided_by: assignment.decided_by,
            decided_by_name: assignment.decided_by_name,
            decided_at: assignment.decided_at,
        }
    }
}

/// An agent who was looked at.
#[derive(Debug, Serialize, ToSchema)]
pub struct CandidateView {
    agent_id: AgentId,
    #[schema(example = "L1 agent A")]
    name: String,
    /// Open tickets at that moment.
    #[schema(example = 3)]
    load: i32,
    #[schema(example = 20)]
    capacity: i32,
    verdict: Verdict,
}

impl From<Candidate> for CandidateView {
    fn from(c: Candidate) -> Self {
        Self {
            agent_id: c.agent_id,
            name: c.name,
            load: c.load,
            capacity: c.capacity,
            verdict: c.verdict,
        }
    }
}

/// Who would get the ticket now.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionView {
    agent_id: Option<AgentId>,
    rule: Rule,
    candidates: Vec<CandidateView>,
}

impl From<Decision> for DecisionView {
    fn from(decision: Decision) -> Self {
        let candidates = decision.candidates.into_iter().map(CandidateView::from).collect();
        Self { agent_id: decision.agent, rule: decision.rule, candidates }
    }
}
