//! Pages of tickets: filtered, sorted, by keyset.
use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::pg::Pg;
use diesel::prelude::*;
use uuid::Uuid;

use super::find::{revision, visible};
use super::row::{Located, Summary};
use super::sql::{Behind, IsOpen, Limited};
use crate::db::schema::{statuses, tickets};
use crate::kernel::{
    AccountId, Actor, AgentId, CategoryId, ComponentId, ContactId, DepartmentId, Level,
    PageRequest, Priority, ProductId, TicketId, text_enum,
};
use crate::tickets::rules::Source;
use crate::workflow::{Awaiting, Category};

/// Which tickets; an empty list or `None` means any.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub number: Option<i64>,
    pub status: Vec<String>,
    pub category: Vec<Category>,
    pub priority: Vec<Priority>,
    pub awaiting: Vec<Awaiting>,
    /// `Some(None)`: assigned to nobody.
    pub assignee: Option<Option<AgentId>>,
    pub account: Option<AccountId>,
    pub contact: Option<ContactId>,
    pub department: Option<DepartmentId>,
    pub product: Option<ProductId>,
    pub category_id: Option<CategoryId>,
    pub component: Option<ComponentId>,
    pub level: Option<Level>,
    pub type_key: Option<String>,
    pub source: Option<Source>,
    pub external_id: Option<String>,
    pub tag: Option<String>,
    pub created_from: Option<DateTime<Utc>>,
    pub created_before: Option<DateTime<Utc>>,
}

text_enum! {
    /// The order of a list; `-` is descending.
    Sort {
        CreatedAt = "created_at",
        NewestFirst = "-created_at",
        UpdatedAt = "updated_at",
        LatestFirst = "-updated_at",
        Priority = "priority",
        MostUrgentFirst = "-priority",
    }
}

/// Exact, unlike `to_timestamp` of a float.
const MICROSECONDS: (&str, &str) =
    ("timestamptz '1970-01-01 00:00:00+00' + interval '1 microsecond' * ", "");

impl Sort {
    fn descending(self) -> bool {
        matches!(self, Self::NewestFirst | Self::LatestFirst | Self::MostUrgentFirst)
    }

    fn behind(self, descending: bool, key: Key) -> Behind {
        let (column, value_as) = match self {
            Self::CreatedAt | Self::NewestFirst => ("tickets.created_at", MICROSECONDS),
            Self::UpdatedAt | Self::LatestFirst => ("tickets.updated_at", MICROSECONDS),
            Self::Priority | Self::MostUrgentFirst => ("tickets.priority", ("", "::smallint")),
        };
        Behind { column, value_as, descending, value: key.value, id: key.id }
    }

    fn order(self, query: Query<'_>, descending: bool) -> Query<'_> {
        use tickets::{created_at, id, priority, updated_at};
        match (self, descending) {
            (Self::CreatedAt | Self::NewestFirst, true) => {
                query.order((created_at.desc(), id.desc()))
            }
            (Self::CreatedAt | Self::NewestFirst, false) => query.order((created_at, id)),
            (Self::UpdatedAt | Self::LatestFirst, true) => {
                query.order((updated_at.desc(), id.desc()))
            }
            (Self::UpdatedAt | Self::LatestFirst, false) => query.order((updated_at, id)),
            (Self::Priority | Self::MostUrgentFirst, true) => {
                query.order((priority.desc(), id.desc()))
            }
            (Self::Priority | Self::MostUrgentFirst, false) => query.order((priority, id)),
        }
    }

    /// The value that a cursor keeps of a row: microseconds since 1970, or the rank of the priority.
    pub fn key(self, row: &Summary) -> i64 {
        match self {
            Self::CreatedAt | Self::NewestFirst => row.created_at.timestamp_micros(),
            Self::UpdatedAt | Self::LatestFirst => row.updated_at.timestamp_micros(),
            Self::Priority | Self::MostUrgentFirst => row.priority.rank().into(),
        }
    }
}

/// Where a page starts: the sort value and id of the row before it.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub value: i64,
    pub id: Uuid,
}

type Query<'a> = tickets::BoxedQuery<'a, Pg>;

