//! Pages of tickets: filtered, sorted, by keyset.
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer};
use serde_json::Value;
use uuid::Uuid;

use super::filter::{Filter, Query, among, filtered};
use super::find::{Condition, no_foreign_draft, revision, visible};
use super::row::{Located, Summary};
use super::sql::{
    Behind, Bounded, ByDue, Compared, FarDeadline, FarDue, KeyValue, Limited, Merged,
};
use crate::db::schema::tickets;
use crate::kernel::{AccountId, Actor, PageRequest, TicketId, Visibility, text_enum};

text_enum! {
    /// The order of a list; `-` is descending. Without a deadline is behind every deadline, and so is, by `sla_due`, what has no clock
    /// that is due; statuses go by their code, and within a status by age.
    Sort {
        CreatedAt = "created_at",
        NewestFirst = "-created_at",
        UpdatedAt = "updated_at",
        LatestFirst = "-updated_at",
        Priority = "priority",
        MostUrgentFirst = "-priority",
        Deadline = "deadline",
        LastDeadlineFirst = "-deadline",
        SlaDue = "sla_due",
        LastSlaDueFirst = "-sla_due",
        Number = "number",
        HighestNumberFirst = "-number",
        Status = "status",
        LastStatusFirst = "-status",
    }
}

/// Exact, unlike `to_timestamp` of a float.
const MICROSECONDS: (&str, &str) =
    ("timestamptz '1970-01-01 00:00:00+00' + interval '1 microsecond' * ", "");
const CREATED: Compared = Compared { column: "tickets.created_at", value_as: MICROSECONDS };
const UPDATED: Compared = Compared { column: "tickets.updated_at", value_as: MICROSECONDS };
const DEADLINE: Compared = Compared { column: FarDeadline::SQL, value_as: MICROSECONDS };
const SLA_DUE: Compared = Compared { column: FarDue::SQL, value_as: MICROSECONDS };
const PRIORITY: Compared = Compared { column: "tickets.priority", value_as: ("", "::smallint") };
const NUMBER: Compared = Compared { column: "tickets.number", value_as: ("", "") };
const STATUS: Compared = Compared { column: "tickets.status", value_as: ("", "") };

impl Sort {
    fn descending(self) -> bool {
        self.as_str().starts_with('-')
    }

    /// Customers do not see what it goes by.
    pub fn is_for_desk(self) -> bool {
        matches!(self, Self::Status | Self::LastStatusFirst | Self::SlaDue | Self::LastSlaDueFirst)
    }

    fn columns(self) -> &'static [Compared] {
        match self {
            Self::CreatedAt | Self::NewestFirst => &[CREATED],
            Self::UpdatedAt | Self::LatestFirst => &[UPDATED],
            Self::Priority | Self::MostUrgentFirst => &[PRIORITY],
            Self::Deadline | Self::LastDeadlineFirst => &[DEADLINE],
            Self::SlaDue | Self::LastSlaDueFirst => &[SLA_DUE],
            Self::Number | Self::HighestNumberFirst => &[NUMBER],
            Self::Status | Self::LastStatusFirst => &[STATUS, CREATED],
        }
    }

    /// What [`Sort::order`] says, as SQL.
    fn sql(self, descending: bool) -> String {
        let direction = if descending { " desc" } else { "" };
        let columns = self.columns().iter().map(|compared| compared.column).chain(["tickets.id"]);
        columns.map(|column| format!("{column}{direction}")).collect::<Vec<_>>().join(", ")
    }

    fn order(self, query: Query<'_>, descending: bool) -> Query<'_> {
        use tickets::{created_at, id, number, priority, status, updated_at};
        macro_rules! by {
            ($($column:expr),*) => {
                if descending {
                    query.order(($($column.desc(),)* id.desc()))
                } else {
                    query.order(($($column,)* id))
                }
            };
        }
        match self {
            Self::CreatedAt | Self::NewestFirst => by!(created_at),
            Self::UpdatedAt | Self::LatestFirst => by!(updated_at),
            Self::Priority | Self::MostUrgentFirst => by!(priority),
            Self::Deadline | Self::LastDeadlineFirst => by!(FarDeadline),
            // The page has the order: see `ByDue`.
            Self::SlaDue | Self::LastSlaDueFirst => query,
            Self::Number | Self::HighestNumberFirst => by!(number),
            Self::Status | Self::LastStatusFirst => by!(status, created_at),
        }
    }

    /// The values that a cursor keeps of a row, one for each column of the order.
    fn values(self, row: &Summary) -> Vec<KeyValue> {
        let micros = |time: DateTime<Utc>| KeyValue::Number(time.timestamp_micros());
        match self {
            Self::CreatedAt | Self::NewestFirst => vec![micros(row.created_at)],
            Self::UpdatedAt | Self::LatestFirst => vec![micros(row.updated_at)],
            Self::Priority | Self::MostUrgentFirst => {
                vec![KeyValue::Number(row.priority.rank().into())]
            }
            Self::Deadline | Self::LastDeadlineFirst => {
                vec![row.deadline.map_or(KeyValue::Number(FarDeadline::NEVER), micros)]
            }
            Self::SlaDue | Self::LastSlaDueFirst => {
                let due = row.outlook.as_ref().and_then(|outlook| outlook.due_at);
                vec![due.map_or(KeyValue::Number(FarDue::NEVER), micros)]
            }
            Self::Number | Self::HighestNumberFirst => vec![KeyValue::Number(row.number)],
            Self::Status | Self::LastStatusFirst => {
                vec![KeyValue::Text(row.status.clone()), micros(row.created_at)]
            }
        }
    }

    /// The key of a row as a cursor holds it: its value, or an array of several.
    pub fn key(self, row: &Summary) -> Value {
        let values = self.values(row);
        let value = |value: &KeyValue| match value {
            KeyValue::Number(number) => Value::from(*number),
            KeyValue::Text(text) => Value::from(text.as_str()),
        };
        match values.as_slice() {
            [one] => value(one),
            several => several.iter().map(value).collect(),
        }
    }

    /// What [`Sort::key`] made; `None` when it is not a key of this order.
    pub fn parse_key(self, key: &Value, id: Uuid) -> Option<Key> {
        let values: Vec<KeyValue> = match key {
            Value::Array(_) => serde_json::from_value(key.clone()).ok()?,
            one => vec![serde_json::from_value(one.clone()).ok()?],
        };
        let is_text = |compared: &Compared| compared.column == STATUS.column;
        let fits = |(compared, value): (&Compared, &KeyValue)| {
            is_text(compared) == matches!(value, KeyValue::Text(_))
        };
        let columns = self.columns();
        let fitting = columns.len() == values.len() && columns.iter().zip(&values).all(fits);
        fitting.then_some(Key { values, id })
    }
}

