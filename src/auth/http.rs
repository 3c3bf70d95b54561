//! The token endpoint, the published keys, clients, and who the caller is.
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL};
use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::store::{Client, SigningKey};
use super::tokens::MEMORY;
use super::{Authenticator, Caller, keys, service};
use crate::config::Config;
use crate::db::Db;
use crate::http::{Answer, Body, IfMatch, Params, PathId};
use crate::kernel::{
    AccountId, AppError, ClientId, DepartmentId, Page, PageRequest, Permission, Role, Secret,
};

/// Outside `/v1`.
pub fn public_routes(cfg: &mut ServiceConfig) {
    cfg.service(issue_token).service(get_jwks);
}

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(get_me)
        .service(create_client)
        .service(list_clients)
        .service(get_client)
        .service(change_client)
        .service(renew_client_secret)
        .service(rotate_signing_key);
}

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
    responses((status = 200, description = "A bearer token", body = TokenResponse)),
)]
#[post("/oauth/token")]
async fn issue_token(
    db: web::Data<Db>,
    config: web::Data<Config>,
    authenticator: web::Data<Authenticator>,
    request: HttpRequest,
    form: web::Form<TokenRequest>,
) -> Result<HttpResponse, AppError> {
    const DENIED: AppError = AppError::OAuth { error: "invalid_client", status: 401 };
    if form.grant_type != "client_credentials" {
        return Err(AppError::OAuth { error: "unsupported_grant_type", status: 400 });
    }
    let (id, secret) = credentials(&request, &form).ok_or(DENIED)?;
    let found = db.read(move |conn| service::client_and_principal(conn, id)).await?;
    let (client, principal) = found.ok_or(DENIED)?;
    let hash = client.secret_hash.clone();
    let matches = web::block(move || service::secret_matches(secret.expose(), &hash)).await;
    if !matches.map_err(AppError::internal)? || !client.active {
        return Err(DENIED);
    }
    let scope = service::granted_scope(&client, form.scope.as_deref());
    let scope = scope.ok_or(AppError::OAuth { error: "invalid_scope", status: 400 })?;
    let expires_in = config.token_seconds;
    let access_token =
        authenticator.sign(&principal, Some(scope.clone()), expires_in, Utc::now()).await?;
    let response = TokenResponse { access_token, token_type: "Bearer", expires_in, scope };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(response))
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

/// Get the public keys
///
/// The JSON Web Key Set (RFC 7517) that verifies this service's tokens. A retired key stays until its last token has
/// expired.
#[utoipa::path(tag = "auth", responses((status = 200, description = "The keys", body = keys::Jwks)))]
#[get("/.well-known/jwks.json")]
async fn get_jwks(authenticator: web::Data<Authenticator>) -> Result<Answer, AppError> {
    Answer::ok(&authenticator.ring(MEMORY).await?.jwks)
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
    security(("bearer" = []), ("client_credentials" = [])),
    responses((status = 200, description = "The caller", body = Me)),
)]
#[get("/me")]
async fn get_me(caller: Caller) -> Result<Answer, AppError> {
    Answer::ok(&Me {
        id: caller.id,
        name: caller.name.clone(),
        role: caller.role,
        permissions: caller.permissions.clone(),
        departments: caller.departments.clone(),
        accounts: caller.accounts.clone(),
    })
}

/// A program that calls the service.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientView {
    id: ClientId,
    #[schema(example = "Website")]
    name: String,
    #[schema(example = json!(["tickets:read", "tickets:write"]))]
    scopes: Vec<String>,
    active: bool,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Client> for ClientView {
    fn from(client: Client) -> Self {
        Self {
            id: client.id,
            name: client.name,
            scopes: client.scopes,
            active: client.active,
            version: client.version,
            created_at: client.created_at,
            updated_at: client.updated_at,
        }
    }
}

/// A client together with its secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientWithSecret {
    #[serde(flatten)]
    client: ClientView,
    /// Keep it: only a hash is stored.
    #[schema(example = "cbs_4mDk...")]
    client_secret: String,
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Website")]
    name: String,
    /// What the client may do.
    #[garde(length(min = 1))]
    #[schema(example = json!(["tickets:read", "tickets:write"]))]
    scopes: Vec<Permission>,
}

