//! What a policy or a calendar would mean to open tickets.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::book::{Book, Documents};
use super::calendars::get_calendar;
use super::policies::check_terms;
use super::track;
use crate::kernel::{AppError, TicketId};
use crate::sla::rules::{Figures, Ledger, Metric};
use crate::sla::store::{self, Calendar, SlaPolicy};

/// Open tickets that are looked at, the latest.
const LOOKED_AT: i64 = 2_000;
/// Clocks that are shown.
const SHOWN: usize = 50;

/// A change that is not made. Neither has a version that is kept.
pub enum Proposal {
    /// In the place of the policy with its id, if there is one.
    Policy(Box<SlaPolicy>),
    /// Instead of the calendar with its id.
    Calendar(Box<Calendar>),
}

/// No version has this number.
pub const PROPOSED: i32 = 0;

/// A clock that would be measured otherwise.
pub struct Moved {
    pub ticket_id: TicketId,
    pub metric: Metric,
    pub cycle: i32,
    pub due_at: Option<DateTime<Utc>>,
    pub would_be_due_at: Option<DateTime<Utc>>,
}

/// What would become of open clocks.
#[derive(Default)]
pub struct Effect {
    pub tickets: usize,
    pub clocks: usize,
    /// More tickets are open than were looked at.
    pub more: bool,
    /// Clocks that would be due at another time.
    pub would_move: usize,
    /// Clocks that would have missed their targets at once.
    pub would_breach: usize,
    /// Clocks that would not have missed them any more.
    pub would_recover: usize,
    pub moved: Vec<Moved>,
}

/// Measures the open clocks as they are and as they would be. Changes nothing.
pub fn preview(
    conn: &mut PgConnection,
    proposal: Proposal,
    now: DateTime<Utc>,
) -> Result<Effect, AppError> {
    let mut rows = store::open_tickets(conn, LOOKED_AT + 1)?;
    let most = usize::try_from(LOOKED_AT).unwrap_or_default();
    let mut effect = Effect { more: rows.len() > most, ..Effect::default() };
    rows.truncate(most);
    let (mut book, tracked) = track::catch_up(conn, rows, now)?;
    let mut after: Vec<(TicketId, Ledger)> =
        tracked.into_iter().map(|ticket| (ticket.row.ticket_id, ticket.ledger)).collect();
    let before = after.clone();
    let proposed = propose(conn, proposal, &mut book)?;
    for (_, ledger) in &mut after {
        let basis = book.basis(&ledger.facts);
        ledger.rebase(now, basis);
    }
    let all = before.iter().chain(&after).flat_map(|(_, ledger)| ledger.clocks());
    let mut documents = Documents::load(conn, all.filter_map(|clock| clock.basis))?;
    documents.terms.extend(proposed.terms);
    documents.hours.extend(proposed.hours);
    for ((id, before), (_, after)) in before.iter().zip(&after) {
        effect.tickets += 1;
        effect.add(*id, &figures(before, &documents, now), &figures(after, &documents, now));
    }
    Ok(effect)
}

/// Lets the book say what is proposed; returns the documents that are not kept.
fn propose(
    conn: &mut PgConnection,
    proposal: Proposal,
    book: &mut Book,
) -> Result<Documents, AppError> {
    let mut documents = Documents::default();
    match proposal {
        Proposal::Policy(mut policy) => {
            check_terms(conn, &policy.terms.0)?;
            let calendar = get_calendar(conn, policy.calendar_id)
                .map_err(|_| AppError::field("/calendar_id", "there is no such calendar"))?;
            policy.version = PROPOSED;
            documents.hours.insert((calendar.id, calendar.version), calendar.hours());
            let terms = (policy.name.clone(), policy.terms.0.clone());
            documents.terms.insert((policy.id, PROPOSED), terms);
            put(book, *policy, calendar.version);
        }
        Proposal::Calendar(calendar) => {
            documents.hours.insert((calendar.id, PROPOSED), calendar.hours());
            let measuring = book.policies.iter_mut();
            let measuring = measuring.filter(|(policy, _)| policy.calendar_id == calendar.id);
            measuring.for_each(|(_, version)| *version = PROPOSED);
        }
    }
    Ok(documents)
}

/// In its place among the policies that are tried.
fn put(book: &mut Book, policy: SlaPolicy, calendar_version: i32) {
    book.policies.retain(|(other, _)| other.id != policy.id);
    if policy.active {
        let (rank, id) = (policy.rank, policy.id);
        let place = book.policies.partition_point(|(other, _)| (other.rank, other.id) < (rank, id));
        book.policies.insert(place, (policy, calendar_version));
    }
}

type Measured = Vec<(Metric, i32, Figures)>;

fn figures(ledger: &Ledger, documents: &Documents, now: DateTime<Utc>) -> Measured {
    let open = ledger.clocks().into_iter().filter(|clock| !clock.is_over);
    let measured = open.map(|clock| {
        let yardstick = documents.yardstick(clock.basis.as_ref(), clock.metric);
        (clock.metric, clock.cycle, clock.figures(yardstick.as_ref(), now))
    });
    measured.collect()
}

impl Effect {
    fn add(&mut self, ticket_id: TicketId, before: &Measured, after: &Measured) {
        for ((metric, cycle, was), (_, _, is)) in before.iter().zip(after) {
            self.clocks += 1;
            self.would_breach += usize::from(was.breached_at.is_none() && is.breached_at.is_some());
            self.would_recover +=
                usize::from(was.breached_at.is_some() && is.breached_at.is_none());
            if was.due_at == is.due_at {
                continue;
            }
            self.would_move += 1;
            if self.moved.len() < SHOWN {
                let (due_at, would_be_due_at) = (was.due_at, is.due_at);
                let (metric, cycle) = (*metric, *cycle);
                self.moved.push(Moved { ticket_id, metric, cycle, due_at, would_be_due_at });
            }
        }
    }
}
