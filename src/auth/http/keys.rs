//! The keys that sign tokens.
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::store::SigningKey;
use crate::auth::tokens::MEMORY;
use crate::auth::{Authenticator, Caller, keys};
use crate::db::Db;
use crate::http::Answer;
use crate::kernel::{AppError, Permission};

/// Get the public keys
///
/// The JSON Web Key Set (RFC 7517) that verifies this service's tokens. A retired key stays until its last token has
/// expired.
#[utoipa::path(tag = "auth", responses((status = 200, description = "The keys", body = keys::Jwks)))]
#[get("/.well-known/jwks.json")]
pub async fn get_jwks(authenticator: web::Data<Authenticator>) -> Result<Answer, AppError> {
    Answer::ok(&authenticator.ring(MEMORY).await?.jwks)
}

/// A key that signs tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct SigningKeyView {
    /// The `kid` of the tokens that it signs.
    #[schema(example = "0199f0c2b1c97d5e8b1f5a3c7d9e2f10")]
    id: String,
    created_at: DateTime<Utc>,
}

impl From<SigningKey> for SigningKeyView {
    fn from(key: SigningKey) -> Self {
        Self { id: key.id, created_at: key.created_at }
    }
}

/// Rotate the signing key
///
/// New tokens are signed with a new key, by every replica within a minute. Tokens signed before stay valid.
#[utoipa::path(
    tag = "clients",
    security(("client_credentials" = ["clients:write"])),
    responses((status = 201, description = "The new key", body = SigningKeyView)),
)]
#[post("/signing-keys")]
pub async fn rotate_signing_key(
    db: web::Data<Db>,
    caller: Caller,
    authenticator: web::Data<Authenticator>,
) -> Result<Answer, AppError> {
    caller.require(Permission::ClientsWrite)?;
    let secret = authenticator.secret().clone();
    let key = db.tx(move |conn| keys::rotate(conn, &secret, Utc::now())).await?;
    authenticator.ring(std::time::Duration::ZERO).await?;
    Answer::created("/.well-known/jwks.json".into(), &SigningKeyView::from(key))
}
