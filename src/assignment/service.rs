//! Decide on locked candidates, and record why.
use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use rand::RngExt as _;

use super::rules::{self, Candidate, Choice, Need, Rule, Verdict};
use super::store::{self, Assignment};
use crate::kernel::{Actor, AgentId, AppError, AssignmentId, TicketId};
use crate::people::{self, PoolMember, Staff};

/// How many past decisions an explanation shows.
const SHOWN: i64 = 20;

/// Who gets the ticket, and everybody who was looked at.
#[derive(Debug, Clone)]
pub struct Decision {
    pub agent: Option<AgentId>,
    pub rule: Rule,
    pub candidates: Vec<Candidate>,
    /// Somebody decided although something spoke against the agent.
    pub overridden: bool,
}

/// Picks the least loaded. Locks the candidates until the transaction ends, in the order of their ids: concurrent
/// picks from overlapping pools wait for one another and see each other's loads.
pub fn pick(
    conn: &mut PgConnection,
    need: &Need,
    now: DateTime<Utc>,
) -> Result<Decision, AppError> {
    let agents = people::lock_pool(conn, need.department, need.level, need.holder, now)?;
    Ok(decide(rules::judge(&agents, need, now)))
}

/// What [`pick`] would decide now. Locks nobody.
pub fn preview(
    conn: &mut PgConnection,
    need: &Need,
    now: DateTime<Utc>,
) -> Result<Decision, AppError> {
    let agents = people::pool(conn, need.department, need.level, now)?;
    Ok(decide(rules::judge(&agents, need, now)))
}

fn decide(mut candidates: Vec<Candidate>) -> Decision {
    let agent = rules::choose(&mut candidates, |equals| rand::rng().random_range(0..equals));
    let rule = if agent.is_some() { Rule::LeastLoaded } else { Rule::Waiting };
    Decision { agent, rule, candidates, overridden: false }
}

/// Back to the agent who has or had it, if they may and can; otherwise as [`pick`].
pub fn keep_or_pick(
    conn: &mut PgConnection,
    need: &Need,
    now: DateTime<Utc>,
) -> Result<Decision, AppError> {
    let agents = people::lock_pool(conn, need.department, need.level, need.holder, now)?;
    let mut candidates = rules::judge(&agents, need, now);
    let back = candidates
        .iter_mut()
        .find(|c| Some(c.agent_id) == need.holder && c.verdict == Verdict::Eligible);
    let Some(candidate) = back else { return Ok(decide(candidates)) };
    candidate.verdict = Verdict::Chosen;
    Ok(Decision { agent: need.holder, rule: Rule::Returned, candidates, overridden: false })
}

/// Back into the queue, because somebody said so.
pub fn to_nobody() -> Decision {
    Decision { agent: None, rule: Rule::Manual, candidates: Vec::new(), overridden: false }
}

/// The chosen agent. Locks them and the holder. Fails with `agent_absent`, `agent_full` or `agent_not_permitted` when that
/// speaks against the agent, unless the chooser insists; the users of a CRM have decided already.
pub fn appoint(
    conn: &mut PgConnection,
    need: &Need,
    choice: Choice,
    now: DateTime<Utc>,
) -> Result<Decision, AppError> {
    let locked = need.holder.into_iter().chain([choice.agent]).collect();
    let members = people::lock_members(conn, need.department, need.level, locked, now)?;
    let chosen = members.iter().find(|member| member.id == choice.agent && member.active);
    let missing = || AppError::field("/agent_id", "there is no such active agent");
    let chosen = chosen.ok_or_else(missing)?;
    let objection = rules::objection(chosen, need, choice, now);
    if let Some(verdict) = objection.filter(|_| !choice.insists && choice.rule != Rule::Crm) {
        return Err(refusal(chosen, verdict));
    }
    Ok(Decision {
        agent: Some(choice.agent),
        rule: choice.rule,
        candidates: vec![rules::candidate(chosen, objection.unwrap_or(Verdict::Chosen))],
        overridden: objection.is_some(),
    })
}

fn refusal(agent: &PoolMember, verdict: Verdict) -> AppError {
    let (name, load, capacity) = (&agent.name, agent.open_tickets, agent.capacity);
    let insist = "to decide so all the same, send override with a reason";
    match verdict {
        Verdict::AtCapacity => AppError::conflict(
            "agent_full",
            format!("{name} has {load} open tickets of {capacity}; {insist}"),
        ),
        Verdict::NotPermitted => AppError::conflict(
            "agent_not_permitted",
            format!("{name} does not work such tickets of this department and level; {insist}"),
        ),
        _ => AppError::conflict(
            "agent_absent",
            format!("{name} is away, on leave, or outside of their working hours; {insist}"),
        ),
    }
}

/// True when somebody could take such a ticket now. Locks nobody, so [`pick`] has the last word.
pub fn could_be_taken(staff: &[Staff], need: &Need, now: DateTime<Utc>) -> bool {
    verdicts(staff, need, now).any(|verdict| verdict == Verdict::Eligible)
}

/// What is said about those who work in the ticket's department and level, and about how many of them.
pub fn why_nobody(staff: &[Staff], need: &Need, now: DateTime<Utc>) -> BTreeMap<Verdict, usize> {
    let mut counts = BTreeMap::new();
    verdicts(staff, need, now).for_each(|verdict| *counts.entry(verdict).or_default() += 1);
    counts
}

fn verdicts(staff: &[Staff], need: &Need, now: DateTime<Utc>) -> impl Iterator<Item = Verdict> {
    let members = staff.iter().filter_map(|one| one.member(need.department, need.level));
    members.map(move |member| rules::verdict(&member, need, now))
}

/// When the last decision about each of these tickets was made.
pub fn decided_at(
    conn: &mut PgConnection,
    tickets: &[TicketId],
) -> Result<HashMap<TicketId, DateTime<Utc>>, AppError> {
    Ok(store::decided_at(conn, tickets)?.into_iter().collect())
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
            overridden: decision.overridden,
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
