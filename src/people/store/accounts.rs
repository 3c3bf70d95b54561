//! Accounts, and the products that they have.
use chrono::{DateTime, Utc};
use diesel::dsl::{exists, sql};
use diesel::expression::SqlLiteral;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types;
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::schema::{account_products, accounts, contact_accounts, contacts, products};
use crate::db::{containing, load_by_name};
use crate::kernel::{AccountId, ContactId, PageRequest, ProductId};

/// A customer's organization.
#[derive(Debug, Clone, Serialize, ToSchema, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = accounts, check_for_backend(Pg), treat_none_as_null = true)]
pub struct Account {
    pub id: AccountId,
    #[schema(example = "Northwind Services")]
    pub name: String,
    /// No tickets are opened for an inactive account.
    pub active: bool,
    /// Whom the customer turns to; null when nobody is named.
    #[schema(example = "Account manager A")]
    pub manager_name: Option<String>,
    #[schema(example = "account-manager-a@desk.example")]
    pub manager_email: Option<String>,
    /// The service agreement that the customer has, by the name that policies know it by; null: none.
    #[schema(example = "gold")]
    pub agreement: Option<String>,
    /// False: nobody of the account is asked how satisfied they are.
    pub surveys: bool,
    /// The products that the account has.
    #[diesel(skip_insertion, skip_update)]
    #[diesel(select_expression = product_ids())]
    #[diesel(select_expression_type = SqlLiteral<sql_types::Array<sql_types::Uuid>>)]
    pub product_ids: Vec<ProductId>,
    #[schema(example = 1)]
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

fn product_ids() -> SqlLiteral<sql_types::Array<sql_types::Uuid>> {
    sql("array(select p.product_id from account_products p where p.account_id = accounts.id \
         order by p.product_id)")
}

/// Which accounts a list holds.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Part of the name.
    pub q: Option<String>,
    pub active: Option<bool>,
}

pub fn insert(conn: &mut PgConnection, account: &Account) -> QueryResult<()> {
    diesel::insert_into(accounts::table).values(account).execute(conn)?;
    insert_products(conn, account.id, &account.product_ids)
}

/// Inserts accounts that have no products.
pub fn insert_all(conn: &mut PgConnection, new: &[Account]) -> QueryResult<usize> {
    diesel::insert_into(accounts::table).values(new).execute(conn)
}

pub fn find(conn: &mut PgConnection, id: AccountId) -> QueryResult<Option<Account>> {
    accounts::table.find(id).select(Account::as_select()).first(conn).optional()
}

pub fn lock(conn: &mut PgConnection, id: AccountId) -> QueryResult<Option<Account>> {
    accounts::table.find(id).for_no_key_update().select(Account::as_select()).first(conn).optional()
}

/// Locked in the order of their ids.
pub fn lock_all(conn: &mut PgConnection, ids: &[AccountId]) -> QueryResult<Vec<Account>> {
    let rows = accounts::table.filter(accounts::id.eq_any(ids)).order(accounts::id);
    rows.for_no_key_update().select(Account::as_select()).load(conn)
}

pub fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    request: &PageRequest,
) -> QueryResult<Vec<Account>> {
    let mut query = accounts::table.select(Account::as_select()).into_boxed();
    if let Some(q) = &filter.q {
        query = query.filter(accounts::name.ilike(containing(q)));
    }
    if let Some(active) = filter.active {
        query = query.filter(accounts::active.eq(active));
    }
    load_by_name!(conn, query, accounts, request)
}

/// Writes every column that can change.
pub fn save(conn: &mut PgConnection, account: &Account) -> QueryResult<Account> {
    diesel::update(accounts::table.find(account.id))
        .set(account)
        .returning(Account::as_returning())
        .get_result(conn)
}

/// Writes name, version and time of locked accounts in one statement.
pub fn rename_all(conn: &mut PgConnection, changed: &[Account]) -> QueryResult<usize> {
    let ids: Vec<AccountId> = changed.iter().map(|account| account.id).collect();
    let names: Vec<&str> = changed.iter().map(|account| account.name.as_str()).collect();
    let times: Vec<DateTime<Utc>> = changed.iter().map(|account| account.updated_at).collect();
    diesel::sql_query(
        "update accounts a set name = n.name, version = a.version + 1, updated_at = n.updated_at
           from unnest($1, $2, $3) as n(id, name, updated_at) where a.id = n.id",
    )
    .bind::<sql_types::Array<sql_types::Uuid>, _>(ids)
    .bind::<sql_types::Array<sql_types::Text>, _>(names)
    .bind::<sql_types::Array<sql_types::Timestamptz>, _>(times)
    .execute(conn)
}

/// The account has these products and no others. Call it with the account locked.
pub fn replace_products(conn: &mut PgConnection, account: &Account) -> QueryResult<()> {
    let of_account = account_products::account_id.eq(account.id);
    diesel::delete(account_products::table.filter(of_account)).execute(conn)?;
    insert_products(conn, account.id, &account.product_ids)
}

fn insert_products(
    conn: &mut PgConnection,
    account: AccountId,
    ids: &[ProductId],
) -> QueryResult<()> {
    let row = |id: &ProductId| {
        (account_products::account_id.eq(account), account_products::product_id.eq(*id))
    };
    let rows: Vec<_> = ids.iter().map(row).collect();
    diesel::insert_into(account_products::table).values(rows).execute(conn)?;
    Ok(())
}

/// Whether the account is active; the contact is active and belongs to it; it has the product, which is active. What
/// is not given is not there.
pub fn check_parties(
    conn: &mut PgConnection,
    account: AccountId,
    contact: Option<ContactId>,
    product: Option<ProductId>,
) -> QueryResult<(bool, bool, bool)> {
    let active_account = accounts::table.find(account).filter(accounts::active);
    let contact_of_account = contact_accounts::table
        .inner_join(contacts::table)
        .filter(contact_accounts::account_id.eq(account))
        .filter(contact_accounts::contact_id.nullable().eq(contact))
        .filter(contacts::active);
    let product_of_account = account_products::table
        .inner_join(products::table)
        .filter(account_products::account_id.eq(account))
        .filter(account_products::product_id.nullable().eq(product))
        .filter(products::active);
    diesel::select((exists(active_account), exists(contact_of_account), exists(product_of_account)))
        .get_result(conn)
}
