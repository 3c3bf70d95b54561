//! Tokens: signed, verified, and remembered for a moment once verified.
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::keys::KeyRing;
use super::store::{self, Principal};
use crate::db::Db;
use crate::kernel::{
    AccountId, Actor, AppError, DepartmentId, Origin, Permission, Role, SecretKey,
};

/// How long a verified token, and the rights of its bearer, are remembered: a signature check costs more than
/// reading a ticket. Deactivation and changed permissions take effect everywhere after this time.
pub const MEMORY: Duration = Duration::from_secs(5);
/// Clocks of other machines may be off by this much.
const LEEWAY_SECONDS: u64 = 5;
/// An unknown key id makes us look for new keys, but not more often than this.
const KEY_LOOKUP: Duration = Duration::from_secs(1);
/// Another replica may have rotated: keys are read again after this time.
const KEYS_STALE: Duration = Duration::from_secs(60);
const AUDIENCE: &str = "casebridge";

/// The claims of our tokens (RFC 7519; `scope` is RFC 8693).
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: Uuid,
}

/// A key ring, and when it was read.
type ReadAt = (Instant, Arc<KeyRing>);

/// Signs and verifies tokens for this service.
#[derive(Clone)]
pub struct Authenticator {
    db: Db,
    secret: Arc<SecretKey>,
    issuer: String,
    ring: Arc<RwLock<Option<ReadAt>>>,
    verified: Cache<Vec<u8>, (i64, Arc<Actor>)>,
}

impl Authenticator {
    pub fn new(db: Db, secret: Arc<SecretKey>, issuer: String) -> Self {
        let verified = Cache::builder().max_capacity(100_000).time_to_live(MEMORY).build();
        Self { db, secret, issuer, ring: Arc::default(), verified }
    }

    pub(super) fn secret(&self) -> &Arc<SecretKey> {
        &self.secret
    }

    /// The actor behind a token; fails with 401 for whatever is wrong with it.
    pub async fn actor(&self, token: &str, now: DateTime<Utc>) -> Result<Arc<Actor>, AppError> {
        let hash = digest::digest(&digest::SHA256, token.as_bytes()).as_ref().to_vec();
        if let Some((expires, actor)) = self.verified.get(&hash) {
            if expires > now.timestamp() {
                return Ok(actor);
            }
            return Err(AppError::Unauthenticated("the token has expired"));
        }
        let claims = self.verify(token).await?;
        let principal = self.db.read(move |conn| Ok(store::principal(conn, claims.sub)?)).await?;
        let actor = Arc::new(actor(&claims, principal)?);
        self.verified.insert(hash, (claims.exp, Arc::clone(&actor)));
        Ok(actor)
    }

    async fn verify(&self, token: &str) -> Result<Claims, AppError> {
        const WRONG: AppError = AppError::Unauthenticated("the token is not valid here");
        let header = decode_header(token).map_err(|_| WRONG)?;
        let key_id = header.kid.ok_or(WRONG)?;
        let mut ring = self.ring(KEYS_STALE).await?;
        if !ring.verifying.contains_key(&key_id) {
            ring = self.ring(KEY_LOOKUP).await?;
        }
        let key = ring.verifying.get(&key_id).ok_or(WRONG)?;
        // The algorithm is pinned to the key; what the header says is not asked.
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        match decode::<Claims>(token, key, &validation) {
            Ok(data) => Ok(data.claims),
            Err(error) => Err(match error.kind() {
                jsonwebtoken::errors::ErrorKind::ExpiredSignature => {
                    AppError::Unauthenticated("the token has expired")
                }
                _ => WRONG,
            }),
        }
    }

    /// Signs a token for this principal; `scope` narrows what an integration may do.
    pub async fn sign(
        &self,
        principal: &Principal,
        scope: Option<String>,
        seconds: i64,
        now: DateTime<Utc>,
    ) -> Result<String, AppError> {
        let ring = self.ring(KEYS_STALE).await?;
        let role = Role::parse(&principal.role).ok_or(AppError::NotFound("the principal"))?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(ring.active_id.clone());
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.into(),
            sub: principal.id,
            role,
            scope,
            iat: now.timestamp(),
            nbf: now.timestamp(),
            exp: now.timestamp() + seconds,
            jti: Uuid::now_v7(),
        };
        encode(&header, &claims, &ring.signing).map_err(AppError::internal)
    }

    /// The keys, read again when they are older than `max_age`.
    pub(super) async fn ring(&self, max_age: Duration) -> Result<Arc<KeyRing>, AppError> {
        let poisoned = || AppError::Internal(anyhow::anyhow!("the key ring's lock is poisoned"));
        if let Some((read_at, ring)) = self.ring.read().map_err(|_| poisoned())?.as_ref()
            && read_at.elapsed() < max_age
        {
            return Ok(Arc::clone(ring));
        }
        let secret = Arc::clone(&self.secret);
        let ring = self.db.read(move |conn| KeyRing::load(conn, &secret, Utc::now())).await?;
        let ring = Arc::new(ring);
        *self.ring.write().map_err(|_| poisoned())? = Some((Instant::now(), Arc::clone(&ring)));
        Ok(ring)
    }
}

/// The rights come from the database; a token whose role is no longer its bearer's is refused.
fn actor(claims: &Claims, principal: Option<Principal>) -> Result<Actor, AppError> {
    const GONE: AppError =
        AppError::Unauthenticated("the bearer of this token may not call any more");
    let principal = principal.filter(|p| p.active).ok_or(GONE)?;
    let role = Role::parse(&principal.role).filter(|role| *role == claims.role).ok_or(GONE)?;
    let mut actor = whole(principal, role);
    if let Some(scope) = &claims.scope {
        let asked =
            |permission: &Permission| scope.split(' ').any(|word| word == permission.as_str());
        actor.permissions.retain(asked);
    }
    Ok(actor)
}

/// Somebody active, with all that they may do, who proved in another way than by a token who they are.
pub fn actor_without_token(conn: &mut PgConnection, id: Uuid) -> Result<Option<Actor>, AppError> {
    let principal = store::principal(conn, id)?.filter(|principal| principal.active);
    Ok(principal.and_then(|principal| {
        let role = Role::parse(&principal.role)?;
        Some(whole(principal, role))
    }))
}

/// With every permission of the role and every one that was granted.
fn whole(principal: Principal, role: Role) -> Actor {
    let granted = principal.permissions.iter().filter_map(|text| Permission::parse(text));
    let permissions = role.permissions().iter().copied().chain(granted).collect();
    Actor {
        id: principal.id,
        role,
        name: principal.name,
        permissions,
        origin: Origin::Api,
        departments: principal.departments.into_iter().map(DepartmentId).collect(),
        accounts: principal.accounts.into_iter().map(AccountId).collect(),
    }
}
