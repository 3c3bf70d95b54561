//! What people and departments want.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::caller;
use super::world::preferences;
use crate::events;
use crate::http::IfMatch;
use crate::kernel::{Actor, AgentId, AppError, ContactId, DepartmentId, Permission, TimeZone};
use crate::notifications::rules::{Audience, Person, Preferences, mail_due};
use crate::notifications::store::{self, Mailbox, StoredPreferences};
use crate::people;

const NOT_FOUND: AppError = AppError::NotFound("the person");

/// Somebody's preferences, with the clock that they go by.
#[derive(Debug, Clone)]
pub struct Shown {
    pub person: Person,
    pub time_zone: TimeZone,
    pub preferences: Preferences,
    /// 0 while they never said anything.
    pub version: i32,
    pub updated_at: Option<DateTime<Utc>>,
}

impl Shown {
    pub fn audience(&self) -> Audience {
        match self.person {
            Person::Agent(_) => Audience::Desk,
            Person::Contact(_) => Audience::Customer,
        }
    }
}

/// The caller, as somebody with preferences.
pub fn person_of(actor: &Actor) -> Result<Person, AppError> {
    actor.require(Permission::TicketsRead)?;
    caller(actor)
}

/// Those of the caller.
pub fn own(conn: &mut PgConnection, actor: &Actor) -> Result<Shown, AppError> {
    let person = person_of(actor)?;
    shown(conn, person)
}

/// Those of an agent, for who may change people.
pub fn of_agent(conn: &mut PgConnection, actor: &Actor, id: AgentId) -> Result<Shown, AppError> {
    actor.require(Permission::PeopleWrite)?;
    shown(conn, Person::Agent(id))
}

/// Those of a contact, for who may change people.
pub fn of_contact(
    conn: &mut PgConnection,
    actor: &Actor,
    id: ContactId,
) -> Result<Shown, AppError> {
    actor.require(Permission::PeopleWrite)?;
    shown(conn, Person::Contact(id))
}

fn shown(conn: &mut PgConnection, person: Person) -> Result<Shown, AppError> {
    let found = store::zone_and_kind(conn, person.id())?.filter(|(found, _)| *found == person);
    let (_, time_zone) = found.ok_or(NOT_FOUND)?;
    let said = store::lock_preferences(conn, person.id())?;
    let (version, updated_at) =
        said.as_ref().map_or((0, None), |said| (said.version, Some(said.updated_at)));
    let preferences = preferences(said.map(|said| said.preferences));
    Ok(Shown { person, time_zone, preferences, version, updated_at })
}

/// Changes preferences under lock. What waits to be mailed goes out as they say now. Who may do so is the caller's to decide.
pub fn change(
    conn: &mut PgConnection,
    person: Person,
    seen: IfMatch,
    change: impl FnOnce(&mut Preferences) -> Result<(), AppError>,
    now: DateTime<Utc>,
) -> Result<Shown, AppError> {
    let mut shown = shown(conn, person)?;
    seen.check(shown.version)?;
    let before = shown.preferences.clone();
    change(&mut shown.preferences)?;
    shown.preferences.check(shown.audience())?;
    if shown.preferences == before {
        return Ok(shown);
    }
    (shown.version, shown.updated_at) = (shown.version + 1, Some(now));
    let said = StoredPreferences {
        agent_id: person.agent(),
        contact_id: person.contact(),
        preferences: json!(shown.preferences),
        version: shown.version,
        updated_at: now,
    };
    if store::save_preferences(conn, person, &said)? == 0 {
        return Err(AppError::Stale { current: shown.version });
    }
    let due = mail_due(&shown.preferences, shown.time_zone.0, now);
    store::reschedule(conn, person.id(), due.unwrap_or(now))?;
    Ok(shown)
}

/// Where the mails of a department go; version 0 while nobody said anything.
pub fn mailbox(conn: &mut PgConnection, department: DepartmentId) -> Result<Mailbox, AppError> {
    let updated_at = people::get_department(conn, department)?.updated_at;
    let none = Mailbox {
        department_id: department,
        email: None,
        language: "en".to_owned(),
        version: 0,
        updated_at,
    };
    Ok(store::find_mailbox(conn, department)?.unwrap_or(none))
}

/// Says where the mails of a department go.
pub fn change_mailbox(
    conn: &mut PgConnection,
    actor: &Actor,
    department: DepartmentId,
    seen: IfMatch,
    (email, language): (Option<String>, String),
    now: DateTime<Utc>,
) -> Result<Mailbox, AppError> {
    actor.require(Permission::PeopleWrite)?;
    let before = mailbox(conn, department)?;
    seen.check(before.version)?;
    let mut after = Mailbox { email, language, ..before.clone() };
    let changes = events::diff(&before, &after);
    if changes.is_empty() {
        return Ok(before);
    }
    (after.version, after.updated_at) = (before.version + 1, now);
    if store::save_mailbox(conn, &after)? == 0 {
        return Err(AppError::Stale { current: after.version });
    }
    let subject = format!("department/{department}");
    events::resource_changed(conn, actor, subject, changes, now)?;
    Ok(after)
}
