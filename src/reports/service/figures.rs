//! The reports.
use diesel::PgConnection;

use super::series::{Line, Query, number, report};
use crate::kernel::{Actor, AppError};
use crate::reports::rules::{Backlog, Flow, Open, Report, Series};
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
