//! What an administrator decides about mails that come in.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::super::rules::UnknownSenders;
pub use super::super::store::Settings;
use super::super::store::{self};
use crate::db::violated;
use crate::events;
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError};

pub fn settings(conn: &mut PgConnection) -> Result<Settings, AppError> {
    Ok(store::settings(conn)?)
}

/// Replaces them; `wanted` has no say about version and time.
pub fn change_settings(
    conn: &mut PgConnection,
    actor: &Actor,
    seen: IfMatch,
    wanted: Settings,
    now: DateTime<Utc>,
) -> Result<Settings, AppError> {
    let before = store::lock_settings(conn)?;
    seen.check(before.version)?;
    check(&wanted)?;
    let mut after = Settings { version: before.version, updated_at: before.updated_at, ..wanted };
    let changes = events::diff(&before, &after);
    if changes.is_empty() {
        return Ok(before);
    }
    (after.version, after.updated_at) = (before.version + 1, now);
    store::save_settings(conn, &after).map_err(named)?;
    events::resource_changed(conn, actor, "inbound/settings".into(), changes, now)?;
    Ok(after)
}

fn check(wanted: &Settings) -> Result<(), AppError> {
    if wanted.unknown_senders == UnknownSenders::Quarantine {
        return Ok(());
    }
    if wanted.account_id.is_none() {
        return Err(AppError::field("/account_id", "tickets of unknown senders need an account"));
    }
    if wanted.product_id.is_none() && wanted.category_id.is_none() {
        let detail = "tickets of unknown senders need a product or a category";
        return Err(AppError::field("/category_id", detail));
    }
    Ok(())
}

fn named(error: diesel::result::Error) -> AppError {
    let (pointer, detail) = match violated(&error) {
        Some("inbound_settings_account_id_fkey") => ("/account_id", "there is no such account"),
        Some("inbound_settings_product_id_fkey") => ("/product_id", "there is no such product"),
        Some("inbound_settings_category_id_fkey") => ("/category_id", "there is no such category"),
        _ => return error.into(),
    };
    AppError::field(pointer, detail)
}
