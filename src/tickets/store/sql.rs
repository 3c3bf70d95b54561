//! Parts of queries as fixed SQL: some that diesel has no words for, some that the planner must see as literals, and one
//! that is asked so often that it must be the same statement for every caller.
use diesel::expression::SqlLiteral;
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_source::{AppearsInFromClause, Once};
use diesel::sql_types::{
    Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Untyped, Uuid as SqlUuid,
};
use uuid::Uuid;

use super::waiting::{Kind, Urgency};
use crate::db::schema::tickets;
use crate::kernel::{Level, PAGE_DEFAULT, PAGE_MAX};

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

/// The drafts; literal, so that their partial indexes serve.
#[derive(Debug, Clone, Copy, QueryId)]
pub struct IsDraft;

impl QueryFragment<Pg> for IsDraft {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("tickets.category = 'draft'");
        Ok(())
    }
}

/// The tickets with tags; literal, so that their partial index serves.
#[derive(Debug, Clone, Copy, QueryId)]
pub struct HasTags;

impl QueryFragment<Pg> for HasTags {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("tickets.tags <> '{}'");
        Ok(())
    }
}

/// The rows behind a key in the order `(column, id)`: a row comparison, which an index answers at any depth.
#[derive(Debug, Clone, Copy)]
pub struct Behind {
    /// The column as SQL.
    pub column: &'static str,
    /// How the key's value becomes one of the column's type: `%` stands for the bound value.
    pub value_as: (&'static str, &'static str),
    pub descending: bool,
    pub value: i64,
    pub id: Uuid,
}

impl QueryFragment<Pg> for Behind {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(");
        out.push_sql(self.column);
        out.push_sql(", tickets.id) ");
        out.push_sql(if self.descending { "<" } else { ">" });
        out.push_sql(" (");
        out.push_sql(self.value_as.0);
        out.push_bind_param::<BigInt, _>(&self.value)?;
        out.push_sql(self.value_as.1);
        out.push_sql(", ");
        out.push_bind_param::<SqlUuid, _>(&self.id)?;
        out.push_sql(")");
        Ok(())
    }
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

/// The waiting tickets of a kind, in the words of the index `tickets_waiting_kinds`.
#[derive(Debug, Clone, QueryId)]
pub struct OfKind {
    department: Uuid,
    level: Level,
    type_key: String,
    /// Nil where there is none.
    product: Uuid,
    category: Uuid,
    handed_over_by: Uuid,
}

impl OfKind {
    pub fn new(kind: &Kind) -> Self {
        Self {
            department: kind.department.0,
            level: kind.level,
            type_key: kind.type_key.clone(),
            product: kind.product.map_or(Uuid::nil(), |id| id.0),
            category: kind.category.map_or(Uuid::nil(), |id| id.0),
            handed_over_by: kind.handed_over_by.map_or(Uuid::nil(), |id| id.0),
        }
    }
}

impl QueryFragment<Pg> for OfKind {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("tickets.department_id = ");
        out.push_bind_param::<SqlUuid, _>(&self.department)?;
        out.push_sql(" and tickets.level = ");
        out.push_bind_param::<Text, _>(&self.level)?;
        out.push_sql(" and tickets.type_key = ");
        out.push_bind_param::<Text, _>(&self.type_key)?;
        for (column, id) in [
            ("product_id", &self.product),
            ("category_id", &self.category),
            ("handed_over_by", &self.handed_over_by),
        ] {
            out.push_sql(" and coalesce(tickets.");
            out.push_sql(column);
            out.push_sql(", '00000000-0000-0000-0000-000000000000') = ");
            out.push_bind_param::<SqlUuid, _>(id)?;
        }
        Ok(())
    }
}

/// The tickets behind a place in the order of the queue, or before it when that is `reversed`.
#[derive(Debug, Clone, Copy)]
pub struct LessUrgent {
    pub than: Urgency,
    pub reversed: bool,
}

impl QueryFragment<Pg> for LessUrgent {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("((5 - tickets.priority), tickets.created_at, tickets.id) ");
        out.push_sql(if self.reversed { "<" } else { ">" });
        out.push_sql(" (");
        out.push_bind_param::<Integer, _>(&self.than.rank)?;
        out.push_sql(", ");
        out.push_bind_param::<Timestamptz, _>(&self.than.created_at)?;
        out.push_sql(", ");
        out.push_bind_param::<SqlUuid, _>(&self.than.id)?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryId for LessUrgent {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// The order of the index `tickets_waiting`.
pub fn order_of_urgency(reversed: bool) -> SqlLiteral<Untyped> {
    diesel::dsl::sql(if reversed {
        "(5 - tickets.priority) desc, tickets.created_at desc, tickets.id desc"
    } else {
        "(5 - tickets.priority), tickets.created_at, tickets.id"
    })
}

macro_rules! condition_on_tickets {
    ($($name:ty),*) => {$(
        impl Expression for $name {
            type SqlType = Bool;
        }
        // Where `tickets` is, be it in the query around.
        impl<QS: AppearsInFromClause<tickets::table, Count = Once>> AppearsOnTable<QS> for $name {}
        impl SelectableExpression<tickets::table> for $name {}
        impl ValidGrouping<()> for $name {
            type IsAggregate = is_aggregate::No;
        }
    )*};
}
condition_on_tickets!(IsOpen, NotDraft, IsDraft, HasTags, Behind, Present, OfKind, LessUrgent);
