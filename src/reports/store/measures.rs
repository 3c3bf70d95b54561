//! What each report counts.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Uuid as SqlUuid};
use uuid::Uuid;

use super::statement::{Statement, Tickets, dimension, or_nil, present_dimension};
use crate::reports::rules::{GroupBy, Period};

/// The figures of a bucket, of a group, of both, or of all: what is absent is not told apart.
#[derive(Debug, Clone, QueryableByName)]
pub struct Cell {
    #[diesel(sql_type = Nullable<Integer>)]
    pub bucket: Option<i32>,
    /// From 1 on; one more than groups are told for all others together.
    #[diesel(sql_type = Nullable<Integer>)]
    pub place: Option<i32>,
    /// Nil: of what has none.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub dim: Option<Uuid>,
    #[diesel(sql_type = Array<Nullable<BigInt>>)]
    pub numbers: Vec<Option<i64>>,
}

/// The bucket of what is now.
pub const NOW: i32 = -1;

/// The numbers of a report as one column.
pub(super) fn numbers(figures: &[&str]) -> String {
    format!("array[{}]::bigint[] as numbers", figures.join(", "))
}

/// Tickets opened, reopened, closed, closed by a merge.
pub fn volume(
    conn: &mut PgConnection,
    tickets: &Tickets,
    period: &Period,
    group_by: Option<GroupBy>,
) -> QueryResult<Vec<Cell>> {
    let figures = numbers(&[
        "count(*) filter (where what = 'opened')",
        "count(*) filter (where what = 'reopened')",
        "count(*) filter (where what = 'closed')",
        "count(*) filter (where what = 'merged')",
    ]);
    Statement::new("select ")
        .bucket("at", period)
        .sql(format!(
            " as bucket, {}, what from report_cycles c join report_tickets t using (ticket_id) cross join lateral (values
               (c.opened_at, case when c.cycle = 1 then 'opened' else 'reopened' end),
               (c.closed_at, case when c.merged then 'merged' else 'closed' end)) happened (at, what)
             where (",
            dimension(group_by)
        ))
        .within("c.opened_at", period)
        .sql(" or ")
        .within("c.closed_at", period)
        .sql(") and ")
        .within("at", period)
        .sql(" and ")
        .about(tickets)
        .figures(&figures, group_by.is_some())
        .load(conn)
}

/// How much more or less was open after each bucket than before, bucket 0 being what was open before; and at [`NOW`] what is open,
/// and how much of it is how old.
pub fn backlog(
    conn: &mut PgConnection,
    tickets: &Tickets,
    period: &Period,
    group_by: Option<GroupBy>,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Cell>> {
    let days = |from: &str, to: &str| {
        format!(
            "count(*) filter (where age >= interval '{from} days' and age < interval '{to} days')"
        )
    };
    let figures = numbers(&[
        "coalesce(sum(delta), 0)",
        "count(age)",
        "count(*) filter (where age < interval '1 day')",
        &days("1", "3"),
        &days("3", "7"),
        &days("7", "30"),
        &days("30", "90"),
        "count(*) filter (where age >= interval '90 days')",
    ]);
    Statement::new("select ")
        .bucket("at", period)
        .sql(format!(
            " as bucket, {}, delta, null::interval as age
               from report_cycles c join report_tickets t using (ticket_id)
              cross join lateral (values (c.opened_at, 1), (c.closed_at, -1)) happened (at, delta)
              where c.opened_at < ",
            dimension(group_by)
        ))
        .time(period.to())
        .sql(" and (c.closed_at is null or c.closed_at >= ")
        .time(period.from())
        .sql(") and at < ")
        .time(period.to())
        .sql(" and ")
        .about(tickets)
        .sql(format!(" union all select {NOW}, {}, 0, ", present_dimension(group_by)))
        .time(now)
        .sql(
            " - coalesce(t.submitted_at, t.created_at) from tickets t
              where t.category in ('new', 'open', 'pending', 'on_hold') and ",
        )
        .among(tickets)
        .figures(&figures, group_by.is_some())
        .load(conn)
}

/// Tickets given to each agent, closed by each, and, at [`NOW`], open with each; the groups are agents.
pub fn agent_load(
    conn: &mut PgConnection,
    tickets: &Tickets,
    period: &Period,
) -> QueryResult<Vec<Cell>> {
    let figures = numbers(&[
        "count(*) filter (where what = 'open')",
        "count(*) filter (where what = 'assigned')",
        "count(*) filter (where what = 'closed')",
    ]);
    Statement::new("select ")
        .bucket("a.assigned_at", period)
        .sql(" as bucket, a.agent_id as dim, 'assigned' as what from report_assignments a join report_tickets t using (ticket_id) where ")
        .within("a.assigned_at", period)
        .sql(" and ")
        .about(tickets)
        .sql(" union all select ")
        .bucket("c.closed_at", period)
        .sql(format!(
            ", {}, 'closed' from report_cycles c join report_tickets t using (ticket_id) where not c.merged and ",
            or_nil("c.agent_id")
        ))
        .within("c.closed_at", period)
        .sql(" and ")
        .about(tickets)
        .sql(format!(
            " union all select {NOW}, {}, 'open' from tickets t
              where t.category in ('new', 'open', 'pending', 'on_hold') and ",
            or_nil("t.assignee_id")
        ))
        .among(tickets)
        .figures(&figures, true)
        .load(conn)
}
