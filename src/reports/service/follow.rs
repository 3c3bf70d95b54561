//! From the feed to the facts.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::PgConnection;

use crate::events;
use crate::kernel::{AppError, TicketId, WorkflowId};
use crate::reports::rules::{History, Occurrence};
use crate::reports::store::{
    self, AssignmentRow, CycleRow, Facts, News, Present, TicketRow, Version,
};
use crate::sla::{self, MeasuredBy, Metric, Side};
use crate::workflow::Category;

/// Events that are passed at a time.
const PASSED: i64 = 1_000;

/// How far a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// There is more to pass.
    Some,
    /// Clocks have yet to learn of what happened next, or another process is at it.
    Waits,
    /// Whatever was published is in the facts.
    Everything,
}

/// Passes the next events of the feed and derives the facts of the tickets that they are about. Safe from any number of processes: one of
/// them follows at a time.
pub fn follow(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<Followed, AppError> {
    let Some(after) = store::lock_cursor(conn)? else { return Ok(Followed::Waits) };
    let end = events::last_position(conn)?;
    if end <= after {
        return Ok(Followed::Everything);
    }
    let mut until = end.min(after.saturating_add(PASSED));
    let news = store::news(conn, after, until, now)?;
    // By which hours it was measured is not known before.
    if let Some(waits) = news.iter().filter(|news| news.waits).map(|news| news.first).min() {
        until = waits - 1;
    }
    if until <= after {
        return Ok(Followed::Waits);
    }
    let known: Vec<&News> = news.iter().filter(|news| news.first <= until).collect();
    let ids: Vec<TicketId> = known.iter().map(|news| news.ticket_id).collect();
    if !ids.is_empty() {
        // No further than to where it was asked whether clocks have yet to learn.
        let facts = derive(conn, &ids, end)?;
        store::save(conn, &facts)?;
    }
    store::move_cursor(conn, until)?;
    Ok(if until < end { Followed::Some } else { Followed::Everything })
}

/// Lets all facts be derived anew from the whole feed, while those of before are shown.
pub fn rebuild(conn: &mut PgConnection) -> Result<usize, AppError> {
    Ok(store::forget(conn)?)
}

/// All facts of these tickets, from their whole histories up to a position of the feed.
fn derive(conn: &mut PgConnection, ids: &[TicketId], until: i64) -> Result<Facts, AppError> {
    let mut versions: HashMap<TicketId, Vec<Version>> = HashMap::new();
    for version in store::versions(conn, ids, until)? {
        versions.entry(version.ticket_id).or_default().push(version);
    }
    let categories = store::categories(conn)?.into_iter();
    let categories: HashMap<_, _> =
        categories.map(|(workflow, code, category)| ((workflow, code), category)).collect();
    let measured = MeasuredBy::load(conn, ids)?;
    let mut facts = Facts::default();
    for ticket in store::present(conn, ids)? {
        let versions = versions.remove(&ticket.id).unwrap_or_default();
        let applied = versions.last().map_or(0, |version| version.ticket_version);
        let history = History::of(occurrences(versions, ticket.workflow_id, &categories));
        facts.add(&ticket, applied, &history, &measured);
    }
    Ok(facts)
}

/// The versions of a ticket as reports see them. A status means what it means in the workflow that the ticket was in then; one
/// that is not known any more is taken for open.
fn occurrences(
    versions: Vec<Version>,
    present: WorkflowId,
    categories: &HashMap<(WorkflowId, String), Category>,
) -> Vec<Occurrence> {
    let mut moves = versions.iter().filter_map(|version| version.from_workflow);
    let mut workflow = moves.next().unwrap_or(present);
    let mut seen = Vec::with_capacity(versions.len());
    for version in &versions {
        if version.from_workflow.is_some() {
            workflow = moves.next().unwrap_or(present);
        }
        let moved = version
            .status
            .clone()
            .map(|code| categories.get(&(workflow, code)).copied().unwrap_or(Category::Open));
        let desk = sla::speaker(&version.actor_role, &version.origin) == Some(Side::Desk);
        seen.push(Occurrence {
            at: version.occurred_at,
            moved,
            assigned: version.reassigned.then_some(version.agent_id),
            merged: version.merged,
            replied: version.public_note && desk,
        });
    }
    seen
}

impl Facts {
    fn add(&mut self, ticket: &Present, applied: i32, history: &History, measured: &MeasuredBy) {
        let Some(first) = history.cycles.first() else { return };
        let id = ticket.id;
        let spent = |metric, from: DateTime<Utc>, until: DateTime<Utc>| {
            let seconds = (until - from).num_seconds();
            let hours = measured.hours(id, metric, until);
            let business = hours.map(|hours| hours.between(from, until).num_seconds());
            (seconds, business.unwrap_or(seconds))
        };
        let response =
            history.responded_at.map(|at| spent(Metric::FirstResponse, first.opened_at, at));
        self.tickets.push(TicketRow {
            ticket_id: id,
            applied_version: applied,
            account_id: ticket.account_id,
            department_id: ticket.department_id,
            agent_id: ticket.assignee_id,
            product_id: ticket.product_id,
            component_id: ticket.component_id,
            deleted: ticket.deleted,
            opened_at: first.opened_at,
            responded_at: history.responded_at,
            response_seconds: response.map(|(seconds, _)| seconds),
            response_business_seconds: response.map(|(_, business)| business),
        });
        let mut next = history.cycles.iter().skip(1);
        for (number, cycle) in (1..).zip(&history.cycles) {
            let took = cycle.closed_at.map(|at| spent(Metric::Resolution, cycle.opened_at, at));
            self.cycles.push(CycleRow {
                ticket_id: id,
                cycle: number,
                opened_at: cycle.opened_at,
                closed_at: cycle.closed_at,
                merged: cycle.merged,
                agent_id: cycle.agent_id,
                seconds: took.map(|(seconds, _)| seconds),
                business_seconds: took.map(|(_, business)| business),
                reopened_at: next.next().map(|next| next.opened_at),
            });
        }
        let given = (1..).zip(&history.assignments);
        self.assignments.extend(given.map(|(seq, (agent_id, assigned_at))| AssignmentRow {
            ticket_id: id,
            seq,
            agent_id: *agent_id,
            assigned_at: *assigned_at,
        }));
    }
}