/// Where a page starts: the sort values and id of the row before it.
#[derive(Debug, Clone)]
pub struct Key {
    values: Vec<KeyValue>,
    id: Uuid,
}

/// The rows of a page and one more, in the page's order, or in the opposite one when it goes backward.
pub fn list(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
    sort: Sort,
    page: &PageRequest,
    key: Option<Key>,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Located<Summary>>> {
    let descending = sort.descending() != page.backward();
    let behind =
        key.map(|Key { values, id }| Behind { columns: sort.columns(), descending, values, id });
    let rows = page.fetch();
    if matches!(sort, Sort::SlaDue | Sort::LastSlaDueFirst) {
        let query = among(visible(actor), filter, now).filter(sql::<Bool>(ByDue::<()>::OF_ROW));
        let query = query.select((Summary::as_select(), revision()));
        return ByDue { query, behind, descending, rows }.load(conn);
    }
    let page = |those: Condition| {
        let query = among(those, filter, now);
        let query = match behind.clone() {
            Some(behind) => query.filter(behind),
            None => query,
        };
        let query = sort.order(query, descending).select((Summary::as_select(), revision()));
        Limited { query, rows }
    };
    match own_account(actor, sort) {
        None => page(visible(actor)).load(conn),
        Some(account) => {
            let theirs = tickets::account_id.eq(account).assume_not_null();
            let others = tickets::account_id.is_distinct_from(account);
            let queries = [
                page(Box::new(theirs.and(no_foreign_draft(actor)))),
                page(Box::new(others.and(tickets::opened_by.eq(actor.id)))),
            ];
            Merged { queries, order: sort.sql(descending), rows }.load(conn)
        }
    }
}

/// A contact sees the tickets of their accounts and those that they opened: two indexes. In the order of these, one of an
/// account and one of all others are found at once, where everything of both would have to be read and sorted. Neither says
/// `or`, so the database estimates them well enough to plan them once for all callers.
fn own_account(actor: &Actor, sort: Sort) -> Option<AccountId> {
    match (actor.visibility(), sort) {
        (Visibility::Accounts(_, accounts), Sort::CreatedAt | Sort::NewestFirst) => {
            accounts.first().copied().filter(|_| accounts.len() == 1)
        }
        _ => None,
    }
}

/// Those of these tickets that the caller may see, in any order.
pub fn summaries(
    conn: &mut PgConnection,
    actor: &Actor,
    ids: &[TicketId],
) -> QueryResult<Vec<Located<Summary>>> {
    let query = tickets::table.filter(tickets::id.eq_any(ids)).filter(visible(actor));
    query.select((Summary::as_select(), revision())).load(conn)
}

/// The ids of up to `limit` of them, newest first.
pub fn ids(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
    limit: i64,
    now: DateTime<Utc>,
) -> QueryResult<Vec<TicketId>> {
    filtered(actor, filter, now)
        .order((tickets::created_at.desc(), tickets::id.desc()))
        .limit(limit)
        .select(tickets::id)
        .load(conn)
}

/// How many there are in all; it costs what its rows cost, so only on request.
pub fn count(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
    now: DateTime<Utc>,
) -> QueryResult<i64> {
    filtered(actor, filter, now).count().get_result(conn)
}

/// How many tickets each filter finds, up to `most`, in one statement.
pub fn counts(
    conn: &mut PgConnection,
    actor: &Actor,
    filters: &[Filter],
    most: i64,
    now: DateTime<Utc>,
) -> QueryResult<Vec<i64>> {
    if filters.is_empty() {
        return Ok(Vec::new());
    }
    let queries =
        filters.iter().map(|filter| filtered(actor, filter, now).select(sql::<Integer>("1")));
    Bounded { queries: queries.collect(), most }.load(conn)
}
