//! What each agent has to do, and when they are there.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::PgConnection;

use crate::kernel::{
    Actor, AgentId, AppError, DepartmentId, Page, PageRequest, Permission, Visibility,
};
use crate::people::{self, Agent, AgentFilter};
use crate::schedule::store::{self, Appointment, Share};

/// An agent with what they have to do.
#[derive(Debug, Clone)]
pub struct Load {
    pub agent: Agent,
    /// Their open tickets, counted by category and priority.
    pub shares: Vec<Share>,
    /// Their present or next appointment.
    pub appointment: Option<Appointment>,
}

/// A page of the active agents that the caller may see, by name.
pub fn load(
    conn: &mut PgConnection,
    actor: &Actor,
    department: Option<DepartmentId>,
    page: &PageRequest,
    now: DateTime<Utc>,
) -> Result<Page<Load>, AppError> {
    actor.require(Permission::TicketsWork)?;
    let within = match actor.visibility() {
        Visibility::All => None,
        Visibility::Departments(_, departments) => Some(departments),
        Visibility::Accounts(..) => Some(Vec::new()),
    };
    let filter = AgentFilter { department, within, active: Some(true), ..AgentFilter::default() };
    let agents = people::list_agents(conn, &filter, page)?;
    let ids: Vec<AgentId> = agents.items.iter().map(|agent| agent.id).collect();
    let mut shares: HashMap<AgentId, Vec<Share>> = HashMap::new();
    for share in store::shares(conn, &ids)? {
        share.0.into_iter().for_each(|agent| shares.entry(agent).or_default().push(share));
    }
    let next = store::next_of_agents(conn, &ids, now)?;
    let mut next: HashMap<AgentId, Appointment> =
        next.into_iter().map(|appointment| (appointment.agent_id, appointment)).collect();
    Ok(agents.map(|agent| Load {
        shares: shares.remove(&agent.id).unwrap_or_default(),
        appointment: next.remove(&agent.id),
        agent,
    }))
}
