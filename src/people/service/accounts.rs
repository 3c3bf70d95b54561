//! Accounts.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::{named, tidy};
use crate::events;
use crate::kernel::{
    AccountId, Actor, AppError, ContactId, FieldError, Page, PageRequest, ProductId,
};
use crate::people::store::accounts::{self as store, Account, Filter};

const MISSING: AppError = AppError::NotFound("the account");

fn subject(id: AccountId) -> String {
    format!("account/{id}")
}

/// Fails with `name_taken`, and on an unknown product.
pub fn create_account(
    conn: &mut PgConnection,
    actor: &Actor,
    mut account: Account,
    now: DateTime<Utc>,
) -> Result<Account, AppError> {
    tidy(&mut account.product_ids);
    store::insert(conn, &account).map_err(named)?;
    let account = get_account(conn, account.id)?;
    events::resource_created(conn, actor, subject(account.id), &account, now)?;
    Ok(account)
}

pub fn get_account(conn: &mut PgConnection, id: AccountId) -> Result<Account, AppError> {
    store::find(conn, id)?.ok_or(MISSING)
}

pub fn list_accounts(
    conn: &mut PgConnection,
    filter: &Filter,
    request: &PageRequest,
) -> Result<Page<Account>, AppError> {
    let rows = store::list(conn, filter, request)?;
    Ok(request.page(rows, |account| (json!(account.name), account.id.0)))
}

/// Changes an account under lock; `change` gets the present state. What changes nothing makes no new version.
pub fn change_account(
    conn: &mut PgConnection,
    actor: &Actor,
    id: AccountId,
    now: DateTime<Utc>,
    change: impl FnOnce(&mut Account) -> Result<(), AppError>,
) -> Result<Account, AppError> {
    let before = store::lock(conn, id)?.ok_or(MISSING)?;
    let mut after = before.clone();
    change(&mut after)?;
    tidy(&mut after.product_ids);
    let changes = events::diff(&before, &after);
    if changes.is_empty() {
        return Ok(before);
    }
    (after.version, after.updated_at) = (before.version + 1, now);
    if before.product_ids != after.product_ids {
        store::replace_products(conn, &after).map_err(named)?;
    }
    let after = store::save(conn, &after).map_err(named)?;
    events::resource_changed(conn, actor, subject(id), changes, now)?;
    Ok(after)
}

/// Whether the parties of a ticket go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parties {
    /// The account is there and active.
    pub account: bool,
    /// The contact is active and belongs to the account; true when none was asked about.
    pub contact: bool,
    /// The account has the product, which is active; true when none was asked about.
    pub product: bool,
}

impl Parties {
    /// One error for each party that does not fit, with its pointer in a ticket.
    pub fn errors(self) -> Vec<FieldError> {
        let checks = [
            (self.account, "/account_id", "there is no such active account"),
            (self.contact, "/contact_id", "the account has no such active contact"),
            (self.product, "/product_id", "the account does not have this product"),
        ];
        let refused = checks.into_iter().filter(|(fits, ..)| !fits);
        refused.map(|(_, pointer, detail)| FieldError::new(pointer, detail)).collect()
    }
}

/// Checks the parties of a ticket in one query.
pub fn check_parties(
    conn: &mut PgConnection,
    account_id: AccountId,
    contact_id: Option<ContactId>,
    product_id: Option<ProductId>,
) -> Result<Parties, AppError> {
    let (account, contact, product) =
        store::check_parties(conn, account_id, contact_id, product_id)?;
    Ok(Parties {
        account,
        contact: contact || contact_id.is_none(),
        product: product || product_id.is_none(),
    })
}
