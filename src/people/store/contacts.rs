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
use crate::db::{containing, load_by_name, lower};
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

pub fn insert_all(conn: &mut PgConnection, new: &[Contact]) -> QueryResult<usize> {
    diesel::insert_into(contacts::table).values(new).execute(conn)?;
    insert_members(conn, new)
}

pub fn find(conn: &mut PgConnection, id: ContactId) -> QueryResult<Option<Contact>> {
    contacts::table.find(id).select(Contact::as_select()).first(conn).optional()
}

pub fn by_email(conn: &mut PgConnection, email: &str) -> QueryResult<Option<ContactId>> {
    let found = contacts::table.filter(lower(contacts::email).eq(lower(email)));
    found.select(contacts::id).first(conn).optional()
}

/// Which of these addresses, in lower case, are those of contacts of the account.
pub fn emails_of(
    conn: &mut PgConnection,
    account: AccountId,
    emails: &[String],
) -> QueryResult<Vec<String>> {
    let theirs = contact_accounts::table
        .filter(contact_accounts::account_id.eq(account))
        .select(contact_accounts::contact_id);
    contacts::table
        .filter(lower(contacts::email).eq_any(emails))
        .filter(contacts::id.eq_any(theirs))
        .select(lower(contacts::email))
        .load(conn)
}

pub fn lock(conn: &mut PgConnection, id: ContactId) -> QueryResult<Option<Contact>> {
    contacts::table.find(id).for_no_key_update().select(Contact::as_select()).first(conn).optional()
}

/// Locked in the order of their ids.
pub fn lock_all(conn: &mut PgConnection, ids: &[ContactId]) -> QueryResult<Vec<Contact>> {
    let rows = contacts::table.filter(contacts::id.eq_any(ids)).order(contacts::id);
    rows.for_no_key_update().select(Contact::as_select()).load(conn)
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

/// Writes name, address, number, accounts, version and time of locked contacts.
pub fn save_all(conn: &mut PgConnection, changed: &[Contact]) -> QueryResult<()> {
    let ids: Vec<ContactId> = changed.iter().map(|contact| contact.id).collect();
    let names: Vec<&str> = changed.iter().map(|contact| contact.name.as_str()).collect();
    let emails: Vec<&str> = changed.iter().map(|contact| contact.email.as_str()).collect();
    let phones: Vec<Option<&str>> =
        changed.iter().map(|contact| contact.phone.as_deref()).collect();
    let times: Vec<DateTime<Utc>> = changed.iter().map(|contact| contact.updated_at).collect();
    diesel::sql_query(
        "update contacts c set name = n.name, email = n.email, phone = n.phone, version = c.version + 1,
           updated_at = n.updated_at
           from unnest($1, $2, $3, $4, $5) as n(id, name, email, phone, updated_at) where c.id = n.id",
    )
    .bind::<sql_types::Array<sql_types::Uuid>, _>(&ids)
    .bind::<sql_types::Array<sql_types::Text>, _>(names)
    .bind::<sql_types::Array<sql_types::Text>, _>(emails)
    .bind::<sql_types::Array<sql_types::Nullable<sql_types::Text>>, _>(phones)
    .bind::<sql_types::Array<sql_types::Timestamptz>, _>(times)
    .execute(conn)?;
    let theirs = contact_accounts::contact_id.eq_any(ids);
    diesel::delete(contact_accounts::table.filter(theirs)).execute(conn)?;
    insert_members(conn, changed)?;
    Ok(())
}

fn insert_members(conn: &mut PgConnection, members: &[Contact]) -> QueryResult<usize> {
    let of = |contact: &Contact| {
        let id = contact.id;
        let accounts = contact.account_ids.clone();
        let pair = move |account| {
            (contact_accounts::contact_id.eq(id), contact_accounts::account_id.eq(account))
        };
        accounts.into_iter().map(pair)
    };
    let rows: Vec<_> = members.iter().flat_map(of).collect();
    diesel::insert_into(contact_accounts::table).values(rows).execute(conn)
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
