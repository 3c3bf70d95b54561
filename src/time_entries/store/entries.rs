//! What was worked.
use chrono::{DateTime, NaiveDate, Utc};
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use serde::Serialize;

use crate::db::rewrite;
use crate::db::schema::{hourly_rates, tickets, time_entries};
use crate::kernel::{
    AccountId, Actor, AgentId, Erasure, PageRequest, TicketId, TimeEntryId, Visibility,
};
use crate::tickets::visible;
use crate::time_entries::rules::Alike;

/// What an agent worked on a ticket.
#[derive(
    Debug, Clone, PartialEq, Eq, Serialize, Queryable, Selectable, Insertable, AsChangeset,
)]
#[diesel(table_name = time_entries, check_for_backend(Pg), treat_none_as_null = true)]
pub struct TimeEntry {
    pub id: TimeEntryId,
    /// The ticket that it was booked on, also when that was merged into another one.
    pub ticket_id: TicketId,
    pub agent_id: AgentId,
    pub minutes: i32,
    pub chargeable: bool,
    pub note: Option<String>,
    /// By the agent's clock.
    pub work_date: NaiveDate,
    /// By a timer that was forgotten.
    pub capped: bool,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What an hour costs.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = hourly_rates, check_for_backend(Pg))]
pub struct Price {
    pub per_hour: i64,
    pub currency: String,
}

/// An entry, and what an hour of it costs.
pub type Priced = (TimeEntry, Option<Price>);

/// An entry with the names that a spreadsheet shows.
#[derive(Debug, Clone, Queryable)]
pub struct Named {
    pub entry: TimeEntry,
    pub price: Option<Price>,
    pub number: i64,
    pub account_id: Option<AccountId>,
    pub account_name: Option<String>,
    pub agent_name: String,
}

/// The rate in force on the day of the work: the account's own, or else the desk's.
const IN_FORCE: &str = "hourly_rates.id = (select r.id from hourly_rates r \
    where (r.account_id = tickets.account_id or r.account_id is null) and r.valid_from <= time_entries.work_date \
    order by r.account_id nulls last, r.valid_from desc limit 1)";

/// Entries with their tickets and rates, narrowed down to what the caller sees: of the tickets that they may see, and their own.
macro_rules! seen {
    ($actor:expr, $filter:expr, $select:expr $(, $group:expr)?) => {{
        let filter: &Filter = $filter;
        let mut query = time_entries::table
            .inner_join(tickets::table)
            .left_join(hourly_rates::table.on(sql::<Bool>(IN_FORCE)))
            .select($select)
            $(.group_by($group))?
            .into_boxed();
        if $actor.visibility() != Visibility::All {
            let theirs = tickets::table.into_boxed().filter(visible($actor)).select(tickets::id);
            let own = time_entries::agent_id.eq(AgentId($actor.id));
            query = query.filter(own.or(time_entries::ticket_id.eq_any(theirs)));
        }
        if let Some(ids) = &filter.tickets {
            query = query.filter(time_entries::ticket_id.eq_any(ids));
        }
        if let Some(agent) = filter.agent {
            query = query.filter(time_entries::agent_id.eq(agent));
        }
        if let Some(account) = filter.account {
            query = query.filter(tickets::account_id.eq(account));
        }
        if let Some(chargeable) = filter.chargeable {
            query = query.filter(time_entries::chargeable.eq(chargeable));
        }
        if let Some(from) = filter.from {
            query = query.filter(time_entries::work_date.ge(from));
        }
        if let Some(to) = filter.to {
            query = query.filter(time_entries::work_date.le(to));
        }
        query
    }};
}

/// Which entries a list holds.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of these tickets.
    pub tickets: Option<Vec<TicketId>>,
    pub agent: Option<AgentId>,
    pub account: Option<AccountId>,
    pub chargeable: Option<bool>,
    /// The first day.
    pub from: Option<NaiveDate>,
    /// The last day.
    pub to: Option<NaiveDate>,
}

pub fn insert(conn: &mut PgConnection, entry: &TimeEntry) -> QueryResult<usize> {
    diesel::insert_into(time_entries::table).values(entry).execute(conn)
}

/// Writes every column.
pub fn save(conn: &mut PgConnection, entry: &TimeEntry) -> QueryResult<usize> {
    diesel::update(time_entries::table.find(entry.id)).set(entry).execute(conn)
}

