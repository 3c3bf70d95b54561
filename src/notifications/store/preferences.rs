//! What people and departments want.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::schema::{
    agents, contacts, department_mailboxes as m, notification_preferences as p,
};
use crate::kernel::{AgentId, ContactId, DepartmentId, TimeZone};
use crate::notifications::rules::Person;

/// What somebody said.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = p, check_for_backend(diesel::pg::Pg))]
pub struct StoredPreferences {
    pub agent_id: Option<AgentId>,
    pub contact_id: Option<ContactId>,
    pub preferences: Value,
    pub version: i32,
    pub updated_at: DateTime<Utc>,
}

/// What somebody said, locked.
pub fn lock_preferences(
    conn: &mut PgConnection,
    person: Uuid,
) -> QueryResult<Option<StoredPreferences>> {
    let row = p::table.find(person).for_no_key_update();
    row.select(StoredPreferences::as_select()).first(conn).optional()
}

/// Puts it in the place of the version before it; 0 when somebody else did meanwhile.
pub fn save_preferences(
    conn: &mut PgConnection,
    person: Person,
    said: &StoredPreferences,
) -> QueryResult<usize> {
    if said.version == 1 {
        return diesel::insert_into(p::table).values(said).on_conflict_do_nothing().execute(conn);
    }
    diesel::update(p::table.find(person.id()))
        .filter(p::version.eq(said.version - 1))
        .set(said)
        .execute(conn)
}

/// Who this is, and what their clock shows.
pub fn zone_and_kind(conn: &mut PgConnection, id: Uuid) -> QueryResult<Option<(Person, TimeZone)>> {
    let agent = agents::table.find(AgentId(id)).select(agents::time_zone);
    if let Some(zone) = agent.first(conn).optional()? {
        return Ok(Some((Person::Agent(AgentId(id)), zone)));
    }
    let contact = contacts::table.find(ContactId(id)).select(contacts::time_zone);
    let zone = contact.first(conn).optional()?;
    Ok(zone.map(|zone| (Person::Contact(ContactId(id)), zone)))
}

/// Where the mails of a department go.
#[derive(
    Debug, Clone, PartialEq, Eq, Serialize, ToSchema, Queryable, Selectable, Insertable, AsChangeset,
)]
#[schema(as = DepartmentMailbox)]
#[diesel(table_name = m, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub struct Mailbox {
    #[serde(skip)]
    pub department_id: DepartmentId,
    /// Null: to each of its agents, as they want it.
    #[schema(example = "second-level@desk.example")]
    pub email: Option<String>,
    /// A language tag (BCP 47).
    #[schema(example = "en")]
    pub language: String,
    pub version: i32,
    pub updated_at: DateTime<Utc>,
}

/// Those of these departments that have an address.
pub fn mailboxes(
    conn: &mut PgConnection,
    departments: &[DepartmentId],
) -> QueryResult<Vec<Mailbox>> {
    let theirs = m::table.filter(m::department_id.eq_any(departments));
    theirs.filter(m::email.is_not_null()).select(Mailbox::as_select()).load(conn)
}

/// One, locked.
pub fn find_mailbox(
    conn: &mut PgConnection,
    department: DepartmentId,
) -> QueryResult<Option<Mailbox>> {
    let row = m::table.find(department).for_no_key_update();
    row.select(Mailbox::as_select()).first(conn).optional()
}

/// Puts it in the place of the version before it; 0 when somebody else did meanwhile.
pub fn save_mailbox(conn: &mut PgConnection, mailbox: &Mailbox) -> QueryResult<usize> {
    if mailbox.version == 1 {
        let insert = diesel::insert_into(m::table).values(mailbox);
        return insert.on_conflict_do_nothing().execute(conn);
    }
    diesel::update(m::table.find(mailbox.department_id))
        .filter(m::version.eq(mailbox.version - 1))
        .set(mailbox)
        .execute(conn)
}
