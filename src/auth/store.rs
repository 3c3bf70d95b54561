//! Queries of the keys, the clients, and the view of everybody who may call.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Binary, Text};
use uuid::Uuid;

use crate::db::schema::{clients, signing_keys};
use crate::kernel::ClientId;

diesel::table! {
    /// The view that joins agents, contacts and clients.
    principals (id) {
        id -> Uuid,
        name -> Text,
        role -> Text,
        active -> Bool,
        permissions -> Array<Text>,
        departments -> Array<Uuid>,
        accounts -> Array<Uuid>,
    }
}

/// Somebody who may call.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = principals, check_for_backend(diesel::pg::Pg))]
pub struct Principal {
    pub id: Uuid,
    pub name: String,
    pub role: String,
    pub active: bool,
    pub permissions: Vec<String>,
    pub departments: Vec<Uuid>,
    pub accounts: Vec<Uuid>,
}

pub fn principal(conn: &mut PgConnection, id: Uuid) -> QueryResult<Option<Principal>> {
    principals::table.find(id).select(Principal::as_select()).first(conn).optional()
}

/// The first active principal of a role, oldest first.
pub fn first_of_role(conn: &mut PgConnection, role: &str) -> QueryResult<Option<Principal>> {
    principals::table
        .filter(principals::role.eq(role))
        .filter(principals::active)
        .order(principals::id)
        .select(Principal::as_select())
        .first(conn)
        .optional()
}

/// A key that signs, or signed, tokens.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = signing_keys, check_for_backend(diesel::pg::Pg))]
pub struct SigningKey {
    pub id: String,
    pub public_key: Vec<u8>,
    pub sealed_private_key: Vec<u8>,
    pub created_at: DateTime<Utc>,
    pub retired_at: Option<DateTime<Utc>>,
}

/// Every key whose tokens can still be valid, newest first.
pub fn live_keys(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<Vec<SigningKey>> {
    signing_keys::table
        .filter(signing_keys::expires_at.is_null().or(signing_keys::expires_at.gt(now)))
        .order(signing_keys::created_at.desc())
        .select(SigningKey::as_select())
        .load(conn)
}

/// Adds the active key; false when there is one already.
pub fn insert_key(conn: &mut PgConnection, key: &SigningKey) -> QueryResult<bool> {
    let inserted = diesel::insert_into(signing_keys::table)
        .values((
            signing_keys::id.eq(&key.id),
            signing_keys::public_key.eq(&key.public_key),
            signing_keys::sealed_private_key.eq(&key.sealed_private_key),
            signing_keys::created_at.eq(key.created_at),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(inserted == 1)
}

/// Replaces sealed private keys by others: id and new value. Nobody else changes them.
pub fn replace_sealed(conn: &mut PgConnection, keys: &[(String, Vec<u8>)]) -> QueryResult<usize> {
    let ids: Vec<&str> = keys.iter().map(|(id, _)| id.as_str()).collect();
    let sealed: Vec<&[u8]> = keys.iter().map(|(_, sealed)| sealed.as_slice()).collect();
    diesel::sql_query(
        "update signing_keys k set sealed_private_key = new.sealed
           from unnest($1, $2) as new (id, sealed) where k.id = new.id",
    )
    .bind::<Array<Text>, _>(ids)
    .bind::<Array<Binary>, _>(sealed)
    .execute(conn)
}

pub fn retire_active_key(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> QueryResult<usize> {
    diesel::update(signing_keys::table.filter(signing_keys::retired_at.is_null()))
        .set((signing_keys::retired_at.eq(now), signing_keys::expires_at.eq(expires_at)))
        .execute(conn)
}

/// An integration: a program that calls with its own id and secret.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = clients, check_for_backend(diesel::pg::Pg))]
pub struct Client {
    pub id: ClientId,
    pub name: String,
    pub secret_hash: String,
    pub scopes: Vec<String>,
    pub active: bool,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

pub fn insert_client(
    conn: &mut PgConnection,
    name: &str,
    secret_hash: &str,
    scopes: &[String],
) -> QueryResult<Client> {
    diesel::insert_into(clients::table)
        .values((
            clients::id.eq(ClientId::new()),
            clients::name.eq(name),
            clients::secret_hash.eq(secret_hash),
            clients::scopes.eq(scopes),
        ))
        .returning(Client::as_returning())
        .get_result(conn)
}

pub fn client(conn: &mut PgConnection, id: ClientId) -> QueryResult<Option<Client>> {
    clients::table.find(id).select(Client::as_select()).first(conn).optional()
}

pub fn lock_client(conn: &mut PgConnection, id: ClientId) -> QueryResult<Option<Client>> {
    clients::table.find(id).for_update().select(Client::as_select()).first(conn).optional()
}

pub fn clients(
    conn: &mut PgConnection,
    after: Option<Uuid>,
    backward: bool,
    limit: i64,
) -> QueryResult<Vec<Client>> {
    let query = clients::table.select(Client::as_select()).limit(limit).into_boxed();
    let query = match (after, backward) {
        (Some(id), true) => query.filter(clients::id.lt(id)),
        (Some(id), false) => query.filter(clients::id.gt(id)),
        (None, _) => query,
    };
    if backward {
        query.order(clients::id.desc()).load(conn)
    } else {
        query.order(clients::id).load(conn)
    }
}

/// Writes every column that can change.
pub fn save_client(conn: &mut PgConnection, client: &Client) -> QueryResult<Client> {
    diesel::update(clients::table.find(client.id))
        .set((
            clients::name.eq(&client.name),
            clients::secret_hash.eq(&client.secret_hash),
            clients::scopes.eq(&client.scopes),
            clients::active.eq(client.active),
            clients::version.eq(clients::version + 1),
            clients::updated_at.eq(diesel::dsl::now),
        ))
        .returning(Client::as_returning())
        .get_result(conn)
}