pub fn delete(conn: &mut PgConnection, id: TimeEntryId) -> QueryResult<usize> {
    diesel::delete(time_entries::table.find(id)).execute(conn)
}

pub fn lock(conn: &mut PgConnection, id: TimeEntryId) -> QueryResult<Option<TimeEntry>> {
    let entry = time_entries::table.find(id).for_no_key_update();
    entry.select(TimeEntry::as_select()).first(conn).optional()
}

pub fn find(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TimeEntryId,
) -> QueryResult<Option<Priced>> {
    let all = Filter::default();
    let query = seen!(actor, &all, (TimeEntry::as_select(), Option::<Price>::as_select()));
    query.filter(time_entries::id.eq(id)).first(conn).optional()
}

/// A page of entries, the latest day first. `from` is the day and the entry that the page starts behind.
pub fn list(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
    page: &PageRequest,
    from: Option<(NaiveDate, TimeEntryId)>,
) -> QueryResult<Vec<Priced>> {
    let mut query = seen!(actor, filter, (TimeEntry::as_select(), Option::<Price>::as_select()));
    query = query.filter(tickets::deleted_at.is_null()).limit(page.fetch());
    // A day and an id within it: beside the comparison of both, one that the index on the days begins with.
    query = match (from, page.backward()) {
        (Some((day, id)), false) => query
            .filter(time_entries::work_date.le(day))
            .filter(time_entries::work_date.lt(day).or(time_entries::id.lt(id))),
        (Some((day, id)), true) => query
            .filter(time_entries::work_date.ge(day))
            .filter(time_entries::work_date.gt(day).or(time_entries::id.gt(id))),
        (None, _) => query,
    };
    if page.backward() {
        query.order((time_entries::work_date, time_entries::id)).load(conn)
    } else {
        query.order((time_entries::work_date.desc(), time_entries::id.desc())).load(conn)
    }
}

/// Up to `limit` entries behind this one, in the order in which they were made: an entry is there once, whatever is changed
/// between the calls.
pub fn behind(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
    after: Option<TimeEntryId>,
    limit: i64,
) -> QueryResult<Vec<Named>> {
    let columns = (
        TimeEntry::as_select(),
        Option::<Price>::as_select(),
        tickets::number,
        tickets::account_id,
        sql::<Nullable<Text>>("(select a.name from accounts a where a.id = tickets.account_id)"),
        sql::<Text>("(select a.name from agents a where a.id = time_entries.agent_id)"),
    );
    let mut query = seen!(actor, filter, columns).filter(tickets::deleted_at.is_null());
    if let Some(after) = after {
        query = query.filter(time_entries::id.gt(after));
    }
    query.order(time_entries::id).limit(limit).load(conn)
}

/// The entries, those together that cost the same: as many rows as there are rates and numbers of minutes at the most.
pub fn alike(conn: &mut PgConnection, actor: &Actor, filter: &Filter) -> QueryResult<Vec<Alike>> {
    type Columns = (Integer, Bool, Nullable<BigInt>, Nullable<Text>, BigInt);
    type Row = (i32, bool, Option<i64>, Option<String>, i64);
    let columns = sql::<Columns>(
        "time_entries.minutes, time_entries.chargeable, hourly_rates.per_hour, hourly_rates.currency, count(*)",
    );
    let grouped = seen!(actor, filter, columns, sql::<Integer>("1, 2, 3, 4"));
    let rows: Vec<Row> = grouped.filter(tickets::deleted_at.is_null()).load(conn)?;
    let group = |(minutes, chargeable, per_hour, currency, entries)| Alike {
        minutes,
        chargeable,
        per_hour,
        currency,
        entries,
    };
    Ok(rows.into_iter().map(group).collect())
}

/// Takes a secret out of what was noted about the work on a ticket.
pub fn erase(conn: &mut PgConnection, ticket: TicketId, erasure: &Erasure) -> QueryResult<()> {
    let noted: Vec<(TimeEntryId, String)> = time_entries::table
        .filter(time_entries::ticket_id.eq(ticket))
        .filter(time_entries::note.is_not_null())
        .select((time_entries::id, time_entries::note.assume_not_null()))
        .load(conn)?;
    let erased = noted.into_iter().filter_map(|(id, note)| Some((id.0, erasure.text(&note)?)));
    rewrite(conn, ("time_entries", "note"), erased)?;
    Ok(())
}
