//! From the events of tickets to their clocks.
use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use serde_json::{Map, Value};

use super::book::{Book, Documents};
use crate::events::Event;
use crate::kernel::{AccountId, AppError, Origin, Role, TicketId, WorkflowId};
use crate::sla::rules::{Clock, Figures, Ledger, Occurrence, Side, outlook};
use crate::sla::store::{self, ClockRow, EntryRow, Happened, KeptFacts, SlaTicket};

/// Fields whose changes mean something to clocks.
const FIELDS: [&str; 9] = [
    "status",
    "priority",
    "type",
    "department_id",
    "account_id",
    "sla_policy_id",
    "deadline",
    "merged_into",
    "deleted_at",
];
/// A ticket whose clocks cannot be derived is tried again after this time.
const AGAIN: TimeDelta = TimeDelta::minutes(10);

/// A ticket, with its ledger as far as it is known.
pub struct Tracked {
    pub row: SlaTicket,
    pub ledger: Ledger,
    /// Entries that are stored.
    stored: usize,
}

/// The consumer of published events: marks the tickets whose clocks have something to learn, all open ones when a status means
/// something else to clocks.
pub fn mark_stale(conn: &mut PgConnection, events: &[Event]) -> Result<(), AppError> {
    let concerns = |event: &&Event| {
        FIELDS.iter().any(|field| event.changes.get(field).is_some())
            || event.data.get("note_visibility").is_some_and(|word| word == "public")
    };
    let news: Vec<&Event> = events.iter().filter(concerns).collect();
    // In the order of their ids, as everybody locks them.
    let tickets: BTreeSet<TicketId> = news.iter().filter_map(|event| event.ticket_id).collect();
    let agreed = events.iter().filter(|event| event.changes.get("agreement").is_some());
    let accounts = agreed.filter_map(|event| event.subject.strip_prefix("account/")?.parse().ok());
    let accounts: Vec<AccountId> = accounts.map(AccountId).collect();
    if events.iter().any(gives_other_meaning) {
        store::next_revision(conn)?;
    }
    let Some(since) = events.iter().map(|event| event.occurred_at).min() else { return Ok(()) };
    if !tickets.is_empty() {
        let tickets: Vec<TicketId> = tickets.into_iter().collect();
        store::mark_stale(conn, &tickets, since)?;
    }
    if !accounts.is_empty() {
        store::mark_accounts_stale(conn, &accounts, since)?;
    }
    Ok(())
}

/// A status of a workflow lets clocks do something else than before.
fn gives_other_meaning(event: &Event) -> bool {
    let of_status = |(field, change): (&String, &Value)| {
        let means = |side: &str| change[side]["sla"].clone();
        field.starts_with("statuses/") && !change["from"].is_null() && means("from") != means("to")
    };
    event.subject.starts_with("workflow/")
        && event.changes.as_object().is_some_and(|changes| changes.iter().any(of_status))
}

