//! Two conditions that diesel has no words for, as fixed SQL with binds: prepared once, like every other query.
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Bool, Uuid as SqlUuid};
use uuid::Uuid;

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
condition_on_tickets!(IsOpen, Behind);
