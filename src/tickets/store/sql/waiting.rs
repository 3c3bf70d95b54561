//! The queue of the waiting tickets, in the words of its indexes.
use diesel::expression::SqlLiteral;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Integer, Text, Timestamptz, Untyped, Uuid as SqlUuid};
use uuid::Uuid;

use crate::kernel::Level;
use crate::tickets::store::waiting::{Kind, Urgency};

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
