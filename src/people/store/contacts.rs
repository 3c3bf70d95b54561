//! Contacts, and the accounts that they belong to.
use chrono::{DateTime, Utc};
use diesel::dsl::{exists, sql};
use diesel::expression::SqlLiteral;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types;
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::schema::{contact_accounts, contacts};
use crate::db::{containing, load_by_name};
use crate::kernel::{AccountId, ContactId, PageRequest, TimeZone};

/// A person at a customer.
#[derive(Debug, Clone, Serialize, ToSchema, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = contacts, check_for_backend(Pg), treat_none_as_null = true)]
pub struct Contact {
    pub id: ContactId,
    #[schema(example = "Purchasing contact")]
    pub name: String,
    /// Unique without regard to case.
    #[schema(example = "purchasing@customer.example")]
    pub email: String,
    #[schema(example = "+43 1 0000000")]
    pub phone: Option<String>,
    /// A language tag (BCP 47).
    #[schema(example = "en")]
    pub language: String,
    pub time_zone: TimeZone,
    /// An inactive contact cannot call, and opens no tickets.
    pub active: bool,
    /// The accounts that the contact belongs to.
    #[diesel(skip_insertion, skip_update)]
    #[diesel(select_expression = account_ids())]
    #[diesel(select_expression_type = SqlLiteral<sql_types::Array<sql_types::Uuid>>)]
    pub account_ids: Vec<AccountId>,
    #[schema(example = 1)]
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

fn account_ids() -> SqlLiteral<sql_types::Array<sql_types::Uuid>> {
    sql("array(select m.account_id from contact_accounts m where m.contact_id = contacts.id \
         order by m.account_id)")
}

/// Which contacts a list holds.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub account: Option<AccountId>,
    /// Part of the name or the e-mail address.
    pub q: Option<String>,
    pub active: Option<bool>,
}

pub fn insert(conn: &mut PgConnection, contact: &Contact) -> QueryResult<()> {
    diesel::insert_into(contacts::table).values(contact).execute(conn)?;
    insert_accounts(conn, contact)
}

pub fn find(conn: &mut PgConnection, id: ContactId) -> QueryResult<Option<Contact>> {
    contacts::table.find(id).select(Contact::as_select()).first(conn).optional()
}

pub fn lock(conn: &mut PgConnection, id: ContactId) -> QueryResult<Option<Contact>> {
    contacts::table.find(id).for_no_key_update().select(Contact::as_select()).first(conn).optional()
}

pub fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    request: &PageRequest,
) -> QueryResult<Vec<Contact>> {
    let mut query = contacts::table.select(Contact::as_select()).into_boxed();
    if let Some(account) = filter.account {
        let membership = contact_accounts::table
            .filter(contact_accounts::contact_id.eq(contacts::id))
            .filter(contact_accounts::account_id.eq(account));
        query = query.filter(exists(membership));
    }
    if let Some(q) = &filter.q {
        let part = containing(q);
        query = query.filter(contacts::name.ilike(part.clone()).or(contacts::email.ilike(part)));
    }
    if let Some(active) = filter.active {
        query = query.filter(contacts::active.eq(active));
    }
    load_by_name!(conn, query, contacts, request)
}

/// Writes every column that can change.
pub fn save(conn: &mut PgConnection, contact: &Contact) -> QueryResult<Contact> {
    diesel::update(contacts::table.find(contact.id))
        .set(contact)
        .returning(Contact::as_returning())
        .get_result(conn)
}

/// The contact belongs to these accounts and no others. Call it with the contact locked.
pub fn replace_accounts(conn: &mut PgConnection, contact: &Contact) -> QueryResult<()> {
    let of_contact = contact_accounts::contact_id.eq(contact.id);
    diesel::delete(contact_accounts::table.filter(of_contact)).execute(conn)?;
    insert_accounts(conn, contact)
}

fn insert_accounts(conn: &mut PgConnection, contact: &Contact) -> QueryResult<()> {
    let row = |id: &AccountId| {
        (contact_accounts::contact_id.eq(contact.id), contact_accounts::account_id.eq(*id))
    };
    let rows: Vec<_> = contact.account_ids.iter().map(row).collect();
    diesel::insert_into(contact_accounts::table).values(rows).execute(conn)?;
    Ok(())
}