/// Derives the clocks of up to `limit` tickets about which there is something new, or by policies and calendars that were changed;
/// how many tickets that were. Safe from any number of replicas.
pub fn derive_some(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<usize, AppError> {
    let mut rows = store::lock_stale(conn, now, limit)?;
    if rows.is_empty() {
        let revision = store::revision(conn)?;
        rows = store::lock_outdated(conn, revision, limit)?;
    }
    let found = rows.len();
    let (book, tracked) = catch_up(conn, rows, now)?;
    save(conn, &book, tracked)?;
    Ok(found)
}

/// Looks later at the ticket that waits the longest: it cannot be derived, and others shall not wait for it.
pub fn postpone_first(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<(), AppError> {
    for row in store::lock_stale(conn, now, 1)? {
        tracing::error!(ticket_id = %row.ticket_id, "the clocks of a ticket cannot be derived");
        store::postpone(conn, row.ticket_id, now + AGAIN)?;
    }
    Ok(())
}

/// Brings ledgers up to what has happened and to the present policies. Writes nothing.
pub fn catch_up(
    conn: &mut PgConnection,
    rows: Vec<SlaTicket>,
    now: DateTime<Utc>,
) -> Result<(Book, Vec<Tracked>), AppError> {
    let ids: Vec<TicketId> = rows.iter().map(|row| row.ticket_id).collect();
    let happened = store::happened(conn, &rows)?;
    let accounts =
        happened.iter().filter_map(|what| what.changes.get("account_id")?.get("to")?.as_str());
    let mut accounts: BTreeSet<AccountId> =
        accounts.filter_map(|id| id.parse().ok()).map(AccountId).collect();
    accounts.extend(rows.iter().filter_map(|row| row.facts.0.account_id));
    let book = Book::load(conn, &accounts)?;
    let mut entries: HashMap<TicketId, Vec<EntryRow>> = HashMap::new();
    for entry in store::entries(conn, &ids)? {
        entries.entry(entry.ticket_id).or_default().push(entry);
    }
    let workflows: HashMap<_, _> = store::workflows(conn, &ids)?.into_iter().collect();
    let mut tracked: HashMap<TicketId, Tracked> = HashMap::new();
    for row in rows {
        let entries = entries.remove(&row.ticket_id).unwrap_or_default();
        let entries: Vec<_> = entries.into_iter().map(EntryRow::entry).collect();
        let ledger = Ledger { facts: row.facts.0.clone(), entries };
        let stored = ledger.entries.len();
        tracked.insert(row.ticket_id, Tracked { row, ledger, stored });
    }
    for what in happened {
        let Some(ticket) = tracked.get_mut(&what.ticket_id) else { continue };
        let Some(workflow) = workflows.get(&ticket.row.ticket_id) else { continue };
        ticket.reinterpret(*workflow, what.occurred_at, &book);
        ticket.learn(&what, *workflow, &book);
    }
    let mut tracked: Vec<Tracked> = ids.iter().filter_map(|id| tracked.remove(id)).collect();
    for ticket in &mut tracked {
        if let Some(workflow) = workflows.get(&ticket.row.ticket_id) {
            ticket.reinterpret(*workflow, now, &book);
        }
        let basis = book.basis(&ticket.ledger.facts);
        ticket.ledger.rebase(now, basis);
    }
    Ok((book, tracked))
}

impl Tracked {
    /// Takes over what the ticket's status means to clocks since, up to then.
    fn reinterpret(&mut self, workflow: WorkflowId, until: DateTime<Utc>, book: &Book) {
        let Ledger { facts, .. } = &self.ledger;
        let news = book.meanings(workflow, &facts.status).iter();
        let news = news.filter(|(since, _)| facts.state_since < *since && *since <= until);
        for (since, state) in news.copied().collect::<Vec<_>>() {
            let basis = book.basis(&self.ledger.facts);
            self.ledger.reinterpret(state, since, basis);
        }
    }

    fn learn(&mut self, what: &Happened, workflow: WorkflowId, book: &Book) {
        let none = Map::new();
        let occurrence = Occurrence {
            at: what.occurred_at,
            changes: what.changes.as_object().unwrap_or(&none),
            reply: {
                let public = what.data.get("note_visibility").is_some_and(|word| word == "public");
                public.then(|| speaker(&what.actor_role, &what.origin)).flatten()
            },
        };
        let state_of = |status: &str| book.state(workflow, status, what.occurred_at);
        self.ledger.record(&occurrence, state_of, |facts| book.basis(facts));
        self.row.applied_version = what.ticket_version;
    }
}

/// Who says something that the customer can read; what the service says by itself answers nobody.
pub fn speaker(role: &str, origin: &str) -> Option<Side> {
    if origin == Origin::Timer.as_str() {
        return None;
    }
    Some(if role == Role::Contact.as_str() { Side::Customer } else { Side::Desk })
}

/// Writes ledgers that were brought up to date, and the clocks that they make. The tickets' rows are locked.
pub fn save(conn: &mut PgConnection, book: &Book, tracked: Vec<Tracked>) -> Result<(), AppError> {
    if tracked.is_empty() {
        return Ok(());
    }
    let bases = tracked.iter().flat_map(|ticket| ticket.ledger.clocks());
    let documents = Documents::load(conn, bases.filter_map(|clock| clock.basis))?;
    let (mut rows, mut entries, mut clocks) = (Vec::new(), Vec::new(), Vec::new());
    for mut ticket in tracked {
        let id = ticket.row.ticket_id;
        let new = (1..).zip(&ticket.ledger.entries).skip(ticket.stored);
        entries.extend(new.map(|(seq, entry)| EntryRow::new(id, seq, entry)));
        let all: Vec<_> =
            ticket.ledger.clocks().into_iter().map(|c| last_figures(c, &documents)).collect();
        let outlook = outlook(&all);
        ticket.row.open = all.iter().any(|(clock, _)| !clock.is_over);
        ticket.row.standing = outlook.standing;
        (ticket.row.due_at, ticket.row.metric) = outlook.due.unzip();
        ticket.row.stale_since = None;
        ticket.row.revision = book.revision;
        ticket.row.account_id = ticket.ledger.facts.account_id;
        ticket.row.policy_id = book.basis(&ticket.ledger.facts).map(|basis| basis.policy_id);
        ticket.row.facts = KeptFacts(ticket.ledger.facts);
        rows.push(ticket.row);
        clocks.extend(all.iter().map(|(clock, figures)| clock_row(id, clock, figures)));
    }
    for chunk in entries.chunks(1_000) {
        store::insert_entries(conn, chunk)?;
    }
    store::save_tickets(conn, &rows)?;
    for chunk in clocks.chunks(1_000) {
        store::save_clocks(conn, chunk)?;
    }
    Ok(())
}

/// At its last moment: what depends on the present is derived when it is read.
fn last_figures(clock: Clock, documents: &Documents) -> (Clock, Figures) {
    let yardstick = documents.yardstick(clock.basis.as_ref(), clock.metric);
    let last = clock.stretches.last().map_or(clock.started_at, |last| last.from);
    let figures = clock.figures(yardstick.as_ref(), clock.ended_at.unwrap_or(last));
    (clock, figures)
}

fn clock_row(ticket_id: TicketId, clock: &Clock, figures: &Figures) -> ClockRow {
    let told = figures.due_at.filter(|due| clock.breached.is_some_and(|told| told >= *due));
    ClockRow {
        ticket_id,
        metric: clock.metric,
        cycle: clock.cycle,
        state: clock.state,
        started_at: clock.started_at,
        ended_at: clock.ended_at,
        policy_id: clock.basis.map(|basis| basis.policy_id),
        policy_version: clock.basis.map(|basis| basis.policy_version),
        calendar_id: clock.basis.map(|basis| basis.calendar_id),
        calendar_version: clock.basis.map(|basis| basis.calendar_version),
        due_at: figures.due_at,
        breached_at: figures.breached_at.or(told),
        check_at: figures.check_at,
    }
}
