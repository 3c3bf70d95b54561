//! From credentials to a token, and from a token to who it stands for.
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::Utc;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::store::{Client, Principal};
use crate::auth::{Authenticator, Caller, Limits, service};
use crate::config::Config;
use crate::db::Db;
use crate::http::{Answer, Problem, now};
use crate::kernel::{AccountId, AppError, ClientId, DepartmentId, Permission, Role, Secret};

/// The form of the client credentials grant (RFC 6749, section 4.4).
#[derive(Debug, Deserialize, ToSchema)]
pub struct TokenRequest {
    #[schema(example = "client_credentials")]
    grant_type: String,
    /// Unless sent with HTTP Basic.
    #[schema(example = "0199f0c2-b1c9-7d5e-8b1f-5a3c7d9e2f10")]
    client_id: Option<String>,
    /// Unless sent with HTTP Basic.
    #[schema(value_type = Option<String>, example = "cbs_4mDk...")]
    client_secret: Option<Secret>,
    /// Separated by blanks; all of the client's scopes when absent.
    #[schema(example = "tickets:read tickets:write")]
    scope: Option<String>,
}

/// An access token (RFC 6749, section 5.1).
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenResponse {
    /// Send it as `Authorization: Bearer <token>`.
    #[schema(example = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIwMTk5In0.c2ln")]
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds that it is valid.
    #[schema(example = 3600)]
    expires_in: i64,
    #[schema(example = "tickets:read tickets:write")]
    scope: String,
}

/// Get a token by client credentials
///
/// The OAuth 2.0 client credentials grant (RFC 6749, section 4.4). The client's id and secret come in the form or as
/// HTTP Basic.
#[utoipa::path(
    tag = "auth",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "A bearer token", body = TokenResponse),
        (status = 401, description = "There is no such client, or this is not its secret", body = Problem,
            content_type = "application/problem+json", headers(("WWW-Authenticate" = String))),
        (status = 429, description = "Tried too often; wait as long as `Retry-After` says", body = Problem,
            content_type = "application/problem+json", headers(("Retry-After" = String))),
    ),
)]
#[post("/oauth/token")]
pub async fn issue_token(
    db: web::Data<Db>,
    config: web::Data<Config>,
    authenticator: web::Data<Authenticator>,
    limits: web::Data<Limits>,
    request: HttpRequest,
    form: web::Form<TokenRequest>,
) -> Result<HttpResponse, AppError> {
    const DENIED: AppError = AppError::OAuth { error: "invalid_client", status: 401 };
    if form.grant_type != "client_credentials" {
        return Err(AppError::OAuth { error: "unsupported_grant_type", status: 400 });
    }
    let (id, secret) = credentials(&request, &form).ok_or(DENIED)?;
    limits.count_try(&request, Some(id))?;
    let (client, principal) = known_client(&db, id, secret).await?.ok_or(DENIED)?;
    let scope = service::granted_scope(&client, form.scope.as_deref());
    let scope = scope.ok_or(AppError::OAuth { error: "invalid_scope", status: 400 })?;
    let expires_in = config.token_seconds;
    let access_token =
        authenticator.sign(&principal, Some(scope.clone()), expires_in, Utc::now()).await?;
    let response = TokenResponse { access_token, token_type: "Bearer", expires_in, scope };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(response))
}

/// The active client with this id, if that is its secret.
async fn known_client(
    db: &Db,
    id: ClientId,
    secret: Secret,
) -> Result<Option<(Client, Principal)>, AppError> {
    let found = db.read(move |conn| service::client_and_principal(conn, id)).await?;
    let Some((client, principal)) = found else { return Ok(None) };
    let hash = client.secret_hash.clone();
    let matches = web::block(move || service::secret_matches(secret.expose(), &hash)).await;
    let known = matches.map_err(AppError::internal)? && client.active;
    Ok(known.then_some((client, principal)))
}

/// A token with all scopes of the client with this id; `None` when that is not its secret.
pub async fn client_token(
    db: &Db,
    authenticator: &Authenticator,
    id: ClientId,
    secret: Secret,
    seconds: i64,
) -> Result<Option<String>, AppError> {
    let Some((client, principal)) = known_client(db, id, secret).await? else { return Ok(None) };
    let scope = client.scopes.join(" ");
    authenticator.sign(&principal, Some(scope), seconds, now()).await.map(Some)
}

/// From HTTP Basic (RFC 7617) or from the form.
fn credentials(request: &HttpRequest, form: &TokenRequest) -> Option<(ClientId, Secret)> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (id, secret) = match header.and_then(|value| value.strip_prefix("Basic ")) {
        Some(encoded) => {
            let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
            let (id, secret) = text.split_once(':')?;
            (id.to_owned(), Secret::new(secret))
        }
        None => (form.client_id.clone()?, form.client_secret.clone()?),
    };
    Some((ClientId(id.parse().ok()?), secret))
}

/// The caller as the service sees them.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    id: Uuid,
    #[schema(example = "Support agent")]
    name: String,
    role: Role,
    /// What the caller may do.
    permissions: Vec<Permission>,
    /// The departments of an agent.
    departments: Vec<DepartmentId>,
    /// The accounts of a contact.
    accounts: Vec<AccountId>,
}

/// Get the caller
///
/// Who the token stands for, and what they may do. Any valid token will do.
#[utoipa::path(
    tag = "auth",
    security(("client_credentials" = [])),
    responses((status = 200, description = "The caller", body = Me)),
)]
#[get("/me")]
pub async fn get_me(caller: Caller) -> Result<Answer, AppError> {
    Answer::ok(&Me {
        id: caller.id,
        name: caller.name.clone(),
        role: caller.role,
        permissions: caller.permissions.clone(),
        departments: caller.departments.clone(),
        accounts: caller.accounts.clone(),
    })
}
