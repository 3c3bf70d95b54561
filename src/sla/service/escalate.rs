//! Who is told of a warning or a breach.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::book::Documents;
use super::sweep::Told;
use crate::kernel::{AgentId, AppError};
use crate::mail::{self, Address, Conversation, NewMail};
use crate::people::{self, Agent};
use crate::sla::rules::Escalation;
use crate::tickets::Ticket;

/// Queues a mail for everybody whom the policy names, each once; returns whom.
pub fn escalate(
    conn: &mut PgConnection,
    ticket: &Ticket,
    told: &Told,
    documents: &Documents,
    now: DateTime<Utc>,
) -> Result<Vec<AgentId>, AppError> {
    let basis = told.clock.basis.map(|basis| (basis.policy_id, basis.policy_version));
    let Some((policy, terms)) = basis.and_then(|basis| documents.terms.get(&basis)) else {
        return Ok(Vec::new());
    };
    let meant = |one: &&Escalation| {
        one.on == told.alarm && (one.metrics.is_empty() || one.metrics.contains(&told.clock.metric))
    };
    let meant: Vec<&Escalation> = terms.escalations.iter().filter(meant).collect();
    let mut ids: Vec<AgentId> = meant.iter().flat_map(|one| one.agent_ids.clone()).collect();
    if meant.iter().any(|one| one.assignee) {
        ids.extend(ticket.assignee_id);
    }
    let department = meant.iter().any(|one| one.department).then_some(ticket.department_id);
    if ids.is_empty() && department.is_none() {
        return Ok(ids);
    }
    let agents = people::active_agents(conn, &ids, department)?;
    for agent in &agents {
        tell(conn, ticket, told, policy, agent, now)?;
    }
    Ok(agents.into_iter().map(|agent| agent.id).collect())
}

fn tell(
    conn: &mut PgConnection,
    ticket: &Ticket,
    told: &Told,
    policy: &str,
    agent: &Agent,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let due = told.figures.due_at.map(|due| due.with_timezone(&agent.time_zone.0));
    let data = json!({
        "ticket": { "number": format!("CB-{}", ticket.number), "subject": ticket.subject },
        "recipient": { "name": agent.name },
        "alarm": told.alarm,
        "metric": told.clock.metric.as_str().replace('_', " "),
        "policy": policy,
        "due_at": due.map(|due| due.format("%Y-%m-%d %H:%M %Z").to_string()),
    });
    let rendered = mail::templates::render(conn, "sla_alarm", None, &data)?;
    let clock = format!("{}:{}:{}", ticket.id, told.clock.metric, told.clock.cycle);
    let due = told.figures.due_at.map(|due| due.timestamp());
    let mail = NewMail {
        conversation: Conversation::Ticket(ticket.id),
        ticket_id: Some(ticket.id),
        note_id: None,
        to: Address { name: Some(agent.name.clone()), email: agent.email.clone() },
        cc: Vec::new(),
        subject: rendered.subject,
        text: rendered.text,
        html: Some(rendered.html),
        automatic: true,
        dedupe: Some(format!(
            "sla:{}:{clock}:{}:{}",
            told.alarm,
            due.unwrap_or_default(),
            agent.id
        )),
    };
    mail::service::queue(conn, mail, now)?;
    Ok(())
}
