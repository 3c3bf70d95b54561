//! What became of tickets: how long it took, whether promises were kept, what customers said, and what it cost.
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::measures::{Cell, numbers};
use super::statement::{Statement, Tickets, dimension, or_nil};
use crate::reports::rules::{GroupBy, Period};

/// Count, and median and ninetieth percentile of seconds and of business seconds.
fn times() -> String {
    let percentile = |column: &str, place: u8| {
        format!("(percentile_disc(array[0.5, 0.9]) within group (order by {column}))[{place}]")
    };
    numbers(&[
        "count(*)",
        &percentile("seconds", 1),
        &percentile("seconds", 2),
        &percentile("business_seconds", 1),
        &percentile("business_seconds", 2),
    ])
}

/// How long the desk's first replies took that fell into the period.
pub fn response_times(
    conn: &mut PgConnection,
    tickets: &Tickets,
    period: &Period,
    group_by: Option<GroupBy>,
) -> QueryResult<Vec<Cell>> {
    Statement::new("select ")
        .bucket("t.responded_at", period)
        .sql(format!(
            " as bucket, {}, t.response_seconds as seconds, t.response_business_seconds as business_seconds
               from report_tickets t where ",
            dimension(group_by)
        ))
        .within("t.responded_at", period)
        .sql(" and ")
        .about(tickets)
        .figures(&times(), group_by.is_some())
        .load(conn)
}

/// How long it took to close what was closed in the period.
pub fn resolution_times(
    conn: &mut PgConnection,
    tickets: &Tickets,
    period: &Period,
    group_by: Option<GroupBy>,
) -> QueryResult<Vec<Cell>> {
    closings("c.seconds, c.business_seconds", tickets, period, group_by)
        .figures(&times(), group_by.is_some())
        .load(conn)
}

/// Closings in the period, and how many were followed by a reopening.
pub fn reopens(
    conn: &mut PgConnection,
    tickets: &Tickets,
    period: &Period,
    group_by: Option<GroupBy>,
) -> QueryResult<Vec<Cell>> {
    closings("c.reopened_at", tickets, period, group_by)
        .figures(&numbers(&["count(*)", "count(reopened_at)"]), group_by.is_some())
        .load(conn)
}

/// What is known of each closing in the period; a merge is none.
fn closings<'a>(
    columns: &str,
    tickets: &'a Tickets,
    period: &'a Period,
    group_by: Option<GroupBy>,
) -> Statement<'a> {
    Statement::new("select ")
        .bucket("c.closed_at", period)
        .sql(format!(
            " as bucket, {}, {columns} from report_cycles c join report_tickets t using (ticket_id) where not c.merged and ",
            dimension(group_by)
        ))
        .within("c.closed_at", period)
        .sql(" and ")
        .about(tickets)
}

/// What became of the clocks that started in the period, of each metric: fulfilled, breached, running, stopped. A clock without a
/// target and without a deadline has nothing to keep.
pub fn sla(
    conn: &mut PgConnection,
    tickets: &Tickets,
    period: &Period,
    group_by: Option<GroupBy>,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Cell>> {
    let metrics = ["first_response", "next_response", "resolution"];
    let outcomes = ["fulfilled", "breached", "running", "stopped"];
    let counts: Vec<String> = metrics
        .iter()
        .flat_map(|metric| outcomes.iter().map(move |outcome| (metric, outcome)))
        .map(|(metric, outcome)| {
            format!("count(*) filter (where metric = '{metric}' and outcome = '{outcome}')")
        })
        .collect();
    let counts: Vec<&str> = counts.iter().map(String::as_str).collect();
    Statement::new("select ")
        .bucket("k.started_at", period)
        .sql(format!(
            " as bucket, {}, k.metric,
               case when k.breached_at is not null or k.ended_at is null and k.due_at < ",
            dimension(group_by)
        ))
        .time(now)
        .sql(
            " then 'breached' when k.state in ('fulfilled', 'stopped') then k.state else 'running' end as outcome
               from sla_clocks k join report_tickets t using (ticket_id)
               left join (
                 select v.policy_id, v.version, target->>'metric' as metric
                   from sla_policy_versions v, jsonb_array_elements(v.document->'targets') target) promised
                 on promised.policy_id = k.policy_id and promised.version = k.policy_version and promised.metric = k.metric
              where (k.due_at is not null or promised.metric is not null) and ",
        )
        .within("k.started_at", period)
        .sql(" and ")
        .about(tickets)
        .figures(&numbers(&counts), group_by.is_some())
        .load(conn)
}

/// Customers who were asked in the period, and how many of them answered 1, 2, 3, 4 and 5. By agent: whoever had the ticket then.
pub fn csat(
    conn: &mut PgConnection,
    tickets: &Tickets,
    period: &Period,
    group_by: Option<GroupBy>,
) -> QueryResult<Vec<Cell>> {
    let rated = |rating: i16| format!("count(*) filter (where rating = {rating})");
    let [one, two, three, four, five] = [1, 2, 3, 4, 5].map(rated);
    let dim = match group_by {
        Some(GroupBy::Agent) => or_nil("s.agent_id"),
        other => dimension(other),
    };
    Statement::new("select ")
        .bucket("s.asked_at", period)
        .sql(format!(
            " as bucket, {dim}, s.rating from surveys s join report_tickets t using (ticket_id) where "
        ))
        .within("s.asked_at", period)
        .sql(" and ")
        .about(tickets)
        .figures(&numbers(&["count(*)", &one, &two, &three, &four, &five]), group_by.is_some())
        .load(conn)
}

/// Minutes that are charged, and that are not, of entries whose days begin in the period. By agent: who worked.
pub fn time(
    conn: &mut PgConnection,
    tickets: &Tickets,
    period: &Period,
    group_by: Option<GroupBy>,
) -> QueryResult<Vec<Cell>> {
    let figures = numbers(&[
        "count(*)",
        "coalesce(sum(minutes) filter (where chargeable), 0)",
        "coalesce(sum(minutes) filter (where not chargeable), 0)",
    ]);
    let dim = match group_by {
        Some(GroupBy::Agent) => or_nil("e.agent_id"),
        other => dimension(other),
    };
    let zone = period.time_zone.0;
    let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
    // The name of a time zone of the database is no text of a caller.
    let begins = format!("(e.work_date::timestamp at time zone '{}')", zone.name());
    Statement::new("select ")
        .bucket(&begins, period)
        .sql(format!(
            " as bucket, {dim}, e.minutes, e.chargeable from time_entries e join report_tickets t using (ticket_id)
              where e.work_date between '{}' and '{}' and ",
            day(period.from()),
            day(period.to())
        ))
        .within(&begins, period)
        .sql(" and ")
        .about(tickets)
        .figures(&figures, group_by.is_some())
        .load(conn)
}
