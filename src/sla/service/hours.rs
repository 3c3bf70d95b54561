//! By which business hours clocks were measured.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::PgConnection;

use crate::kernel::{AppError, CalendarId, TicketId};
use crate::sla::rules::{BusinessHours, Metric};
use crate::sla::store;

/// A clock that is or was measured by a calendar.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    pub metric: Metric,
    pub started_at: DateTime<Utc>,
    calendar: (CalendarId, i32),
}

/// The clocks of some tickets, with the business hours that they were last measured by.
#[derive(Debug, Default)]
pub struct MeasuredBy {
    clocks: HashMap<TicketId, Vec<Measured>>,
    hours: HashMap<(CalendarId, i32), BusinessHours>,
}

impl MeasuredBy {
    pub fn load(conn: &mut PgConnection, tickets: &[TicketId]) -> Result<Self, AppError> {
        let mut found = Self::default();
        for (ticket, metric, started_at, calendar) in store::measured(conn, tickets)? {
            let clock = Measured { metric, started_at, calendar };
            found.clocks.entry(ticket).or_default().push(clock);
        }
        let mut used: Vec<_> =
            found.clocks.values().flatten().map(|clock| clock.calendar).collect();
        used.sort_unstable();
        used.dedup();
        for calendar in store::calendar_versions(conn, &used)? {
            found.hours.insert((calendar.id, calendar.version), calendar.hours());
        }
        Ok(found)
    }

    /// The business hours of the ticket's clock of this metric that had started last at some time; `None`: nothing measured it.
    pub fn hours(
        &self,
        ticket: TicketId,
        metric: Metric,
        at: DateTime<Utc>,
    ) -> Option<&BusinessHours> {
        let clocks = self.clocks.get(&ticket)?.iter();
        let started = clocks.filter(|clock| clock.metric == metric && clock.started_at <= at);
        self.hours.get(&started.max_by_key(|clock| clock.started_at)?.calendar)
    }
}