/// Create a client
///
/// Its secret is in the answer, and never again.
#[utoipa::path(
    tag = "clients",
    request_body = NewClient,
    security(("bearer" = ["clients:write"]), ("client_credentials" = ["clients:write"])),
    responses((status = 201, description = "The client and its secret", body = ClientWithSecret)),
)]
#[post("/clients")]
async fn create_client(
    db: web::Data<Db>,
    caller: Caller,
    body: Body<NewClient>,
) -> Result<Answer, AppError> {
    caller.require(Permission::ClientsWrite)?;
    let new = body.into_inner();
    let (secret, hash) = web::block(service::new_secret).await.map_err(AppError::internal)??;
    let client = db
        .tx(move |conn| service::create_client(conn, &caller, &new.name, &hash, &new.scopes))
        .await?;
    let (location, version) = (format!("/v1/clients/{}", client.id), client.version);
    let view =
        ClientWithSecret { client: client.into(), client_secret: secret.expose().to_owned() };
    Ok(Answer::created(location, &view)?.version(version))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}

/// List clients, oldest first
#[utoipa::path(
    tag = "clients",
    params(ListQuery),
    security(("bearer" = ["clients:write"]), ("client_credentials" = ["clients:write"])),
    responses((status = 200, description = "A page of clients", body = Page<ClientView>)),
)]
#[get("/clients")]
async fn list_clients(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<ListQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::ClientsWrite)?;
    let request = PageRequest::new(query.limit, query.cursor.as_deref(), "clients")?;
    let page = db.read(move |conn| service::list_clients(conn, &request)).await?;
    Answer::page(&page.map(ClientView::from))
}

/// Get a client
#[utoipa::path(
    tag = "clients",
    params(("id" = ClientId, Path)),
    security(("bearer" = ["clients:write"]), ("client_credentials" = ["clients:write"])),
    responses((status = 200, description = "The client", body = ClientView)),
)]
#[get("/clients/{id}")]
async fn get_client(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ClientId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::ClientsWrite)?;
    let client = db.read(move |conn| service::get_client(conn, id.0)).await?;
    let version = client.version;
    Ok(Answer::ok(&ClientView::from(client))?.version(version))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientChange {
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Website")]
    name: Option<String>,
    #[garde(length(min = 1))]
    #[schema(example = json!(["tickets:read"]))]
    scopes: Option<Vec<Permission>>,
    /// An inactive client gets no token, and its tokens stop working.
    #[garde(skip)]
    active: Option<bool>,
}

/// Change a client
#[utoipa::path(
    tag = "clients",
    params(("id" = ClientId, Path), IfMatch),
    request_body = ClientChange,
    security(("bearer" = ["clients:write"]), ("client_credentials" = ["clients:write"])),
    responses((status = 200, description = "The client as it is now", body = ClientView)),
)]
#[patch("/clients/{id}")]
async fn change_client(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ClientId>,
    seen: IfMatch,
    body: Body<ClientChange>,
) -> Result<Answer, AppError> {
    caller.require(Permission::ClientsWrite)?;
    let change = body.into_inner();
    let apply = move |client: &mut Client| {
        seen.check(client.version)?;
        client.name = change.name.unwrap_or_else(|| client.name.clone());
        if let Some(scopes) = change.scopes {
            client.scopes = scopes.iter().map(ToString::to_string).collect();
        }
        client.active = change.active.unwrap_or(client.active);
        Ok(())
    };
    let client = db.tx(move |conn| service::change_client(conn, &caller, id.0, apply)).await?;
    let version = client.version;
    Ok(Answer::ok(&ClientView::from(client))?.version(version))
}

/// Renew a client's secret
///
/// The old secret stops working at once; tokens that it got stay valid until they expire.
#[utoipa::path(
    tag = "clients",
    params(("id" = ClientId, Path)),
    security(("bearer" = ["clients:write"]), ("client_credentials" = ["clients:write"])),
    responses((status = 200, description = "The client and its new secret", body = ClientWithSecret)),
)]
#[post("/clients/{id}/secret")]
async fn renew_client_secret(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ClientId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::ClientsWrite)?;
    let (secret, hash) = web::block(service::new_secret).await.map_err(AppError::internal)??;
    let renew = move |client: &mut Client| {
        client.secret_hash = hash;
        Ok(())
    };
    let client = db.tx(move |conn| service::change_client(conn, &caller, id.0, renew)).await?;
    let version = client.version;
    let view =
        ClientWithSecret { client: client.into(), client_secret: secret.expose().to_owned() };
    Ok(Answer::ok(&view)?.version(version))
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
    security(("bearer" = ["clients:write"]), ("client_credentials" = ["clients:write"])),
    responses((status = 201, description = "The new key", body = SigningKeyView)),
)]
#[post("/signing-keys")]
async fn rotate_signing_key(
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
