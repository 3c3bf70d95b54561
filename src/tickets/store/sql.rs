//! Parts of queries as fixed SQL: some that diesel has no words for, some that the planner must see as literals, and one
//! that is asked so often that it must be the same statement for every caller.
mod finding;
mod pages;
mod service_levels;
mod waiting;

use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::query_source::{AppearsInFromClause, Once};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Uuid as SqlUuid};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::finding::{AwaitedBy, FarDeadline, HasTags, Matches, matching, tsquery};
use self::pages::push_rows;
pub use self::pages::{Bounded, Limited, Merged};
pub use self::service_levels::{ByDue, FarDue, OutlookOf, StandsSo};
pub use self::waiting::{LessUrgent, OfKind, order_of_urgency};
use crate::db::schema::tickets;

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
pub struct Tagged;

impl QueryFragment<Pg> for Tagged {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("tickets.tags <> '{}'");
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
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.compare(out, "tickets.id")
    }
}

impl Behind {
    /// The comparison, with the id as the order has it.
    fn compare<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>, ticket_id: &str) -> QueryResult<()> {
        out.push_sql("(");
        for compared in self.columns {
            out.push_sql(compared.column);
            out.push_sql(", ");
        }
        out.push_sql(ticket_id);
        out.push_sql(") ");
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

/// Makes fixed SQL a condition on tickets.
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
condition_on_tickets!(IsOpen, NotDraft, IsDraft, Tagged, Behind, Present);
condition_on_tickets!(AwaitedBy, HasTags, Matches, OfKind, LessUrgent, StandsSo);
