//! Parts of queries as fixed SQL: some that diesel has no words for, some that the planner must see as literals, and one
//! that is asked so often that it must be the same statement for every caller.
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db::schema::tickets;
use crate::kernel::{PAGE_DEFAULT, PAGE_MAX};
use crate::tickets::rules::Words;
use crate::workflow::Awaiting;

/// The tickets that count as open; literal, so that the partial index of the open tickets serves.
#[derive(Debug, Clone, Copy, QueryId)]
pub struct IsOpen;

impl QueryFragment<Pg> for IsOpen {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("tickets.category in ('new', 'open', 'pending', 'on_hold')");
        Ok(())
    }
}

/// The tickets that are no drafts; literal, because PostgreSQL takes a generic plan for dear when it cannot know how few
/// drafts there are, and so would plan a list anew at each execution.
#[derive(Debug, Clone, Copy, QueryId)]
pub struct NotDraft;

impl QueryFragment<Pg> for NotDraft {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(\"tickets\".\"category\" != 'draft')");
        Ok(())
    }
}

/// What an order compares: the column as SQL, and what stands around a bound value to make it one of the column's type.
#[derive(Debug, Clone, Copy)]
pub struct Compared {
    pub column: &'static str,
    pub value_as: (&'static str, &'static str),
}

/// The rows behind a key in the order `(columns, id)`: a row comparison, which an index answers at any depth.
#[derive(Debug, Clone)]
pub struct Behind {
    pub columns: &'static [Compared],
    pub descending: bool,
    pub values: Vec<KeyValue>,
    pub id: Uuid,
}

/// The value of a row in the column that a list is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KeyValue {
    /// A number, or microseconds since 1970.
    Number(i64),
    Text(String),
}

impl QueryFragment<Pg> for Behind {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(");
        for compared in self.columns {
            out.push_sql(compared.column);
            out.push_sql(", ");
        }
        out.push_sql("tickets.id) ");
        out.push_sql(if self.descending { "<" } else { ">" });
        out.push_sql(" (");
        for (compared, value) in self.columns.iter().zip(&self.values) {
            out.push_sql(compared.value_as.0);
            match value {
                KeyValue::Number(number) => out.push_bind_param::<BigInt, _>(number)?,
                KeyValue::Text(text) => out.push_bind_param::<Text, _>(text)?,
            }
            out.push_sql(compared.value_as.1);
            out.push_sql(", ");
        }
        out.push_bind_param::<SqlUuid, _>(&self.id)?;
        out.push_sql(")");
        Ok(())
    }
}

/// It is the turn of one of these. The codes of their statuses tell the planner how many there are, so each such list is
/// planned for its own. What workflows have these codes is no join: the planner would take too few tickets for likely.
#[derive(Debug, Clone)]
pub struct AwaitedBy {
    pub awaiting: Vec<Awaiting>,
    pub codes: Vec<String>,
}

impl QueryFragment<Pg> for AwaitedBy {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("(tickets.status = any(");
        out.push_bind_param::<Array<Text>, _>(&self.codes)?;
        out.push_sql(
            ") and ((tickets.workflow_id, tickets.status) in \
             (select s.workflow_id, s.code from statuses s where s.awaiting = any(",
        );
        out.push_bind_param::<Array<Text>, _>(&self.awaiting)?;
        out.push_sql("))) is true)");
        Ok(())
    }
}

impl QueryId for AwaitedBy {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// A ticket's deadline, or a time that is never reached; as the indexes have it, in the order of which lists go on.
#[derive(Debug, Clone, Copy, QueryId)]
pub struct FarDeadline;

impl FarDeadline {
    pub const SQL: &str = "coalesce(tickets.deadline, timestamptz '9999-12-31 00:00:00+00')";
    /// The time that is never reached, in microseconds since 1970.
    pub const NEVER: i64 = 253_402_214_400_000_000;
}

impl Expression for FarDeadline {
    type SqlType = Timestamptz;
}
impl AppearsOnTable<tickets::table> for FarDeadline {}
impl SelectableExpression<tickets::table> for FarDeadline {}
impl ValidGrouping<()> for FarDeadline {
    type IsAggregate = is_aggregate::No;
}

impl QueryFragment<Pg> for FarDeadline {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(Self::SQL);
        Ok(())
    }
}

/// The tickets that have one of these tags. How many these are differs, so each such list is planned for its own.
#[derive(Debug, Clone)]
pub struct HasTags(pub Vec<String>);

