//! Use cases of notifications.
mod fan_out;
mod feed;
mod mails;
mod preferences;
mod waiting;
mod world;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;

use super::rules::Person;
use super::store;
use crate::kernel::{Actor, AppError};
use crate::surveys::Surveys;

pub use feed::{Told, list, mark_all_read, mark_read, unread};
pub use preferences::{
    Shown, change, change_mailbox, mailbox, of_agent, of_contact, own, person_of,
};

/// How long what somebody was told is kept.
const KEPT: TimeDelta = TimeDelta::days(90);
/// How many are forgotten at a time.
const FORGOTTEN: i64 = 1_000;

/// Tells people of what happens; cheap to clone. Each step is safe from any number of replicas, and is done as a whole or not
/// at all.
#[derive(Clone)]
pub struct Notifier {
    surveys: Surveys,
}

impl Notifier {
    pub fn new(surveys: Surveys) -> Self {
        Self { surveys }
    }

    /// Reads the next events of the feed and tells everybody whom they concern, in the transaction that says how far the feed
    /// was read; false at the feed's end, or while another process is at it.
    pub fn tell_next(&self, conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, AppError> {
        fan_out::tell_next(conn, &self.surveys, now)
    }

    /// Writes the mails of some people who have digests or quiet hours that are due; false when none are.
    pub fn write_due(&self, conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool, AppError> {
        waiting::write_due(conn, now)
    }

    /// Forgets some of what people were told long ago; false when there is none.
    pub fn forget_old(
        &self,
        conn: &mut PgConnection,
        now: DateTime<Utc>,
    ) -> Result<bool, AppError> {
        Ok(store::forget(conn, now - KEPT, FORGOTTEN)? > 0)
    }
}

/// Nobody writes a mail about a ticket until the transaction ends, and what was being written is there to be read. Call it before a
/// text is changed in the mails: one that is written meanwhile would have it as it was.
pub fn hold_back(conn: &mut PgConnection) -> Result<(), AppError> {
    store::hold_back(conn)?;
    Ok(())
}

fn caller(actor: &Actor) -> Result<Person, AppError> {
    let agent = actor.agent_id().map(Person::Agent);
    let none =
        || AppError::conflict("not_a_person", "a program is told by events, and by nothing else");
    agent.or(actor.contact_id().map(Person::Contact)).ok_or_else(none)
}
