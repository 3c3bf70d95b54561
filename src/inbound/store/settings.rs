//! What the desk does with what comes in.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::schema::inbound_settings as s;
use crate::inbound::rules::UnknownSenders;
use crate::kernel::{AccountId, CategoryId, ProductId};

/// What the desk does with what comes in by mail.
#[derive(Debug, Clone, Serialize, ToSchema, Queryable, Selectable, AsChangeset)]
#[schema(as = InboundSettings)]
#[diesel(table_name = s, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub struct Settings {
    pub unknown_senders: UnknownSenders,
    /// Tickets of unknown senders are this account's.
    pub account_id: Option<AccountId>,
    /// What new tickets are about when the account has not exactly one product.
    pub product_id: Option<ProductId>,
    pub category_id: Option<CategoryId>,
    /// Whether a reply that only says thank you opens a closed ticket again.
    #[schema(example = false)]
    pub thanks_reopens: bool,
    #[schema(example = 1)]
    pub version: i32,
    pub updated_at: DateTime<Utc>,
}

pub fn settings(conn: &mut PgConnection) -> QueryResult<Settings> {
    s::table.select(Settings::as_select()).first(conn)
}

pub fn lock_settings(conn: &mut PgConnection) -> QueryResult<Settings> {
    s::table.for_no_key_update().select(Settings::as_select()).first(conn)
}

pub fn save_settings(conn: &mut PgConnection, settings: &Settings) -> QueryResult<usize> {
    diesel::update(s::table).set(settings).execute(conn)
}