fn filtered<'a>(actor: &Actor, filter: &Filter) -> Query<'a> {
    let mut query =
        tickets::table.into_boxed().filter(visible(actor)).filter(tickets::deleted_at.is_null());
    if let Some(number) = filter.number {
        query = query.filter(tickets::number.eq(number));
    }
    if !filter.status.is_empty() {
        query = query.filter(tickets::status.eq_any(filter.status.clone()));
    }
    query = match filter.category.as_slice() {
        [] => query,
        open if open == Category::OPEN => query.filter(IsOpen),
        categories => query.filter(tickets::category.eq_any(categories.to_vec())),
    };
    if !filter.priority.is_empty() {
        query = query.filter(tickets::priority.eq_any(filter.priority.clone()));
    }
    if !filter.awaiting.is_empty() {
        let awaiting = statuses::table
            .filter(statuses::workflow_id.eq(tickets::workflow_id))
            .filter(statuses::code.eq(tickets::status))
            .filter(statuses::awaiting.eq_any(filter.awaiting.clone()));
        query = query.filter(exists(awaiting));
    }
    by_reference(by_text(query, filter), filter)
}

fn by_reference<'a>(mut query: Query<'a>, filter: &Filter) -> Query<'a> {
    query = match filter.assignee {
        None => query,
        Some(None) => query.filter(tickets::assignee_id.is_null()),
        Some(Some(agent)) => query.filter(tickets::assignee_id.eq(agent)),
    };
    if let Some(id) = filter.account {
        query = query.filter(tickets::account_id.eq(id));
    }
    if let Some(id) = filter.contact {
        query = query.filter(tickets::contact_id.eq(id));
    }
    if let Some(id) = filter.department {
        query = query.filter(tickets::department_id.eq(id));
    }
    if let Some(id) = filter.product {
        query = query.filter(tickets::product_id.eq(id));
    }
    if let Some(id) = filter.category_id {
        query = query.filter(tickets::category_id.eq(id));
    }
    if let Some(id) = filter.component {
        query = query.filter(tickets::component_id.eq(id));
    }
    query
}

fn by_text<'a>(mut query: Query<'a>, filter: &Filter) -> Query<'a> {
    if let Some(level) = filter.level {
        query = query.filter(tickets::level.eq(level));
    }
    if let Some(key) = filter.type_key.clone() {
        query = query.filter(tickets::type_key.eq(key));
    }
    if let Some(source) = filter.source {
        query = query.filter(tickets::source.eq(source));
    }
    if let Some(id) = filter.external_id.clone() {
        query = query.filter(tickets::external_id.eq(id));
    }
    if let Some(tag) = filter.tag.clone() {
        query = query.filter(tickets::tags.contains(vec![tag]));
    }
    if let Some(from) = filter.created_from {
        query = query.filter(tickets::created_at.ge(from));
    }
    if let Some(before) = filter.created_before {
        query = query.filter(tickets::created_at.lt(before));
    }
    query
}

/// The rows of a page and one more, in the page's order, or in the opposite one when it goes backward.
pub fn list(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
    sort: Sort,
    page: &PageRequest,
    key: Option<Key>,
) -> QueryResult<Vec<Located<Summary>>> {
    let query = filtered(actor, filter);
    let descending = sort.descending() != page.backward();
    let query = match key {
        Some(key) => query.filter(sort.behind(descending, key)),
        None => query,
    };
    let query = sort.order(query, descending).select((Summary::as_select(), revision()));
    let rows: Vec<(Summary, Uuid)> = Limited { query, rows: page.fetch() }.load(conn)?;
    Ok(rows.into_iter().map(|(row, revision)| Located { row, revision }).collect())
}

/// The ids of up to `limit` of them, newest first.
pub fn ids(
    conn: &mut PgConnection,
    actor: &Actor,
    filter: &Filter,
    limit: i64,
) -> QueryResult<Vec<TicketId>> {
    filtered(actor, filter)
        .order((tickets::created_at.desc(), tickets::id.desc()))
        .limit(limit)
        .select(tickets::id)
        .load(conn)
}

/// How many there are in all; it costs what its rows cost, so only on request.
pub fn count(conn: &mut PgConnection, actor: &Actor, filter: &Filter) -> QueryResult<i64> {
    filtered(actor, filter).count().get_result(conn)
}