impl QueryFragment<Pg> for HasTags {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("(tickets.tags && ");
        out.push_bind_param::<Array<Text>, _>(&self.0)?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryId for HasTags {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// The tickets that have these words, or are of the contact whose e-mail address this is. How many have a word differs so
/// much that each search is planned for its own words.
#[derive(Debug, Clone)]
pub struct Matches(pub Words);

impl QueryFragment<Pg> for Matches {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        if let Some(contact) = &self.0.contact {
            out.push_sql("tickets.contact_id = ");
            return out.push_bind_param::<SqlUuid, _>(contact);
        }
        out.push_sql(
            "exists (select from ticket_texts where ticket_texts.ticket_id = tickets.id and ticket_texts.words @@ ",
        );
        out.push_sql("fold_text(");
        out.push_bind_param::<Text, _>(&self.0.query)?;
        out.push_sql(")::tsquery)");
        Ok(())
    }
}

impl QueryId for Matches {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryId for Behind {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// The ticket is there for this caller: they may see it, and it is not deleted unless they may restore it. One text for
/// all callers, so that diesel finds the prepared statement by its type; what lists filter by, the planner must see,
/// so they say it in words of their own.
#[derive(Debug, Clone, QueryId)]
pub struct Present {
    pub caller: Uuid,
    pub sees_all: bool,
    pub departments: Vec<Uuid>,
    pub agent: Option<Uuid>,
    pub accounts: Vec<Uuid>,
    pub may_restore: bool,
}

impl QueryFragment<Pg> for Present {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(tickets.category <> 'draft' or tickets.opened_by = ");
        out.push_bind_param::<SqlUuid, _>(&self.caller)?;
        out.push_sql(") and (");
        out.push_bind_param::<Bool, _>(&self.sees_all)?;
        out.push_sql(" or tickets.opened_by = ");
        out.push_bind_param::<SqlUuid, _>(&self.caller)?;
        out.push_sql(" or tickets.department_id = any(");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.departments)?;
        out.push_sql(") or tickets.assignee_id = ");
        out.push_bind_param::<Nullable<SqlUuid>, _>(&self.agent)?;
        out.push_sql(" or tickets.account_id = any(");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.accounts)?;
        out.push_sql(")) and (tickets.deleted_at is null or ");
        out.push_bind_param::<Bool, _>(&self.may_restore)?;
        out.push_sql(")");
        Ok(())
    }
}

/// A query for a page. While its LIMIT is a bind, PostgreSQL expects a tenth of the rows, finds no generic plan cheap
/// enough, and plans the statement at each execution, which takes longer than to execute it. So the usual sizes are
/// literal. The others are not, for each text of its own stays prepared in every connection.
pub struct Limited<Q> {
    pub query: Q,
    pub rows: i64,
}

impl<Q: Query> Query for Limited<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> RunQueryDsl<PgConnection> for Limited<Q> {}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Limited<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        const DEFAULT: i64 = PAGE_DEFAULT + 1;
        const MAX: i64 = PAGE_MAX + 1;
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(" LIMIT ");
        match self.rows {
            DEFAULT | MAX => out.push_sql(&self.rows.to_string()),
            _ => out.push_bind_param::<BigInt, _>(&self.rows)?,
        }
        Ok(())
    }
}

impl<Q> QueryId for Limited<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// A page of what two queries find, which have no row in common; each has the page's order and bound already.
pub struct Merged<Q> {
    pub queries: [Limited<Q>; 2],
    /// As `ORDER BY` has it.
    pub order: String,
    pub rows: i64,
}

impl<Q: Query> Query for Merged<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> RunQueryDsl<PgConnection> for Merged<Q> {}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Merged<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let [first, second] = &self.queries;
        out.push_sql("select * from ((");
        first.walk_ast(out.reborrow())?;
        out.push_sql(") union all (");
        second.walk_ast(out.reborrow())?;
        out.push_sql(")) tickets order by ");
        out.push_sql(&self.order);
        out.push_sql(" limit ");
        out.push_bind_param::<BigInt, _>(&self.rows)
    }
}

impl<Q> QueryId for Merged<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// How many rows each query finds, up to `most`; in the order of the queries, in one statement.
pub struct Bounded<Q> {
    pub queries: Vec<Q>,
    pub most: i64,
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Bounded<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("select counted from (");
        for (place, query) in self.queries.iter().enumerate() {
            out.push_sql(if place == 0 { "" } else { " union all " });
            out.push_sql(&format!("select {place} as place, (select count(*) from ("));
            query.walk_ast(out.reborrow())?;
            out.push_sql(&format!(" limit {}) found) as counted", self.most));
        }
        out.push_sql(") counts order by place");
        Ok(())
    }
}

impl<Q> Query for Bounded<Q> {
    type SqlType = BigInt;
}

impl<Q> QueryId for Bounded<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> RunQueryDsl<PgConnection> for Bounded<Q> {}

macro_rules! condition_on_tickets {
    ($($name:ty),*) => {$(
        impl Expression for $name {
            type SqlType = Bool;
        }
        impl AppearsOnTable<tickets::table> for $name {}
        impl SelectableExpression<tickets::table> for $name {}
        impl ValidGrouping<()> for $name {
            type IsAggregate = is_aggregate::No;
        }
    )*};
}
condition_on_tickets!(IsOpen, NotDraft, Behind, Present, Matches, AwaitedBy, HasTags);
