//! Explain the clocks of a ticket.
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;

use super::book::Documents;
use super::track;
use crate::kernel::{Actor, AppError, Permission, TicketId};
use crate::sla::rules::{Clock, Entry, Figures, Metric, Target};
use crate::sla::store;
use crate::tickets::service as tickets;

/// A clock with everything that explains its figures.
pub struct Explained {
    pub clock: Clock,
    pub figures: Figures,
    /// The policy's name, and what it says of the clock.
    pub policy: Option<(String, Option<Target>)>,
    /// What counted of each stretch.
    pub counted: Vec<TimeDelta>,
    pub entries: Vec<Entry>,
}

/// The clocks of a ticket as they are now, whether or not the service has taken note of its last version.
pub fn explain(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    now: DateTime<Utc>,
) -> Result<Vec<Explained>, AppError> {
    actor.require(Permission::TicketsRead)?;
    actor.require(Permission::TicketsWork)?;
    tickets::get(conn, actor, id)?;
    let row = store::hold_ticket(conn, id)?;
    let (_, tracked) = track::catch_up(conn, vec![row], now)?;
    let Some(ticket) = tracked.into_iter().next() else { return Ok(Vec::new()) };
    let clocks = ticket.ledger.clocks();
    let documents = Documents::load(conn, clocks.iter().filter_map(|clock| clock.basis))?;
    let explained = clocks.into_iter().map(|clock| {
        let yardstick = documents.yardstick(clock.basis.as_ref(), clock.metric);
        let figures = clock.figures(yardstick.as_ref(), now);
        let counted = clock.stretches.iter().map(|stretch| {
            let until = stretch.until.unwrap_or(now);
            match &yardstick {
                _ if !stretch.runs => TimeDelta::zero(),
                Some(yardstick) => yardstick.measure(stretch.from, until),
                None => until - stretch.from,
            }
        });
        let policy = clock.basis.and_then(|basis| {
            let (name, terms) = documents.terms.get(&(basis.policy_id, basis.policy_version))?;
            Some((name.clone(), terms.target(clock.metric).copied()))
        });
        let of_clock = |entry: &&Entry| (entry.metric, entry.cycle) == (clock.metric, clock.cycle);
        let entries = ticket.ledger.entries.iter().filter(of_clock).cloned().collect();
        Explained { counted: counted.collect(), policy, figures, entries, clock }
    });
    Ok(explained.collect())
}

/// Those of these tickets whose policies tell the customer when the solution takes longer.
pub fn tell_of_delay(conn: &mut PgConnection, ids: &[TicketId]) -> Result<Vec<TicketId>, AppError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let found = store::terms_of(conn, ids)?.into_iter();
    let tells = found.filter(|(_, terms)| terms.0.tell_customer.contains(&Metric::Resolution));
    Ok(tells.map(|(id, _)| id).collect())
}
