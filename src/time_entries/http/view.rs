//! A time entry, as it is shown.
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::Answer;
use crate::kernel::{AgentId, AppError, TicketId, TimeEntryId, rfc3339};
use crate::time_entries::rules::amount;
use crate::time_entries::store::Priced;

/// What an agent worked on a ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimeEntryView {
    pub id: TimeEntryId,
    /// The ticket that it was booked on, also when that was merged into another one.
    pub ticket_id: TicketId,
    pub agent_id: AgentId,
    #[schema(example = 45)]
    pub minutes: i32,
    #[schema(example = true)]
    pub chargeable: bool,
    #[schema(example = "Read the logs, found the limit")]
    pub note: Option<String>,
    /// The day of the work by the agent's clock.
    #[schema(example = "2026-11-20")]
    pub work_date: NaiveDate,
    /// A timer was forgotten: this is the most that one counts, not what was worked.
    #[schema(example = false)]
    pub capped: bool,
    /// What an hour costs, in the minor unit of the currency; null when it is not chargeable or there is no rate.
    #[schema(example = 12_000)]
    pub per_hour: Option<i64>,
    /// What this costs, a half rounded up.
    #[schema(example = 9_000)]
    pub amount: Option<i64>,
    /// ISO 4217.
    #[schema(example = "EUR")]
    pub currency: Option<String>,
    /// Send it as `If-Match: "v<version>"` with a change.
    #[schema(example = 1)]
    pub version: i32,
    #[serde(serialize_with = "rfc3339::serialize")]
    pub created_at: DateTime<Utc>,
    #[serde(serialize_with = "rfc3339::serialize")]
    pub updated_at: DateTime<Utc>,
}

impl From<Priced> for TimeEntryView {
    fn from((entry, price): Priced) -> Self {
        let price = price.filter(|_| entry.chargeable);
        Self {
            per_hour: price.as_ref().map(|price| price.per_hour),
            amount: price.as_ref().map(|price| amount(entry.minutes, price.per_hour)),
            currency: price.map(|price| price.currency),
            id: entry.id,
            ticket_id: entry.ticket_id,
            agent_id: entry.agent_id,
            minutes: entry.minutes,
            chargeable: entry.chargeable,
            note: entry.note,
            work_date: entry.work_date,
            capped: entry.capped,
            version: entry.version,
            created_at: entry.created_at,
            updated_at: entry.updated_at,
        }
    }
}

pub fn answer(entry: Priced) -> Result<Answer, AppError> {
    let version = entry.0.version;
    Ok(Answer::ok(&TimeEntryView::from(entry))?.version(version))
}

/// 201 with where the entry is from now on.
pub fn created(entry: Priced) -> Result<Answer, AppError> {
    let (location, version) = (format!("/v1/time-entries/{}", entry.0.id), entry.0.version);
    Ok(Answer::created(location, &TimeEntryView::from(entry))?.version(version))
}
