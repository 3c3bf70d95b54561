//! The keys that sign tokens: made, rotated, published.
use std::collections::HashMap;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::Serialize;
use utoipa::ToSchema;

use super::store::{self, SigningKey};
use crate::kernel::{AppError, SecretKey};

/// What the private keys are sealed for.
const PURPOSE: &str = "signing-key";
/// How long a retired key stays published: longer than any token lives.
const KEEP_RETIRED: TimeDelta = TimeDelta::hours(25);

/// Makes the first signing key when there is none, and proves that the active one can be opened: with
/// another secret key the service must not start.
pub fn ensure_signing_key(
    conn: &mut PgConnection,
    secret: &SecretKey,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    store::insert_key(conn, &generate(secret, now)?)?;
    KeyRing::load(conn, secret, now).map(|_| ())
}

/// Signs with a new key from now on; tokens signed before stay valid until they expire.
pub fn rotate(
    conn: &mut PgConnection,
    secret: &SecretKey,
    now: DateTime<Utc>,
) -> Result<SigningKey, AppError> {
    store::retire_active_key(conn, now, now + KEEP_RETIRED)?;
    let key = generate(secret, now)?;
    if !store::insert_key(conn, &key)? {
        return Err(AppError::conflict("already_rotating", "another rotation is under way"));
    }
    Ok(key)
}

/// Seals with the present secret key what a previous one sealed; returns how many values.
pub fn reseal(
    conn: &mut PgConnection,
    secret: &SecretKey,
    now: DateTime<Utc>,
) -> Result<usize, AppError> {
    let keys = store::live_keys(conn, now)?.into_iter().filter_map(|key| {
        let resealed = secret.reseal(PURPOSE, &key.sealed_private_key).transpose()?;
        Some(resealed.map(|sealed| (key.id, sealed)))
    });
    let keys = keys.collect::<anyhow::Result<Vec<_>>>().map_err(AppError::Internal)?;
    Ok(store::replace_sealed(conn, &keys)?)
}

fn generate(secret: &SecretKey, now: DateTime<Utc>) -> Result<SigningKey, AppError> {
    let pair = Ed25519KeyPair::generate().map_err(AppError::internal)?;
    let private = pair.to_pkcs8v1().map_err(AppError::internal)?;
    Ok(SigningKey {
        id: uuid::Uuid::now_v7().simple().to_string(),
        public_key: pair.public_key().as_ref().to_vec(),
        sealed_private_key: secret.seal(PURPOSE, private.as_ref()).map_err(AppError::Internal)?,
        created_at: now,
        retired_at: None,
    })
}

/// The keys of the moment: one that signs, all that verify.
pub struct KeyRing {
    pub active_id: String,
    pub signing: EncodingKey,
    pub verifying: HashMap<String, DecodingKey>,
    pub jwks: Jwks,
}

impl KeyRing {
    pub fn load(
        conn: &mut PgConnection,
        secret: &SecretKey,
        now: DateTime<Utc>,
    ) -> Result<Self, AppError> {
        let keys = store::live_keys(conn, now)?;
        let active = keys.iter().find(|key| key.retired_at.is_none());
        let active = active
            .ok_or_else(|| AppError::Unavailable(anyhow::anyhow!("there is no signing key")))?;
        let private =
            secret.open(PURPOSE, &active.sealed_private_key).map_err(AppError::Internal)?;
        let verifying = keys.iter().map(|key| {
            let x = URL_SAFE_NO_PAD.encode(&key.public_key);
            Ok((key.id.clone(), DecodingKey::from_ed_components(&x).map_err(AppError::internal)?))
        });
        Ok(Self {
            active_id: active.id.clone(),
            signing: EncodingKey::from_ed_der(&private),
            verifying: verifying.collect::<Result<_, AppError>>()?,
            jwks: Jwks { keys: keys.iter().map(Jwk::of).collect() },
        })
    }
}

/// A JSON Web Key Set (RFC 7517).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Jwks {
    pub keys: Vec<Jwk>,
}

/// A public key: an octet key pair on Ed25519 (RFC 8037).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Jwk {
    #[schema(example = "OKP")]
    kty: &'static str,
    #[schema(example = "Ed25519")]
    crv: &'static str,
    #[schema(example = "EdDSA")]
    alg: &'static str,
    #[schema(example = "sig")]
    r#use: &'static str,
    /// The key id that tokens name in their header.
    #[schema(example = "0199f0c2b1c97d5e8b1f5a3c7d9e2f10")]
    kid: String,
    /// The public key in base64url.
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    x: String,
}

impl Jwk {
    fn of(key: &SigningKey) -> Self {
        let x = URL_SAFE_NO_PAD.encode(&key.public_key);
        Self { kty: "OKP", crv: "Ed25519", alg: "EdDSA", r#use: "sig", kid: key.id.clone(), x }
    }
}
