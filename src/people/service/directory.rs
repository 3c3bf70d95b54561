//! Many accounts or contacts at a time, as a directory import brings them: a few statements for all, an event for each.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::{named, tidy};
use crate::events;
use crate::kernel::{AccountId, Actor, AppError, ContactId};
use crate::people::store::accounts::{self, Account};
use crate::people::store::contacts::{self, Contact};

/// Fails with `name_taken`.
pub fn create_accounts(
    conn: &mut PgConnection,
    actor: &Actor,
    new: &[Account],
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    accounts::insert_all(conn, new).map_err(named)?;
    let created = new.iter().map(|account| (format!("account/{}", account.id), account));
    events::resources_created(conn, actor, created, now)
}

/// Fails with `email_taken`, and on an unknown account.
pub fn create_contacts(
    conn: &mut PgConnection,
    actor: &Actor,
    new: &[Contact],
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    contacts::insert_all(conn, new).map_err(named)?;
    let created = new.iter().map(|contact| (format!("contact/{}", contact.id), contact));
    events::resources_created(conn, actor, created, now)
}

/// Changes accounts under lock; `change` gets the present state of each. What changes nothing makes no new version.
/// Returns how many changed.
pub fn change_accounts(
    conn: &mut PgConnection,
    actor: &Actor,
    ids: &[AccountId],
    now: DateTime<Utc>,
    change: impl Fn(&mut Account),
) -> Result<usize, AppError> {
    let mut changed = Vec::new();
    let mut told = Vec::new();
    for before in accounts::lock_all(conn, ids)? {
        let mut after = before.clone();
        change(&mut after);
        let changes = events::diff(&before, &after);
        if !changes.is_empty() {
            (after.version, after.updated_at) = (before.version + 1, now);
            told.push((format!("account/{}", after.id), changes));
            changed.push(after);
        }
    }
    accounts::rename_all(conn, &changed).map_err(named)?;
    events::resources_changed(conn, actor, told, now)?;
    Ok(changed.len())
}

/// As [`change_accounts`].
pub fn change_contacts(
    conn: &mut PgConnection,
    actor: &Actor,
    ids: &[ContactId],
    now: DateTime<Utc>,
    change: impl Fn(&mut Contact),
) -> Result<usize, AppError> {
    let mut changed = Vec::new();
    let mut told = Vec::new();
    for before in contacts::lock_all(conn, ids)? {
        let mut after = before.clone();
        change(&mut after);
        tidy(&mut after.account_ids);
        let changes = events::diff(&before, &after);
        if !changes.is_empty() {
            (after.version, after.updated_at) = (before.version + 1, now);
            told.push((format!("contact/{}", after.id), changes));
            changed.push(after);
        }
    }
    contacts::save_all(conn, &changed).map_err(named)?;
    events::resources_changed(conn, actor, told, now)?;
    Ok(changed.len())
}
