//! How tickets stand to their service levels, as a column, a condition and an order of lists.
use chrono::{DateTime, Utc};
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_source::{AppearsInFromClause, Once};
use diesel::sql_types::{Jsonb, Nullable, Timestamptz};

use super::{Behind, FarDeadline, push_rows};
use crate::db::schema::tickets;
use crate::tickets::store::filter::SlaFilter;

/// How a ticket stands, as its clocks said last: read with the ticket.
#[derive(Debug, Clone, Copy, Default, QueryId)]
pub struct OutlookOf;

impl QueryFragment<Pg> for OutlookOf {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "(select jsonb_build_object('standing', s.standing, 'metric', s.metric, 'due_at', s.due_at) \
             from sla_tickets s where s.ticket_id = tickets.id)",
        );
        Ok(())
    }
}

impl Expression for OutlookOf {
    type SqlType = Nullable<Jsonb>;
}
impl<QS: AppearsInFromClause<tickets::table, Count = Once>> AppearsOnTable<QS> for OutlookOf {}
impl<QS> SelectableExpression<QS> for OutlookOf where Self: AppearsOnTable<QS> {}
impl ValidGrouping<()> for OutlookOf {
    type IsAggregate = is_aggregate::Never;
}

/// When the next clock of a ticket is due, or a time that is never reached; as the index has it.
pub struct FarDue;

impl FarDue {
    pub const SQL: &str = "coalesce(due.due_at, timestamptz '9999-12-31 00:00:00+00')";
    /// The same as [`FarDeadline::NEVER`]: both are keys of pages.
    pub const NEVER: i64 = FarDeadline::NEVER;
}

/// The tickets that stand so, and have a clock that is due in this time. How many these are differs, so each such list is planned for
/// its own.
#[derive(Debug, Clone)]
pub struct StandsSo {
    /// One of these; any when it is empty.
    pub standings: Vec<SlaFilter>,
    pub from: Option<DateTime<Utc>>,
    pub before: Option<DateTime<Utc>>,
    /// Only open ones are asked for: these have clocks that have not ended.
    pub open: bool,
    pub now: DateTime<Utc>,
    pub soon: DateTime<Utc>,
}

impl QueryFragment<Pg> for StandsSo {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("exists (select from sla_tickets due where due.ticket_id = tickets.id");
        if self.open {
            out.push_sql(" and due.open");
        }
        if let Some(from) = &self.from {
            compare(out.reborrow(), " and ", " >= ", from)?;
            // What is never due is not due later.
            out.push_sql(" and due.due_at is not null");
        }
        if let Some(before) = &self.before {
            compare(out.reborrow(), " and ", " < ", before)?;
        }
        for (place, standing) in self.standings.iter().enumerate() {
            out.push_sql(if place == 0 { " and (" } else { " or " });
            self.stands(out.reborrow(), *standing)?;
        }
        out.push_sql(if self.standings.is_empty() { ")" } else { "))" });
        Ok(())
    }
}

impl StandsSo {
    fn stands<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>, standing: SlaFilter) -> QueryResult<()> {
        match standing {
            SlaFilter::Breached => {
                out.push_sql("due.standing = 'breached' or ");
                compare(out, "", " < ", &self.now)
            }
            SlaFilter::DueSoon => {
                compare(out.reborrow(), "(", " >= ", &self.now)?;
                compare(out.reborrow(), " and ", " < ", &self.soon)?;
                out.push_sql(")");
                Ok(())
            }
            SlaFilter::Running | SlaFilter::Paused => {
                out.push_sql(&format!("(due.standing = '{standing}'"));
                compare(out.reborrow(), " and ", " >= ", &self.now)?;
                out.push_sql(")");
                Ok(())
            }
            SlaFilter::Met | SlaFilter::None => {
                out.push_sql(&format!("due.standing = '{standing}'"));
                Ok(())
            }
        }
    }
}

fn compare<'b>(
    mut out: AstPass<'_, 'b, Pg>,
    before: &str,
    operator: &str,
    time: &'b DateTime<Utc>,
) -> QueryResult<()> {
    out.push_sql(before);
    out.push_sql(FarDue::SQL);
    out.push_sql(operator);
    out.push_bind_param::<Timestamptz, _>(time)
}

impl QueryId for StandsSo {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// A page of tickets in the order of what is due next, which another table knows: from the index of that one, each with its ticket.
pub struct ByDue<Q> {
    /// With the condition [`ByDue::OF_ROW`], and in no order.
    pub query: Q,
    pub behind: Option<Behind>,
    pub descending: bool,
    pub rows: i64,
}

impl<Q> ByDue<Q> {
    pub const OF_ROW: &str = "tickets.id = due.ticket_id";
}

impl<Q: Query> Query for ByDue<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> RunQueryDsl<PgConnection> for ByDue<Q> {}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for ByDue<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("select tickets.* from sla_tickets due cross join lateral (");
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(") tickets");
        if let Some(behind) = &self.behind {
            out.push_sql(" where ");
            behind.compare(out.reborrow(), "due.ticket_id")?;
        }
        let direction = if self.descending { " desc" } else { "" };
        out.push_sql(&format!(" order by {}{direction}, due.ticket_id{direction}", FarDue::SQL));
        push_rows(out, &self.rows)
    }
}

impl<Q> QueryId for ByDue<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
