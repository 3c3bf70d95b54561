//! Who set the values of a ticket, from its history.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use crate::crm::case::Field;
use crate::crm::merge::Side;
use crate::crm::provenance::Provenance;
use crate::crm::store::DeskTicket;
use crate::events::{self, Event};
use crate::kernel::AppError;

/// The latest events that are looked at: what was set before them was set long ago.
const EVENTS: i64 = 30;

/// The latest events of a ticket, latest first.
#[derive(Debug, Default)]
pub(super) struct Authors(Vec<Event>);

/// Reads them up to the version of the ticket that is being mirrored.
pub(super) fn authors(conn: &mut PgConnection, ticket: &DeskTicket) -> Result<Authors, AppError> {
    let before = Some(ticket.version + 1);
    Ok(Authors(events::history(conn, ticket.id, false, before, true, EVENTS)?))
}

impl Authors {
    /// Who gave a field its present value, as far as the latest events tell, with the rule by which both sides have it.
    pub fn of(
        &self,
        field: Field,
        side: Side,
        rule: String,
        replaced: Option<String>,
        now: DateTime<Utc>,
    ) -> Provenance {
        let first = || self.0.last().filter(|event| event.ticket_version == Some(1));
        let set = self.0.iter().find(|event| sets(event, field)).or_else(first);
        Provenance {
            side,
            by: set.map(|event| event.actor_name.clone()),
            at: set.map_or(now, |event| event.occurred_at),
            rule,
            replaced,
            carried_at: now,
            suspected_lost_update: false,
            written: None,
            unarrived: Vec::new(),
        }
    }
}

/// Whether the event gave the field its value.
fn sets(event: &Event, field: Field) -> bool {
    let keys: &[&str] = match field {
        Field::Subject => &["subject"],
        Field::Description => &["description", "url"],
        Field::Type => &["type"],
        Field::Status => &["status"],
        Field::Priority => &["priority"],
        Field::Assignee => &["assignee_id"],
        Field::Account => &["account_id"],
        Field::Product => &["product_id"],
        Field::Number | Field::Link => &[],
    };
    keys.iter().any(|key| event.changes.get(key).is_some())
}
