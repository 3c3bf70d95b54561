//! When agents work on tickets. Appointments are made and moved through `schedule`; with a ticket that ends they are cancelled
//! (`tickets::service`).
mod store;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

pub use store::{
    Appointment, cancel_coming, erase, find, in_the_way, insert, lock, next_of_agents, of_agent,
    of_ticket, save, take_checks, take_reminders,
};

/// From when to when an appointment lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub starts_at: DateTime<Utc>,
    /// Not included.
    pub ends_at: DateTime<Utc>,
}

impl Appointment {
    pub fn span(&self) -> Span {
        Span { starts_at: self.starts_at, ends_at: self.ends_at }
    }

    /// What events say of it.
    pub fn told(&self) -> Value {
        json!({
            "appointment_id": self.id,
            "agent_id": self.agent_id,
            "starts_at": self.starts_at,
            "ends_at": self.ends_at,
            "time_zone": self.time_zone,
        })
    }
}
