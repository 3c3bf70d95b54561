//! Who is told of a warning or a breach.
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::book::Documents;
use super::sweep::Told;
use crate::kernel::{AgentId, AppError, DepartmentId, WebhookId};
use crate::mail::{self, Address, Conversation, NewMail};
use crate::people::{self, Agent};
use crate::sla::rules::{Alarm, Escalation};
use crate::tickets::Ticket;

/// Who was told.
#[derive(Debug, Default)]
pub struct Heard {
    pub agents: Vec<AgentId>,
    /// They are told by the event, which names them.
    pub webhooks: Vec<WebhookId>,
    /// The customer is to be told as well.
    pub customer: bool,
}

/// Queues a mail for everybody whom the policy names, each once.
pub fn escalate(
    conn: &mut PgConnection,
    ticket: &Ticket,
    told: &Told,
    documents: &Documents,
    now: DateTime<Utc>,
) -> Result<Heard, AppError> {
    let basis = told.clock.basis.map(|basis| (basis.policy_id, basis.policy_version));
    let Some((policy, terms)) = basis.and_then(|basis| documents.terms.get(&basis)) else {
        return Ok(Heard::default());
    };
    let metric = told.clock.metric;
    let meant = |one: &&Escalation| {
        one.on == told.alarm && (one.metrics.is_empty() || one.metrics.contains(&metric))
    };
    let meant: Vec<&Escalation> = terms.escalations.iter().filter(meant).collect();
    let mut ids: Vec<AgentId> = meant.iter().flat_map(|one| one.agent_ids.clone()).collect();
    ids.extend(ticket.assignee_id.filter(|_| meant.iter().any(|one| one.assignee)));
    let mut departments: Vec<DepartmentId> =
        meant.iter().flat_map(|one| one.department_ids.clone()).collect();
    departments.extend(meant.iter().any(|one| one.department).then_some(ticket.department_id));
    let agents = if ids.is_empty() && departments.is_empty() {
        Vec::new()
    } else {
        people::active_agents(conn, &ids, &departments)?
    };
    for agent in &agents {
        tell(conn, ticket, told, policy, agent, now)?;
    }
    let webhooks: BTreeSet<WebhookId> =
        meant.iter().flat_map(|one| one.webhook_ids.iter().copied()).collect();
    Ok(Heard {
        agents: agents.into_iter().map(|agent| agent.id).collect(),
        webhooks: webhooks.into_iter().collect(),
        customer: told.alarm == Alarm::Breach && terms.tell_customer.contains(&metric),
    })
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
