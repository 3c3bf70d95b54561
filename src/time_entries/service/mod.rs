//! Use cases of the time entries. Each is called inside one transaction.
mod entries;
mod rates;
mod timers;

use diesel::PgConnection;
use serde_json::{Value, json};

use super::store::{self, TimeEntry};
use crate::events::EventType;
use crate::kernel::{Actor, AgentId, AppError, Erasure, Role, TicketId, TimeZone};
use crate::people;
use crate::tickets::service::Happening;

pub use entries::{
    Change, NewEntry, change, get, list, log, of_account, of_ticket, remove, rows_behind,
    within_conversation,
};
pub use rates::{NewRate, RateChange, change_rate, create_rate, get_rate, rates, remove_rate};
pub use timers::{NewTimer, Started, Stop, book_forgotten, discard, running, start, stop};

/// Takes a secret out of what was noted about the work on a ticket, in the transaction that records the redaction.
pub fn erase(conn: &mut PgConnection, ticket: TicketId, erasure: &Erasure) -> Result<(), AppError> {
    store::erase(conn, ticket, erasure)?;
    Ok(store::erase_timers(conn, ticket, erasure)?)
}

/// Agents write their own time; who coordinates or administrates, and programs, anybody's.
fn require_own(actor: &Actor, agent: AgentId) -> Result<(), AppError> {
    if actor.role == Role::Agent && actor.agent_id() != Some(agent) {
        let detail = "an agent writes their own time; a coordinator writes that of others";
        return Err(AppError::rule("not_own_time", detail));
    }
    Ok(())
}

fn clock_of(conn: &mut PgConnection, agent: AgentId) -> Result<TimeZone, AppError> {
    Ok(people::get_agent(conn, agent)?.time_zone)
}

/// What an event says of an entry.
fn told(entry: &TimeEntry) -> Value {
    json!({
        "time_entry_id": entry.id,
        "agent_id": entry.agent_id,
        "minutes": entry.minutes,
        "chargeable": entry.chargeable,
        "work_date": entry.work_date,
        "capped": entry.capped,
        "note": entry.note,
    })
}

fn happening(kind: EventType, data: Value) -> Happening {
    Happening { kind, public: false, data, note: None }
}
