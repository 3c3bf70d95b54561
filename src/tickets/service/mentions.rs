//! Who is mentioned in a note, and who could be.
use diesel::PgConnection;

use super::super::store::Ticket;
use super::{get, refuse_draft};
use crate::kernel::{Actor, AgentId, AppError, Permission, TicketId};
use crate::notes::{self, Channel, NewNote};
use crate::people::{self, Colleague, Sees};

/// The agents whom a note mentions, beside its author, as far as they may see the ticket. What customers write mentions
/// nobody, and neither does what comes by mail or from a CRM.
pub(super) fn mentioned(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: &Ticket,
    note: &NewNote,
) -> Result<Vec<AgentId>, AppError> {
    if actor.is_contact() || note.channel != Channel::Api {
        return Ok(Vec::new());
    }
    let mut named = notes::mentions(&note.body);
    named.retain(|agent| actor.agent_id() != Some(*agent));
    if named.is_empty() {
        return Ok(named);
    }
    let who_see = people::who_sees(conn, &sees(ticket), &named)?;
    Ok(who_see.into_iter().map(|colleague| colleague.id).collect())
}

/// Up to `limit` agents who may see the ticket and have `part` in their name or e-mail address, by name.
pub fn mentionable(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    part: &str,
    limit: i64,
) -> Result<Vec<Colleague>, AppError> {
    actor.require(Permission::TicketsWork)?;
    let ticket = get(conn, actor, id)?.row;
    refuse_draft(&ticket)?;
    people::find_who_sees(conn, &sees(&ticket), part, limit)
}

fn sees(ticket: &Ticket) -> Sees {
    let own = [ticket.assignee_id.map(|agent| agent.0), Some(ticket.opened_by)];
    Sees { department: ticket.department_id, own: own.into_iter().flatten().collect() }
}
