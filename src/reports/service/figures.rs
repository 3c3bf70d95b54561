//! The reports.
use diesel::PgConnection;

use super::series::{Line, Query, number, report};
use crate::kernel::{Actor, AppError};
use crate::reports::rules::{
    Attainment, Backlog, Flow, GroupBy, Kept, Load, Minutes, Open, Reopens, Report, Satisfaction,
    Series, Times, Work,
};
use crate::reports::store;

/// How many tickets were opened, reopened and closed.
pub fn volume(
    conn: &mut PgConnection,
    actor: &Actor,
    query: &Query,
) -> Result<Report<Flow, Flow>, AppError> {
    let tickets = query.tickets(conn, actor)?;
    let cells = store::volume(conn, &tickets, &query.period, query.group_by)?;
    let flow = |numbers: &[Option<i64>]| Flow {
        opened: number(numbers, 0),
        reopened: number(numbers, 1),
        closed: number(numbers, 2),
        merged: number(numbers, 3),
    };
    report(conn, query, cells, |line| line.alike(&query.period, flow))
}

/// What is open now and how old it is, and what was open at the end of each bucket.
pub fn backlog(
    conn: &mut PgConnection,
    actor: &Actor,
    query: &Query,
) -> Result<Report<Backlog, Open>, AppError> {
    let tickets = query.tickets(conn, actor)?;
    let cells = store::backlog(conn, &tickets, &query.period, query.group_by, query.now)?;
    let series = |line: &Line| {
        let now = line.now();
        let total = Backlog {
            open: number(&now, 1),
            under_1_day: number(&now, 2),
            under_3_days: number(&now, 3),
            under_7_days: number(&now, 4),
            under_30_days: number(&now, 5),
            under_90_days: number(&now, 6),
            older: number(&now, 7),
        };
        let mut open = number(&line.at(0), 0);
        let buckets = line.buckets(&query.period, |numbers, (from, _)| {
            open += number(numbers, 0);
            Open { open: (from <= query.now).then_some(open) }
        });
        Series { total, buckets }
    };
    report(conn, query, cells, series)
}

fn times(numbers: &[Option<i64>]) -> Times {
    let seconds = |place: usize| numbers.get(place).copied().flatten();
    Times {
        count: number(numbers, 0),
        median_seconds: seconds(1),
        p90_seconds: seconds(2),
        median_business_seconds: seconds(3),
        p90_business_seconds: seconds(4),
    }
}

/// How long it took the desk to reply for the first time, of what got its reply in the period.
pub fn response_times(
    conn: &mut PgConnection,
    actor: &Actor,
    query: &Query,
) -> Result<Report<Times, Times>, AppError> {
    let tickets = query.tickets(conn, actor)?;
    let cells = store::response_times(conn, &tickets, &query.period, query.group_by)?;
    report(conn, query, cells, |line| line.alike(&query.period, times))
}

/// How long it took to close tickets, of what was closed in the period: from the submission or the last reopening.
pub fn resolution_times(
    conn: &mut PgConnection,
    actor: &Actor,
    query: &Query,
) -> Result<Report<Times, Times>, AppError> {
    let tickets = query.tickets(conn, actor)?;
    let cells = store::resolution_times(conn, &tickets, &query.period, query.group_by)?;
    report(conn, query, cells, |line| line.alike(&query.period, times))
}

/// How well service levels were kept.
pub fn sla(
    conn: &mut PgConnection,
    actor: &Actor,
    query: &Query,
) -> Result<Report<Attainment, Attainment>, AppError> {
    let tickets = query.tickets(conn, actor)?;
    let cells = store::sla(conn, &tickets, &query.period, query.group_by, query.now)?;
    let attainment = |numbers: &[Option<i64>]| {
        let kept = |first: usize| Kept::new([0, 1, 2, 3].map(|next| number(numbers, first + next)));
        Attainment { first_response: kept(0), next_response: kept(4), resolution: kept(8) }
    };
    report(conn, query, cells, |line| line.alike(&query.period, attainment))
}

/// How often closing was not the end.
pub fn reopens(
    conn: &mut PgConnection,
    actor: &Actor,
    query: &Query,
) -> Result<Report<Reopens, Reopens>, AppError> {
    let tickets = query.tickets(conn, actor)?;
    let cells = store::reopens(conn, &tickets, &query.period, query.group_by)?;
    let reopens = |numbers: &[Option<i64>]| Reopens::new(number(numbers, 0), number(numbers, 1));
    report(conn, query, cells, |line| line.alike(&query.period, reopens))
}

/// What each agent has to do now, and did in the period. Its groups are agents; fails with [`AppError::Malformed`] for others.
pub fn agent_load(
    conn: &mut PgConnection,
    actor: &Actor,
    query: &Query,
) -> Result<Report<Load, Work>, AppError> {
    if query.group_by.is_some_and(|by| by != GroupBy::Agent) {
        let detail = "query parameter group_by: this report has agents as its groups";
        return Err(AppError::Malformed(detail.into()));
    }
    let query = &Query { group_by: Some(GroupBy::Agent), ..query.clone() };
    let tickets = query.tickets(conn, actor)?;
    let cells = store::agent_load(conn, &tickets, &query.period)?;
    let series = |line: &Line| Series {
        total: Load {
            open: number(&line.whole, 0),
            assigned: number(&line.whole, 1),
            closed: number(&line.whole, 2),
        },
        buckets: line.buckets(&query.period, |numbers, _| Work {
            assigned: number(numbers, 1),
            closed: number(numbers, 2),
        }),
    };
    report(conn, query, cells, series)
}

/// How satisfied customers are who were asked in the period.
pub fn csat(
    conn: &mut PgConnection,
    actor: &Actor,
    query: &Query,
) -> Result<Report<Satisfaction, Satisfaction>, AppError> {
    let tickets = query.tickets(conn, actor)?;
    let cells = store::csat(conn, &tickets, &query.period, query.group_by)?;
    let satisfaction = |numbers: &[Option<i64>]| {
        Satisfaction::new(number(numbers, 0), [1, 2, 3, 4, 5].map(|place| number(numbers, place)))
    };
    report(conn, query, cells, |line| line.alike(&query.period, satisfaction))
}

/// What agents worked.
pub fn time(
    conn: &mut PgConnection,
    actor: &Actor,
    query: &Query,
) -> Result<Report<Minutes, Minutes>, AppError> {
    let tickets = query.tickets(conn, actor)?;
    let cells = store::time(conn, &tickets, &query.period, query.group_by)?;
    let minutes = |numbers: &[Option<i64>]| Minutes {
        entries: number(numbers, 0),
        charged_minutes: number(numbers, 1),
        not_charged_minutes: number(numbers, 2),
    };
    report(conn, query, cells, |line| line.alike(&query.period, minutes))
}
