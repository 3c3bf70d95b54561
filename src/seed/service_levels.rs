//! The service levels that a new desk starts with: `service_levels.json` holds what one would post.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde::Deserialize;

use crate::kernel::{Actor, AppError, CalendarId, SlaPolicyId, TimeZone};
use crate::sla::{self, BusinessWeek, Calendar, ExceptDays, KeptTerms, SlaPolicy, Terms};

#[derive(Deserialize)]
struct Levels {
    calendar: Hours,
    policies: Vec<Promise>,
}

#[derive(Deserialize)]
struct Promise {
    name: String,
    rank: i32,
    #[serde(flatten)]
    terms: Terms,
}

#[derive(Deserialize)]
struct Hours {
    name: String,
    time_zone: TimeZone,
    week: BusinessWeek,
}

pub fn load(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<(), AppError> {
    let levels: Levels =
        serde_json::from_str(include_str!("service_levels.json")).map_err(AppError::internal)?;
    let Hours { name, time_zone, week } = levels.calendar;
    let calendar = Calendar {
        id: CalendarId::EXAMPLE,
        name,
        time_zone,
        week,
        exceptions: ExceptDays::default(),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    sla::create_calendar(conn, &Actor::system(), &calendar, now)?;
    for (place, promise) in levels.policies.into_iter().enumerate() {
        let Promise { name, rank, terms } = promise;
        let policy = SlaPolicy {
            id: if place == 0 { SlaPolicyId::EXAMPLE } else { SlaPolicyId::new() },
            name,
            rank,
            active: true,
            calendar_id: calendar.id,
            terms: KeptTerms(terms),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        sla::create_policy(conn, &Actor::system(), &policy, now)?;
    }
    Ok(())
}
