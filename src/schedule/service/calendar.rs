//! Agents' calendars, and the private addresses under which calendar programs read them.
use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;

use crate::auth;
use crate::kernel::{
    Actor, AgentId, AppError, DepartmentId, Permission, Secret, TicketId, Visibility,
};
use crate::people::{self, Agent};
use crate::schedule::rules::Span;
use crate::schedule::store::{self, Appointment, Brief};

/// Appointments that a calendar shows at the most.
const SHOWN: i64 = 1000;
/// What a subscribed calendar shows of the past and of the future.
const PAST: TimeDelta = TimeDelta::days(30);
const FUTURE: TimeDelta = TimeDelta::days(366);

const MISSING: AppError = AppError::NotFound("the calendar");

/// An appointment, with its ticket as far as the reader may see it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub appointment: Appointment,
    pub ticket: Option<Brief>,
}

/// An agent and their appointments.
#[derive(Debug, Clone)]
pub struct Calendar {
    pub agent: Agent,
    pub entries: Vec<Entry>,
}

/// What the agent does in `span`. Agents see the calendars of those with whom they share a department; of a ticket that they
/// do not see, only that somebody works on it.
pub fn calendar(
    conn: &mut PgConnection,
    actor: &Actor,
    agent: AgentId,
    span: Span,
) -> Result<Calendar, AppError> {
    actor.require(Permission::TicketsWork)?;
    let agent = people::get_agent(conn, agent)?;
    if !may_see(actor, &agent) {
        return Err(AppError::NotFound("the agent"));
    }
    let appointments = store::of_agent(conn, agent.id, span, SHOWN)?;
    let ids: Vec<TicketId> = appointments.iter().map(|one| one.ticket_id).collect();
    let briefs = store::briefs(conn, actor, &ids)?;
    let mut briefs: HashMap<TicketId, Brief> =
        briefs.into_iter().map(|brief| (brief.id, brief)).collect();
    let entries = appointments.into_iter().map(|appointment| {
        // A ticket can have several.
        let ticket = briefs.get_mut(&appointment.ticket_id).map(|brief| brief.clone());
        Entry { appointment, ticket }
    });
    Ok(Calendar { entries: entries.collect(), agent })
}

fn may_see(actor: &Actor, agent: &Agent) -> bool {
    let shares = |departments: &[DepartmentId]| {
        agent.department_ids.iter().any(|department| departments.contains(department))
    };
    match actor.visibility() {
        Visibility::All => true,
        Visibility::Departments(own, departments) => own == agent.id || shares(&departments),
        Visibility::Accounts(..) => false,
    }
}

/// Makes the agent's private address anew: the former one ends. Returns the secret in it, which is not kept.
pub fn make_feed(
    conn: &mut PgConnection,
    agent: AgentId,
    now: DateTime<Utc>,
) -> Result<Secret, AppError> {
    let mut bytes = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(AppError::internal)?;
    let token = URL_SAFE_NO_PAD.encode(bytes);
    store::set_feed(conn, agent, &hash(&token), now)?;
    Ok(Secret::new(token))
}

/// The secret has 256 random bits: nobody finds it by its hash, however fast that is computed.
fn hash(token: &str) -> Vec<u8> {
    digest(&SHA256, token.as_bytes()).as_ref().to_vec()
}

/// When the agent's address was made. Fails with 404 when there is none.
pub fn feed_exists(conn: &mut PgConnection, agent: AgentId) -> Result<DateTime<Utc>, AppError> {
    store::feed(conn, agent)?.ok_or(MISSING)
}

/// Ends the agent's address.
pub fn revoke_feed(conn: &mut PgConnection, agent: AgentId) -> Result<(), AppError> {
    if store::delete_feed(conn, agent)? == 0 { Err(MISSING) } else { Ok(()) }
}

/// Who reads the calendar at this address: the agent themselves, while they are active.
pub fn subscribed(conn: &mut PgConnection, agent: AgentId, token: &str) -> Result<Actor, AppError> {
    if !store::is_feed(conn, agent, &hash(token))? {
        return Err(MISSING);
    }
    auth::acting(conn, agent.0)?.ok_or(MISSING)
}

/// The calendar as its agent's program reads it.
pub fn read_feed(
    conn: &mut PgConnection,
    agent: AgentId,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Calendar, AppError> {
    let reader = subscribed(conn, agent, token)?;
    calendar(conn, &reader, agent, Span { starts_at: now - PAST, ends_at: now + FUTURE })
}
