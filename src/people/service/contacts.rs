//! Contacts.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::{named, tidy};
use crate::events;
use crate::kernel::{AccountId, Actor, AppError, ContactId, Page, PageRequest};
use crate::people::store::contacts::{self as store, Contact, Filter};

const MISSING: AppError = AppError::NotFound("the contact");

fn subject(id: ContactId) -> String {
    format!("contact/{id}")
}

/// Fails with `email_taken`, and on an unknown account.
pub fn create_contact(
    conn: &mut PgConnection,
    actor: &Actor,
    mut contact: Contact,
    now: DateTime<Utc>,
) -> Result<Contact, AppError> {
    tidy(&mut contact.account_ids);
    store::insert(conn, &contact).map_err(named)?;
    let contact = get_contact(conn, contact.id)?;
    events::resource_created(conn, actor, subject(contact.id), &contact, now)?;
    Ok(contact)
}

pub fn get_contact(conn: &mut PgConnection, id: ContactId) -> Result<Contact, AppError> {
    store::find(conn, id)?.ok_or(MISSING)
}

/// The contact with this e-mail address, whatever its case.
pub fn contact_by_email(
    conn: &mut PgConnection,
    email: &str,
) -> Result<Option<ContactId>, AppError> {
    Ok(store::by_email(conn, email)?)
}

/// Which of these addresses, in lower case, are those of contacts of the account.
pub fn emails_of_contacts(
    conn: &mut PgConnection,
    account: AccountId,
    emails: &[String],
) -> Result<Vec<String>, AppError> {
    Ok(store::emails_of(conn, account, emails)?)
}

pub fn list_contacts(
    conn: &mut PgConnection,
    filter: &Filter,
    request: &PageRequest,
) -> Result<Page<Contact>, AppError> {
    let rows = store::list(conn, filter, request)?;
    Ok(request.page(rows, |contact| (json!(contact.name), contact.id.0)))
}

/// Changes a contact under lock; `change` gets the present state. What changes nothing makes no new version.
pub fn change_contact(
    conn: &mut PgConnection,
    actor: &Actor,
    id: ContactId,
    now: DateTime<Utc>,
    change: impl FnOnce(&mut Contact) -> Result<(), AppError>,
) -> Result<Contact, AppError> {
    let before = store::lock(conn, id)?.ok_or(MISSING)?;
    let mut after = before.clone();
    change(&mut after)?;
    tidy(&mut after.account_ids);
    let changes = events::diff(&before, &after);
    if changes.is_empty() {
        return Ok(before);
    }
    (after.version, after.updated_at) = (before.version + 1, now);
    if before.account_ids != after.account_ids {
        store::replace_accounts(conn, &after).map_err(named)?;
    }
    let after = store::save(conn, &after).map_err(named)?;
    events::resource_changed(conn, actor, subject(id), changes, now)?;
    Ok(after)
}
