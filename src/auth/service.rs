//! Clients, their secrets, and the tokens they get.
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use diesel::PgConnection;
use uuid::Uuid;

use super::store::{self, Client, Principal};
use crate::kernel::{
    AccountId, Actor, AppError, ClientId, DepartmentId, Origin, Page, PageRequest, Permission,
    Role, Secret,
};

/// A new secret for a client, and the Argon2id hash that is kept of it.
pub fn new_secret() -> Result<(Secret, String), AppError> {
    let mut bytes = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(AppError::internal)?;
    let secret = format!("cbs_{}", URL_SAFE_NO_PAD.encode(bytes));
    let hash = Argon2::default().hash_password(secret.as_bytes());
    let hash = hash.map_err(|e| AppError::Internal(anyhow::anyhow!("hashing failed: {e}")))?;
    Ok((Secret::new(secret), hash.to_string()))
}

/// Compares in constant time; takes tens of milliseconds on purpose, so keep no connection meanwhile.
pub fn secret_matches(secret: &str, hash: &str) -> bool {
    Argon2::default().verify_password(secret.as_bytes(), hash).is_ok()
}

pub fn create_client(
    conn: &mut PgConnection,
    actor: &Actor,
    name: &str,
    secret_hash: &str,
    scopes: &[Permission],
) -> Result<Client, AppError> {
    actor.require_to_grant(scopes.iter().copied())?;
    let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
    store::insert_client(conn, name, secret_hash, &scopes).map_err(named_client)
}

pub fn get_client(conn: &mut PgConnection, id: ClientId) -> Result<Client, AppError> {
    store::client(conn, id)?.ok_or(AppError::NotFound("the client"))
}

pub fn list_clients(
    conn: &mut PgConnection,
    request: &PageRequest,
) -> Result<Page<Client>, AppError> {
    let after = request.cursor.as_ref().map(|cursor| cursor.id);
    let rows = store::clients(conn, after, request.backward(), request.fetch())?;
    Ok(request.page(rows, |client| (serde_json::Value::Null, client.id.0)))
}

/// Changes a client under lock; `change` gets the present state. Who gives it scopes or gets its secret must have those
/// scopes.
pub fn change_client(
    conn: &mut PgConnection,
    actor: &Actor,
    id: ClientId,
    change: impl FnOnce(&mut Client) -> Result<(), AppError>,
) -> Result<Client, AppError> {
    let mut client = store::lock_client(conn, id)?.ok_or(AppError::NotFound("the client"))?;
    let before = (client.scopes.clone(), client.secret_hash.clone());
    change(&mut client)?;
    if before != (client.scopes.clone(), client.secret_hash.clone()) {
        actor
            .require_to_grant(client.scopes.iter().filter_map(|scope| Permission::parse(scope)))?;
    }
    store::save_client(conn, &client).map_err(named_client)
}

fn named_client(error: diesel::result::Error) -> AppError {
    match crate::db::violated(&error) {
        Some("clients_name_key") => {
            AppError::conflict("name_taken", "another client has this name")
        }
        _ => error.into(),
    }
}

/// The person or program with this id, if it may call.
pub fn find_principal(conn: &mut PgConnection, id: Uuid) -> Result<Principal, AppError> {
    let principal = store::principal(conn, id)?.filter(|p| p.active);
    principal.ok_or(AppError::NotFound("an active principal with this id"))
}

/// The person or program with this id as they may act now, without a token of theirs; `None` when they may not call any more.
pub fn acting(conn: &mut PgConnection, id: Uuid) -> Result<Option<Actor>, AppError> {
    let principal = store::principal(conn, id)?.filter(|principal| principal.active);
    Ok(principal.and_then(|principal| {
        let role = Role::parse(&principal.role)?;
        Some(as_actor(principal, role))
    }))
}

/// What the role allows, and what was granted beside it.
pub(super) fn as_actor(principal: Principal, role: Role) -> Actor {
    let granted = principal.permissions.iter().filter_map(|text| Permission::parse(text));
    Actor {
        id: principal.id,
        role,
        permissions: role.permissions().iter().copied().chain(granted).collect(),
        name: principal.name,
        origin: Origin::Api,
        departments: principal.departments.into_iter().map(DepartmentId).collect(),
        accounts: principal.accounts.into_iter().map(AccountId).collect(),
    }
}

/// A client as it authenticates, and as it acts.
pub fn client_and_principal(
    conn: &mut PgConnection,
    id: ClientId,
) -> Result<Option<(Client, Principal)>, AppError> {
    let client = store::client(conn, id)?;
    Ok(client.zip(store::principal(conn, id.0)?))
}

/// The first active person of this role: for trying things out.
pub fn first_of_role(conn: &mut PgConnection, role: Role) -> Result<Principal, AppError> {
    store::first_of_role(conn, role.as_str())?.ok_or(AppError::NotFound("somebody of this role"))
}

/// The scopes that a client gets: those it asked for, or all it has. `None` when it asked for more.
pub fn granted_scope(client: &Client, asked: Option<&str>) -> Option<String> {
    let Some(asked) = asked.filter(|text| !text.trim().is_empty()) else {
        return Some(client.scopes.join(" "));
    };
    let words: Vec<&str> = asked.split_whitespace().collect();
    let has = |word: &&str| client.scopes.iter().any(|scope| scope == word);
    words.iter().all(has).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_matches_its_own_hash_only() {
        let (secret, hash) = new_secret().unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(secret_matches(secret.expose(), &hash));
        assert!(!secret_matches("cbs_other", &hash));
        assert!(!secret_matches("x", "not a hash"));
    }
}
