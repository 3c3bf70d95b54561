//! Decide on locked candidates, and record why.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use rand::RngExt as _;

use super::rules::{self, Candidate, Need, Rule, Verdict};
use super::store::{self, Assignment};
use crate::kernel::{Actor, AgentId, AppError, AssignmentId, TicketId};
use crate::people;

/// How many past decisions an explanation shows.
const SHOWN: i64 = 20;

/// Who gets the ticket, and everybody who was looked at.
#[derive(Debug, Clone)]
pub struct Decision {
    pub agent: Option<AgentId>,
    pub rule: Rule,
    pub candidates: Vec<Candidate>,
}

/// Picks the least loaded. Locks the candidates until the transaction ends, in the order of their ids: concurrent
/// picks from overlapping pools wait for one another and see each other's loads.
pub fn pick(
    conn: &mut PgConnection,
    need: &Need,
    now: DateTime<Utc>,
) -> Result<Decision, AppError> {
    let agents = people::lock_pool(conn, need.department, need.level, need.holder)?;
    Ok(decide(rules::judge(&agents, need, now)))
}

/// What [`pick`] would decide now. Locks nobody.
pub fn preview(
    conn: &mut PgConnection,
    need: &Need,
    now: DateTime<Utc>,
) -> Result<Decision, AppError> {
    let agents = people::pool(conn, need.department, need.level)?;
    Ok(decide(rules::judge(&agents, need, now)))
}

fn decide(mut candidates: Vec<Candidate>) -> Decision {
    let agent = rules::choose(&mut candidates, |equals| rand::rng().random_range(0..equals));
    let rule = if agent.is_some() { Rule::LeastLoaded } else { Rule::Waiting };
    Decision { agent, rule, candidates }
}

/// Back to the agent who has or had it, if they may and can; otherwise as [`pick`].
pub fn keep_or_pick(
    conn: &mut PgConnection,
    need: &Need,
    now: DateTime<Utc>,
) -> Result<Decision, AppError> {
    let agents = people::lock_pool(conn, need.department, need.level, need.holder)?;
    let mut candidates = rules::judge(&agents, need, now);
    let back = candidates
        .iter_mut()
        .find(|c| Some(c.agent_id) == need.holder && c.verdict == Verdict::Eligible);
    let Some(candidate) = back else { return Ok(decide(candidates)) };
    candidate.verdict = Verdict::Chosen;
    Ok(Decision { agent: need.holder, rule: Rule::Returned, candidates })
}

/// True when somebody could take such a ticket now. Locks nobody, so [`pick`] has the last word.
pub fn could_be_taken(pool: &[people::PoolMember], need: &Need, now: DateTime<Utc>) -> bool {
    rules::judge(pool, need, now).iter().any(|c| c.verdict == Verdict::Eligible)
}

/// What a decision is about.
#[derive(Debug, Clone, Copy)]
pub struct Previous {
    pub ticket: TicketId,
    pub agent: Option<AgentId>,
}

/// Records why; call it in the transaction that assigns.
pub fn record(
    conn: &mut PgConnection,
    actor: &Actor,
    previous: Previous,
    decision: &Decision,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    store::insert(
        conn,
        &Assignment {
            id: AssignmentId::new(),
            ticket_id: previous.ticket,
            agent_id: decision.agent,
            previous_agent_id: previous.agent,
            rule: decision.rule,
            reason: reason.map(str::to_owned),
            candidates: serde_json::to_value(&decision.candidates).map_err(AppError::internal)?,
            decided_by: actor.id,
            decided_by_name: actor.name.clone(),
            decided_at: now,
        },
    )?;
    Ok(())
}

/// The decisions about a ticket, latest first.
pub fn explain(conn: &mut PgConnection, ticket: TicketId) -> Result<Vec<Assignment>, AppError> {
    Ok(store::of_ticket(conn, ticket, SHOWN)?)
}
